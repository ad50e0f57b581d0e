//! Makes the records of calls whose legs are final. Only hours are looked at that changed since, or that are due.
//!
//! An hour's marks are read before its calls, and noted as seen after: what is reported meanwhile is looked at again.
//! Each page of calls is read while the hour's row is held, so of two who gather at once the later one sees the newer.
//! An hour that an import touched waits until it is whole: a call that came before its events would say something else.

use telness_core::names::TenantName;
use telness_core::record::billing::{Looked, look};
use telness_core::time::Timestamp;

use super::hours::{hour_of, hours_later};
use super::put::{Put, put};
use super::row::{self, StoredForBilling};
use super::{Billing, Closing, again, text};
use crate::StoreError;
use crate::sql::{Column, Insert, Kind, Row, Value};

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

/// What gathering came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Hours of calls that were looked at.
    pub hours: u64,
    /// Calls that were looked at.
    pub calls: u64,
    /// Records that were made, or changed before they were in a file.
    pub records: u64,
    /// Calls that cannot be read, or whose records cannot; the log says which and why.
    pub faulty: u64,
    /// Hours of calls that could not be looked at; the log says which and why.
    pub failed: u64,
    /// Calls that were to have a record and get none: what tells of people was removed before it could be made.
    pub lost: u64,
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
    put: Put,
    faulty: u64,
    due_at: Option<Timestamp>,
    next: Option<row::After>,
}

impl Billing {
    /// Makes what records can be made now.
    ///
    /// # Errors
    /// When the database cannot; what was made so far stays, and the rest is made another time. One hour alone that
    /// fails is told and keeps no other from being looked at.
    pub async fn gather(&self, closing: Closing) -> Result<Gathered, StoreError> {
        let mut gathered = Gathered::default();
        // Each hour once: those of calls that are on now are marked again and again.
        let mut after: Option<(Timestamp, String)> = None;
        let mut away = false;
        loop {
            let (hour, tenant) = after.map_or((None, String::new()), |(hour, tenant)| (Some(hour), tenant));
            let parameters = vec![closing.now.into(), Value::time_or_always(hour), tenant.into(), HOURS_MAX.into()];
            let rows = self.database.query("billing_due", DUE, parameters).await?;
            for row in &rows {
                let looked = self.gather_row(row, closing, &mut gathered).await;
                // Where the database went away, the next hour finds it so as well.
                let before = std::mem::replace(&mut away, matches!(looked, Err(StoreError::Unavailable(_))));
                match looked {
                    Ok(()) => {}
                    Err(why @ (StoreError::Unavailable(_) | StoreError::Broken(_))) if !(before && away) => {
                        let (tenant, hour) = (row.text(0).unwrap_or("?"), row.time(1).unwrap_or_default());
                        tracing::error!(tenant, %hour, %why, "an hour's calls cannot be looked at for billing");
                        gathered.failed = gathered.failed.saturating_add(1);
                    }
                    Err(error) => return Err(error),
                }
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

    async fn gather_row(&self, row: &Row, closing: Closing, sum: &mut Gathered) -> Result<(), StoreError> {
        let hour = Hour { tenant: row.parsed(0)?, hour: row.time(1)? };
        self.gather_hour(&hour, closing, sum).await
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
            sum.records = sum.records.saturating_add(page.put.records);
            sum.faulty = sum.faulty.saturating_add(page.faulty);
            sum.lost = sum.lost.saturating_add(page.put.lost);
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
        let put = put(&mut transaction, &hour.tenant, &looked, closing.now).await?;
        transaction.commit().await?;
        let faulty = page.faulty.saturating_add(put.faulty);
        let again_at = (faulty > 0).then_some(closing.now);
        Ok(Some(Paged {
            calls: page.calls.len(),
            put,
            faulty,
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
