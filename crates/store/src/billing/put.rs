//! Writes the records of some calls, while nobody closes a file of those who pay for them.

use std::collections::{BTreeMap, BTreeSet};

use telness_core::names::TenantName;
use telness_core::record::billing::{BillingRecord, Looked};
use telness_core::time::Timestamp;

use super::hours::{hour_of, hours_later};
use super::plan::{Existing, Planned, plan};
use super::row::StoredForBilling;
use super::text;
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Transaction, Value, listed};

/// A tenant's first file begins with the hour before its first record was made, so that it is closed at once.
const HOLD_TENANT: &str = "INSERT INTO billing_tenants (tenant, next_sequence, period_start, period_end, closed_by)
    VALUES (?1, 1, ?2, ?2, 'time') ON CONFLICT (tenant) DO UPDATE SET tenant = excluded.tenant";
const DROP_WAITING: &str = "DELETE FROM billing_records
    WHERE call_tenant = ?1 AND call_id = ?2 AND leg = ?3 AND sequence IS NULL";
const RECORD: &[Column] = &[
    ("call_tenant", Kind::Text),
    ("call_id", Kind::Text),
    ("leg", Kind::Text),
    ("revision", Kind::Int),
    ("tenant", Kind::Text),
    ("received_at", Kind::Time),
    ("made_at", Kind::Time),
    ("talk_ms", Kind::Int),
    ("jsonl", Kind::Text),
    ("csv", Kind::Text),
];
const RECORD_AGAIN: &str = "ON CONFLICT (call_tenant, call_id, leg, revision) DO UPDATE SET
    talk_ms = excluded.talk_ms, jsonl = excluded.jsonl, csv = excluded.csv WHERE billing_records.sequence IS NULL";

/// What was written of a page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Put {
    /// Records that were made or changed.
    pub(super) records: u64,
    /// Calls of which a record cannot be read.
    pub(super) faulty: u64,
    /// Calls that were to have a record and get none.
    pub(super) lost: u64,
}

/// Writes what is new of some calls.
pub(super) async fn put(
    transaction: &mut Transaction,
    call_tenant: &TenantName,
    looked: &[(&StoredForBilling, Looked)],
    now: Timestamp,
) -> Result<Put, StoreError> {
    // Who pays for a call that was pruned, the records that there are say.
    let known = looked.iter().filter(|(_, looked)| !looked.pruned);
    let payers = known.flat_map(|(_, looked)| &looked.records).map(|record| record.tenant.clone());
    let mut held: BTreeSet<String> = BTreeSet::new();
    let mut wanted: BTreeSet<String> = payers.collect();
    let ids: Vec<String> = looked.iter().map(|(stored, _)| stored.call.call_id.to_string()).collect();
    let Records { readable, unreadable } = loop {
        hold(transaction, wanted.difference(&held), now).await?;
        held.extend(wanted.iter().cloned());
        // Read once those are held that close files with what is read.
        let existing = existing(transaction, call_tenant, &ids).await?;
        wanted = existing.readable.iter().map(|one| one.record.tenant.clone()).collect();
        if wanted.is_subset(&held) {
            break existing;
        }
    };
    for (call, why) in &unreadable {
        tracing::error!(tenant = %call_tenant, call, why, "a record for billing cannot be read; its call is left alone");
    }
    let calls = looked.iter().map(|(stored, looked)| (stored.call.call_id, looked));
    let calls = calls.filter(|(call_id, _)| !unreadable.contains_key(&call_id.to_string()));
    let Planned { put, drop, lost } = plan(calls, readable);
    for call in &lost {
        tracing::warn!(tenant = %call_tenant, call, "a call was pruned before it was billed, and gets no record");
    }
    for (call_id, leg) in &drop {
        let key = vec![text(call_tenant), call_id.as_str().into(), leg.as_str().into()];
        transaction.execute(DROP_WAITING, key).await?;
    }
    let rows = put.iter().map(|record| {
        vec![
            text(call_tenant),
            record.call_id.as_str().into(),
            record.leg.as_str().into(),
            record.revision.revision.into(),
            record.tenant.as_str().into(),
            record.received_at.into(),
            now.into(),
            record.talk_ms.map_or(Value::Null, |ms| Value::Int(i64::try_from(ms).unwrap_or(i64::MAX))),
            record.json_line().into(),
            record.csv_line().into(),
        ]
    });
    let insert = Insert { table: "billing_records", columns: RECORD, on_conflict: RECORD_AGAIN };
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let (faulty, lost) = (count(unreadable.len()), count(lost.len()));
    Ok(Put { records: transaction.insert(insert, rows.collect()).await?, faulty, lost })
}

/// Holds the rows of those who pay, in one order, and makes those that are not there.
async fn hold(
    transaction: &mut Transaction,
    tenants: impl Iterator<Item = &String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let begins = hours_later(hour_of(now), -1);
    for tenant in tenants {
        transaction.execute(HOLD_TENANT, vec![tenant.as_str().into(), begins.into()]).await?;
    }
    Ok(())
}

/// What there is of some calls.
#[derive(Default)]
struct Records {
    readable: Vec<Existing>,
    /// Calls of which a record cannot be read, with why: nothing can be told of what is new of them.
    unreadable: BTreeMap<String, String>,
}

/// The records that there are of some calls.
async fn existing(
    transaction: &mut Transaction,
    call_tenant: &TenantName,
    ids: &[String],
) -> Result<Records, StoreError> {
    let mut found = Records::default();
    if ids.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT sequence, jsonl, call_id FROM billing_records WHERE call_tenant = ?1 AND call_id IN ({})
         ORDER BY call_id, leg, revision",
        listed(1, ids.len())
    );
    let parameters = std::iter::once(text(call_tenant)).chain(ids.iter().map(|id| id.as_str().into())).collect();
    for row in &transaction.query(sql, parameters).await? {
        let call_id = row.text(2)?;
        match row.json::<BillingRecord>(1) {
            Ok(record) if record.call_id == call_id => {
                found.readable.push(Existing { sequence: row.opt_int(0)?, record });
            }
            Ok(_) => drop(found.unreadable.insert(call_id.to_owned(), "it is another call's".to_owned())),
            Err(why) => drop(found.unreadable.insert(call_id.to_owned(), why.to_string())),
        }
    }
    Ok(found)
}
