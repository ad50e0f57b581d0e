//! Read, list, put and delete: the same for every kind of thing.

use std::collections::HashMap;

use telness_core::names::TenantName;

use super::changing::{Changing, Noted};
use super::entity::{Editable, Put, Stored, rows_with};
use super::error::faults;
use super::{Control, ControlError, Edit, Entity, Expect, Fault, Refusal, Version, Versioned};
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Row, Transaction, Value, listed};

/// How many things can be put at once.
pub const BULK_ITEMS_MAX: usize = 10_000;

/// Which things are asked for.
#[derive(Clone, Debug)]
pub struct ListQuery<E: Entity> {
    /// Of this tenant.
    pub tenant: Option<TenantName>,
    /// Those after this one.
    pub after: Option<E::Key>,
    /// How many at most; at least one is asked for.
    pub limit: u32,
}

/// Some things in the order of their keys.
#[derive(Clone, Debug)]
pub struct ListPage<E: Entity> {
    /// The things.
    pub items: Vec<Versioned<E>>,
    /// The last one, when there are more.
    pub next: Option<E::Key>,
}

#[allow(private_bounds, reason = "what the table of an entity looks like is nobody else's business")]
impl Control {
    /// One thing, if it is there.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn get<E: Stored>(&self, key: &E::Key) -> Result<Option<Versioned<E>>, ControlError> {
        let key = E::key_values(key);
        let is_it: Vec<String> =
            E::KEY.iter().enumerate().map(|(at, name)| format!("{name} = ?{}", at.saturating_add(1))).collect();
        let sql = format!("{} AND {}", select::<E>(), is_it.join(" AND "));
        let rows = self.database.query("get_entity", sql, key).await?;
        Ok(rows.first().map(read::<E>).transpose()?)
    }

    /// Some of them, in the order of their keys.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn list<E: Stored>(&self, query: &ListQuery<E>) -> Result<ListPage<E>, ControlError> {
        let mut sql = select::<E>();
        let mut parameters = Vec::new();
        if let Some(tenant) = &query.tenant {
            let column = E::TENANT.unwrap_or("name");
            parameters.push(tenant.as_str().into());
            sql.push_str(&format!(" AND {column} = ?1"));
        }
        if let Some(after) = &query.after {
            let (key, values) = (E::KEY.join(", "), listed(parameters.len(), E::KEY.len()));
            parameters.append(&mut E::key_values(after));
            sql.push_str(&format!(" AND ({key}) > ({values})"));
        }
        let limit = query.limit.max(1);
        // One more tells whether there are more.
        parameters.push(limit.saturating_add(1).into());
        sql.push_str(&format!(" ORDER BY {} LIMIT ?{}", E::KEY.join(", "), parameters.len()));
        let rows = self.database.query("list_entities", sql, parameters).await?;
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        let items = rows.iter().take(shown).map(read::<E>).collect::<Result<Vec<_>, _>>()?;
        let more = rows.len() > shown;
        let next = items.last().filter(|_| more).map(|last| last.value.key());
        Ok(ListPage { items, next })
    }

    /// Puts one thing: makes it or changes it. Gives the version that it has now.
    ///
    /// # Errors
    /// When it is refused or the database cannot; then nothing was changed.
    pub async fn put<E: Editable>(&self, edit: &Edit, value: E, expect: Expect) -> Result<Version, ControlError> {
        self.put_all(edit, vec![(value, expect)]).await.map_err(|error| match error {
            ControlError::Faults { faults, count: 1 } => faults.into_iter().next().map_or_else(
                || ControlError::Store(StoreError::Broken("a fault without a fault".to_owned())),
                |fault| ControlError::Refused { entity: E::NAME, key: fault.key, refusal: fault.refusal },
            ),
            other => other,
        })
    }

    /// Puts several things in one change: all of them, or none if one is refused.
    ///
    /// # Errors
    /// When some are refused, each by its place, or the database cannot; then nothing was changed.
    pub async fn put_all<E: Editable>(&self, edit: &Edit, items: Vec<(E, Expect)>) -> Result<Version, ControlError> {
        refuse_by_themselves(self, &items)?;
        let mut changing = Changing::begin(self, "put_entities", edit).await?;
        let puts = with_what_is_there(&mut changing.transaction, items).await?;
        let unexpected = puts.iter().enumerate().filter_map(|(place, put)| {
            let found = put.before.as_ref().map(|before| before.version);
            Some(fault(place, &put.value, unexpected(put.expect, found)?))
        });
        faults(unexpected.collect())?;
        write(&mut changing, &puts).await?;
        let refused = E::refused(&mut changing.transaction, &puts).await?;
        let named = refused
            .into_iter()
            .filter_map(|(place, refusal)| puts.get(place).map(|put| fault(place, &put.value, refusal)));
        faults(named.collect())?;
        for put in &puts {
            changing.note(Noted {
                tenant: put.value.tenant(),
                entity: E::NAME,
                key: put.value.key().to_string(),
                before: put.before.as_ref().map_or(Ok(Value::Null), |before| Value::json(&before.value))?,
                after: Value::json(&put.value)?,
            });
        }
        changing.commit().await
    }

    /// Deletes one thing, if nothing needs it.
    ///
    /// # Errors
    /// When it is not there, is refused, or the database cannot; then nothing was changed.
    pub async fn delete<E: Stored>(&self, edit: &Edit, key: &E::Key, expect: Expect) -> Result<Version, ControlError> {
        let refused = |refusal| ControlError::Refused { entity: E::NAME, key: key.to_string(), refusal };
        let mut changing = Changing::begin(self, "delete_entity", edit).await?;
        let transaction = &mut changing.transaction;
        let rows = rows_with(transaction, &select::<E>(), E::KEY, &[E::key_values(key)]).await?;
        let before: Versioned<E> =
            rows.first().map(read::<E>).transpose()?.ok_or_else(|| refused(Refusal::NotFound))?;
        if let Some(refusal) = unexpected(expect, Some(before.version)) {
            return Err(refused(refusal));
        }
        if let Some(refusal) = before.value.needed_by(transaction).await? {
            return Err(refused(refusal));
        }
        let is_it: Vec<String> =
            E::KEY.iter().enumerate().map(|(at, name)| format!("{name} = ?{}", at.saturating_add(2))).collect();
        let sql = format!("UPDATE {} SET deleted = TRUE, version = ?1 WHERE {}", E::TABLE, is_it.join(" AND "));
        let mut parameters = vec![changing.version.0.into()];
        parameters.append(&mut E::key_values(key));
        transaction.execute(sql, parameters).await?;
        changing.note(Noted {
            tenant: before.value.tenant(),
            entity: E::NAME,
            key: key.to_string(),
            before: Value::json(&before.value)?,
            after: Value::Null,
        });
        changing.commit().await
    }
}

/// What is there of a kind, and has not been deleted.
fn select<E: Stored>() -> String {
    format!("SELECT {}, version FROM {} WHERE NOT deleted", columns::<E>(), E::TABLE)
}

pub(super) fn columns<E: Stored>() -> String {
    E::COLUMNS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn read<E: Stored>(row: &Row) -> Result<Versioned<E>, StoreError> {
    Ok(Versioned { value: E::read(row)?, version: Version(row.int(E::COLUMNS.len())?) })
}

pub(super) fn fault<E: Entity>(place: usize, value: &E, refusal: Refusal) -> Fault {
    Fault { place, key: value.key().to_string(), refusal }
}

pub(super) fn unexpected(expect: Expect, found: Option<Version>) -> Option<Refusal> {
    let as_expected = match expect {
        Expect::Any => true,
        Expect::Absent => found.is_none(),
        Expect::Version(version) => found == Some(version),
    };
    (!as_expected).then_some(Refusal::Unexpected { found })
}

/// Refuses what is wrong whatever is in the database.
fn refuse_by_themselves<E: Editable>(control: &Control, items: &[(E, Expect)]) -> Result<(), ControlError> {
    let mut places: HashMap<E::Key, usize> = HashMap::new();
    let mut found = Vec::new();
    for (place, (value, _)) in items.iter().enumerate() {
        if place >= BULK_ITEMS_MAX {
            let why = format!("at most {BULK_ITEMS_MAX} can be put at once; put them in several parts");
            found.push(fault(place, value, Refusal::Invalid(why)));
            break;
        }
        if let Some(why) = value.invalid(control) {
            found.push(fault(place, value, Refusal::Invalid(why)));
        }
        let first = *places.entry(value.key()).or_insert(place);
        if first != place {
            found.push(fault(place, value, Refusal::Twice { first }));
        }
    }
    faults(found)
}

pub(super) async fn with_what_is_there<E: Editable>(
    transaction: &mut Transaction,
    items: Vec<(E, Expect)>,
) -> Result<Vec<Put<E>>, StoreError> {
    let keys: Vec<Vec<Value>> = items.iter().map(|(value, _)| E::key_values(&value.key())).collect();
    let mut there = HashMap::new();
    for row in rows_with(transaction, &select::<E>(), E::KEY, &keys).await? {
        let found = read::<E>(&row)?;
        there.insert(found.value.key(), found);
    }
    let with = |(value, expect): (E, Expect)| Put { before: there.remove(&value.key()), value, expect };
    Ok(items.into_iter().map(with).collect())
}

pub(super) async fn write<E: Editable>(changing: &mut Changing<'_>, puts: &[Put<E>]) -> Result<(), StoreError> {
    let columns: Vec<Column> =
        E::COLUMNS.iter().copied().chain([("version", Kind::Int), ("deleted", Kind::Bool)]).collect();
    let mut rows = Vec::with_capacity(puts.len());
    for put in puts {
        let mut row = put.value.values()?;
        row.push(changing.version.0.into());
        row.push(false.into());
        rows.push(row);
    }
    let others = columns.iter().skip(E::KEY.len()).map(|(name, _)| format!("{name} = excluded.{name}"));
    let set = others.collect::<Vec<_>>().join(", ");
    let on_conflict = format!("ON CONFLICT ({}) DO UPDATE SET {set}", E::KEY.join(", "));
    let insert = Insert { table: E::TABLE, columns: &columns, on_conflict: &on_conflict };
    changing.transaction.insert(insert, rows).await?;
    Ok(())
}
