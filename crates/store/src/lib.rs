//! The journal and the stores: the only crate that knows SQL.
//!
//! A call is put in the [`Journal`] before it is answered, and moved on from there into a [`Store`] by the
//! shipper. Writing the same entries again changes nothing, so the shipper may repeat itself.

pub mod billing;
pub mod control;
mod counted;
mod entry;
pub mod export;
mod journal;
mod postgres;
mod query;
mod sql;
mod sqlite;
mod upkeep;
mod words;

use std::future::Future;
use std::pin::Pin;

use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::CallRecord;

pub use counted::EVENTS_OF_A_KIND_MAX;
pub use entry::{Entry, EntryError};
pub use journal::{Journal, JournalError, JournalExtent, JournalId, JournalOptions, JournalReader, Position};
pub use postgres::{MigrationStatus, Migrations, Observe, PostgresOptions, PostgresStore, Tls, Transacted};
pub use query::{CallQuery, Cursor, Page, StoredCall, StoredSummary};
pub use sqlite::SqliteStore;
pub use upkeep::{AwaitedCall, DayPruned, Doubtful, Prunable, PruneStep, PrunedStep, Upkeep};

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
    /// It lost what it had: it holds the journal up to an earlier position than before.
    #[error(
        "the store was set back: it lost records that it had taken; those that the journal still has are shipped again"
    )]
    SetBack {
        /// How far it holds the journal now.
        found: Option<Position>,
    },
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

/// A part of a journal on its way to the store.
#[derive(Clone, Debug)]
pub struct Shipment {
    /// Which journal.
    pub journal: JournalId,
    /// How far the store had come when it was last seen.
    pub after: Option<Position>,
    /// How far it comes with this.
    pub upto: Position,
    /// What the journal holds up to there.
    pub entries: Vec<Entry>,
}

/// What a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Events that were put beyond those that count.
    pub events_beyond: usize,
}

impl StoreError {
    /// Refuses a store that has come less far than it was seen to.
    fn require_not_set_back(found: Option<Position>, after: Option<Position>) -> Result<(), Self> {
        if found < after { Err(Self::SetBack { found }) } else { Ok(()) }
    }
}

/// Where calls and events end up. One small contract, one suite of tests over every implementation.
pub trait Store: Send + Sync + 'static {
    /// Writes what a journal holds up to a position, and that it has come so far, in one transaction.
    /// What is there already stays as it is. Of a call's events so many of each kind count
    /// ([`EVENTS_OF_A_KIND_MAX`]); the others are kept, and tell of themselves by `more_events` of the call.
    ///
    /// Nothing is written, and the answer is [`StoreError::SetBack`], when the store has not come as far as whoever
    /// ships saw it come: a standby took over that lacked the last commits, or a backup was restored (N1).
    fn ship(&self, shipment: Shipment) -> Pending<'_, Written>;

    /// The same, for whoever did not see how far the store had come.
    fn write(&self, journal: JournalId, upto: Position, entries: Vec<Entry>) -> Pending<'_, Written> {
        self.ship(Shipment { journal, after: None, upto, entries })
    }

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
