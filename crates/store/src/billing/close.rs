//! Closes files: gives a tenant's next number to the records that wait.

use telness_core::names::TenantName;
use telness_core::record::billing::{ClosedBy, FILE_VERSION, FileHead, Format};

use super::hours::hour_of;
use super::issue::{BillingFile, Lines, sum};
use super::{Billing, Closing, again, text};
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Row, Transaction, Value};

/// Nobody else closes a file of the tenant, or puts a record of it, until the transaction is over.
const HOLD: &str = "UPDATE billing_tenants SET tenant = tenant WHERE tenant = ?1
    RETURNING next_sequence, period_start, period_end, closed_by, sha256";
const TAKE: &str = "UPDATE billing_records SET sequence = ?2, place = taken.place FROM (
        SELECT call_tenant, call_id, leg, revision,
            row_number() OVER (ORDER BY received_at, call_id, leg) AS place
        FROM billing_records WHERE tenant = ?1 AND sequence IS NULL
        ORDER BY received_at, call_id, leg LIMIT ?3
    ) AS taken
    WHERE billing_records.call_tenant = taken.call_tenant AND billing_records.call_id = taken.call_id
        AND billing_records.leg = taken.leg AND billing_records.revision = taken.revision";
const CORRECTIONS: &str = "SELECT count(*) FROM billing_records
    WHERE tenant = ?1 AND sequence = ?2 AND place IS NOT NULL AND revision > 1";
const TALK: &str = "SELECT CAST(coalesce(sum(talk_ms), 0) AS bigint) FROM billing_records
    WHERE tenant = ?1 AND sequence = ?2 AND place IS NOT NULL";
const ANY_WAITS: &str = "SELECT EXISTS (SELECT 1 FROM billing_records WHERE tenant = ?1 AND sequence IS NULL)";
const ADVANCE: &str = "UPDATE billing_tenants SET next_sequence = next_sequence + 1, period_start = ?2,
    period_end = ?3, closed_by = ?4, sha256 = ?5 WHERE tenant = ?1";
pub(super) const FILE: &[Column] = &[
    ("tenant", Kind::Text),
    ("sequence", Kind::Int),
    ("v", Kind::Int),
    ("period_start", Kind::Time),
    ("period_end", Kind::Time),
    ("closed_at", Kind::Time),
    ("closed_by", Kind::Text),
    ("records", Kind::Int),
    ("corrections", Kind::Int),
    ("talk_ms", Kind::Int),
    ("previous_sha256", Kind::Text),
    ("jsonl_sha256", Kind::Text),
    ("csv_sha256", Kind::Text),
];

impl Billing {
    /// Closes the files of a tenant whose hours are over; none if nobody has to, or another has just done it. An hour
    /// without records makes a file without records, so that whoever receives them sees that nothing is missing; of
    /// hours in which nobody closed files there is one.
    ///
    /// # Errors
    /// When the database cannot; then no number is taken.
    pub async fn close(&self, tenant: &TenantName, closing: Closing) -> Result<Vec<BillingFile>, StoreError> {
        let mut closed = Vec::new();
        while let Some(file) = again(|| self.close_one(tenant, closing)).await? {
            let last = file.head.closed_by == ClosedBy::Time;
            closed.push(file);
            if last {
                break;
            }
        }
        Ok(closed)
    }

    async fn close_one(&self, tenant: &TenantName, closing: Closing) -> Result<Option<BillingFile>, StoreError> {
        let mut transaction = self.database.begin("close_billing_file").await?;
        let rows = transaction.query(HOLD, vec![text(tenant)]).await?;
        let Some(mut head) = rows.first().map(|row| next_head(tenant, row, closing)).transpose()?.flatten() else {
            // Nothing was changed but for the hold.
            transaction.commit().await?;
            return Ok(None);
        };
        // The row is there before its tenant's first record, for whoever holds it.
        if head.sequence == 1 {
            let waits = transaction.query(ANY_WAITS, vec![text(tenant)]).await?;
            if !waits.first().map_or(Ok(false), |row| row.bool(0))? {
                transaction.commit().await?;
                return Ok(None);
            }
        }
        let file_records_max = closing.file_records_max.max(1);
        let take = vec![text(tenant), head.sequence.into(), file_records_max.into()];
        let taken = transaction.execute(TAKE, take).await?;
        head.records = i64::try_from(taken).unwrap_or(i64::MAX);
        if taken >= u64::from(file_records_max) {
            head.closed_by = ClosedBy::Records;
        }
        let of_file = || vec![text(tenant), head.sequence.into()];
        head.corrections = first_int(&transaction.query(CORRECTIONS, of_file()).await?)?;
        head.talk_ms = first_int(&transaction.query(TALK, of_file()).await?)?;
        let lines = Lines::of_transaction(&mut transaction, tenant, head.sequence).await?;
        let (jsonl, csv) = (sum(&head, Format::JsonLines, &lines), sum(&head, Format::Csv, &lines));
        let file = BillingFile { head, jsonl_sha256: jsonl, csv_sha256: csv };
        keep(&mut transaction, tenant, &file).await?;
        transaction.commit().await?;
        Ok(Some(file))
    }
}

/// The next file's head, yet without its records; none while its hours are not over.
fn next_head(tenant: &TenantName, row: &Row, closing: Closing) -> Result<Option<FileHead>, StoreError> {
    let (last_start, last_end) = (row.time(1)?, row.time(2)?);
    let upto = hour_of(closing.now);
    let period_start = match row.parsed(3)? {
        ClosedBy::Time if upto <= last_end => return Ok(None),
        ClosedBy::Time => last_end,
        // The one before was full: this one has the rest, though its hours may be over long since.
        ClosedBy::Records => last_start,
    };
    Ok(Some(FileHead {
        v: FILE_VERSION,
        tenant: tenant.to_string(),
        sequence: row.int(0)?,
        period_start,
        period_end: upto.max(last_end),
        closed_at: closing.now,
        closed_by: ClosedBy::Time,
        records: 0,
        corrections: 0,
        talk_ms: 0,
        previous_sha256: row.opt_text(4)?.map(str::to_owned),
    }))
}

fn first_int(rows: &[Row]) -> Result<i64, StoreError> {
    rows.first().map_or(Ok(0), |row| row.int(0))
}

/// The columns of a file.
pub(super) fn file_values(file: &BillingFile) -> Vec<Value> {
    let head = &file.head;
    vec![
        head.tenant.as_str().into(),
        head.sequence.into(),
        i64::from(head.v).into(),
        head.period_start.into(),
        head.period_end.into(),
        head.closed_at.into(),
        head.closed_by.as_str().into(),
        head.records.into(),
        head.corrections.into(),
        head.talk_ms.into(),
        head.previous_sha256.clone().into(),
        file.jsonl_sha256.as_str().into(),
        file.csv_sha256.as_str().into(),
    ]
}

async fn keep(transaction: &mut Transaction, tenant: &TenantName, file: &BillingFile) -> Result<(), StoreError> {
    let head = &file.head;
    let insert = Insert { table: "billing_files", columns: FILE, on_conflict: "" };
    transaction.insert(insert, vec![file_values(file)]).await?;
    let advance = vec![
        text(tenant),
        head.period_start.into(),
        head.period_end.into(),
        head.closed_by.as_str().into(),
        file.jsonl_sha256.as_str().into(),
    ];
    transaction.execute(ADVANCE, advance).await.map(drop)
}
