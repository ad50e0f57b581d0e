//! A bounded number of connections, and transactions on them: each with a name, limits of time, another attempt where
//! one helps, and a measure of how it went.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, PoolError, RecyclingMethod, Runtime, TimeoutType, Transaction,
};
use tokio::time::{Instant, timeout};

use super::connect::{Connector, Observe, PostgresOptions, Transacted};
use super::schema;
use super::trouble::Trouble;
use crate::StoreError;

/// How often a transaction is tried in all.
const ATTEMPTS_MAX: u32 = 4;
/// The first pause after one that gave way to another; it doubles.
const PAUSE: Duration = Duration::from_millis(5);
/// How long it is taken for granted that the schema is one that this version knows.
const SCHEMA_LOOKED_AT_EVERY: Duration = Duration::from_secs(5);

/// What is done in a transaction. It may be done more than once, so it owns or shares what it needs.
pub(crate) type Work<'t, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 't>>;

/// The connections.
pub(crate) struct Pool {
    pool: deadpool_postgres::Pool,
    connector: Connector,
    connection_max: Duration,
    transaction_max: Duration,
    observe: Observe,
    schema_seen: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("status", &self.pool.status()).finish_non_exhaustive()
    }
}

impl Pool {
    /// None is connected until somebody asks for one.
    pub(crate) fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let connector = Connector::new(options)?;
        let manager = Manager::from_connect(connector.config().clone(), connector.clone(), recycling);
        let session = session(options);
        let prepare = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
            let session = session.clone();
            Box::pin(async move { client.batch_execute(&session).await.map_err(HookError::Backend) })
        });
        let pool = deadpool_postgres::Pool::builder(manager)
            .max_size(options.connections_max)
            .wait_timeout(Some(options.connect_max))
            .recycle_timeout(Some(options.connect_max))
            .runtime(Runtime::Tokio1)
            .post_create(prepare)
            .build()
            .map_err(|error| StoreError::Broken(error.to_string()))?;
        Ok(Self {
            pool,
            connector,
            // The library's own limit is by address; a name may have several.
            connection_max: options.connect_max.saturating_mul(2),
            transaction_max: options.statement_max.saturating_mul(2),
            observe: options.observe.clone(),
            schema_seen: Mutex::new(None),
        })
    }

    /// A transaction: `work` and then a commit, on a database with a schema that this version knows. To do it twice has
    /// to be the same as to do it once: it is tried again also when the connection was lost and nobody knows whether it
    /// was done.
    pub(crate) async fn transaction<T>(
        &self,
        name: &'static str,
        work: impl for<'t> Fn(&'t Transaction<'_>) -> Work<'t, T>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let mut retries = 0_u32;
        let outcome = loop {
            let trouble = match self.attempt(name, &work).await {
                Ok(value) => break Ok(value),
                Err(trouble) => trouble,
            };
            let passes = trouble.gave_way() || trouble.spoils_connection();
            if retries.saturating_add(1) >= ATTEMPTS_MAX || !passes {
                break Err(trouble);
            }
            pause_before(name, &trouble, &mut retries).await;
        };
        let took = began.elapsed();
        (self.observe)(&Transacted { name, took, retries, ok: outcome.is_ok() });
        outcome.map_err(StoreError::from)
    }

    async fn attempt<T>(
        &self,
        name: &'static str,
        work: &impl for<'t> Fn(&'t Transaction<'_>) -> Work<'t, T>,
    ) -> Result<T, Trouble> {
        let mut client = self.client().await?;
        let attempt = timeout(self.transaction_max, async {
            self.require_schema(&client).await?;
            let transaction = client.transaction().await?;
            let value = work(&transaction).await?;
            transaction.commit().await?;
            Ok(value)
        });
        let outcome = attempt.await.unwrap_or(Err(Trouble::TooLate(name)));
        if let Err(trouble) = &outcome
            && trouble.ends_connection()
        {
            self.close(client);
        }
        outcome
    }

    /// Closes a connection of no use, with whatever still runs on it, so that the next who asks gets another. Those that
    /// lie idle lead to the same server, and go with it.
    pub(crate) fn close(&self, client: Object) {
        drop(Object::take(client));
        self.pool.retain(|_, _| false);
    }

    /// A transaction for somebody who goes on with it step by step, begun on a database with a schema that this version
    /// knows; and how often that was tried again. Nothing was done yet, so a connection that broke since it was used
    /// last is no reason to fail.
    pub(crate) async fn begin(&self, name: &'static str, begin: &str) -> Result<(Object, u32), StoreError> {
        let mut retries = 0_u32;
        loop {
            let trouble = match self.begin_once(name, begin).await {
                Ok(client) => return Ok((client, retries)),
                Err(trouble) => trouble,
            };
            if retries.saturating_add(1) >= ATTEMPTS_MAX || !trouble.spoils_connection() {
                return Err(trouble.into());
            }
            pause_before(name, &trouble, &mut retries).await;
        }
    }

    async fn begin_once(&self, name: &'static str, begin: &str) -> Result<Object, Trouble> {
        let client = self.client().await?;
        let begun = timeout(self.transaction_max, async {
            self.require_schema(&client).await?;
            client.batch_execute(begin).await.map_err(Trouble::from)
        });
        match begun.await.unwrap_or(Err(Trouble::TooLate(name))) {
            Ok(()) => Ok(client),
            Err(trouble) => {
                if trouble.ends_connection() {
                    self.close(client);
                }
                Err(trouble)
            }
        }
    }

    /// Tells whoever measures of a transaction that such a one ran.
    pub(crate) fn tell(&self, transacted: &Transacted) {
        (self.observe)(transacted);
    }

    /// A connection of its own for somebody who keeps it, whatever the schema is.
    pub(crate) async fn connection(&self) -> Result<Object, StoreError> {
        Ok(self.client().await?)
    }

    /// How long a transaction may take, or a question outside of one.
    pub(crate) const fn transaction_max(&self) -> Duration {
        self.transaction_max
    }

    /// A connection, within a limit of time over all that it takes to get one.
    async fn client(&self) -> Result<Object, Trouble> {
        let client = timeout(self.connection_max, self.pool.get()).await;
        let client = client.unwrap_or(Err(PoolError::Timeout(TimeoutType::Create)));
        client.map_err(|error| self.connector.options().password_trouble().map_or(Trouble::Pool(error), Trouble::Ours))
    }

    /// A node may run on while its database is migrated, so it looks again from time to time.
    async fn require_schema(&self, client: &Object) -> Result<(), Trouble> {
        let seen = *self.schema_seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_some_and(|at| at.elapsed() < SCHEMA_LOOKED_AT_EVERY) {
            return Ok(());
        }
        let known = schema::require_known(&***client).await;
        *self.schema_seen.lock().unwrap_or_else(PoisonError::into_inner) = known.is_ok().then(Instant::now);
        known
    }
}

/// Waits before another attempt, each time longer.
async fn pause_before(name: &'static str, trouble: &Trouble, retries: &mut u32) {
    tracing::debug!(name, ?trouble, "the transaction is tried again");
    tokio::time::sleep(PAUSE.saturating_mul(2_u32.saturating_pow(*retries))).await;
    *retries = retries.saturating_add(1);
}

/// What each connection is told first. Every statement of ours walks along an index with the keys that it was given,
/// and the planner, which knows nothing of the keys to come, is kept from anything else. It plans for the values given
/// each time: a plan for any would look into the partitions of all days, and one from when a table was small would read
/// it whole for each key.
fn session(options: &PostgresOptions) -> String {
    let ms = options.statement_max.as_millis();
    format!(
        "SET statement_timeout = {ms}; SET lock_timeout = {ms}; SET idle_in_transaction_session_timeout = {idle};
         SET timezone = 'UTC'; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
         SET enable_seqscan = off; SET plan_cache_mode = force_custom_plan;
         SET synchronous_commit = on",
        idle = ms.saturating_mul(2),
    )
}
