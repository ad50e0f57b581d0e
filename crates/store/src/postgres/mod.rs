//! Postgres, for as many nodes as there are: calls and events by the day, written in batches by each node's shipper.
//!
//! Nothing is connected before it is needed, so a node starts without its database (S2). Two nodes may write the same
//! calls and events at once: rows are locked in the order of tenant and call id, and what came of a call is worked
//! out under its lock.

mod calls;
mod connect;
pub(crate) mod copy;
mod copy_in;
mod days;
mod doubts;
mod early;
mod events;
mod listen;
mod marks;
mod pool;
mod prune;
mod prune_day;
mod read;
mod schema;
mod trouble;
mod upkeep;
mod value;
mod verify;
mod write;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::CallRecord;
use tokio::sync::watch;

pub use connect::{Observe, PostgresOptions, Tls, Transacted};
pub use schema::{MigrationStatus, Migrations};

use crate::{CallQuery, JournalId, Page, Pending, Position, Shipment, Store, StoreError, StoredCall, Written};
use connect::Connector;
use days::Days;
pub(crate) use pool::Pool;
pub(crate) use schema::latest as schema_version;
pub(crate) use trouble::{Trouble, of_postgres};

const CHECK: &str = "INSERT INTO checks (only_row, count) VALUES (true, 1)
    ON CONFLICT (only_row) DO UPDATE SET count = checks.count + 1";

/// How long one look at waiting events goes on: with a million of them, whoever tends has other things to do as well.
const SWEEP_MAX: Duration = Duration::from_millis(500);

/// Batches are written one after the other.
const SHIPPING_CONNECTIONS: usize = 1;

/// A database of several nodes.
#[derive(Debug)]
pub struct PostgresStore {
    pool: Arc<Pool>,
    /// The shipper's own: readers and editors who wait for each other never keep it from the database.
    shipping: Pool,
    days: Days,
    hints: watch::Receiver<u64>,
    listener: listen::Listener,
    /// Whether calls were seen that are here with another time than their ids tell, so that each is to be looked at.
    has_strays: Arc<AtomicBool>,
    /// How far the look at waiting events has come; from the beginning if there is none.
    swept_to: Mutex<Option<write::Key>>,
}

impl PostgresStore {
    /// The store at an address, which is first asked for when somebody needs it. To be called within a runtime.
    ///
    /// # Errors
    /// When the address or the TLS settings cannot be read.
    pub fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        let others = PostgresOptions {
            connections_max: options.connections_max.saturating_sub(SHIPPING_CONNECTIONS).max(1),
            ..options.clone()
        };
        let shipping = PostgresOptions { connections_max: SHIPPING_CONNECTIONS, ..options.clone() };
        let (pool, shipping) = (Arc::new(Pool::new(&others)?), Pool::new(&shipping)?);
        let (listener, hints) = listen::Listener::new(Connector::new(options)?);
        Ok(Self {
            pool,
            shipping,
            days: Days::default(),
            hints,
            listener,
            has_strays: Arc::default(),
            swept_to: Mutex::default(),
        })
    }

    /// The connections, for the control plane beside.
    pub(crate) const fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Changes each time when somebody changed what nodes serve, without a word of what. Hints may be lost: whoever
    /// follows them looks by itself from time to time.
    #[must_use]
    pub fn hints(&self) -> watch::Receiver<u64> {
        self.listener.begin();
        self.hints.clone()
    }
}

impl PostgresStore {
    /// Writes a batch: copied, as one whose new ids nobody has yet, if it looks so; with a look at each row if it is not.
    async fn write(&self, batch: &Arc<write::Batch>) -> Result<Written, StoreError> {
        if batch.is_for_copy() && !self.has_strays.load(Ordering::Relaxed) {
            let not_new = Arc::new(AtomicBool::new(false));
            let written = self.shipping.transaction("copy_batch", |transaction| {
                let (batch, not_new) = (Arc::clone(batch), Arc::clone(&not_new));
                let has_strays = Arc::clone(&self.has_strays);
                Box::pin(async move {
                    let written = write::copied_batch(transaction, &batch, &has_strays).await;
                    not_new.store(matches!(written, Err(Trouble::NotNew)), Ordering::Relaxed);
                    written
                })
            });
            let written = written.await;
            if !not_new.load(Ordering::Relaxed) {
                return written;
            }
        }
        let written = self.shipping.transaction("write_batch", |transaction| {
            let (batch, has_strays) = (Arc::clone(batch), Arc::clone(&self.has_strays));
            Box::pin(async move { write::batch(transaction, &batch, &has_strays).await })
        });
        written.await
    }
}

impl Store for PostgresStore {
    fn ship(&self, shipment: Shipment) -> Pending<'_, Written> {
        Box::pin(async move {
            let batch = Arc::new(write::Batch::of(shipment)?);
            self.days.make(&self.shipping, batch.days()).await?;
            let written = self.write(&batch).await;
            if written.is_err() {
                // A day may have been dropped since it was made.
                self.days.forget();
            }
            written
        })
    }

    fn position(&self, journal: JournalId) -> Pending<'_, Option<Position>> {
        Box::pin(
            self.shipping
                .transaction("read_position", move |transaction| Box::pin(write::position(transaction, journal))),
        )
    }

    fn call<'a>(&'a self, tenant: &'a TenantName, id: CallId) -> Pending<'a, Option<StoredCall>> {
        Box::pin(self.pool.transaction("read_call", move |transaction| {
            let tenant = tenant.clone();
            Box::pin(async move { read::call(transaction, &tenant, id).await })
        }))
    }

    fn calls<'a>(&'a self, tenant: &'a TenantName, query: &'a CallQuery) -> Pending<'a, Page> {
        Box::pin(self.pool.transaction("list_calls", move |transaction| {
            let (tenant, query) = (tenant.clone(), query.clone());
            Box::pin(async move { read::calls(transaction, &tenant, &query).await })
        }))
    }

    fn contradictions<'a>(&'a self, tenant: &'a TenantName, id: CallId) -> Pending<'a, Vec<CallRecord>> {
        Box::pin(self.pool.transaction("read_contradictions", move |transaction| {
            let tenant = tenant.clone();
            Box::pin(async move { read::contradictions(transaction, &tenant, id).await })
        }))
    }

    fn check(&self) -> Pending<'_, ()> {
        Box::pin(self.pool.transaction("check", |transaction| {
            Box::pin(async move {
                transaction.execute(CHECK, &[]).await?;
                Ok(())
            })
        }))
    }

    fn tend(&self) -> Pending<'_, ()> {
        Box::pin(async move {
            self.days.make_ahead(&self.pool).await?;
            let before = self.swept_to.lock().unwrap_or_else(PoisonError::into_inner).take();
            let came = self.sweep_early_events(before, SWEEP_MAX).await?;
            *self.swept_to.lock().unwrap_or_else(PoisonError::into_inner) = came;
            Ok(())
        })
    }
}

/// Bytes or texts of the database that are not ours.
fn broken(error: impl std::fmt::Display) -> Trouble {
    Trouble::Ours(StoreError::Broken(error.to_string()))
}

/// As JSON text.
fn to_json(value: &impl serde::Serialize) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(broken)
}

/// As Postgres counts.
fn to_count(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}
