//! What was issued as it is kept, for whoever copies a store into another: who has files, the files, and the records.
//!
//! A record of a tenant's call that another pays is in a file of that other. When the tenant alone moves, the record goes
//! with its call, so that none is made of it again, and stands there without a place: in no file of that store.

use serde::{Deserialize, Serialize};
use telness_core::names::TenantName;
use telness_core::record::billing::{BillingRecord, ClosedBy, FileHead};
use telness_core::time::Timestamp;

use super::close::{FILE, file_values};
use super::issue::{self, BillingFile};
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Row, Transaction, Value};

/// Who has files, and what the next one is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptTenant {
    pub(crate) tenant: TenantName,
    pub(crate) next_sequence: i64,
    pub(crate) period_start: Timestamp,
    pub(crate) period_end: Timestamp,
    pub(crate) closed_by: ClosedBy,
    pub(crate) sha256: Option<String>,
}

/// A closed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptFile {
    pub(crate) head: FileHead,
    pub(crate) jsonl_sha256: String,
    pub(crate) csv_sha256: String,
}

/// A record, whether it is in a file or waits for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptRecord {
    pub(crate) call_tenant: TenantName,
    pub(crate) call_id: String,
    pub(crate) leg: String,
    pub(crate) revision: i64,
    pub(crate) tenant: TenantName,
    pub(crate) received_at: Timestamp,
    pub(crate) made_at: Timestamp,
    pub(crate) sequence: Option<i64>,
    pub(crate) place: Option<i64>,
    pub(crate) talk_ms: Option<i64>,
    pub(crate) jsonl: String,
    pub(crate) csv: String,
}

/// Where a copy has come among records: before all others at first.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecordPlace {
    call_tenant: String,
    call_id: String,
    leg: String,
    revision: i64,
}

const TENANTS: &str = "SELECT tenant, next_sequence, period_start, period_end, closed_by, sha256 FROM billing_tenants
    WHERE tenant > ?1 AND (?2 = '' OR tenant = ?2) ORDER BY tenant LIMIT ?3";
const RECORDS: &str = "SELECT call_tenant, call_id, leg, revision, tenant, received_at, made_at, sequence,
        CASE WHEN ?5 = '' OR tenant = ?5 THEN place END, talk_ms, jsonl, csv FROM billing_records
    WHERE (call_tenant, call_id, leg, revision) > (?1, ?2, ?3, ?4)
        AND (?5 = '' OR tenant = ?5 OR (call_tenant = ?5 AND sequence IS NOT NULL))
    ORDER BY call_tenant, call_id, leg, revision LIMIT ?6";

pub(super) const TENANT: &[Column] = &[
    ("tenant", Kind::Text),
    ("next_sequence", Kind::Int),
    ("period_start", Kind::Time),
    ("period_end", Kind::Time),
    ("closed_by", Kind::Text),
    ("sha256", Kind::Text),
];
pub(super) const RECORD: &[Column] = &[
    ("call_tenant", Kind::Text),
    ("call_id", Kind::Text),
    ("leg", Kind::Text),
    ("revision", Kind::Int),
    ("tenant", Kind::Text),
    ("received_at", Kind::Time),
    ("made_at", Kind::Time),
    ("sequence", Kind::Int),
    ("place", Kind::Int),
    ("talk_ms", Kind::Int),
    ("jsonl", Kind::Text),
    ("csv", Kind::Text),
];

impl KeptFile {
    /// Refuses what cannot have been kept.
    pub(crate) fn check(&self) -> Result<(), String> {
        let named = self.head.tenant.parse::<TenantName>().is_ok() && self.head.sequence > 0;
        if named { Ok(()) } else { Err("it is no tenant's file".to_owned()) }
    }
}

impl KeptRecord {
    pub(crate) fn at(&self) -> RecordPlace {
        let (call_tenant, call_id) = (self.call_tenant.to_string(), self.call_id.clone());
        RecordPlace { call_tenant, call_id, leg: self.leg.clone(), revision: self.revision }
    }

    /// Refuses what cannot have been kept: it would be issued as it is, or keep its call from being billed.
    pub(crate) fn check(&self) -> Result<(), String> {
        let record: BillingRecord =
            serde_json::from_str(&self.jsonl).map_err(|_| "its line of JSON is no record for billing".to_owned())?;
        let says = (record.call_id, record.leg, i64::from(record.revision.revision), record.tenant);
        let is = (self.call_id.clone(), self.leg.clone(), self.revision, self.tenant.to_string());
        let whole = says == is && (self.place.is_none() || self.sequence.is_some());
        if whole { Ok(()) } else { Err("its line of JSON is that of another record".to_owned()) }
    }
}

/// Those who have files, by name, after one: one tenant alone, if it is said which.
pub(crate) async fn tenants(
    transaction: &mut Transaction,
    only: Option<&TenantName>,
    after: &str,
    limit: i64,
) -> Result<Vec<KeptTenant>, StoreError> {
    let rows = transaction.query(TENANTS, vec![after.into(), name(only), limit.into()]).await?;
    let of = |row: &Row| {
        Ok(KeptTenant {
            tenant: row.parsed(0)?,
            next_sequence: row.int(1)?,
            period_start: row.time(2)?,
            period_end: row.time(3)?,
            closed_by: row.parsed(4)?,
            sha256: row.opt_text(5)?.map(str::to_owned),
        })
    };
    rows.iter().map(of).collect()
}

/// Files after one, by tenant and number.
pub(crate) async fn files(
    transaction: &mut Transaction,
    only: Option<&TenantName>,
    after: (&str, i64),
    limit: i64,
) -> Result<Vec<KeptFile>, StoreError> {
    let sql = format!(
        "{} WHERE (tenant, sequence) > (?1, ?2) AND (?3 = '' OR tenant = ?3) ORDER BY tenant, sequence LIMIT ?4",
        issue::FILES
    );
    let rows = transaction.query(sql, vec![after.0.into(), after.1.into(), name(only), limit.into()]).await?;
    let of = |row: &Row| {
        let BillingFile { head, jsonl_sha256, csv_sha256 } = issue::file(row)?;
        Ok(KeptFile { head, jsonl_sha256, csv_sha256 })
    };
    rows.iter().map(of).collect()
}

/// Records after one, by call, leg and revision. Of one tenant: those of its files, those that wait for its next, and
/// those of its calls that are in others' files, without their places.
pub(crate) async fn records(
    transaction: &mut Transaction,
    only: Option<&TenantName>,
    after: &RecordPlace,
    limit: i64,
) -> Result<Vec<KeptRecord>, StoreError> {
    let from = [&after.call_tenant, &after.call_id, &after.leg].map(|text| Value::from(text.as_str()));
    let parameters = from.into_iter().chain([after.revision.into(), name(only), limit.into()]).collect();
    let of = |row: &Row| {
        Ok(KeptRecord {
            call_tenant: row.parsed(0)?,
            call_id: row.text(1)?.to_owned(),
            leg: row.text(2)?.to_owned(),
            revision: row.int(3)?,
            tenant: row.parsed(4)?,
            received_at: row.time(5)?,
            made_at: row.time(6)?,
            sequence: row.opt_int(7)?,
            place: row.opt_int(8)?,
            talk_ms: row.opt_int(9)?,
            jsonl: row.text(10)?.to_owned(),
            csv: row.text(11)?.to_owned(),
        })
    };
    transaction.query(RECORDS, parameters).await?.iter().map(of).collect()
}

/// Writes who has files, where nobody has.
pub(crate) async fn put_tenants(transaction: &mut Transaction, all: Vec<KeptTenant>) -> Result<(), StoreError> {
    let insert = Insert { table: "billing_tenants", columns: TENANT, on_conflict: "" };
    transaction.insert(insert, all.iter().map(tenant_values).collect()).await.map(drop)
}

/// Writes files.
pub(crate) async fn put_files(transaction: &mut Transaction, all: Vec<KeptFile>) -> Result<(), StoreError> {
    let insert = Insert { table: "billing_files", columns: FILE, on_conflict: "" };
    transaction.insert(insert, all.into_iter().map(kept_file_values).collect()).await.map(drop)
}

/// Writes records.
pub(crate) async fn put_records(transaction: &mut Transaction, all: Vec<KeptRecord>) -> Result<(), StoreError> {
    let insert = Insert { table: "billing_records", columns: RECORD, on_conflict: "" };
    transaction.insert(insert, all.iter().map(record_values).collect()).await.map(drop)
}

pub(super) fn tenant_values(one: &KeptTenant) -> Vec<Value> {
    vec![
        one.tenant.as_str().into(),
        one.next_sequence.into(),
        one.period_start.into(),
        one.period_end.into(),
        one.closed_by.as_str().into(),
        one.sha256.clone().into(),
    ]
}

pub(super) fn kept_file_values(one: KeptFile) -> Vec<Value> {
    let KeptFile { head, jsonl_sha256, csv_sha256 } = one;
    file_values(&BillingFile { head, jsonl_sha256, csv_sha256 })
}

pub(super) fn record_values(one: &KeptRecord) -> Vec<Value> {
    vec![
        one.call_tenant.as_str().into(),
        one.call_id.as_str().into(),
        one.leg.as_str().into(),
        one.revision.into(),
        one.tenant.as_str().into(),
        one.received_at.into(),
        one.made_at.into(),
        one.sequence.into(),
        one.place.into(),
        one.talk_ms.into(),
        one.jsonl.as_str().into(),
        one.csv.as_str().into(),
    ]
}

/// A tenant as a parameter; nothing for everybody.
fn name(only: Option<&TenantName>) -> Value {
    only.map_or("", TenantName::as_str).into()
}
