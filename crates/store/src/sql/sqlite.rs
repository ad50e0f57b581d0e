//! The embedded side: a transaction holds the store's one writer, on whose thread each of its steps runs.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, TransactionBehavior, params_from_iter};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Does, Insert, Row, Value, listed};
use crate::sqlite::store_error;
use crate::{SqliteStore, StoreError};

/// One step's work; tells whether it could be done.
type Work = Box<dyn FnOnce(&Connection) -> bool + Send>;

enum Step {
    Do(Work),
    Commit(oneshot::Sender<Result<(), StoreError>>),
}

/// A transaction on the writer's thread.
pub(crate) struct Session {
    /// One step at a time, as each waits for the answer of the one before.
    steps: SyncSender<Step>,
}

impl Session {
    /// Begins one as soon as the writer is free.
    pub(super) async fn begin(
        store: &SqliteStore,
        name: &'static str,
        took_max: Duration,
        does: Does,
    ) -> Result<Self, StoreError> {
        let (steps, waiting) = sync_channel(1);
        let (begun, has_begun) = oneshot::channel();
        let ended = if does == Does::Read {
            let behavior = TransactionBehavior::Deferred;
            store.hold_reader(move |connection| serve(connection, (name, took_max), behavior, begun, &waiting)).await?
        } else {
            let behavior = TransactionBehavior::Immediate;
            store.hold_writer(move |connection| serve(connection, (name, took_max), behavior, begun, &waiting)).await?
        };
        if has_begun.await.is_ok() {
            return Ok(Self { steps });
        }
        // It did not come so far: what it ended with says why.
        match ended.await {
            Ok(Err(error)) => Err(error),
            _ => Err(gone(name)),
        }
    }

    /// Does one step on the thread.
    pub(crate) async fn work<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let worked = work(connection);
            let done = worked.is_ok();
            let _ = reply.send(worked);
            done
        });
        self.steps.send(Step::Do(work)).map_err(|_| too_late())?;
        answer.await.map_err(|_| too_late())?
    }

    pub(super) async fn execute(&mut self, sql: String, parameters: Vec<Value>) -> Result<u64, StoreError> {
        self.work(move |connection| {
            let mut statement = connection.prepare_cached(&sql).map_err(store_error)?;
            let touched = statement.execute(params_from_iter(parameters)).map_err(store_error)?;
            Ok(u64::try_from(touched).unwrap_or(u64::MAX))
        })
        .await
    }

    pub(super) async fn query(&mut self, sql: String, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.work(move |connection| ask(connection, &sql, parameters)).await
    }

    pub(super) async fn insert(&mut self, insert: Insert<'_>, rows: Vec<Vec<Value>>) -> Result<u64, StoreError> {
        let names: Vec<&str> = insert.columns.iter().map(|(name, _)| *name).collect();
        let (table, names, values) = (insert.table, names.join(", "), listed(0, insert.columns.len()));
        let sql = format!("INSERT INTO {table} ({names}) VALUES ({values}) {}", insert.on_conflict);
        self.work(move |connection| {
            let mut statement = connection.prepare_cached(&sql).map_err(store_error)?;
            let mut written = 0_u64;
            for row in rows {
                let touched = statement.execute(params_from_iter(row)).map_err(store_error)?;
                written = written.saturating_add(u64::try_from(touched).unwrap_or(0));
            }
            Ok(written)
        })
        .await
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.steps.send(Step::Commit(reply)).map_err(|_| too_late())?;
        answer.await.map_err(|_| too_late())?
    }
}

/// Asks one question of a reader.
pub(super) async fn query(store: &SqliteStore, sql: String, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    store.read(move |connection| ask(connection, &sql, parameters)).await
}

/// Does what the holder asks for, until it commits, goes away or has taken too long. What is not committed is undone.
fn serve(
    connection: &mut Connection,
    (name, took_max): (&'static str, Duration),
    behavior: TransactionBehavior,
    begun: oneshot::Sender<()>,
    steps: &Receiver<Step>,
) -> Result<(), StoreError> {
    let ends = Instant::now().checked_add(took_max);
    let transaction = connection.transaction_with_behavior(behavior).map_err(store_error)?;
    if begun.send(()).is_err() {
        return Ok(());
    }
    loop {
        let left = ends.map_or(took_max, |ends| ends.saturating_duration_since(Instant::now()));
        match steps.recv_timeout(left) {
            Ok(Step::Do(work)) => {
                if !work(&transaction) {
                    // As in Postgres, a transaction is over when one of its statements failed; and the connection may
                    // be of no more use (N4).
                    return Err(StoreError::Unavailable(format!("a statement of {name} failed")));
                }
            }
            Ok(Step::Commit(reply)) => {
                let committed = transaction.commit().map_err(store_error);
                let _ = reply.send(committed.clone());
                return committed;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                tracing::warn!(transaction = name, "this transaction took too long and was undone");
                return Ok(());
            }
        }
    }
}

fn ask(connection: &Connection, sql: &str, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(store_error)?;
    let columns = statement.column_count();
    let mut rows = statement.query(params_from_iter(parameters)).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let mut values = Vec::with_capacity(columns);
        for at in 0..columns {
            values.push(read(row.get_ref(at).map_err(store_error)?)?);
        }
        found.push(Row(values));
    }
    Ok(found)
}

fn read(value: ValueRef<'_>) -> Result<Value, StoreError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Int(value)),
        ValueRef::Text(text) => String::from_utf8(text.to_vec())
            .map(Value::Text)
            .map_err(|_| StoreError::Broken("a text is not UTF-8".to_owned())),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(StoreError::Broken("a column holds a fraction, and none should".to_owned())),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn gone(name: &str) -> StoreError {
    StoreError::Unavailable(format!("the transaction {name} did not begin"))
}

fn too_late() -> StoreError {
    StoreError::Unavailable("the transaction took too long and was undone; try again".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sql::Database;

    const COUNT: &str = "UPDATE change_counter SET version = version + 1 RETURNING version";

    fn with_store(test: impl AsyncFnOnce(Arc<SqliteStore>)) {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("store.sqlite")).unwrap());
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test(store));
    }

    async fn counted(database: &Database) -> i64 {
        let rows = database.query("test", "SELECT version FROM change_counter", Vec::new()).await.unwrap();
        rows[0].int(0).unwrap()
    }

    #[test]
    fn what_its_holder_drops_is_undone() {
        with_store(async |store| {
            let database = Database::Sqlite(store);
            let mut dropped = database.begin("test").await.unwrap();
            assert_eq!(dropped.query(COUNT, Vec::new()).await.unwrap()[0].int(0).unwrap(), 1);
            drop(dropped);
            let mut kept = database.begin("test").await.unwrap();
            assert_eq!(kept.query(COUNT, Vec::new()).await.unwrap()[0].int(0).unwrap(), 1);
            kept.commit().await.unwrap();
            assert_eq!(counted(&database).await, 1);
        });
    }

    #[test]
    fn what_takes_too_long_is_undone_and_holds_up_nobody() {
        with_store(async |store| {
            let mut slow = Session::begin(&store, "test", Duration::from_millis(20), Does::Write).await.unwrap();
            slow.query(COUNT.to_owned(), Vec::new()).await.unwrap();
            // It begins when the slow one has been undone.
            let database = Database::Sqlite(Arc::clone(&store));
            let mut next = database.begin("test").await.unwrap();
            assert_eq!(next.query(COUNT, Vec::new()).await.unwrap()[0].int(0).unwrap(), 1);
            next.commit().await.unwrap();
            assert!(matches!(slow.execute(COUNT.to_owned(), Vec::new()).await, Err(StoreError::Unavailable(_))));
            assert!(matches!(slow.commit().await, Err(StoreError::Unavailable(_))));
            assert_eq!(counted(&database).await, 1);
        });
    }

    #[test]
    fn after_a_statement_failed_nothing_is_kept() {
        with_store(async |store| {
            let database = Database::Sqlite(store);
            let mut failing = database.begin("test").await.unwrap();
            failing.query(COUNT, Vec::new()).await.unwrap();
            failing.execute("INSERT INTO nowhere VALUES (1)", Vec::new()).await.unwrap_err();
            assert!(failing.commit().await.is_err());
            assert_eq!(counted(&database).await, 0);
            database.begin("test").await.unwrap().commit().await.unwrap();
        });
    }
}
