//! What can go wrong with Postgres, and what is to be done about it.

use std::error::Error as _;

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

use crate::StoreError;

/// Why an attempt at a transaction failed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// What Postgres or the connection said.
    Postgres(tokio_postgres::Error),
    /// No connection was to be had.
    Pool(PoolError),
    /// It took too long; where it stands is not known.
    TooLate(&'static str),
    /// Rows that were taken for new may be there; nothing is written, and they are to be written with a look at each.
    NotNew,
    /// Our own refusal.
    Ours(StoreError),
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<PoolError> for Trouble {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Ours(error)
    }
}

impl Trouble {
    /// Whether Postgres undid the transaction for the sake of another, which is then the one to wait for.
    pub(crate) fn gave_way(&self) -> bool {
        self.state().is_some_and(|state| {
            matches!(*state, SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED)
        })
    }

    /// Whether the connection is of no use any more, and another one may be.
    pub(crate) fn spoils_connection(&self) -> bool {
        let Self::Postgres(error) = self else { return false };
        // A server that was demoted or is shutting down refuses on this connection for as long as it is open.
        let leaving = self.state().is_some_and(|state| {
            *state == SqlState::READ_ONLY_SQL_TRANSACTION
                || matches!(state.code().get(..2), Some("08"))
                || matches!(state.code().get(..3), Some("57P"))
        });
        leaving || error.is_closed() || error.source().is_some_and(|why| why.is::<std::io::Error>())
    }

    /// Whether a connection is to be closed that this came over: of no use any more, or not known to be.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self, Self::TooLate(_)) || self.spoils_connection()
    }

    fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Postgres(error) => error.code(),
            _ => None,
        }
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Ours(error) => error,
            Trouble::NotNew => Self::Unavailable("Postgres has some of these records".to_owned()),
            Trouble::TooLate(what) => Self::Unavailable(format!("Postgres did not answer in time ({what})")),
            Trouble::Pool(error) => of_pool(error),
            Trouble::Postgres(error) => of_postgres(&error),
        }
    }
}

fn of_pool(error: PoolError) -> StoreError {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => {
            StoreError::Unavailable("all connections to Postgres are in use (store.connections_max)".to_owned())
        }
        PoolError::Timeout(_) => StoreError::Unavailable(
            "Postgres cannot be reached in time: look whether it runs, and whether store.url leads to it".to_owned(),
        ),
        PoolError::Backend(error) => of_postgres(&error),
        PoolError::PostCreateHook(HookError::Backend(error)) => of_postgres(&error),
        PoolError::PostCreateHook(HookError::Message(why)) => StoreError::Unavailable(why.into_owned()),
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// What Postgres said in words, and whether it helps to try again.
pub(crate) fn of_postgres(error: &tokio_postgres::Error) -> StoreError {
    let Some(said) = error.as_db_error() else {
        // The library's own text says only which step failed; the reason is its source.
        let why = error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        let advice = if why.contains("TLS") || why.contains("certificate") { ADVICE_TLS } else { "" };
        return StoreError::Unavailable(format!("Postgres: {why}{advice}"));
    };
    let advice = advice(said.code());
    let text = format!("Postgres: {} (SQLSTATE {}){advice}", said.message(), said.code().code());
    if passes(said.code()) { StoreError::Unavailable(text) } else { StoreError::Broken(text) }
}

/// What to do about what Postgres says, where its own words leave that open.
fn advice(state: &SqlState) -> &'static str {
    match (state.code().get(..2).unwrap_or_default(), state.code()) {
        ("28", _) => "; look at the user in store.url, at store.password_file and at the server's pg_hba.conf",
        ("3D", _) => "; create the database, or name another in store.url",
        (_, "25006") => "; this server is a standby, or was told to be read-only: the leader is to be in store.url",
        (_, "42501") => "; the user in store.url lacks this right",
        ("53", "53300") => "; lower store.connections_max, or raise the server's max_connections",
        // Statements and settings of a session that another's transaction ended up in.
        (_, "26000" | "42P05") => ADVICE_POOLER,
        (_, "23514") => "; the partition of a day is missing, and is made with the next attempt",
        _ => "",
    }
}

const ADVICE_TLS: &str = "; with store.tls = verify the server has to offer TLS, with a certificate for the name in \
     store.url that an authority in store.tls_ca_file has signed";

const ADVICE_POOLER: &str = "; a pooler between telness and Postgres has to keep a connection for a session (PgBouncer: \
     pool_mode = session); store.connections_max bounds the connections without one";

/// Whether what Postgres says can change without anybody touching us or the data: connections, its start and stop,
/// rights and passwords, room and memory, a standby, locks, limits of time.
fn passes(state: &SqlState) -> bool {
    let class = state.code().get(..2).unwrap_or_default();
    matches!(class, "08" | "25" | "28" | "3D" | "40" | "53" | "55" | "57" | "58")
        || *state == SqlState::INSUFFICIENT_PRIVILEGE
        // No partition takes the row: somebody dropped a day just now.
        || *state == SqlState::CHECK_VIOLATION
}
