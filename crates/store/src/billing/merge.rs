//! What another store issued is added to this one. Two series of one tenant are one if one of them goes on where the
//! other ends; else nothing is taken, as a number that was given to a file is never given to another.

use std::collections::BTreeSet;

use super::close::FILE;
use super::copy::{KeptFile, KeptRecord, KeptTenant, RECORD, TENANT, kept_file_values, record_values, tenant_values};
use crate::StoreError;
use crate::sql::{Insert, Transaction};

const HOLD: &str = "UPDATE billing_tenants SET tenant = tenant WHERE tenant = ?1";
const KEEP: &str = "ON CONFLICT DO NOTHING";
/// The series that is further ahead leads on. Whether the other is its beginning, the files show.
const LEADS: &str = "ON CONFLICT (tenant) DO UPDATE SET next_sequence = excluded.next_sequence,
    period_start = excluded.period_start, period_end = excluded.period_end, closed_by = excluded.closed_by,
    sha256 = excluded.sha256 WHERE billing_tenants.next_sequence < excluded.next_sequence";
const SAME_FILE: &str = "ON CONFLICT (tenant, sequence) DO UPDATE SET tenant = excluded.tenant
    WHERE billing_files.jsonl_sha256 = excluded.jsonl_sha256 AND billing_files.csv_sha256 = excluded.csv_sha256";
/// What waits here and was issued there was issued; so was what stands here without its file, which comes now.
const ISSUED: &str = "ON CONFLICT (call_tenant, call_id, leg, revision) DO UPDATE SET tenant = excluded.tenant,
    received_at = excluded.received_at, made_at = excluded.made_at, sequence = excluded.sequence,
    place = excluded.place, talk_ms = excluded.talk_ms, jsonl = excluded.jsonl, csv = excluded.csv
    WHERE excluded.sequence IS NOT NULL AND (billing_records.sequence IS NULL OR (billing_records.place IS NULL
        AND billing_records.sequence = excluded.sequence AND billing_records.jsonl = excluded.jsonl
        AND excluded.place IS NOT NULL))";
const SAME_RECORD: &str = "ON CONFLICT (call_tenant, call_id, leg, revision) DO UPDATE SET tenant = excluded.tenant
    WHERE billing_records.tenant = excluded.tenant AND billing_records.sequence = excluded.sequence
        AND billing_records.jsonl = excluded.jsonl";

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merged {
    /// So many were added, the others were there.
    Added(usize),
    /// It does not go with what is there: the one at this place.
    Refused(usize),
}

/// Holds those who have files here and there, and has the series lead on that is further ahead.
pub(crate) async fn tenants(transaction: &mut Transaction, all: &[KeptTenant]) -> Result<Merged, StoreError> {
    let mut added = 0_usize;
    for one in all {
        let insert = |on_conflict| Insert { table: "billing_tenants", columns: TENANT, on_conflict };
        let new = transaction.insert(insert(KEEP), vec![tenant_values(one)]).await?;
        added = added.saturating_add(usize::from(new > 0));
        // Nobody closes a file of the tenant until all of it is there.
        transaction.execute(HOLD, vec![one.tenant.as_str().into()]).await?;
        transaction.insert(insert(LEADS), vec![tenant_values(one)]).await?;
    }
    Ok(Merged::Added(added))
}

/// Adds files.
pub(crate) async fn files(transaction: &mut Transaction, all: &[KeptFile]) -> Result<Merged, StoreError> {
    let insert = |on_conflict| Insert { table: "billing_files", columns: FILE, on_conflict };
    let rows = || all.iter().cloned().map(kept_file_values);
    let added = transaction.insert(insert(KEEP), rows().collect()).await?;
    if all_of(added, all.len()) {
        return Ok(Merged::Added(all.len()));
    }
    for (at, row) in rows().enumerate() {
        if transaction.insert(insert(SAME_FILE), vec![row]).await? == 0 {
            return Ok(Merged::Refused(at));
        }
    }
    Ok(Merged::Added(usize::try_from(added).unwrap_or(usize::MAX)))
}

/// Adds records. One that is here stays, if it was issued; if it waits here and was issued there, it is issued.
pub(crate) async fn records(transaction: &mut Transaction, all: &[KeptRecord]) -> Result<Merged, StoreError> {
    let payers: BTreeSet<&str> = all.iter().map(|one| one.tenant.as_str()).collect();
    for payer in payers {
        transaction.execute(HOLD, vec![payer.into()]).await?;
    }
    let insert = |on_conflict| Insert { table: "billing_records", columns: RECORD, on_conflict };
    let rows = || all.iter().map(record_values);
    let added = transaction.insert(insert(KEEP), rows().collect()).await?;
    if all_of(added, all.len()) {
        return Ok(Merged::Added(all.len()));
    }
    transaction.insert(insert(ISSUED), rows().collect()).await?;
    for (at, one) in all.iter().enumerate().filter(|(_, one)| one.sequence.is_some()) {
        if transaction.insert(insert(SAME_RECORD), vec![record_values(one)]).await? == 0 {
            return Ok(Merged::Refused(at));
        }
    }
    Ok(Merged::Added(usize::try_from(added).unwrap_or(usize::MAX)))
}

fn all_of(added: u64, all: usize) -> bool {
    u64::try_from(all).is_ok_and(|all| all == added)
}
