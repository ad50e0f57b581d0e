//! What each kind of thing that people edit says of itself: its table, its key, and what speaks against a change of it.

use std::collections::HashSet;
use std::fmt::{Debug, Display};
use std::hash::Hash;

use serde::Serialize;
use telness_core::names::TenantName;

use super::{Control, Expect, Refusal, Versioned};
use crate::StoreError;
use crate::sql::{Column, LISTED_MAX, Row, Transaction, Value, is_one_of};

/// A kind of thing that is kept with a version each: tenants, users, blocks, numbers, decks.
pub trait Entity: Clone + Debug + Serialize + Send + Sync + 'static {
    /// What there is one of each of.
    type Key: Clone + Debug + Display + Eq + Hash + Ord + Send + Sync + 'static;
    /// What it is called, such as `user`.
    const NAME: &'static str;
    /// Which one it is.
    fn key(&self) -> Self::Key;
}

/// How it is stored.
pub(crate) trait Stored: Entity {
    const TABLE: &'static str;
    /// The columns of the key: the first of `COLUMNS`.
    const KEY: &'static [&'static str];
    /// All columns but `version` and `deleted`.
    const COLUMNS: &'static [Column];
    /// The column that says whose it is.
    const TENANT: Option<&'static str>;

    fn key_values(key: &Self::Key) -> Vec<Value>;
    /// Reads the columns.
    fn read(row: &Row) -> Result<Self, StoreError>;
    fn tenant(&self) -> Option<&TenantName>;

    /// What needs it, so that it cannot be deleted.
    fn needed_by(
        &self,
        transaction: &mut Transaction,
    ) -> impl Future<Output = Result<Option<Refusal>, StoreError>> + Send;
}

/// What is put whole by people.
pub(crate) trait Editable: Stored {
    /// The columns' values.
    fn values(&self) -> Result<Vec<Value>, StoreError>;

    /// What is wrong with it whatever else there is.
    fn invalid(&self, control: &Control) -> Option<String>;

    /// What else speaks against these, once they have been written: each by its place among them.
    fn refused(
        transaction: &mut Transaction,
        puts: &[Put<Self>],
    ) -> impl Future<Output = Result<Vec<(usize, Refusal)>, StoreError>> + Send;
}

/// One thing that is put, and what was there before.
pub(crate) struct Put<E> {
    pub(super) value: E,
    pub(super) expect: Expect,
    pub(super) before: Option<Versioned<E>>,
}

/// The rows of a table with one of these keys, of which there may be any number.
pub(super) async fn rows_with(
    transaction: &mut Transaction,
    select: &str,
    columns: &[&str],
    keys: &[Vec<Value>],
) -> Result<Vec<Row>, StoreError> {
    let at_once = LISTED_MAX.checked_div(columns.len()).unwrap_or(1).max(1);
    let mut found = Vec::new();
    for chunk in keys.chunks(at_once) {
        // Filled up with the last key, so that there are few statements to prepare.
        let count = chunk.len().next_power_of_two();
        let sql = format!("{select} AND {}", is_one_of(columns, 0, count));
        let filled = chunk.iter().chain(std::iter::repeat_n(chunk.last(), count).flatten()).take(count);
        let parameters = filled.flatten().cloned().collect();
        found.append(&mut transaction.query(sql, parameters).await?);
    }
    Ok(found)
}

/// Refuses what belongs to a tenant that is not there.
pub(super) async fn without_tenant<'a>(
    transaction: &mut Transaction,
    tenants: impl Iterator<Item = (usize, &'a TenantName)> + Clone + Send,
) -> Result<Vec<(usize, Refusal)>, StoreError> {
    let wanted: HashSet<&TenantName> = tenants.clone().map(|(_, tenant)| tenant).collect();
    let keys: Vec<Vec<Value>> = wanted.iter().map(|tenant| vec![tenant.as_str().into()]).collect();
    let rows = rows_with(transaction, "SELECT name FROM tenants WHERE NOT deleted", &["name"], &keys).await?;
    let mut there = HashSet::new();
    for row in &rows {
        there.insert(row.parsed::<TenantName>(0)?);
    }
    let missing = tenants.filter(|(_, tenant)| !there.contains(tenant));
    let why = "its tenant is not there";
    Ok(missing.map(|(place, tenant)| (place, conflict("tenant", tenant, why))).collect())
}

pub(super) fn conflict(entity: &str, key: &impl Display, why: &'static str) -> Refusal {
    Refusal::Conflict { with: format!("{entity} {key}"), why }
}
