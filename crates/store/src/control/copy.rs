//! What people edited as it is kept, with versions and tombstones: for whoever copies a store into another. A row is
//! read in the order of its key, and written where nothing is yet.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use telness_core::deck::DeckRow;
use telness_core::names::TenantName;
use telness_core::time::Timestamp;

use super::Deck;
use super::crud::columns;
use super::deck_loads::{self, ROW, row_values};
use super::decks::{self, deck_row};
use super::entity::{Editable, Stored};
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Transaction, Value, listed};

/// One thing, with the change that it is of, whether or not it is still there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept<E> {
    pub(crate) value: E,
    pub(crate) version: i64,
    #[serde(default)]
    pub(crate) deleted: bool,
}

/// A revision of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) revision: i64,
    pub(crate) author: String,
    pub(crate) comment: String,
    pub(crate) at: Timestamp,
    pub(crate) text: String,
}

/// That a revision was published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Publication {
    pub(crate) version: i64,
    pub(crate) revision: i64,
    pub(crate) author: String,
    pub(crate) comment: String,
    pub(crate) at: Timestamp,
}

/// A row of a deck's revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeckRowOf {
    pub(crate) revision: i64,
    pub(crate) row: DeckRow,
}

/// An entry of the log of changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) version: i64,
    pub(crate) place: i64,
    pub(crate) at: Timestamp,
    pub(crate) author: String,
    pub(crate) comment: String,
    pub(crate) tenant: Option<String>,
    pub(crate) entity: String,
    pub(crate) key: String,
    pub(crate) before: Option<Json>,
    pub(crate) after: Option<Json>,
}

const PLANS: &str =
    "SELECT revision, author, comment, at, text FROM plans WHERE revision > ?1 ORDER BY revision LIMIT ?2";
const PUBLICATIONS: &str = "SELECT version, revision, author, comment, at FROM plan_publications WHERE version > ?1
    ORDER BY version LIMIT ?2";
const CHANGES: &str = "SELECT version, place, at, author, comment, tenant, entity, key, before, after FROM changes
    WHERE (version, place) > (?1, ?2)";

/// Things of a kind after one of them, by key: so many at most.
pub(crate) async fn kept<E: Stored>(
    transaction: &mut Transaction,
    tenant: Option<&TenantName>,
    after: Option<&E>,
    limit: i64,
) -> Result<Vec<Kept<E>>, StoreError> {
    let (mut conditions, mut parameters) = (vec!["1 = 1".to_owned()], Vec::new());
    if let Some((tenant, column)) = tenant.zip(E::TENANT) {
        parameters.push(tenant.as_str().into());
        conditions.push(format!("{column} = ?1"));
    }
    if let Some(after) = after {
        let (key, values) = (E::KEY.join(", "), listed(parameters.len(), E::KEY.len()));
        parameters.append(&mut E::key_values(&after.key()));
        conditions.push(format!("({key}) > ({values})"));
    }
    parameters.push(limit.into());
    let sql = format!(
        "SELECT {}, version, deleted FROM {} WHERE {} ORDER BY {} LIMIT ?{}",
        columns::<E>(),
        E::TABLE,
        conditions.join(" AND "),
        E::KEY.join(", "),
        parameters.len()
    );
    let version = E::COLUMNS.len();
    let rows = transaction.query(sql, parameters).await?;
    let of = |row: &crate::sql::Row| {
        Ok(Kept { value: E::read(row)?, version: row.int(version)?, deleted: row.bool(version.saturating_add(1))? })
    };
    rows.iter().map(of).collect()
}

/// Revisions of the plan after one.
pub(crate) async fn plans(transaction: &mut Transaction, after: i64, limit: i64) -> Result<Vec<Plan>, StoreError> {
    let rows = transaction.query(PLANS, vec![after.into(), limit.into()]).await?;
    let of = |row: &crate::sql::Row| {
        let (author, comment, text) = (row.text(1)?.to_owned(), row.text(2)?.to_owned(), row.text(4)?.to_owned());
        Ok(Plan { revision: row.int(0)?, author, comment, at: row.time(3)?, text })
    };
    rows.iter().map(of).collect()
}

/// Publications after a version.
pub(crate) async fn publications(
    transaction: &mut Transaction,
    after: i64,
    limit: i64,
) -> Result<Vec<Publication>, StoreError> {
    let rows = transaction.query(PUBLICATIONS, vec![after.into(), limit.into()]).await?;
    let of = |row: &crate::sql::Row| {
        let (author, comment) = (row.text(2)?.to_owned(), row.text(3)?.to_owned());
        Ok(Publication { version: row.int(0)?, revision: row.int(1)?, author, comment, at: row.time(4)? })
    };
    rows.iter().map(of).collect()
}

/// Rows of a deck's revision after one of them.
pub(crate) async fn deck_rows(
    transaction: &mut Transaction,
    revision: i64,
    after: Option<&DeckRow>,
    limit: i64,
) -> Result<Vec<DeckRow>, StoreError> {
    let (sql, parameters) = decks::rows_after(revision, after.map(Into::into).as_ref(), limit);
    transaction.query(sql, parameters).await?.iter().map(deck_row).collect()
}

/// Entries of the log after one of them.
pub(crate) async fn changes(
    transaction: &mut Transaction,
    tenant: Option<&TenantName>,
    after: (i64, i64),
    limit: i64,
) -> Result<Vec<Change>, StoreError> {
    let mut parameters = vec![after.0.into(), after.1.into(), limit.into()];
    let mut sql = CHANGES.to_owned();
    if let Some(tenant) = tenant {
        parameters.push(tenant.as_str().into());
        sql.push_str(" AND tenant = ?4");
    }
    sql.push_str(" ORDER BY version, place LIMIT ?3");
    let of = |row: &crate::sql::Row| {
        Ok(Change {
            version: row.int(0)?,
            place: row.int(1)?,
            at: row.time(2)?,
            author: row.text(3)?.to_owned(),
            comment: row.text(4)?.to_owned(),
            tenant: row.opt_text(5)?.map(str::to_owned),
            entity: row.text(6)?.to_owned(),
            key: row.text(7)?.to_owned(),
            before: row.opt_json(8)?,
            after: row.opt_json(9)?,
        })
    };
    transaction.query(sql, parameters).await?.iter().map(of).collect()
}

/// Writes things as they were kept.
pub(crate) async fn put_kept<E: Editable>(transaction: &mut Transaction, all: Vec<Kept<E>>) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(all.len());
    for one in &all {
        rows.push(with_version(one.value.values()?, one.version, one.deleted));
    }
    put_rows::<E>(transaction, rows).await
}

/// Writes decks as they were kept; their rows come after them.
pub(crate) async fn put_decks(transaction: &mut Transaction, all: Vec<Kept<Deck>>) -> Result<(), StoreError> {
    for Kept { value, deleted, .. } in &all {
        if !deleted {
            deck_loads::begin_whole(transaction, value).await?;
        }
    }
    let row = |one: &Kept<Deck>| with_version(deck_values(&one.value), one.version, one.deleted);
    put_rows::<Deck>(transaction, all.iter().map(row).collect()).await
}

/// Writes rows of decks.
pub(crate) async fn put_deck_rows(transaction: &mut Transaction, all: Vec<DeckRowOf>) -> Result<(), StoreError> {
    let values = all.iter().map(|one| row_values(one.revision, &one.row)).collect();
    transaction.insert(Insert { table: "deck_rows", columns: ROW, on_conflict: "" }, values).await.map(drop)
}

/// Writes revisions of the plan.
pub(crate) async fn put_plans(transaction: &mut Transaction, all: Vec<Plan>) -> Result<(), StoreError> {
    for plan in all {
        super::plans::add(transaction, &plan).await?;
    }
    Ok(())
}

/// Writes publications.
pub(crate) async fn put_publications(transaction: &mut Transaction, all: Vec<Publication>) -> Result<(), StoreError> {
    for one in all {
        super::plans::add_publication(transaction, &one).await?;
    }
    Ok(())
}

/// Writes entries of the log.
pub(crate) async fn put_changes(transaction: &mut Transaction, all: Vec<Change>) -> Result<(), StoreError> {
    let json = |value: Option<Json>| value.map_or(Value::Null, |value| Value::Text(value.to_string()));
    let row = |one: Change| {
        vec![
            one.version.into(),
            one.place.into(),
            one.at.into(),
            one.author.into(),
            one.comment.into(),
            one.tenant.into(),
            one.entity.into(),
            one.key.into(),
            json(one.before),
            json(one.after),
        ]
    };
    let rows = all.into_iter().map(row).collect();
    let insert = Insert { table: "changes", columns: super::changing::LOG, on_conflict: "" };
    transaction.insert(insert, rows).await.map(drop)
}

/// Has the counter stand where it stood, and nodes look.
pub(crate) async fn set_counter(transaction: &mut Transaction, version: i64) -> Result<(), StoreError> {
    transaction.execute("UPDATE change_counter SET version = ?1", vec![version.into()]).await?;
    transaction.hint().await
}

/// The columns of a deck.
pub(super) fn deck_values(deck: &Deck) -> Vec<Value> {
    vec![
        deck.trunk.as_str().into(),
        i64::try_from(deck.revision).unwrap_or(i64::MAX).into(),
        deck.currency.as_str().into(),
        i64::try_from(deck.rows).unwrap_or(i64::MAX).into(),
        deck.author.as_str().into(),
        deck.comment.as_str().into(),
        deck.at.into(),
    ]
}

fn with_version(mut values: Vec<Value>, version: i64, deleted: bool) -> Vec<Value> {
    values.push(version.into());
    values.push(deleted.into());
    values
}

async fn put_rows<E: Stored>(transaction: &mut Transaction, rows: Vec<Vec<Value>>) -> Result<(), StoreError> {
    let columns: Vec<Column> =
        E::COLUMNS.iter().copied().chain([("version", Kind::Int), ("deleted", Kind::Bool)]).collect();
    transaction.insert(Insert { table: E::TABLE, columns: &columns, on_conflict: "" }, rows).await.map(drop)
}
