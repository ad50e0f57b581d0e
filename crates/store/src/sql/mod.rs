//! One thin layer over both databases, for what people edit: the control plane's statements are written once, in the
//! SQL that both speak, so that both behave alike. Calls and events do not pass here; each store has its own way there.
//!
//! Parameters are written `?1`, `?2` (and no statement has a question mark elsewhere). A transaction is rolled back
//! when its holder drops it, and when it takes longer than [`TRANSACTION_MS_MAX`].

mod postgres;
mod sqlite;
mod value;

use std::sync::Arc;
use std::time::Duration;

use crate::postgres::Pool;
use crate::{SqliteStore, StoreError};
pub(crate) use value::{Row, Value};

/// How long a transaction of the control plane may take. Other writers of the embedded store wait meanwhile.
pub(crate) const TRANSACTION_MS_MAX: u64 = 20_000;

/// How long a whole store may take to be copied. Postgres ends a transaction sooner whose holder is silent.
const COPY_MAX: Duration = Duration::from_secs(7 * 86_400);

/// The most parameters that lists in one statement have together; Postgres takes 65,535 and SQLite 32,766.
pub(crate) const LISTED_MAX: usize = 2_000;

/// What a column holds, where many rows are written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    Bool,
    Text,
    Time,
    Json,
}

/// A column by its name and what it holds.
pub(crate) type Column = (&'static str, Kind);

/// Rows of one table that are written at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Insert<'a> {
    pub(crate) table: &'static str,
    pub(crate) columns: &'a [Column],
    /// `ON CONFLICT …`, or nothing.
    pub(crate) on_conflict: &'a str,
}

/// A database that the control plane is kept in.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<Pool>),
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    Write,
    WriteLong,
    Read,
}

/// A transaction. Dropped without [`commit`](Transaction::commit), it changed nothing.
pub(crate) enum Transaction {
    Sqlite(sqlite::Session),
    Postgres(Box<postgres::Session>),
}

impl Database {
    /// Begins a transaction that writes, by the name it is measured under.
    pub(crate) async fn begin(&self, name: &'static str) -> Result<Transaction, StoreError> {
        self.begin_with(name, Duration::from_millis(TRANSACTION_MS_MAX), Does::Write).await
    }

    /// Begins one that takes in what another store has, however long that takes.
    pub(crate) async fn begin_long(&self, name: &'static str) -> Result<Transaction, StoreError> {
        self.begin_with(name, COPY_MAX, Does::WriteLong).await
    }

    /// Begins one that sees all as it is at one moment, and changes nothing.
    pub(crate) async fn begin_reading(&self, name: &'static str) -> Result<Transaction, StoreError> {
        self.begin_with(name, COPY_MAX, Does::Read).await
    }

    async fn begin_with(&self, name: &'static str, took_max: Duration, does: Does) -> Result<Transaction, StoreError> {
        match self {
            Self::Sqlite(store) => sqlite::Session::begin(store, name, took_max, does).await.map(Transaction::Sqlite),
            Self::Postgres(pool) => postgres::Session::begin(pool, name, took_max, does)
                .await
                .map(|session| Transaction::Postgres(Box::new(session))),
        }
    }

    /// Asks one question, outside of any transaction.
    pub(crate) async fn query(
        &self,
        name: &'static str,
        sql: impl Into<String>,
        parameters: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(store) => sqlite::query(store, sql.into(), parameters).await,
            Self::Postgres(pool) => postgres::query(pool, name, sql.into(), parameters).await,
        }
    }
}

impl Transaction {
    /// Runs a statement; tells how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: impl Into<String>, parameters: Vec<Value>) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(session) => session.execute(sql.into(), parameters).await,
            Self::Postgres(session) => session.execute(sql.into(), parameters).await,
        }
    }

    /// Asks a question, or runs a statement with `RETURNING`.
    pub(crate) async fn query(
        &mut self,
        sql: impl Into<String>,
        parameters: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(session) => session.query(sql.into(), parameters).await,
            Self::Postgres(session) => session.query(sql.into(), parameters).await,
        }
    }

    /// Writes rows, each with a value a column; tells how many were written.
    pub(crate) async fn insert(&mut self, insert: Insert<'_>, rows: Vec<Vec<Value>>) -> Result<u64, StoreError> {
        if rows.is_empty() {
            return Ok(0);
        }
        match self {
            Self::Sqlite(session) => session.insert(insert, rows).await,
            Self::Postgres(session) => session.insert(insert, rows).await,
        }
    }

    /// Tells other nodes, when it is committed, that something changed, without a word of what. The embedded store has
    /// no other nodes.
    pub(crate) async fn hint(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(session) => session.hint().await,
        }
    }

    /// Makes it last.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(session) => session.commit().await,
            Self::Postgres(session) => session.commit().await,
        }
    }
}

/// `column IN (?…)`, or `(one, other) IN (VALUES (?…, ?…), …)`: a condition with so many keys, whose parameters come
/// after `before` others.
pub(crate) fn is_one_of(columns: &[&str], before: usize, count: usize) -> String {
    if let [column] = columns {
        return format!("{column} IN ({})", listed(before, count));
    }
    let width = columns.len();
    let keys = (0..count).map(|at| format!("({})", listed(before.saturating_add(at.saturating_mul(width)), width)));
    format!("({}) IN (VALUES {})", columns.join(", "), keys.collect::<Vec<_>>().join(", "))
}

/// `?1, ?2, …`: so many parameters, from the one after `before`.
pub(crate) fn listed(before: usize, count: usize) -> String {
    let parameters: Vec<String> = (1..=count).map(|at| format!("?{}", before.saturating_add(at))).collect();
    parameters.join(", ")
}
