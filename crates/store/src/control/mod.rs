//! What people edit and nodes report: tenants, users, the inventory of numbers, plans, rate decks, nodes. One code for
//! both databases.
//!
//! Every change is one transaction that first takes the next number of the change counter, whose row it so locks until
//! its end: changes commit in the order of their numbers, and whoever asks for all after a number never misses one.

mod blocks;
mod changing;
pub(crate) mod copy;
mod crud;
mod deck_loads;
mod decks;
mod entity;
mod error;
mod feed;
mod log;
pub(crate) mod merge;
mod nodes;
mod numbers;
mod plans;
mod tenants;
mod users;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use telness_core::time::Timestamp;

use crate::sql::Database;
use crate::{PostgresStore, SqliteStore};

pub use crud::{BULK_ITEMS_MAX, ListPage, ListQuery};
pub use deck_loads::{DECK_BATCH_ROWS_MAX, DeckHead, DeckLoad};
pub use decks::{Deck, DeckRowKey};
pub use entity::Entity;
pub(crate) use entity::Stored;
pub use error::{ControlError, FAULTS_MAX, Fault, Refusal};
pub use feed::{Change, ChangeCursor, Changed, Changes};
pub use log::{LogEntry, LogPage, LogPlace, LogQuery};
pub use nodes::NodeReport;
pub use plans::{PlanHead, PlanRevision, PublishedPlan};
pub use users::UserKey;

/// The control plane's tables in one database.
#[derive(Clone)]
pub struct Control {
    pub(crate) database: Database,
    /// After how long all of a call is final for billing, so that nothing of a tenant's is kept shorter.
    final_after: Option<Duration>,
}

impl Control {
    /// Where it is kept.
    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    /// Those in the embedded store.
    #[must_use]
    pub const fn of_sqlite(store: Arc<SqliteStore>) -> Self {
        Self { database: Database::Sqlite(store), final_after: None }
    }

    /// Those in Postgres.
    #[must_use]
    pub fn of_postgres(store: &PostgresStore) -> Self {
        Self { database: Database::Postgres(Arc::clone(store.pool())), final_after: None }
    }

    /// Refusing a tenant whose calls would be over before all of them is final for billing, after so long.
    #[must_use]
    pub fn with_calls_final_after(self, time: Duration) -> Self {
        Self { final_after: Some(time), ..self }
    }

    /// The latest schema that this telness knows of such a database.
    #[must_use]
    pub fn schema_version(&self) -> i64 {
        match self.database {
            Database::Sqlite(_) => crate::sqlite::schema_version(),
            Database::Postgres(_) => crate::postgres::schema_version(),
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").finish_non_exhaustive()
    }
}

/// The number of a change; what it touched carries it until the next change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub i64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something and the change that it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Versioned<E> {
    /// What it is.
    pub value: E,
    /// The change that it is of.
    pub version: Version,
}

/// What has to be there for a change to be made (`If-Match`, `If-None-Match`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// Whatever is there, or nothing.
    #[default]
    Any,
    /// Nothing.
    Absent,
    /// What this change left.
    Version(Version),
}

/// Who changes something, when and why: what the log says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Who.
    pub author: String,
    /// Why, in the author's words; may be empty.
    pub comment: String,
    /// When.
    pub at: Timestamp,
}
