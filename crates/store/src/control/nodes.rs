//! What each node says of itself, again and again.

use serde::Serialize;
use telness_core::names::NodeName;
use telness_core::time::Timestamp;

use super::{Control, ControlError};
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Row, Value};

const COLUMNS: &[Column] = &[
    ("name", Kind::Text),
    ("started_at", Kind::Time),
    ("seen_at", Kind::Time),
    ("version", Kind::Text),
    ("schema_version", Kind::Int),
    ("plan_revision", Kind::Int),
    ("served_version", Kind::Int),
    ("snapshot_age_s", Kind::Int),
    ("journal_bytes", Kind::Int),
    ("backlog_records", Kind::Int),
    ("backlog_age_s", Kind::Int),
    ("plan_from", Kind::Text),
    ("fault", Kind::Text),
    ("key_check", Kind::Text),
];
const LIST: &str = "SELECT name, started_at, seen_at, version, schema_version, plan_revision, served_version,
    snapshot_age_s, journal_bytes, backlog_records, backlog_age_s, plan_from, fault, key_check
    FROM nodes ORDER BY name";
const SAID_AGAIN: &str = "ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at,
    seen_at = excluded.seen_at, version = excluded.version, schema_version = excluded.schema_version,
    plan_revision = excluded.plan_revision, served_version = excluded.served_version,
    snapshot_age_s = excluded.snapshot_age_s, journal_bytes = excluded.journal_bytes,
    backlog_records = excluded.backlog_records, backlog_age_s = excluded.backlog_age_s,
    plan_from = excluded.plan_from, fault = excluded.fault, key_check = excluded.key_check";

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeReport {
    /// Its name.
    pub name: NodeName,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it said so.
    pub seen_at: Timestamp,
    /// The version of telness that it is.
    pub version: String,
    /// The latest schema that it knows.
    pub schema_version: i64,
    /// The plan that it serves.
    pub plan_revision: u64,
    /// The change up to which it serves all.
    pub served_version: i64,
    /// How old its snapshot is; none if it never knew the store to hold what it serves.
    pub snapshot_age_s: Option<u64>,
    /// How large its journal is.
    pub journal_bytes: u64,
    /// How many of its records are yet to be written.
    pub backlog_records: u64,
    /// How old the oldest of them is.
    pub backlog_age_s: u64,
    /// Where its plan comes from: `file`, `store` or `example`.
    pub plan_from: String,
    /// Why what the store holds is not what it serves, if it is not.
    pub fault: Option<String>,
    /// What tells its server's key from others, and tells nothing of the key. All nodes of a database have the same.
    pub key_check: String,
}

impl Control {
    /// Keeps what a node says of itself, in the place of what it said before.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn heartbeat(&self, report: &NodeReport) -> Result<(), ControlError> {
        let row = vec![
            report.name.as_str().into(),
            report.started_at.into(),
            report.seen_at.into(),
            report.version.as_str().into(),
            report.schema_version.into(),
            whole(report.plan_revision),
            report.served_version.into(),
            report.snapshot_age_s.map_or(Value::Null, whole),
            whole(report.journal_bytes),
            whole(report.backlog_records),
            whole(report.backlog_age_s),
            report.plan_from.as_str().into(),
            report.fault.clone().into(),
            report.key_check.as_str().into(),
        ];
        let insert = Insert { table: "nodes", columns: COLUMNS, on_conflict: SAID_AGAIN };
        let mut transaction = self.database.begin("heartbeat").await?;
        transaction.insert(insert, vec![row]).await?;
        Ok(transaction.commit().await?)
    }

    /// What all nodes said last, by name.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn nodes(&self) -> Result<Vec<NodeReport>, ControlError> {
        let rows = self.database.query("list_nodes", LIST, Vec::new()).await?;
        Ok(rows.iter().map(report).collect::<Result<_, _>>()?)
    }

    /// Forgets a node that is no more; tells whether it was known.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn forget_node(&self, name: &NodeName) -> Result<bool, ControlError> {
        let mut transaction = self.database.begin("forget_node").await?;
        let forgotten = transaction.execute("DELETE FROM nodes WHERE name = ?1", vec![name.as_str().into()]).await?;
        transaction.commit().await?;
        Ok(forgotten > 0)
    }
}

fn whole(value: u64) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn report(row: &Row) -> Result<NodeReport, StoreError> {
    Ok(NodeReport {
        name: row.parsed(0)?,
        started_at: row.time(1)?,
        seen_at: row.time(2)?,
        version: row.text(3)?.to_owned(),
        schema_version: row.int(4)?,
        plan_revision: row.number(5)?,
        served_version: row.int(6)?,
        snapshot_age_s: row.opt_int(7)?.map(|age| u64::try_from(age).unwrap_or_default()),
        journal_bytes: row.number(8)?,
        backlog_records: row.number(9)?,
        backlog_age_s: row.number(10)?,
        plan_from: row.text(11)?.to_owned(),
        fault: row.opt_text(12)?.map(str::to_owned),
        key_check: row.text(13)?.to_owned(),
    })
}
