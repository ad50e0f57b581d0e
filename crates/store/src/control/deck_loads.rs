//! A deck is loaded beside the one in force, in batches that show nowhere, and comes into force by one change. What was
//! not finished is swept away, and so is what was replaced.

use telness_core::deck::{Currency, DeckRow};
use telness_core::names::TrunkName;
use telness_core::time::Timestamp;

use super::changing::{Changing, Noted};
use super::crud::unexpected;
use super::decks::key_values;
use super::entity::Stored;
use super::{Control, ControlError, Deck, Edit, Entity, Expect, Refusal, Version};
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Transaction, Value};

/// How many rows can be added at once.
pub const DECK_BATCH_ROWS_MAX: usize = 20_000;

/// A revision takes its number from the counter of changes, without being one.
const NEXT: &str = "UPDATE change_counter SET version = version + 1 RETURNING version";
const BEGIN: &str = "INSERT INTO deck_revisions (revision, trunk, currency, row_count, touched_at, loading)
    VALUES (?1, ?2, ?3, 0, ?4, TRUE)";
const BEGIN_WHOLE: &str = "INSERT INTO deck_revisions (revision, trunk, currency, row_count, touched_at, loading)
    VALUES (?1, ?2, ?3, ?4, ?5, FALSE)";
const TOUCH: &str =
    "UPDATE deck_revisions SET row_count = row_count + ?2, touched_at = ?3 WHERE revision = ?1 AND loading";
const FINISH: &str = "UPDATE deck_revisions SET loading = FALSE WHERE revision = ?1 AND loading
    RETURNING trunk, currency, row_count";
const CURRENT: &str = "SELECT trunk, revision, currency, row_count, author, comment, at, version FROM decks
    WHERE NOT deleted AND trunk = ?1";
const IN_FORCE: &str = "INSERT INTO decks (trunk, revision, currency, row_count, author, comment, at, version, deleted)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, FALSE) ON CONFLICT (trunk) DO UPDATE SET revision = excluded.revision,
    currency = excluded.currency, row_count = excluded.row_count, author = excluded.author,
    comment = excluded.comment, at = excluded.at, version = excluded.version, deleted = excluded.deleted";
const ABANDON: &str = "UPDATE deck_revisions SET loading = FALSE WHERE revision = ?1 AND loading";
const ABANDON_OLD: &str = "UPDATE deck_revisions SET loading = FALSE WHERE loading AND touched_at < ?1";
const OUT_OF_FORCE: &str = "SELECT revision FROM deck_revisions WHERE NOT loading
    AND revision NOT IN (SELECT revision FROM decks WHERE NOT deleted) ORDER BY revision LIMIT 1";
/// The prefix up to which one sweep goes; none if it takes all that is left.
const SWEEP_UPTO: &str = "SELECT prefix FROM deck_rows WHERE revision = ?1 ORDER BY prefix, origin, valid_from
    LIMIT 1 OFFSET ?2";
const SWEEP_PART: &str = "DELETE FROM deck_rows WHERE revision = ?1 AND prefix <= ?2";
const SWEEP_REST: &str = "DELETE FROM deck_rows WHERE revision = ?1";
const SWEPT: &str = "DELETE FROM deck_revisions WHERE revision = ?1";

pub(super) const ROW: &[Column] = &[
    ("revision", Kind::Int),
    ("prefix", Kind::Text),
    ("origin", Kind::Text),
    ("valid_from", Kind::Time),
    ("valid_until", Kind::Time),
    ("price", Kind::Int),
    ("connection_fee", Kind::Int),
    ("surcharge", Kind::Int),
    ("first_s", Kind::Int),
    ("next_s", Kind::Int),
];

/// What a deck is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeckHead {
    /// The trunk, by its name in the plan.
    pub trunk: TrunkName,
    /// The currency of its amounts.
    pub currency: Currency,
}

/// A deck that is being loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeckLoad {
    /// The revision that it will have.
    pub revision: u64,
}

impl Control {
    /// Begins to load a deck. It shows nowhere until it is finished.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn begin_deck(&self, head: &DeckHead, at: Timestamp) -> Result<DeckLoad, ControlError> {
        let mut transaction = self.database.begin("begin_deck").await?;
        let counted = transaction.query(NEXT, Vec::new()).await?;
        let revision = counted.first().ok_or_else(super::changing::no_counter)?.int(0)?;
        let parameters = vec![revision.into(), head.trunk.as_str().into(), head.currency.as_str().into(), at.into()];
        transaction.execute(BEGIN, parameters).await?;
        transaction.commit().await?;
        Ok(DeckLoad { revision: u64::try_from(revision).unwrap_or_default() })
    }

    /// Adds rows to a deck that is being loaded: all of them, or none.
    ///
    /// # Errors
    /// When one is there already, the load was given up meanwhile, or the database cannot.
    pub async fn add_deck_rows(&self, load: DeckLoad, rows: &[DeckRow], at: Timestamp) -> Result<(), ControlError> {
        if rows.len() > DECK_BATCH_ROWS_MAX {
            let why = format!("at most {DECK_BATCH_ROWS_MAX} rows can be added at once");
            return Err(refused(load, Refusal::Invalid(why)));
        }
        let (revision, count) = (revision_value(load), i64::try_from(rows.len()).unwrap_or(i64::MAX));
        let mut transaction = self.database.begin("load_deck").await?;
        let touched = transaction.execute(TOUCH, vec![revision.into(), count.into(), at.into()]).await?;
        if touched == 0 {
            return Err(refused(load, Refusal::NotFound));
        }
        let values = rows.iter().map(|row| row_values(revision, row)).collect();
        let insert = Insert { table: "deck_rows", columns: ROW, on_conflict: "ON CONFLICT DO NOTHING" };
        let written = transaction.insert(insert, values).await?;
        if written != u64::try_from(rows.len()).unwrap_or(u64::MAX) {
            let why = "a prefix, origin and valid_from of these rows is there already".to_owned();
            return Err(refused(load, Refusal::Invalid(why)));
        }
        Ok(transaction.commit().await?)
    }

    /// Brings a loaded deck into force, in the place of the trunk's former one. `expect` is of that one.
    ///
    /// # Errors
    /// When it has no rows, was given up meanwhile, another came into force, or the database cannot; then the former
    /// one stays.
    pub async fn finish_deck(&self, edit: &Edit, load: DeckLoad, expect: Expect) -> Result<Version, ControlError> {
        let mut changing = Changing::begin(self, "finish_deck", edit).await?;
        let transaction = &mut changing.transaction;
        let revision = revision_value(load);
        let loaded = transaction.query(FINISH, vec![revision.into()]).await?;
        let loaded = loaded.first().ok_or_else(|| refused(load, Refusal::NotFound))?;
        let deck = Deck {
            trunk: loaded.parsed(0)?,
            revision: load.revision,
            currency: loaded.parsed(1)?,
            rows: loaded.number(2)?,
            author: edit.author.clone(),
            comment: edit.comment.clone(),
            at: edit.at,
        };
        if deck.rows == 0 {
            return Err(refused(load, Refusal::Invalid("it has no rows".to_owned())));
        }
        let current = transaction.query(CURRENT, vec![deck.trunk.as_str().into()]).await?;
        let current = current.first();
        let version = current.map(|row| row.int(Deck::COLUMNS.len())).transpose()?.map(Version);
        if let Some(refusal) = unexpected(expect, version) {
            return Err(ControlError::Refused { entity: Deck::NAME, key: deck.trunk.to_string(), refusal });
        }
        let before = current.map(Deck::read).transpose()?;
        let parameters = vec![
            deck.trunk.as_str().into(),
            revision.into(),
            deck.currency.as_str().into(),
            i64::try_from(deck.rows).unwrap_or(i64::MAX).into(),
            deck.author.as_str().into(),
            deck.comment.as_str().into(),
            deck.at.into(),
            changing.version.0.into(),
        ];
        transaction.execute(IN_FORCE, parameters).await?;
        changing.note(Noted {
            tenant: None,
            entity: Deck::NAME,
            key: deck.trunk.to_string(),
            before: before.map_or(Ok(Value::Null), |before| Value::json(&before))?,
            after: Value::json(&deck)?,
        });
        changing.commit().await
    }

    /// Gives up a load; its rows are swept away.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn abandon_deck(&self, load: DeckLoad) -> Result<(), ControlError> {
        let mut transaction = self.database.begin("abandon_deck").await?;
        transaction.execute(ABANDON, vec![revision_value(load).into()]).await?;
        Ok(transaction.commit().await?)
    }

    /// Sweeps away rows that no deck has: of loads that nobody touched since a time, and of decks that were replaced
    /// or deleted. It does so much in one transaction and no more; tells whether there is more.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn sweep_decks(&self, abandoned_before: Timestamp) -> Result<bool, ControlError> {
        let mut transaction = self.database.begin("sweep_decks").await?;
        transaction.execute(ABANDON_OLD, vec![abandoned_before.into()]).await?;
        let found = transaction.query(OUT_OF_FORCE, Vec::new()).await?;
        let Some(found) = found.first() else {
            transaction.commit().await?;
            return Ok(false);
        };
        let revision = found.int(0)?;
        let at_once = i64::try_from(DECK_BATCH_ROWS_MAX).unwrap_or(i64::MAX);
        let upto = transaction.query(SWEEP_UPTO, vec![revision.into(), at_once.into()]).await?;
        if let Some(upto) = upto.first() {
            transaction.execute(SWEEP_PART, vec![revision.into(), upto.text(0)?.into()]).await?;
        } else {
            transaction.execute(SWEEP_REST, vec![revision.into()]).await?;
            transaction.execute(SWEPT, vec![revision.into()]).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}

/// Notes a revision whose rows come now, in this transaction, and are in force when it ends.
pub(super) async fn begin_whole(transaction: &mut Transaction, deck: &Deck) -> Result<(), StoreError> {
    let whole = |value: u64| Value::Int(i64::try_from(value).unwrap_or(i64::MAX));
    let (trunk, currency) = (deck.trunk.as_str().into(), deck.currency.as_str().into());
    let parameters = vec![whole(deck.revision), trunk, currency, whole(deck.rows), deck.at.into()];
    transaction.execute(BEGIN_WHOLE, parameters).await.map(drop)
}

fn revision_value(load: DeckLoad) -> i64 {
    i64::try_from(load.revision).unwrap_or(i64::MAX)
}

pub(super) fn row_values(revision: i64, row: &DeckRow) -> Vec<Value> {
    let mut values = Vec::with_capacity(ROW.len());
    values.push(revision.into());
    values.append(&mut key_values(row.prefix, row.origin, row.valid_from));
    values.push(row.valid_until.into());
    for amount in [row.price, row.connection_fee, row.surcharge] {
        values.push(amount.0.into());
    }
    for seconds in [row.first_s, row.next_s] {
        values.push(u32::from(seconds).into());
    }
    values
}

fn refused(load: DeckLoad, refusal: Refusal) -> ControlError {
    ControlError::Refused { entity: "deck load", key: load.revision.to_string(), refusal }
}
