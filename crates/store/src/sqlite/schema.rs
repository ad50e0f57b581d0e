//! The schema, brought up to date by numbered steps that are never changed once released.

use std::hash::Hasher as _;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use siphasher::sip128::{Hasher128 as _, SipHasher24};

use super::store_error;
use crate::StoreError;

struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

/// The steps, in order. A step that was released stays as it is; what is to change comes as another step.
const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "calls", sql: include_str!("migrations/0001_calls.sql") },
    Migration { version: 2, name: "control", sql: include_str!("migrations/0002_control.sql") },
    Migration { version: 3, name: "billing", sql: include_str!("migrations/0003_billing.sql") },
    Migration { version: 4, name: "retention", sql: include_str!("migrations/0004_retention.sql") },
    Migration { version: 5, name: "billing_holds", sql: include_str!("migrations/0005_billing_holds.sql") },
    Migration { version: 6, name: "tenant_rate", sql: include_str!("migrations/0006_tenant_rate.sql") },
];

const VERSIONS_TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL) STRICT";
const APPLIED: &str = "SELECT version, name, checksum FROM schema_migrations ORDER BY version";

/// Applies the steps that are missing, all or none of them.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    transaction.execute_batch(VERSIONS_TABLE).map_err(store_error)?;
    let reached = check_applied(&transaction)?;
    for step in MIGRATIONS.iter().filter(|step| step.version > reached) {
        transaction.execute_batch(step.sql).map_err(store_error)?;
        let insert = "INSERT INTO schema_migrations (version, name, checksum) VALUES (?1, ?2, ?3)";
        transaction.execute(insert, (step.version, step.name, checksum(step.sql))).map_err(store_error)?;
        tracing::info!(version = step.version, name = step.name, "the store's schema was brought forward");
    }
    transaction.commit().map_err(store_error)
}

/// Whether the schema is what this version reads, without a change to it.
pub(super) fn require_current(connection: &Connection) -> Result<(), StoreError> {
    let exists = "SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'";
    let begun = connection.query_row(exists, [], |_| Ok(())).optional().map_err(store_error)?.is_some();
    let reached = if begun { check_applied(connection)? } else { 0 };
    if reached < latest() {
        return Err(StoreError::Broken(format!(
            "its schema is at version {reached} and this telness reads version {}; start the service once",
            latest()
        )));
    }
    Ok(())
}

/// The version that was reached, if every step so far is one that we know as it was.
fn check_applied(connection: &Connection) -> Result<i64, StoreError> {
    let mut statement = connection.prepare(APPLIED).map_err(store_error)?;
    let mut rows = statement.query([]).map_err(store_error)?;
    let mut reached = 0;
    while let Some(row) = rows.next().map_err(store_error)? {
        let version: i64 = row.get(0).map_err(store_error)?;
        let name: String = row.get(1).map_err(store_error)?;
        let applied: [u8; 16] = row.get(2).map_err(store_error)?;
        reached = version;
        if version > latest() {
            continue;
        }
        let known = MIGRATIONS.iter().find(|step| step.version == version);
        if known.is_none_or(|known| checksum(known.sql) != applied) {
            return Err(StoreError::Broken(format!(
                "step {version} ({name}) of its schema is not the one that this telness knows; use the version that made it"
            )));
        }
    }
    if reached > latest() { Err(StoreError::Later { found: reached, known: latest() }) } else { Ok(reached) }
}

/// The version that this telness makes and reads.
pub(crate) fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |step| step.version)
}

fn checksum(sql: &str) -> [u8; 16] {
    let mut hasher = SipHasher24::new();
    hasher.write(sql.as_bytes());
    hasher.finish128().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrated() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection
    }

    #[test]
    fn migrating_again_changes_nothing() {
        let mut connection = migrated();
        migrate(&mut connection).unwrap();
        require_current(&connection).unwrap();
        let count: i64 = connection.query_row("SELECT count(*) FROM schema_migrations", [], |row| row.get(0)).unwrap();
        assert_eq!(usize::try_from(count).unwrap(), MIGRATIONS.len());
    }

    #[test]
    fn later_changed_and_missing_steps_are_refused() {
        let mut later = migrated();
        later.execute("INSERT INTO schema_migrations VALUES (999, 'later', zeroblob(16))", []).unwrap();
        assert!(matches!(migrate(&mut later), Err(StoreError::Later { found: 999, known }) if known == latest()));
        let mut changed = migrated();
        changed.execute("UPDATE schema_migrations SET checksum = zeroblob(16)", []).unwrap();
        assert!(matches!(migrate(&mut changed), Err(StoreError::Broken(why)) if why.contains("not the one")));
        let empty = Connection::open_in_memory().unwrap();
        assert!(matches!(require_current(&empty), Err(StoreError::Broken(why)) if why.contains("start the service")));
    }
}
