//! The journal and the stores: the only crate that knows SQL.
//!
//! A call is put in the [`Journal`] before it is answered, and moved on from there into a [`Store`] by the
//! shipper. Writing the same entries again changes nothing, so the shipper may repeat itself.

mod counted;
mod entry;
mod journal;
mod postgres;
mod query;
mod sqlite;
mod words;

use std::future::Future;
use std::pin::Pin;

use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::CallRecord;

pub use counted::EVENTS_OF_A_KIND_MAX;
pub use entry::{Entry, EntryError};
pub use journal::{Journal, JournalError, JournalId, JournalOptions, JournalReader, Position};
pub use postgres::{MigrationStatus, Migrations, Observe, PostgresOptions, PostgresStore, Tls, Transacted};
pub use query::{CallQuery, Cursor, Page, StoredCall, StoredSummary};
pub use sqlite::SqliteStore;

/// What a store promises, later.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a store could not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or does not answer; the same may be tried again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It refused, or holds what it should not; trying again does not help.
    #[error("the store is damaged or of another version: {0}")]
    Broken(String),
    /// The database is yet to be made ready for this version of telness.
    #[error(
        "the database's schema is at version {found} and this telness needs {needed}: run `telness migrate up` with \
         its settings; calls go on meanwhile, and wait in the journal"
    )]
    NotMigrated {
        /// The version that the database has; 0 is none.
        found: i64,
        /// The version that this telness needs.
        needed: i64,
    },
    /// A later telness brought its schema forward. Only that one, or a later one, reads and writes it.
    #[error(
        "the store's schema is at version {found}, which a later telness made, and this one knows it up to version \
         {known}; run the later one again, or give this one a data folder of its own with --data"
    )]
    Later {
        /// The version that the store has.
        found: i64,
        /// The latest version that this telness knows.
        known: i64,
    },
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Events that were put beyond those that count.
    pub events_beyond: usize,
}

/// Where calls and events end up. One small contract, one suite of tests over every implementation.
pub trait Store: Send + Sync + 'static {
    /// Writes entries that the journal holds up to `upto`, and that it has come so far, in one transaction.
    /// What is there already stays as it is. Of a call's events so many of each kind count
    /// ([`EVENTS_OF_A_KIND_MAX`]); the others are kept, and tell of themselves by `more_events` of the call.
    fn write(&self, journal: JournalId, upto: Position, entries: Vec<Entry>) -> Pending<'_, Written>;

    /// How far entries of this journal were written.
    fn position(&self, journal: JournalId) -> Pending<'_, Option<Position>>;

    /// One call with the events that count and the detail record that they make; none if it is not this tenant's.
    fn call<'a>(&'a self, tenant: &'a TenantName, id: CallId) -> Pending<'a, Option<StoredCall>>;

    /// Calls of a tenant, newest first.
    fn calls<'a>(&'a self, tenant: &'a TenantName, query: &'a CallQuery) -> Pending<'a, Page>;

    /// Other records that came under the id of a call that was there: the first is the call, and all are kept (N7).
    fn contradictions<'a>(&'a self, tenant: &'a TenantName, id: CallId) -> Pending<'a, Vec<CallRecord>>;

    /// Whether it can be read and written.
    fn check(&self) -> Pending<'_, ()>;

    /// Small chores that nobody waits for, to be done every few seconds by each node.
    fn tend(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}
