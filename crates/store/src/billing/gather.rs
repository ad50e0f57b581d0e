//! Makes the records of calls whose legs are final. Only hours are looked at that changed since, or that are due.
//!
//! An hour's marks are read before its calls, and noted as seen after: what is reported meanwhile is looked at again.
//! Each page of calls is read while the hour's row is held, so of two who gather at once the later one sees the newer.
//! An hour that an import touched waits until it is whole: a call that came before its events would say something else.

use std::collections::BTreeSet;

use telness_core::names::TenantName;
use telness_core::record::billing::{Looked, look};
use telness_core::time::Timestamp;

use super::hours::{hour_of, hours_later};
use super::plan::{Existing, Planned, plan};
use super::row::{self, StoredForBilling};
use super::{Billing, Closing, again, text};
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Transaction, Value, listed};

/// Hours that are looked for in one go.
const HOURS_MAX: u32 = 500;
/// Marks of hours that lie so far back, and that were seen, are taken away: should one of their calls change after all,
/// it is marked anew.
const MARKS_KEPT_HOURS: i64 = 24 * 40;

const DUE: &str = "SELECT tenant, hour FROM (
        SELECT m.tenant, m.hour FROM billing_marks m LEFT JOIN billing_seen s
            ON s.tenant = m.tenant AND s.hour = m.hour AND s.journal = m.journal
            WHERE s.count IS NULL OR s.count <> m.count
        UNION SELECT tenant, hour FROM billing_hours WHERE due_at <= ?1
    ) AS found WHERE (hour, tenant) > (?2, ?3) ORDER BY hour, tenant LIMIT ?4";
const MARKS: &str = "SELECT journal, count FROM billing_marks WHERE tenant = ?1 AND hour = ?2";
/// Whether an import that is not whole brought calls or events of the hour.
const HELD: &str = "SELECT EXISTS (SELECT 1 FROM billing_marks m JOIN billing_holds h ON h.journal = m.journal
    WHERE m.tenant = ?1 AND m.hour = ?2)";
const HOLD_HOUR: &str = "INSERT INTO billing_hours (tenant, hour) VALUES (?1, ?2)
    ON CONFLICT (tenant, hour) DO UPDATE SET hour = excluded.hour";
const LOOKED_AT: &str = "UPDATE billing_hours SET due_at = ?3 WHERE tenant = ?1 AND hour = ?2";
/// A tenant's first file begins with the hour before its first record was made, so that it is closed at once.
const HOLD_TENANT: &str = "INSERT INTO billing_tenants (tenant, next_sequence, period_start, period_end, closed_by)
    VALUES (?1, 1, ?2, ?2, 'time') ON CONFLICT (tenant) DO UPDATE SET tenant = excluded.tenant";
const DROP_WAITING: &str = "DELETE FROM billing_records
    WHERE call_tenant = ?1 AND call_id = ?2 AND leg = ?3 AND sequence IS NULL";
const DROP_MARKS: &str = "DELETE FROM billing_marks WHERE hour < ?1 AND EXISTS (SELECT 1 FROM billing_seen s
    WHERE s.tenant = billing_marks.tenant AND s.hour = billing_marks.hour AND s.journal = billing_marks.journal
        AND s.count = billing_marks.count)";
const DROP_SEEN: &str = "DELETE FROM billing_seen WHERE hour < ?1 AND NOT EXISTS (SELECT 1 FROM billing_marks m
    WHERE m.tenant = billing_seen.tenant AND m.hour = billing_seen.hour AND m.journal = billing_seen.journal)";
const DROP_HOURS: &str = "DELETE FROM billing_hours WHERE hour < ?1 AND due_at IS NULL AND NOT EXISTS
    (SELECT 1 FROM billing_marks m WHERE m.tenant = billing_hours.tenant AND m.hour = billing_hours.hour)";
const LOOK_AGAIN: &str = "INSERT INTO billing_hours (tenant, hour, due_at) VALUES (?1, ?2, ?3)
    ON CONFLICT (tenant, hour) DO UPDATE SET due_at = excluded.due_at";

const SEEN: &[Column] = &[("tenant", Kind::Text), ("hour", Kind::Time), ("journal", Kind::Text), ("count", Kind::Int)];
const SEEN_SINCE: &str = "ON CONFLICT (tenant, hour, journal) DO UPDATE SET count = excluded.count";
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

/// What gathering came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Hours of calls that were looked at.
    pub hours: u64,
    /// Calls that were looked at.
    pub calls: u64,
    /// Records that were made, or changed before they were in a file.
    pub records: u64,
    /// Calls that cannot be read; the log says which and why.
    pub faulty: u64,
    /// Hours that wait for an import to be whole.
    pub held: u64,
}

/// One tenant's calls of one hour.
struct Hour {
    tenant: TenantName,
    hour: Timestamp,
}

/// What a page of an hour came to.
struct Paged {
    calls: usize,
    records: u64,
    faulty: u64,
    due_at: Option<Timestamp>,
    next: Option<row::After>,
}

impl Billing {
    /// Makes what records can be made now.
    ///
    /// # Errors
    /// When the database cannot; what was made so far stays, and the rest is made another time.
    pub async fn gather(&self, closing: Closing) -> Result<Gathered, StoreError> {
        let mut gathered = Gathered::default();
        // Each hour once: those of calls that are on now are marked again and again.
        let mut after: Option<(Timestamp, String)> = None;
        loop {
            let (hour, tenant) = after.map_or((None, String::new()), |(hour, tenant)| (Some(hour), tenant));
            let parameters = vec![closing.now.into(), Value::time_or_always(hour), tenant.into(), HOURS_MAX.into()];
            let rows = self.database.query("billing_due", DUE, parameters).await?;
            for row in &rows {
                let hour = Hour { tenant: row.parsed(0)?, hour: row.time(1)? };
                self.gather_hour(&hour, closing, &mut gathered).await?;
            }
            let Some(last) = rows.last() else { break };
            after = Some((last.time(1)?, last.text(0)?.to_owned()));
        }
        if gathered.held > 0 {
            let hours = gathered.held;
            tracing::warn!(
                hours,
                "hours of calls wait for an import that is not whole, and are not billed until it is"
            );
        }
        self.forget_old_marks(closing.now).await?;
        Ok(gathered)
    }

    /// Has all hours looked at again that begin at a time or later, whatever their marks say: calls from before there
    /// were marks, or that a telness of before wrote.
    ///
    /// # Errors
    /// When the database cannot.
    pub async fn look_again(&self, since: Timestamp, now: Timestamp) -> Result<u64, StoreError> {
        let mut marked = 0_u64;
        let mut at = Some((String::new(), since));
        while let Some((tenant, from)) = at.take() {
            let Some(next) = row::next_hour(&self.database, &tenant, from, since).await? else { break };
            let (name, hour) = (next.0, hour_of(next.1));
            let parameters = vec![name.as_str().into(), hour.into(), now.into()];
            let mut transaction = self.database.begin("billing_look_again").await?;
            transaction.execute(LOOK_AGAIN, parameters).await?;
            transaction.commit().await?;
            marked = marked.saturating_add(1);
            at = Some((name, hours_later(hour, 1)));
        }
        Ok(marked)
    }

    async fn gather_hour(&self, hour: &Hour, closing: Closing, sum: &mut Gathered) -> Result<(), StoreError> {
        let key = || vec![text(&hour.tenant), hour.hour.into()];
        let seen = self.database.query("billing_marks", MARKS, key()).await?;
        let seen: Vec<(String, i64)> =
            seen.iter().map(|row| Ok((row.text(0)?.to_owned(), row.int(1)?))).collect::<Result<_, StoreError>>()?;
        let (mut due_at, mut after) = (None, None);
        loop {
            let Some(page) = again(|| self.page(hour, after.as_ref(), closing)).await? else {
                sum.held = sum.held.saturating_add(1);
                return Ok(());
            };
            sum.calls = sum.calls.saturating_add(u64::try_from(page.calls).unwrap_or(u64::MAX));
            sum.records = sum.records.saturating_add(page.records);
            sum.faulty = sum.faulty.saturating_add(page.faulty);
            due_at = [due_at, page.due_at].into_iter().flatten().min();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        sum.hours = sum.hours.saturating_add(1);
        again(|| async {
            let mut transaction = self.database.begin("billing_hour_seen").await?;
            let parameters = vec![text(&hour.tenant), hour.hour.into(), due_at.into()];
            transaction.execute(LOOKED_AT, parameters).await?;
            let row = |(journal, count): &(String, i64)| {
                vec![text(&hour.tenant), hour.hour.into(), journal.as_str().into(), (*count).into()]
            };
            let insert = Insert { table: "billing_seen", columns: SEEN, on_conflict: SEEN_SINCE };
            transaction.insert(insert, seen.iter().map(row).collect()).await?;
            transaction.commit().await
        })
        .await
    }

    /// Looks at a page of an hour; none, and nothing is made of it, while an import brings what is of the hour.
    async fn page(
        &self,
        hour: &Hour,
        after: Option<&row::After>,
        closing: Closing,
    ) -> Result<Option<Paged>, StoreError> {
        let mut transaction = self.database.begin("gather_billing_records").await?;
        transaction.execute(HOLD_HOUR, vec![text(&hour.tenant), hour.hour.into()]).await?;
        let until = hours_later(hour.hour, 1);
        let page = row::calls(&self.database, &mut transaction, &hour.tenant, (hour.hour, until), after).await?;
        // Asked after the calls were read: whoever brought one of them has marked the hour with it.
        let held = transaction.query(HELD, vec![text(&hour.tenant), hour.hour.into()]).await?;
        if held.first().map_or(Ok(false), |row| row.bool(0))? {
            return Ok(None);
        }
        let looked: Vec<(&StoredForBilling, Looked)> = page
            .calls
            .iter()
            .map(|stored| (stored, look(&stored.call, &stored.personal, &stored.cdr, closing.settling, closing.now)))
            .collect();
        let records = put(&mut transaction, &hour.tenant, &looked, closing.now).await?;
        transaction.commit().await?;
        let again_at = (page.faulty > 0).then_some(closing.now);
        Ok(Some(Paged {
            calls: page.calls.len(),
            records,
            faulty: page.faulty,
            due_at: looked.iter().filter_map(|(_, looked)| looked.look_again_at).chain(again_at).min(),
            next: page.next,
        }))
    }

    async fn forget_old_marks(&self, now: Timestamp) -> Result<(), StoreError> {
        let before = hours_later(hour_of(now), MARKS_KEPT_HOURS.saturating_neg());
        again(|| async {
            let mut transaction = self.database.begin("forget_billing_marks").await?;
            for sql in [DROP_MARKS, DROP_SEEN, DROP_HOURS] {
                transaction.execute(sql, vec![before.into()]).await?;
            }
            transaction.commit().await
        })
        .await
    }
}

/// Writes what is new of some calls; tells how many records that are.
async fn put(
    transaction: &mut Transaction,
    call_tenant: &TenantName,
    looked: &[(&StoredForBilling, Looked)],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let payers = looked.iter().flat_map(|(_, looked)| &looked.records).map(|record| record.tenant.clone());
    let mut held: BTreeSet<String> = BTreeSet::new();
    let mut wanted: BTreeSet<String> = payers.collect();
    let ids: Vec<String> = looked.iter().map(|(stored, _)| stored.call.call_id.to_string()).collect();
    let existing = loop {
        hold(transaction, wanted.difference(&held), now).await?;
        held.extend(wanted.iter().cloned());
        // Read once those are held that close files with what is read.
        let existing = existing(transaction, call_tenant, &ids).await?;
        wanted = existing.iter().map(|one| one.record.tenant.clone()).collect();
        if wanted.is_subset(&held) {
            break existing;
        }
    };
    let Planned { put, drop } = plan(looked.iter().map(|(stored, looked)| (stored.call.call_id, looked)), existing);
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
    transaction.insert(insert, rows.collect()).await
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

/// The records that there are of some calls.
async fn existing(
    transaction: &mut Transaction,
    call_tenant: &TenantName,
    ids: &[String],
) -> Result<Vec<Existing>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT sequence, jsonl FROM billing_records WHERE call_tenant = ?1 AND call_id IN ({})
         ORDER BY call_id, leg, revision",
        listed(1, ids.len())
    );
    let parameters = std::iter::once(text(call_tenant)).chain(ids.iter().map(|id| id.as_str().into())).collect();
    let rows = transaction.query(sql, parameters).await?;
    rows.iter().map(|row| Ok(Existing { sequence: row.opt_int(0)?, record: row.json(1)? })).collect()
}
