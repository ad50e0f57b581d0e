//! Records for billing: made from calls whose legs are final, closed into numbered files, and issued again as they were.
//!
//! Two steps, each of small transactions that any number of nodes and commands may run at once. *Gathering* looks at the
//! hours of calls that changed (or of which another leg is due), makes the records that are not there yet and those
//! that take the place of one in a file, and lets them wait. *Closing* takes a tenant's next number and gives it to
//! what waits. Both hold the paying tenant's row, so a record is in one file, and a number has no gap.
//!
//! What is issued is what was kept when the file was closed, line by line, whatever became of the calls.

mod close;
pub(crate) mod copy;
mod gather;
pub(crate) mod holds;
mod hours;
mod issue;
pub(crate) mod merge;
mod plan;
mod put;
mod row;
pub(crate) mod unbilled;
mod verify;

use std::future::Future;

use telness_core::names::TenantName;
use telness_core::record::billing::Settling;
use telness_core::time::Timestamp;

use crate::StoreError;
use crate::control::Control;
use crate::sql::{Database, Value};

pub use gather::Gathered;
pub(crate) use hours::Hours;
pub use issue::{BillingFile, Issued};

/// How often a transaction is begun again that gave way to another or lost its connection.
const ATTEMPTS_MAX: u32 = 4;

const TENANTS: &str = "SELECT tenant FROM billing_tenants ORDER BY tenant";
const OLDEST: &str = "SELECT min(made_at) FROM billing_records WHERE sequence IS NULL";

/// How records and files are made.
#[derive(Clone, Copy, Debug)]
pub struct Closing {
    /// When a leg is taken to be final.
    pub settling: Settling,
    /// How many records a file may have.
    pub file_records_max: u32,
    /// The time.
    pub now: Timestamp,
}

/// The billing tables in one database.
#[derive(Clone)]
pub struct Billing {
    database: Database,
}

impl std::fmt::Debug for Billing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Billing").finish_non_exhaustive()
    }
}

impl Billing {
    /// Those in the database of a control plane.
    #[must_use]
    pub fn of(control: &Control) -> Self {
        Self { database: control.database.clone() }
    }

    /// Who has records or files.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        let rows = self.database.query("list_billing_tenants", TENANTS, Vec::new()).await?;
        rows.iter().map(|row| row.parsed(0)).collect()
    }

    /// When the oldest record was made that is in no file yet.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn oldest_waiting(&self) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.database.query("billing_oldest", OLDEST, Vec::new()).await?;
        rows.first().map_or(Ok(None), |row| row.opt_time(0))
    }
}

/// Does something that is the same when it is done twice, and once more when it could not be done at once.
async fn again<T, F: Future<Output = Result<T, StoreError>>>(mut work: impl FnMut() -> F) -> Result<T, StoreError> {
    let mut attempts = 0_u32;
    loop {
        attempts = attempts.saturating_add(1);
        match work().await {
            Err(StoreError::Unavailable(why)) if attempts < ATTEMPTS_MAX => {
                tracing::debug!(why, "a transaction of billing is tried again");
                tokio::time::sleep(std::time::Duration::from_millis(20 << attempts)).await;
            }
            done => return done,
        }
    }
}

fn text(value: &TenantName) -> Value {
    value.as_str().into()
}
