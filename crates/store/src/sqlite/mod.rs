//! The embedded store: SQLite in the data folder.
//!
//! One thread writes and a few read, each with a connection of its own. The file is in WAL mode, so that readers and
//! the writer do not wait for each other.

pub(crate) mod copy;
mod events;
mod marks;
mod read;
mod row;
mod schema;
mod threads;
mod upkeep;
mod write;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::CallRecord;

use crate::{CallQuery, JournalId, Page, Pending, Position, Shipment, Store, StoreError, StoredCall, Written};
pub(crate) use schema::latest as schema_version;
use threads::{Opener, Threads};
use tokio::sync::oneshot;

/// Threads that read. More would only compete with the data path for the same cores.
const READERS: usize = 2;
/// Questions that may wait for a reader; the next one to ask waits to be put in the queue.
const READ_QUEUE_JOBS_MAX: usize = 64;
/// Batches that may wait for the writer. The shipper sends one at a time.
const WRITE_QUEUE_JOBS_MAX: usize = 4;
/// Statements that a connection keeps prepared: all that there are for calls, and the control plane's latest.
const STATEMENTS_MAX: usize = 64;

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    /// They end before the writer does: the last connection to close moves all into the file, and one that reads cannot.
    readers: Threads,
    /// None when it was opened to read only.
    writer: Option<Threads>,
}

impl SqliteStore {
    /// The store in a file, which is made and brought up to date when it is first asked something. Whatever is wrong
    /// with the file is told to whoever asks, each time, until it is right: a node starts without its store (S2).
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let writer = Threads::start("store-writer", file, connect_to_write, (1, WRITE_QUEUE_JOBS_MAX))?;
        Ok(Self { writer: Some(writer), readers: start_readers(file, connect_to_read_or_make)? })
    }

    /// Opens a store that is there, to read it beside a service that writes it.
    ///
    /// # Errors
    /// When the file is not there, cannot be read, or is of another version.
    pub fn open_read_only(file: &Path) -> Result<Self, StoreError> {
        // A person waits, who is to be told at once.
        drop(connect_to_read(file)?);
        Ok(Self { writer: None, readers: start_readers(file, connect_to_read)? })
    }

    /// Puts something in the writer's queue that holds it for longer than one question; gives where it will end.
    pub(crate) async fn hold_writer(
        &self,
        hold: impl FnOnce(&mut Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        self.writer()?.queue(hold).await
    }

    /// The same with a reader.
    pub(crate) async fn hold_reader(
        &self,
        hold: impl FnOnce(&mut Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        self.readers.queue(hold).await
    }

    /// Has a reader answer a question.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.ask(|connection| read(connection)).await
    }

    fn writer(&self) -> Result<&Threads, StoreError> {
        self.writer.as_ref().ok_or_else(|| StoreError::Unavailable("it was opened to read only".to_owned()))
    }
}

impl Store for SqliteStore {
    fn ship(&self, shipment: Shipment) -> Pending<'_, Written> {
        Box::pin(async move { self.writer()?.ask(move |connection| write::batch(connection, &shipment)).await })
    }

    fn position(&self, journal: JournalId) -> Pending<'_, Option<Position>> {
        Box::pin(self.readers.ask(move |connection| write::position(connection, journal)))
    }

    fn call<'a>(&'a self, tenant: &'a TenantName, id: CallId) -> Pending<'a, Option<StoredCall>> {
        let tenant = tenant.clone();
        Box::pin(self.readers.ask(move |connection| read::call(connection, &tenant, id)))
    }

    fn calls<'a>(&'a self, tenant: &'a TenantName, query: &'a CallQuery) -> Pending<'a, Page> {
        let (tenant, query) = (tenant.clone(), query.clone());
        Box::pin(self.readers.ask(move |connection| read::calls(connection, &tenant, &query)))
    }

    fn contradictions<'a>(&'a self, tenant: &'a TenantName, id: CallId) -> Pending<'a, Vec<CallRecord>> {
        let tenant = tenant.clone();
        Box::pin(self.readers.ask(move |connection| read::contradictions(connection, &tenant, id)))
    }

    fn check(&self) -> Pending<'_, ()> {
        Box::pin(async {
            self.readers.ask(|connection| schema::require_current(connection)).await?;
            match &self.writer {
                Some(writer) => writer.ask(|connection| write::check(connection)).await,
                None => Ok(()),
            }
        })
    }
}

fn start_readers(file: &Path, open: Opener) -> Result<Threads, StoreError> {
    Threads::start("store-reader", file, open, (READERS, READ_QUEUE_JOBS_MAX))
}

/// A connection that reads. A writer that waits for another process's lock does not hold it up, unless the file is yet
/// to be made or brought forward.
fn connect_to_read_or_make(file: &Path) -> Result<Connection, StoreError> {
    connect_to_read(file).or_else(|_| {
        drop(connect_to_write(file)?);
        connect_to_read(file)
    })
}

fn connect_to_write(file: &Path) -> Result<Connection, StoreError> {
    /// One thread at a time makes the store: of two that set a new file up, SQLite refuses one without waiting.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags).map_err(store_error)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection
        .execute_batch(
            "PRAGMA page_size = 8192;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 2048;
             PRAGMA cache_size = -65536;",
        )
        .map_err(store_error)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

fn connect_to_read(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(store_error)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    schema::require_current(&connection)?;
    Ok(connection)
}

/// Whether it helps to try again. What SQLite says of a file that is not ours or is damaged does not change by itself.
#[allow(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    let lasting = match error.sqlite_error_code() {
        Some(code) => matches!(
            code,
            ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::Unknown
        ),
        None => true,
    };
    if lasting { StoreError::Broken(error.to_string()) } else { StoreError::Unavailable(error.to_string()) }
}
