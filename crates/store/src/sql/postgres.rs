//! The Postgres side: a transaction holds a connection of the pool.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::time::{Instant, timeout};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::{Does, Insert, Kind, Row, Value};
use crate::StoreError;
use crate::postgres::{Pool, Transacted, Trouble, of_postgres};

/// 2000-01-01T00:00:00Z, from which Postgres counts, in microseconds after 1970.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;
/// `-infinity`, the same on the wire as in a [`Value`].
const ALWAYS: i64 = i64::MIN;
/// The version of the form in which a `jsonb` is sent.
const JSONB: u8 = 1;

type Parameters<'a> = Vec<&'a (dyn ToSql + Sync)>;

/// A transaction on a connection of its own.
pub(crate) struct Session {
    pool: Arc<Pool>,
    /// None when it is over.
    client: Option<Object>,
    name: &'static str,
    began: Instant,
    took_max: Duration,
    retries: u32,
    committed: bool,
}

impl Session {
    pub(super) async fn begin(
        pool: &Arc<Pool>,
        name: &'static str,
        took_max: Duration,
        does: Does,
    ) -> Result<Self, StoreError> {
        let began = Instant::now();
        let begin = match does {
            Does::Write => "BEGIN",
            // Whoever copies waits for a file or a pipe meanwhile.
            Does::WriteLong => "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10min'",
            Does::Read => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
                 SET LOCAL idle_in_transaction_session_timeout = '10min'"
            }
        };
        let (client, retries) = pool.begin(name, begin).await.inspect_err(|_| {
            pool.tell(&Transacted { name, took: began.elapsed(), retries: 0, ok: false });
        })?;
        let client = Some(client);
        Ok(Self { pool: Arc::clone(pool), client, name, began, took_max, retries, committed: false })
    }

    /// Does one step. A step that failed or was not answered in time ends the transaction, and the connection with it.
    pub(crate) async fn step<T>(
        &mut self,
        work: impl AsyncFnOnce(&Object) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, StoreError> {
        let over = || StoreError::from(Trouble::TooLate(self.name));
        // It stays here meanwhile: if whoever waits goes away, what was begun is undone.
        let client = self.client.as_ref().ok_or_else(over)?;
        let left = self.took_max.saturating_sub(self.began.elapsed());
        let trouble = match timeout(left, work(client)).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Trouble::from(error),
            Err(_) => Trouble::TooLate(self.name),
        };
        match self.client.take() {
            Some(client) if trouble.ends_connection() => self.pool.close(client),
            // What was begun on it is undone by the server.
            client => drop(client.map(Object::take)),
        }
        Err(trouble.into())
    }

    pub(super) async fn execute(&mut self, sql: String, parameters: Vec<Value>) -> Result<u64, StoreError> {
        self.step(async |client| {
            let statement = client.prepare_cached(&dollars(&sql)).await?;
            client.execute(&statement, &of(&parameters)).await
        })
        .await
    }

    pub(super) async fn query(&mut self, sql: String, parameters: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let rows = self.step(async |client| {
            let statement = client.prepare_cached(&dollars(&sql)).await?;
            client.query(&statement, &of(&parameters)).await
        });
        rows.await?.iter().map(row).collect()
    }

    pub(super) async fn insert(&mut self, insert: Insert<'_>, rows: Vec<Vec<Value>>) -> Result<u64, StoreError> {
        let names: Vec<&str> = insert.columns.iter().map(|(name, _)| *name).collect();
        let arrays = insert.columns.iter().zip(1_usize..).map(|((_, kind), at)| format!("${at}::{}[]", word(*kind)));
        let (table, names, arrays) = (insert.table, names.join(", "), arrays.collect::<Vec<_>>().join(", "));
        let sql = format!("INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) {}", insert.on_conflict);
        let mut columns: Vec<Vec<Value>> = insert.columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
        for row in rows {
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value);
            }
        }
        self.step(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let parameters: Parameters<'_> = columns.iter().map(|column| -> &(dyn ToSql + Sync) { column }).collect();
            client.execute(&statement, &parameters).await
        })
        .await
    }

    pub(super) async fn hint(&mut self) -> Result<(), StoreError> {
        self.step(async |client| client.batch_execute("SELECT pg_notify('telness_change', '')").await).await
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.step(async |client| client.batch_execute("COMMIT").await).await?;
        self.committed = true;
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let (took, ok) = (self.began.elapsed(), self.committed);
        self.pool.tell(&Transacted { name: self.name, took, retries: self.retries, ok });
        let Some(client) = self.client.take().filter(|_| !ok) else { return };
        // The request is sent when it is first polled, and nobody has to wait for its answer: on this connection
        // whatever comes next is done after it.
        let mut undone = pin!(client.batch_execute("ROLLBACK"));
        let _ = undone.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}

/// Asks one question.
pub(super) async fn query(
    pool: &Pool,
    name: &'static str,
    sql: String,
    parameters: Vec<Value>,
) -> Result<Vec<Row>, StoreError> {
    let asked = Arc::new((dollars(&sql), parameters));
    let rows = pool.transaction(name, |transaction| {
        let asked = Arc::clone(&asked);
        Box::pin(async move {
            let (sql, parameters) = &*asked;
            let statement = transaction.prepare_cached(sql).await?;
            Ok(transaction.query(&statement, &of(parameters)).await?)
        })
    });
    rows.await?.iter().map(row).collect()
}

/// Parameters as Postgres has them.
fn dollars(sql: &str) -> String {
    sql.replace('?', "$")
}

fn of(parameters: &[Value]) -> Parameters<'_> {
    parameters.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}

fn row(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let values = (0..row.len()).map(|at| row.try_get::<_, Value>(at).map_err(|error| of_postgres(&error)));
    values.collect::<Result<_, _>>().map(Row)
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "bigint",
        Kind::Bool => "boolean",
        Kind::Text => "text",
        Kind::Time => "timestamptz",
        Kind::Json => "jsonb",
    }
}

fn known(kind: &Type) -> bool {
    [Type::INT8, Type::BOOL, Type::TEXT, Type::TIMESTAMPTZ, Type::JSONB, Type::BYTEA].contains(kind)
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::BOOL => out.extend_from_slice(&[u8::from(*value != 0)]),
            Self::Int(ALWAYS) => out.extend_from_slice(&ALWAYS.to_be_bytes()),
            Self::Int(micros) if *kind == Type::TIMESTAMPTZ => {
                let since = micros.checked_sub(POSTGRES_EPOCH_MICROS).ok_or("a time before all time")?;
                out.extend_from_slice(&since.to_be_bytes());
            }
            Self::Int(value) if *kind == Type::INT8 => out.extend_from_slice(&value.to_be_bytes()),
            Self::Text(text) if *kind == Type::TEXT => out.extend_from_slice(text.as_bytes()),
            Self::Text(text) if *kind == Type::JSONB => {
                out.extend_from_slice(&[JSONB]);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Bytes(bytes) if *kind == Type::BYTEA => out.extend_from_slice(bytes),
            Self::Int(_) | Self::Text(_) | Self::Bytes(_) => return Err(format!("no value of {kind}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        known(kind)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let whole = || -> Result<i64, Box<dyn Error + Sync + Send>> { Ok(i64::from_be_bytes(raw.try_into()?)) };
        Ok(match *kind {
            Type::BOOL => Self::Int(i64::from(raw != [0])),
            Type::INT8 => Self::Int(whole()?),
            Type::TIMESTAMPTZ => match whole()? {
                ALWAYS => Self::Int(ALWAYS),
                since => Self::Int(since.saturating_add(POSTGRES_EPOCH_MICROS)),
            },
            Type::JSONB => Self::Text(std::str::from_utf8(raw.get(1..).unwrap_or_default())?.to_owned()),
            Type::BYTEA => Self::Bytes(raw.to_vec()),
            _ => Self::Text(std::str::from_utf8(raw)?.to_owned()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        known(kind)
    }
}
