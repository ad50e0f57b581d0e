//! The schema, brought forward step by step by whoever may: a step only adds, so that the version of the service that
//! runs beside it goes on working; what nobody uses any more is taken away by a later step, which says from which
//! schema version on a telness still works with it.

use std::hash::Hasher as _;
use std::time::Duration;

use siphasher::sip128::{Hasher128 as _, SipHasher24};
use tokio_postgres::GenericClient;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::connect::PostgresOptions;
use super::pool::Pool;
use super::trouble::{Trouble, of_postgres};
use super::verify;
use crate::StoreError;

/// One step forward.
struct Step {
    version: i64,
    name: &'static str,
    sql: &'static str,
    /// The lowest latest version that a telness may know and still work after this step.
    works_from: i64,
}

const STEPS: &[Step] = &[
    Step { version: 1, name: "calls", sql: include_str!("migrations/0001_calls.sql"), works_from: 1 },
    Step { version: 2, name: "control", sql: include_str!("migrations/0002_control.sql"), works_from: 1 },
    Step { version: 3, name: "billing", sql: include_str!("migrations/0003_billing.sql"), works_from: 1 },
    Step { version: 4, name: "days_beside", sql: include_str!("migrations/0004_days_beside.sql"), works_from: 1 },
    Step { version: 5, name: "retention", sql: include_str!("migrations/0005_retention.sql"), works_from: 1 },
    Step { version: 6, name: "billing_holds", sql: include_str!("migrations/0006_billing_holds.sql"), works_from: 1 },
    Step { version: 7, name: "tenant_rate", sql: include_str!("migrations/0007_tenant_rate.sql"), works_from: 1 },
];

/// The lowest version that this telness can work with: the first that has all of [`TABLES`].
const NEEDED: i64 = 7;

/// How long a step waits for a table. Whoever wants to change one keeps all from it who come later, so it does not wait
/// for a long read, such as a dump, but tries again.
const LOCK_MS_MAX: u32 = 2_000;
/// How long it lets the others go on before it tries again, and how often it does.
const LOCK_PAUSE: Duration = Duration::from_secs(1);
const LOCK_ATTEMPTS_MAX: u32 = 100;
/// How long a comparison of the schema may take, which makes it anew beside.
const VERIFY_MAX: Duration = Duration::from_secs(120);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version bigint PRIMARY KEY,
    name text NOT NULL,
    checksum bytea NOT NULL,
    works_from bigint NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)";
/// Everybody who migrates takes this lock first, so that two do not do it at once.
const LOCK: &str = "SELECT pg_try_advisory_lock(hashtext('telness migrate'))";
const UNLOCK: &str = "SELECT pg_advisory_unlock(hashtext('telness migrate'))";
const RANGE: &str = "SELECT coalesce(max(version), 0), coalesce(max(works_from), 0) FROM schema_migrations";
const ENCODING: &str = "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()";
const APPLIED: &str = "SELECT version, name, checksum FROM schema_migrations ORDER BY version";

const COLUMN: &str = "SELECT 1 FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = $1 AND column_name = $2";

/// Whether a database has a schema that this version works with.
pub(super) async fn require_known(client: &impl GenericClient) -> Result<(), Trouble> {
    let there: bool = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await?.get(0);
    let (found, works_from) = if there {
        let row = client.query_one(RANGE, &[]).await?;
        (row.get(0), row.get(1))
    } else {
        (0, 0)
    };
    in_range(found, works_from, latest()).map_err(Trouble::Ours)
}

/// The rule: the database has come far enough for us, and not so far that it has left us behind.
fn in_range(found: i64, works_from: i64, known: i64) -> Result<(), StoreError> {
    if found < NEEDED {
        return Err(StoreError::NotMigrated { found, needed: NEEDED });
    }
    if works_from > known { Err(StoreError::Later { found, known }) } else { Ok(()) }
}

/// The latest version that this telness knows.
pub(crate) fn latest() -> i64 {
    STEPS.last().map_or(0, |step| step.version)
}

/// One step, and whether the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its number.
    pub version: i64,
    /// What it is called.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

/// Who brings a database forward: `telness migrate`.
#[derive(Debug)]
pub struct Migrations {
    pool: Pool,
}

impl Migrations {
    /// The migrations of a database.
    ///
    /// # Errors
    /// When the address or the TLS settings cannot be read.
    pub fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        Ok(Self { pool: Pool::new(options)? })
    }

    /// Every step that this version knows or the database has.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        let applied = self.in_time(self.applied()).await?;
        let known = STEPS.iter().map(|step| MigrationStatus {
            version: step.version,
            name: step.name.to_owned(),
            applied: applied.iter().any(|(version, ..)| *version == step.version),
        });
        let later = applied.iter().filter(|(version, ..)| *version > latest());
        let later =
            later.map(|(version, name, _)| MigrationStatus { version: *version, name: name.clone(), applied: true });
        Ok(known.chain(later).collect())
    }

    /// Takes every step that the database does not have; answers their numbers. Two who do it at once take each step
    /// once between them.
    ///
    /// # Errors
    /// When a step cannot be taken, or one that was taken is not the one that this version knows.
    pub async fn up(&self) -> Result<Vec<i64>, StoreError> {
        let mut client = self.pool.connection().await?;
        // A step, and the steps of another who migrates, may take long.
        client.batch_execute("SET statement_timeout = 0; SET lock_timeout = 0").await.map_err(lost)?;
        require_utf8(&**client).await?;
        self.lock(&client).await?;
        let done = step_by_step(&mut client, STEPS).await;
        // The connection ends here, and with it the lock, should this fail.
        let _ = client.batch_execute(UNLOCK).await;
        drop(deadpool_postgres::Object::take(client));
        done
    }

    /// Waits for another who migrates, and says so.
    async fn lock(&self, client: &deadpool_postgres::Object) -> Result<(), StoreError> {
        let mut told = false;
        loop {
            let row = self.in_time(async { client.query_one(LOCK, &[]).await.map_err(lost) }).await?;
            if row.get(0) {
                return Ok(());
            }
            if !told {
                tracing::warn!("another telness migrates this database; waiting until it is done");
                told = true;
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }

    /// Gives up what a server that hangs does not answer: its own limits do not count then.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let done = tokio::time::timeout(self.pool.transaction_max(), work).await;
        done.unwrap_or(Err(Trouble::TooLate("migrate").into()))
    }

    /// Whether every step that the database has is the one that this version knows, and what they made is there.
    ///
    /// # Errors
    /// What is wrong, or that the database cannot be reached.
    pub async fn verify(&self) -> Result<(), StoreError> {
        let verified = tokio::time::timeout(VERIFY_MAX, self.compare()).await;
        verified.unwrap_or(Err(Trouble::TooLate("verify the schema").into()))
    }

    async fn compare(&self) -> Result<(), StoreError> {
        let applied = self.applied().await?;
        require_same(&applied)?;
        let mut client = self.pool.connection().await?;
        if let Some(column) = lacking(&**client).await? {
            return Err(StoreError::Broken(format!(
                "the schema lacks {column}, which its steps made: somebody changed it by hand"
            )));
        }
        verify::unique_keys(&**client).await.map_err(StoreError::from)?;
        let found = applied.last().map_or(0, |(version, ..)| *version);
        let steps = STEPS.iter().filter(|step| applied.iter().any(|(version, ..)| *version == step.version));
        let steps: Vec<&str> = steps.map(|step| step.sql).collect();
        // What later steps made of it, this version does not know.
        if found <= latest() {
            verify::same_as_made_anew(&mut client, &steps).await.map_err(StoreError::from)?;
        }
        if found < latest() {
            return Err(StoreError::NotMigrated { found, needed: latest() });
        }
        Ok(())
    }

    async fn applied(&self) -> Result<Vec<(i64, String, Vec<u8>)>, StoreError> {
        let client = self.pool.connection().await?;
        let there = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await.map_err(lost)?;
        if !there.get::<_, bool>(0) {
            return Ok(Vec::new());
        }
        applied(&**client).await
    }
}

/// The first column that this version reads or writes and the schema does not have.
async fn lacking(client: &impl GenericClient) -> Result<Option<String>, StoreError> {
    for table in TABLES {
        let (table, columns) = table.split_once(": ").unwrap_or((table, ""));
        for column in columns.split(' ') {
            if client.query_opt(COLUMN, &[&table, &column]).await.map_err(lost)?.is_none() {
                return Ok(Some(format!("{table}.{column}")));
            }
        }
    }
    Ok(None)
}

/// What this version reads and writes.
const TABLES: &[&str] = &[
    "calls: tenant call_id received_at class action reason trunk caller_key called_key sip_call_id state answered_at \
     ended_at talk_ms cause_q850 cause_sip cdr v node workflow kind direction peer site region rule matched_prefix \
     gateway plan_revision degraded request_hash personal",
    "keyed_calls: tenant call_id received_at",
    "events: tenant call_id beyond event_id digest day occurred_at event",
    "early_events: tenant call_id event_id digest received_at event",
    "contradictions: tenant call_id digest received_at routing personal",
    "ship_positions: journal position shipped_at",
    "checks: only_row count",
    "change_counter: version",
    "changes: version place at author comment tenant entity key before after",
    "tenants: name suspended outside_line_prefixes retention calls_per_s_max version deleted",
    "users: tenant name extension devices preferences version deleted",
    "blocks: first last tenant note version deleted",
    "numbers: number state tenant user_name cutover version deleted",
    "plans: revision author comment at sha256 text",
    "plan_publications: version revision author comment at",
    "decks: trunk revision currency row_count author comment at version deleted",
    "deck_revisions: revision trunk currency row_count touched_at loading",
    "deck_rows: revision prefix origin valid_from valid_until price connection_fee surcharge first_s next_s",
    "nodes: name started_at seen_at version schema_version plan_revision served_version snapshot_age_s journal_bytes \
     backlog_records backlog_age_s plan_from fault key_check",
    "billing_marks: tenant hour journal count",
    "billing_seen: tenant hour journal count",
    "billing_hours: tenant hour due_at",
    "billing_tenants: tenant next_sequence period_start period_end closed_by sha256",
    "billing_files: tenant sequence v period_start period_end closed_at closed_by records corrections talk_ms \
     previous_sha256 jsonl_sha256 csv_sha256",
    "billing_records: call_tenant call_id leg revision tenant received_at made_at sequence place talk_ms jsonl csv",
    "billing_holds: journal",
];

async fn step_by_step(client: &mut deadpool_postgres::Object, steps: &[Step]) -> Result<Vec<i64>, StoreError> {
    client.batch_execute(TABLE).await.map_err(lost)?;
    client.batch_execute(&format!("SET lock_timeout = {LOCK_MS_MAX}")).await.map_err(lost)?;
    let applied = applied(&***client).await?;
    require_same(&applied)?;
    let reached = applied.last().map_or(0, |(version, ..)| *version);
    let mut done = Vec::new();
    for step in steps.iter().filter(|step| step.version > reached) {
        take(client, step).await?;
        done.push(step.version);
    }
    Ok(done)
}

/// Takes one step, in one transaction; again and again while somebody holds what it changes.
async fn take(client: &mut deadpool_postgres::Object, step: &Step) -> Result<(), StoreError> {
    let mut attempts = 0_u32;
    loop {
        let Err(error) = try_to_take(client, step).await else { return Ok(()) };
        attempts = attempts.saturating_add(1);
        if error.code() != Some(&SqlState::LOCK_NOT_AVAILABLE) || attempts >= LOCK_ATTEMPTS_MAX {
            let why = lost(error);
            return Err(StoreError::Broken(format!(
                "step {} ({}) of the schema: {why}; it changed nothing",
                step.version, step.name
            )));
        }
        if attempts == 1 {
            tracing::warn!(
                step = step.version,
                "somebody holds a table that the step changes, such as a dump; it is tried again"
            );
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
}

async fn try_to_take(client: &mut deadpool_postgres::Object, step: &Step) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(step.sql).await?;
    let row: [&(dyn ToSql + Sync); 4] = [&step.version, &step.name, &checksum(step.sql), &step.works_from];
    let insert = "INSERT INTO schema_migrations (version, name, checksum, works_from) VALUES ($1, $2, $3, $4)";
    transaction.execute(insert, &row).await?;
    transaction.commit().await
}

/// A database of another encoding refuses characters that it lacks, and with them whole batches, for ever.
async fn require_utf8(client: &impl GenericClient) -> Result<(), StoreError> {
    let encoding: String = client.query_one(ENCODING, &[]).await.map_err(lost)?.get(0);
    if encoding == "UTF8" {
        return Ok(());
    }
    Err(StoreError::Broken(format!(
        "the database's encoding is {encoding}, which does not hold every character; make it anew with CREATE DATABASE \
         name ENCODING 'UTF8' TEMPLATE template0"
    )))
}

async fn applied(client: &impl GenericClient) -> Result<Vec<(i64, String, Vec<u8>)>, StoreError> {
    let rows = client.query(APPLIED, &[]).await.map_err(lost)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

fn require_same(applied: &[(i64, String, Vec<u8>)]) -> Result<(), StoreError> {
    for (version, name, sum) in applied {
        if STEPS.iter().any(|step| step.version == *version && checksum(step.sql) != *sum) {
            return Err(StoreError::Broken(format!(
                "step {version} ({name}) of its schema is not the one that this telness knows; use the version that made it"
            )));
        }
    }
    Ok(())
}

fn checksum(sql: &str) -> Vec<u8> {
    let mut hasher = SipHasher24::new();
    hasher.write(sql.as_bytes());
    hasher.finish128().as_bytes().to_vec()
}

#[allow(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn lost(error: tokio_postgres::Error) -> StoreError {
    of_postgres(&error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dump reads for hours, and a step wants its table: whoever writes meanwhile is not to wait for both.
    #[test]
    fn n3_a_step_that_waits_for_a_table_keeps_nobody_from_it() {
        let server = telness_testkit::Postgres::start();
        let tls = super::super::Tls::Off;
        let options = PostgresOptions { tls, ..PostgresOptions::new(server.url(&server.database())) };
        let run = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        run.block_on(async {
            let migrations = Migrations::new(&options).unwrap();
            migrations.up().await.unwrap();
            let connect = async || migrations.pool.connection().await.unwrap();
            let (dump, writer, mut migrator) = (connect().await, connect().await, connect().await);
            dump.batch_execute("BEGIN; SELECT count(*) FROM calls").await.unwrap();
            let step =
                Step { version: 1_000, name: "wide", sql: "ALTER TABLE calls ADD COLUMN wide text", works_from: 1 };
            let work = async {
                // Long after the step began to wait.
                tokio::time::sleep(Duration::from_millis(500)).await;
                writer.batch_execute("SET statement_timeout = 6000").await.unwrap();
                writer.batch_execute("SELECT count(*) FROM calls").await.unwrap();
                dump.batch_execute("COMMIT").await.unwrap();
            };
            let steps = [step];
            let (taken, ()) = tokio::join!(step_by_step(&mut migrator, &steps), work);
            assert_eq!(taken.unwrap(), [1_000]);
        });
    }

    /// A node that took less for enough would ship, and fail where it needs the rest.
    #[test]
    fn s2_the_lowest_schema_that_is_taken_has_all_that_this_version_reads_and_writes() {
        let server = telness_testkit::Postgres::start();
        let tls = super::super::Tls::Off;
        let options = PostgresOptions { tls, ..PostgresOptions::new(server.url(&server.database())) };
        let run = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        run.block_on(async {
            let pool = Pool::new(&options).unwrap();
            let mut client = pool.connection().await.unwrap();
            let needed = STEPS.iter().filter(|step| step.version <= NEEDED).count();
            assert_eq!(step_by_step(&mut client, &STEPS[..needed]).await.unwrap().last(), Some(&NEEDED));
            assert_eq!(lacking(&**client).await.unwrap(), None);
        });
    }

    #[test]
    fn s2_a_schema_is_known_from_the_one_needed_to_the_first_that_leaves_this_version_behind() {
        assert!(in_range(NEEDED, 1, latest()).is_ok());
        assert!(in_range(latest() + 5, latest(), latest()).is_ok(), "a later step that leaves room for us");
        assert!(matches!(in_range(latest() + 5, latest() + 1, latest()), Err(StoreError::Later { .. })));
        assert!(matches!(in_range(NEEDED - 1, 0, latest()), Err(StoreError::NotMigrated { .. })));
    }
}
