//! Records whose time is over, removed in steps beside nodes that write. A step takes no row that somebody else holds:
//! it never waits for a writer, so it cannot wait in a circle with one; what it passed over is left to the next run.

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::time::Timestamp;
use uuid::Uuid;

use super::trouble::Trouble;
use super::value::{Day, Time};
use super::{calls, to_count};
use crate::billing::unbilled::{UNBILLED_HOURS, hours_between, is_unbilled};
use crate::upkeep::{DRY_STEP_CALLS, STEP_CALLS, blank};
use crate::{Cursor, Prunable, PruneStep, PrunedStep};

/// Whoever has calls: the first by name, then each next one, so that nobody's calls are passed through.
const TENANTS: &str = "WITH RECURSIVE t (tenant) AS (
        (SELECT tenant FROM calls ORDER BY tenant LIMIT 1)
        UNION ALL
        SELECT (SELECT c.tenant FROM calls c WHERE c.tenant > t.tenant ORDER BY c.tenant LIMIT 1)
            FROM t WHERE t.tenant IS NOT NULL)
    SELECT tenant FROM t WHERE tenant IS NOT NULL
    UNION SELECT DISTINCT tenant FROM contradictions
    UNION SELECT DISTINCT tenant FROM early_events ORDER BY tenant";

// What is between the cursor and the end of the step, and of the class. `{class}` is a condition that an index serves.
const WINDOW: &str = "FROM calls WHERE tenant = $1 AND received_at >= $2 AND received_at < $3
    AND (received_at, call_id) > ($2, $4)";
const UP_TO: &str = " AND (received_at, call_id) <= ($5, $6) AND received_at <= $5";

const EVENTS_DELETE: &str = "DELETE FROM events e USING unnest($2::uuid[], $3::date[]) AS a (i, d)
    WHERE e.tenant = $1 AND e.call_id = a.i AND e.day = a.d AND e.day BETWEEN $4 AND $5";
const KEYED_DELETE: &str = "DELETE FROM keyed_calls k USING unnest($2::uuid[], $3::timestamptz[]) AS a (i, at)
    WHERE k.tenant = $1 AND k.call_id = a.i AND k.received_at = a.at";
const CALLS_DELETE: &str = "DELETE FROM calls c USING unnest($2::uuid[], $3::timestamptz[]) AS a (i, at)
    WHERE c.tenant = $1 AND c.call_id = a.i AND c.received_at = a.at AND c.received_at BETWEEN $4 AND $5";
const CALLS_BLANK: &str = "UPDATE calls c SET personal = $6, caller_key = NULL, called_key = NULL, request_hash = NULL
    FROM unnest($2::uuid[], $3::timestamptz[]) AS a (i, at)
    WHERE c.tenant = $1 AND c.call_id = a.i AND c.received_at = a.at AND c.received_at BETWEEN $4 AND $5";

const OTHERS: &str = "FROM contradictions WHERE tenant = $1 AND received_at >= $2 AND received_at < $3
    AND (routing ->> 'c' = 'emergency') = $4";
const WAITING: &str = "SELECT call_id, count(*) FROM early_events WHERE tenant = $1 AND call_id > $2
    GROUP BY call_id HAVING max(received_at) < $3 ORDER BY call_id LIMIT $4";
const WAITING_DELETE: &str = "DELETE FROM early_events WHERE ctid = ANY (ARRAY (SELECT ctid FROM early_events
    WHERE tenant = $1 AND call_id = ANY ($2) AND received_at < $3 FOR UPDATE SKIP LOCKED))";

/// Everybody who has records.
pub(super) async fn tenants(transaction: &Transaction<'_>) -> Result<Vec<TenantName>, Trouble> {
    let rows = transaction.query(TENANTS, &[]).await?;
    rows.iter().map(|row| calls::parsed(row, 0)).collect()
}

/// One step.
pub(super) async fn step(transaction: &Transaction<'_>, step: &PruneStep) -> Result<PrunedStep, Trouble> {
    match step.what {
        Prunable::Calls | Prunable::Personal => of_calls(transaction, step).await,
        Prunable::OtherRecords | Prunable::OtherPersonal => of_others(transaction, step).await,
        Prunable::WaitingEvents => of_waiting(transaction, step).await,
    }
}

/// So many calls from the cursor on, in the order of time, and of these all that are due.
async fn of_calls(transaction: &Transaction<'_>, step: &PruneStep) -> Result<PrunedStep, Trouble> {
    let personal = step.what == Prunable::Personal;
    let begin = step.since.unwrap_or(Timestamp::from_micros(i64::MIN));
    let from = step.after.unwrap_or(Cursor { received_at: begin, call_id: CallId(Uuid::nil()) });
    let (tenant, since, until) = (step.tenant.as_str(), Time(from.received_at), Time(step.until));
    let looked_at = i64::from(if step.dry_run { DRY_STEP_CALLS } else { STEP_CALLS });
    // Emergency calls have an index of their own; of the others' few are emergency calls.
    let (window_class, class) = if step.emergency {
        ("AND class = 'emergency'", "AND class = 'emergency'")
    } else {
        ("", "AND class <> 'emergency'")
    };
    let end =
        format!("SELECT received_at, call_id {WINDOW} {window_class} ORDER BY received_at, call_id OFFSET $5 LIMIT 1");
    let last = looked_at.saturating_sub(1);
    let end = transaction.query_opt(&end, &[&tenant, &since, &until, &from.call_id.0, &last]).await?;
    let next = end
        .map(|row| Ok::<_, Trouble>(Cursor { received_at: calls::time(&row, 0)?, call_id: CallId(row.try_get(1)?) }));
    let next = next.transpose()?;
    let (end_at, end_id) = next.map_or((until, Uuid::nil()), |end| (Time(end.received_at), end.call_id.0));
    let blank = blank()?;
    let not_blank = if personal { "AND personal <> $7" } else { "AND $7::bytea IS NOT NULL" };
    let of_window = format!("{WINDOW} {UP_TO} {class} {not_blank}");
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
        [&tenant, &since, &until, &from.call_id.0, &end_at, &end_id, &blank];
    if step.dry_run {
        return count(transaction, step, &of_window, &parameters, next).await;
    }
    let select = format!("SELECT call_id, received_at {of_window} FOR UPDATE SKIP LOCKED");
    let rows = transaction.query(&select, &parameters).await?;
    let mut due = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, Time(calls::time(row, 1)?))))
        .collect::<Result<Vec<_>, Trouble>>()?;
    let unbilled = unbilled_hours(transaction, step, due.iter().map(|(_, at)| at.0)).await?;
    due.retain(|(_, at)| !is_unbilled(at.0, &unbilled));
    let kept = to_count(rows.len().saturating_sub(due.len())).unsigned_abs();
    let records = if personal {
        blank_calls(transaction, tenant, due, &blank).await
    } else {
        remove(transaction, tenant, due).await
    };
    Ok(PrunedStep { records: records?, kept, next })
}

/// The calls of a window, counted by the hour, as whole hours are yet to be billed.
async fn count(
    transaction: &Transaction<'_>,
    step: &PruneStep,
    of_window: &str,
    parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    next: Option<Cursor>,
) -> Result<PrunedStep, Trouble> {
    let select = format!("SELECT date_trunc('hour', received_at, 'UTC'), count(*) {of_window} GROUP BY 1");
    let rows = transaction.query(&select, parameters).await?;
    let of_row = |row: &tokio_postgres::Row| Ok((calls::time(row, 0)?, row.try_get::<_, i64>(1)?.unsigned_abs()));
    let counts = rows.iter().map(of_row).collect::<Result<Vec<(Timestamp, u64)>, Trouble>>()?;
    let unbilled = unbilled_hours(transaction, step, counts.iter().map(|(hour, _)| *hour)).await?;
    let (kept, over): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(hour, _)| is_unbilled(*hour, &unbilled));
    let sum = |counts: Vec<(Timestamp, u64)>| counts.into_iter().map(|(_, calls)| calls).sum();
    Ok(PrunedStep { records: sum(over), kept: sum(kept), next })
}

/// The hours of some calls that are yet to be billed; none if that is not to be asked.
async fn unbilled_hours(
    transaction: &Transaction<'_>,
    step: &PruneStep,
    calls: impl Iterator<Item = Timestamp> + Clone,
) -> Result<BTreeSet<Timestamp>, Trouble> {
    let Some((first, last)) = hours_between(calls).filter(|_| !step.also_unbilled) else {
        return Ok(BTreeSet::new());
    };
    let rows = transaction.query(UNBILLED_HOURS, &[&step.tenant.as_str(), &Time(first), &Time(last)]).await?;
    rows.iter().map(|row| calls::time(row, 0)).collect()
}

/// Removes calls whose rows are locked, with their events and what ties their ids to their time.
async fn remove(transaction: &Transaction<'_>, tenant: &str, due: Vec<(Uuid, Time)>) -> Result<u64, Trouble> {
    let (ids, times): (Vec<Uuid>, Vec<Time>) = due.into_iter().unzip();
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return Ok(0) };
    let days: Vec<Day> = times.iter().map(|at| Day::of(at.0)).collect();
    let (first_day, last_day) = (Day::of(first.0), Day::of(last.0));
    transaction.execute(EVENTS_DELETE, &[&tenant, &ids, &days, &first_day, &last_day]).await?;
    transaction.execute(KEYED_DELETE, &[&tenant, &ids, &times]).await?;
    Ok(transaction.execute(CALLS_DELETE, &[&tenant, &ids, &times, first, last]).await?)
}

async fn blank_calls(
    transaction: &Transaction<'_>,
    tenant: &str,
    due: Vec<(Uuid, Time)>,
    blank: &[u8],
) -> Result<u64, Trouble> {
    let (ids, times): (Vec<Uuid>, Vec<Time>) = due.into_iter().unzip();
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return Ok(0) };
    Ok(transaction.execute(CALLS_BLANK, &[&tenant, &ids, &times, first, last, &blank]).await?)
}

/// Other records are rare: those that are due are found among all of the tenant's.
async fn of_others(transaction: &Transaction<'_>, step: &PruneStep) -> Result<PrunedStep, Trouble> {
    let since = Time(step.since.unwrap_or(Timestamp::from_micros(i64::MIN)));
    let (tenant, until, blank) = (step.tenant.as_str(), Time(step.until), blank()?);
    let personal = step.what == Prunable::OtherPersonal;
    let not_blank = if personal { "AND personal <> $5" } else { "AND $5::bytea IS NOT NULL" };
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&tenant, &since, &until, &step.emergency, &blank];
    if step.dry_run {
        let row = transaction.query_one(&format!("SELECT count(*) {OTHERS} {not_blank}"), &parameters).await?;
        return Ok(PrunedStep { records: row.try_get::<_, i64>(0)?.unsigned_abs(), kept: 0, next: None });
    }
    let due = format!(
        "WHERE ctid = ANY (ARRAY (SELECT ctid {OTHERS} {not_blank} LIMIT {STEP_CALLS} FOR UPDATE SKIP LOCKED))"
    );
    let change = if personal {
        format!("UPDATE contradictions SET personal = $5, routing = (routing::jsonb - 'ck' - 'dk' - 'rh')::json {due}")
    } else {
        format!("DELETE FROM contradictions {due}")
    };
    let records = transaction.execute(&change, &parameters).await?;
    let more = records >= u64::from(STEP_CALLS);
    Ok(PrunedStep {
        records,
        kept: 0,
        next: more.then_some(Cursor { received_at: step.until, call_id: CallId(Uuid::nil()) }),
    })
}

/// Events that wait, call by call: those of one go together, once the last of them is over.
async fn of_waiting(transaction: &Transaction<'_>, step: &PruneStep) -> Result<PrunedStep, Trouble> {
    let after = step.after.map_or(Uuid::nil(), |after| after.call_id.0);
    let limit = i64::from(STEP_CALLS);
    let (tenant, until) = (step.tenant.as_str(), Time(step.until));
    let rows = transaction.query(WAITING, &[&tenant, &after, &until, &limit]).await?;
    let due =
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<Vec<(Uuid, i64)>, Trouble>>()?;
    let last = due.last().filter(|_| to_count(due.len()) == limit).map(|(id, _)| CallId(*id));
    let next = last.map(|call_id| Cursor { received_at: step.until, call_id });
    let (ids, counts): (Vec<Uuid>, Vec<i64>) = due.into_iter().unzip();
    let records = if step.dry_run {
        counts.iter().sum::<i64>().unsigned_abs()
    } else {
        transaction.execute(WAITING_DELETE, &[&tenant, &ids, &until]).await?
    };
    Ok(PrunedStep { records, kept: 0, next })
}
