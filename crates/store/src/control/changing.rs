//! One change: a transaction that takes its number first, and keeps in the log what it did.

use telness_core::names::TenantName;

use super::{Control, ControlError, Edit, Version};
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Transaction, Value};

/// The row lock that this takes is held to the end: changes commit in the order of their numbers.
const NEXT: &str = "UPDATE change_counter SET version = version + 1 RETURNING version";

pub(super) const LOG: &[Column] = &[
    ("version", Kind::Int),
    ("place", Kind::Int),
    ("at", Kind::Time),
    ("author", Kind::Text),
    ("comment", Kind::Text),
    ("tenant", Kind::Text),
    ("entity", Kind::Text),
    ("key", Kind::Text),
    ("before", Kind::Json),
    ("after", Kind::Json),
];

/// A change that is being made.
pub(super) struct Changing<'a> {
    pub(super) transaction: Transaction,
    pub(super) version: Version,
    edit: &'a Edit,
    /// How many things were noted.
    noted: i64,
    log: Vec<Vec<Value>>,
}

/// What the log says of one thing.
pub(super) struct Noted<'a> {
    pub(super) tenant: Option<&'a TenantName>,
    pub(super) entity: &'static str,
    pub(super) key: String,
    /// As JSON; nothing if it was not there.
    pub(super) before: Value,
    /// As JSON; nothing if it is no more.
    pub(super) after: Value,
}

impl<'a> Changing<'a> {
    /// Begins a change by the name that its transaction is measured under.
    pub(super) async fn begin(control: &Control, name: &'static str, edit: &'a Edit) -> Result<Self, ControlError> {
        let transaction = control.database.begin(name).await?;
        Self::begin_in(transaction, edit).await
    }

    /// Makes a change of a transaction that was begun.
    pub(super) async fn begin_in(mut transaction: Transaction, edit: &'a Edit) -> Result<Self, ControlError> {
        let counted = transaction.query(NEXT, Vec::new()).await?;
        let version = counted.first().ok_or_else(no_counter)?.int(0)?;
        Ok(Self { transaction, version: Version(version), edit, noted: 0, log: Vec::new() })
    }

    /// Notes what became of one thing.
    pub(super) fn note(&mut self, noted: Noted<'_>) {
        let place = self.noted;
        self.noted = self.noted.saturating_add(1);
        self.log.push(vec![
            self.version.0.into(),
            place.into(),
            self.edit.at.into(),
            self.edit.author.as_str().into(),
            self.edit.comment.as_str().into(),
            noted.tenant.map(TenantName::as_str).into(),
            noted.entity.into(),
            noted.key.into(),
            noted.before,
            noted.after,
        ]);
    }

    /// Writes what was noted so far, so that a long change does not keep it all in memory.
    pub(super) async fn write_log(&mut self) -> Result<(), StoreError> {
        let insert = Insert { table: "changes", columns: LOG, on_conflict: "" };
        let log = std::mem::take(&mut self.log);
        self.transaction.insert(insert, log).await.map(drop)
    }

    /// Keeps it.
    pub(super) async fn commit(mut self) -> Result<Version, ControlError> {
        self.write_log().await?;
        self.transaction.hint().await?;
        self.transaction.commit().await?;
        Ok(self.version)
    }
}

pub(super) fn no_counter() -> StoreError {
    StoreError::Broken("its change counter is gone; restore it from a backup".to_owned())
}
