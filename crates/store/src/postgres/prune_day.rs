//! A whole day, removed in one go: its partitions are dropped under a lock that is asked for again and again, each time
//! for so short that nobody who calls notices. It is one transaction: whoever is killed in it has changed nothing, and
//! whoever makes the day again for a late record finds it either there or gone.

use std::time::Duration;

use deadpool_postgres::Transaction;
use telness_core::names::TenantName;
use telness_core::retention::{DataClass, Horizon, Horizons};
use telness_core::time::Timestamp;
use tokio_postgres::error::SqlState;

use super::calls;
use super::pool::Pool;
use super::trouble::Trouble;
use super::value::{Day, Time};
use crate::{DayPruned, StoreError};

/// How often the lock is asked for, and how long it is waited for; meanwhile those who come later wait as well.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_WAIT: &str = "SET LOCAL lock_timeout = '150ms'";
/// The pause between.
const LOCK_PAUSE: Duration = Duration::from_millis(250);

/// Keys of a day that is gone, so many at a time.
const KEYS_STEP: u64 = 5_000;

const DAYS: &str = "SELECT to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'calls'::regclass AND c.relname ~ '^calls_p[0-9]{8}$' ORDER BY 1";
// As everybody who makes days; then calls before events, as everybody who writes.
const LOCK_DAYS: &str = "SELECT pg_advisory_xact_lock(hashtext('telness make_day'))";
const LOCK: &str = "LOCK TABLE ONLY calls, ONLY events IN ACCESS EXCLUSIVE MODE";

const TENANTS: &str = "WITH RECURSIVE t (tenant) AS (
        (SELECT tenant FROM calls WHERE received_at >= $1 AND received_at < $2 ORDER BY tenant LIMIT 1)
        UNION ALL
        SELECT (SELECT c.tenant FROM calls c WHERE c.tenant > t.tenant AND c.received_at >= $1 AND c.received_at < $2
                ORDER BY c.tenant LIMIT 1)
            FROM t WHERE t.tenant IS NOT NULL)
    SELECT tenant FROM t WHERE tenant IS NOT NULL";
const ANY_EMERGENCY: &str = "SELECT EXISTS (SELECT 1 FROM calls
    WHERE tenant = $1 AND received_at >= $2 AND received_at < $3 AND class = 'emergency')";
const COUNT: &str = "SELECT count(*) FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at < $3";
const COUNT_EMERGENCY: &str = "SELECT count(*) FROM calls
    WHERE tenant = $1 AND received_at >= $2 AND received_at < $3 AND class = 'emergency'";
/// Whether a call of the day may be yet to be billed; where nobody ever made records, none is.
const ANY_UNBILLED: &str = "SELECT (EXISTS (SELECT 1 FROM billing_hours) OR EXISTS (SELECT 1 FROM billing_tenants))
    AND (EXISTS (SELECT 1 FROM billing_hours WHERE hour >= $1 AND hour < $2 AND due_at IS NOT NULL)
        OR EXISTS (SELECT 1 FROM billing_marks m LEFT JOIN billing_seen s
            ON s.tenant = m.tenant AND s.hour = m.hour AND s.journal = m.journal
            WHERE m.hour >= $1 AND m.hour < $2 AND (s.count IS NULL OR s.count <> m.count)))";
// A late record may have made the day again: what ties its id stays.
const KEYS: &str = "DELETE FROM keyed_calls WHERE ctid = ANY (ARRAY (SELECT k.ctid FROM keyed_calls k
    WHERE k.received_at >= $1 AND k.received_at < $2 AND NOT EXISTS (SELECT 1 FROM calls c
        WHERE c.tenant = k.tenant AND c.received_at = k.received_at AND c.call_id = k.call_id
            AND c.received_at >= $1 AND c.received_at < $2)
    LIMIT 5000 FOR UPDATE OF k SKIP LOCKED))";

/// What is over.
struct Over {
    horizons: Horizons,
    /// Also what is yet to be billed.
    also_unbilled: bool,
}

/// What is known of a day under the lock, or why nothing is.
enum Looked {
    Stays,
    Due(Vec<(TenantName, DataClass, u64)>),
}

/// The days that have partitions.
pub(super) async fn days(transaction: &Transaction<'_>) -> Result<Vec<Timestamp>, Trouble> {
    let rows = transaction.query(DAYS, &[]).await?;
    rows.iter().map(|row| Ok(row.try_get::<_, Day>(0)?.begins())).collect()
}

/// Removes a day, unless something of it is to be kept.
pub(super) async fn prune(
    pool: &Pool,
    day: Timestamp,
    horizons: Horizons,
    also_unbilled: bool,
) -> Result<DayPruned, StoreError> {
    let (day, shared) = (Day::of(day), std::sync::Arc::new(Over { horizons, also_unbilled }));
    if shared.horizons.latest_of_calls().is_none_or(|latest| latest < day.ends()) {
        return Ok(DayPruned::Stays);
    }
    let over = std::sync::Arc::clone(&shared);
    // Counted before the lock, as that takes longer than others are to wait.
    let counted = pool.transaction("count_day", move |transaction| {
        let over = std::sync::Arc::clone(&over);
        Box::pin(async move { look(transaction, day, &over, true).await })
    });
    let Looked::Due(counts) = counted.await? else { return Ok(DayPruned::Stays) };
    for attempt in 0..LOCK_ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        let over = std::sync::Arc::clone(&shared);
        let dropped = pool.transaction("drop_day", move |transaction| {
            let over = std::sync::Arc::clone(&over);
            Box::pin(async move { drop_day(transaction, day, &over).await })
        });
        match dropped.await? {
            DayPruned::Busy => {}
            DayPruned::Stays => return Ok(DayPruned::Stays),
            DayPruned::Removed(_) => {
                forget_keys(pool, day.begins(), day.ends()).await?;
                return Ok(DayPruned::Removed(counts));
            }
        }
    }
    Ok(DayPruned::Busy)
}

/// Removes what ties ids to times of a span that has no calls. What a killed run leaves of it does no harm: an id that
/// is tied to a call that is gone is tied to the next one that comes under it.
pub(super) async fn forget_keys(pool: &Pool, since: Timestamp, until: Timestamp) -> Result<(), StoreError> {
    loop {
        let forgotten = pool.transaction("forget_keys", move |transaction| {
            Box::pin(async move { Ok(transaction.execute(KEYS, &[&Time(since), &Time(until)]).await?) })
        });
        if forgotten.await? < KEYS_STEP {
            return Ok(());
        }
    }
}

async fn drop_day(transaction: &Transaction<'_>, day: Day, over: &Over) -> Result<DayPruned, Trouble> {
    transaction.batch_execute(LOCK_WAIT).await?;
    for lock in [LOCK_DAYS, LOCK] {
        if is_busy(transaction.batch_execute(lock).await)? {
            return Ok(DayPruned::Busy);
        }
    }
    // What came since it was counted counts as well.
    if matches!(look(transaction, day, over, false).await?, Looked::Stays) {
        return Ok(DayPruned::Stays);
    }
    let named = "SELECT s, to_regclass('calls_p' || s) IS NOT NULL FROM to_char($1::date, 'YYYYMMDD') AS s";
    let row = transaction.query_one(named, &[&day]).await?;
    let (suffix, is_there): (String, bool) = (row.try_get(0)?, row.try_get(1)?);
    if !is_there {
        // Another run was faster, and has told of it.
        return Ok(DayPruned::Stays);
    }
    let drop = format!("DROP TABLE IF EXISTS calls_p{suffix}, events_p{suffix}");
    if is_busy(transaction.batch_execute(&drop).await)? {
        return Ok(DayPruned::Busy);
    }
    Ok(DayPruned::Removed(Vec::new()))
}

/// Whether a lock was not to be had. The transaction is then over, and its commit undoes it.
fn is_busy(locked: Result<(), tokio_postgres::Error>) -> Result<bool, Trouble> {
    match locked {
        Ok(()) => Ok(false),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Whether all of a day is over, of every tenant that has calls on it.
async fn look(transaction: &Transaction<'_>, day: Day, over: &Over, count: bool) -> Result<Looked, Trouble> {
    let (since, until) = (Time(day.begins()), Time(day.ends()));
    let mut counts = Vec::new();
    for row in transaction.query(TENANTS, &[&since, &until]).await? {
        let tenant: TenantName = calls::parsed(&row, 0)?;
        let horizon = over.horizons.of_tenant(&tenant);
        let is_over = |class| Horizon::before(&horizon, class).is_some_and(|before| before >= day.ends());
        let name = tenant.as_str();
        let any: bool = transaction.query_one(ANY_EMERGENCY, &[&name, &since, &until]).await?.try_get(0)?;
        // Who has emergency calls alone on a day is seldom worth to be told apart.
        if !is_over(DataClass::Calls) || (any && !is_over(DataClass::EmergencyCalls)) {
            return Ok(Looked::Stays);
        }
        if count {
            let all: i64 = transaction.query_one(COUNT, &[&name, &since, &until]).await?.try_get(0)?;
            let emergency: i64 = transaction.query_one(COUNT_EMERGENCY, &[&name, &since, &until]).await?.try_get(0)?;
            counts.push((tenant.clone(), DataClass::Calls, all.saturating_sub(emergency).unsigned_abs()));
            counts.push((tenant, DataClass::EmergencyCalls, emergency.unsigned_abs()));
        }
    }
    // Asked after the calls were seen: whoever brought one has marked its hour with it.
    let unbilled: bool = transaction.query_one(ANY_UNBILLED, &[&since, &until]).await?.try_get(0)?;
    if unbilled && !over.also_unbilled {
        return Ok(Looked::Stays);
    }
    Ok(Looked::Due(counts))
}
