//! Looking after the records of one file, in steps that a service beside it waits no longer for than for a batch.

use std::collections::BTreeSet;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::CallRecord;
use telness_core::time::Timestamp;
use uuid::Uuid;

use super::{SqliteStore, read, row, store_error};
use crate::billing::unbilled::{UNBILLED_HOURS, hours_between, is_unbilled};
use crate::upkeep::{DRY_STEP_CALLS, STEP_CALLS, blank};
use crate::{AwaitedCall, Cursor, Doubtful, Pending, Prunable, PruneStep, PrunedStep, StoreError, Upkeep};

/// Whoever has calls: the first by name, then each next one, so that nobody's calls are passed through.
const TENANTS: &str = "WITH RECURSIVE t (tenant) AS (
        SELECT min(tenant) FROM calls
        UNION ALL
        SELECT (SELECT min(c.tenant) FROM calls c WHERE c.tenant > t.tenant) FROM t WHERE t.tenant IS NOT NULL)
    SELECT tenant FROM t WHERE tenant IS NOT NULL
    UNION SELECT tenant FROM contradictions UNION SELECT tenant FROM early ORDER BY tenant";

const WINDOW: &str = "FROM calls WHERE tenant = ?1 AND received_at >= ?2 AND received_at < ?3
    AND (received_at, call_id) > (?2, ?4)";
const UP_TO: &str = "AND (received_at, call_id) <= (?5, ?6)";
const EVENTS_DELETE: &str = "DELETE FROM events WHERE tenant = ?1 AND call_id = ?2";
const CALL_DELETE: &str = "DELETE FROM calls WHERE tenant = ?1 AND call_id = ?2";
const CALL_BLANK: &str = "UPDATE calls SET personal = ?3, caller_key = NULL, called_key = NULL, request_hash = NULL
    WHERE tenant = ?1 AND call_id = ?2";
const OTHERS: &str = "FROM contradictions WHERE tenant = ?1 AND json_extract(routing, '$.at') >= ?2
    AND json_extract(routing, '$.at') < ?3 AND (json_extract(routing, '$.c') = 'emergency') = ?4";
// Times of events are RFC 3339 of one length, in UTC, so their texts have their order.
const AWAITED: &str = "SELECT e.call_id, count(*), min(json_extract(v.event, '$.received_at')),
        max(json_extract(v.event, '$.received_at')) AS last
    FROM early e JOIN events v ON v.tenant = e.tenant AND v.call_id = e.call_id
    WHERE e.tenant = ?1 AND e.call_id > ?2 GROUP BY e.call_id";
const EARLY_DELETE: &str = "DELETE FROM early WHERE tenant = ?1 AND call_id = ?2";
const CONTRADICTED: &str = "SELECT event_id FROM events WHERE tenant = ?1 AND call_id = ?2 AND beyond = 0
    GROUP BY event_id HAVING count(*) > 1 ORDER BY event_id";

impl Upkeep for SqliteStore {
    fn tenants_with_records(&self) -> Pending<'_, Vec<TenantName>> {
        Box::pin(self.read(tenants))
    }

    fn prune(&self, step: PruneStep) -> Pending<'_, PrunedStep> {
        Box::pin(async move {
            if step.dry_run {
                return self.read(move |connection| count(connection, &step)).await;
            }
            self.writer()?.ask(move |connection| prune(connection, &step)).await
        })
    }

    fn doubtful<'a>(&'a self, tenant: &'a TenantName, calls: Vec<(CallId, Timestamp)>) -> Pending<'a, Doubtful> {
        let tenant = tenant.clone();
        Box::pin(self.read(move |connection| doubtful(connection, &tenant, &calls)))
    }

    fn awaited<'a>(
        &'a self,
        tenant: &'a TenantName,
        after: Option<CallId>,
        limit: u16,
    ) -> Pending<'a, Vec<AwaitedCall>> {
        let tenant = tenant.clone();
        Box::pin(self.read(move |connection| awaited(connection, &tenant, after, None, u32::from(limit))))
    }
}

fn tenants(connection: &Connection) -> Result<Vec<TenantName>, StoreError> {
    let mut select = connection.prepare(TENANTS).map_err(store_error)?;
    let mut rows = select.query([]).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        found.push(row::parsed(row, 0)?);
    }
    Ok(found)
}

fn prune(connection: &mut Connection, step: &PruneStep) -> Result<PrunedStep, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    let pruned = match step.what {
        Prunable::Calls | Prunable::Personal => of_calls(&transaction, step),
        Prunable::OtherRecords | Prunable::OtherPersonal => of_others(&transaction, step),
        Prunable::WaitingEvents => of_waiting(&transaction, step),
    };
    let pruned = pruned?;
    transaction.commit().map_err(store_error)?;
    Ok(pruned)
}

/// The same records as a step removes, counted.
fn count(connection: &Connection, step: &PruneStep) -> Result<PrunedStep, StoreError> {
    match step.what {
        Prunable::Calls | Prunable::Personal => {
            let window = Window::of(connection, step, DRY_STEP_CALLS)?;
            let (due, kept) = window.due(connection, step)?;
            Ok(PrunedStep { records: to_u64(due.len()), kept, next: window.next })
        }
        Prunable::OtherRecords | Prunable::OtherPersonal => {
            let select = format!("SELECT count(*) {OTHERS} {}", not_blank(step));
            let (since, until) = span(step);
            let parameters = params![step.tenant.as_str(), since, until, step.emergency, blank()?];
            let records: i64 = connection.query_row(&select, parameters, |row| row.get(0)).map_err(store_error)?;
            Ok(PrunedStep { records: records.unsigned_abs(), kept: 0, next: None })
        }
        Prunable::WaitingEvents => {
            let (due, next) = waiting(connection, step)?;
            Ok(PrunedStep { records: due.iter().map(|call| call.events).sum(), kept: 0, next })
        }
    }
}

/// So many calls from the cursor on, in the order of time.
struct Window {
    from: Cursor,
    end: (i64, Vec<u8>),
    next: Option<Cursor>,
}

impl Window {
    fn of(connection: &Connection, step: &PruneStep, calls: u32) -> Result<Self, StoreError> {
        let begin = step.since.unwrap_or(Timestamp::from_micros(i64::MIN));
        let from = step.after.unwrap_or(Cursor { received_at: begin, call_id: CallId(Uuid::nil()) });
        // Emergency calls have an index of their own; of the others' few are emergency calls.
        let class = if step.emergency { "AND class = 'emergency'" } else { "" };
        let select =
            format!("SELECT received_at, call_id {WINDOW} {class} ORDER BY received_at, call_id LIMIT 1 OFFSET ?5");
        let mut select = connection.prepare_cached(&select).map_err(store_error)?;
        let (at, id) = (from.received_at.as_micros(), from.call_id.0.as_bytes());
        let last = calls.saturating_sub(1);
        let mut rows =
            select.query(params![step.tenant.as_str(), at, step.until.as_micros(), id, last]).map_err(store_error)?;
        let end = match rows.next().map_err(store_error)? {
            Some(row) => Some((row::get::<i64>(row, 0)?, row::get::<[u8; 16]>(row, 1)?)),
            None => None,
        };
        let next = end
            .map(|(at, id)| Cursor { received_at: Timestamp::from_micros(at), call_id: CallId(Uuid::from_bytes(id)) });
        let end = end.map_or((step.until.as_micros(), Vec::new()), |(at, id)| (at, id.to_vec()));
        Ok(Self { from, end, next })
    }

    /// Of these, the ids of those that are to go, and how many stay until they are billed.
    fn due(&self, connection: &Connection, step: &PruneStep) -> Result<(Vec<[u8; 16]>, u64), StoreError> {
        let class = if step.emergency { "AND class = 'emergency'" } else { "AND class <> 'emergency'" };
        let not_blank = if step.what == Prunable::Personal { "AND personal <> ?7" } else { "AND ?7 IS NOT NULL" };
        let select = format!("SELECT call_id, received_at {WINDOW} {UP_TO} {class} {not_blank}");
        let mut select = connection.prepare_cached(&select).map_err(store_error)?;
        let (at, id) = (self.from.received_at.as_micros(), self.from.call_id.0.as_bytes());
        let tenant = step.tenant.as_str();
        let parameters = params![tenant, at, step.until.as_micros(), id, self.end.0, self.end.1, blank()?];
        let rows = select.query_map(parameters, |row| Ok((row.get(0)?, Timestamp::from_micros(row.get(1)?))));
        let mut due: Vec<([u8; 16], Timestamp)> =
            rows.map_err(store_error)?.collect::<Result<_, _>>().map_err(store_error)?;
        let all = due.len();
        if !step.also_unbilled {
            let hours = unbilled_hours(connection, tenant, due.iter().map(|(_, at)| *at))?;
            due.retain(|(_, at)| !is_unbilled(*at, &hours));
        }
        let kept = to_u64(all.saturating_sub(due.len()));
        Ok((due.into_iter().map(|(id, _)| id).collect(), kept))
    }
}

/// The hours of some calls that are yet to be billed.
fn unbilled_hours(
    connection: &Connection,
    tenant: &str,
    calls: impl Iterator<Item = Timestamp> + Clone,
) -> Result<BTreeSet<Timestamp>, StoreError> {
    let Some((first, last)) = hours_between(calls) else { return Ok(BTreeSet::new()) };
    let mut select = connection.prepare_cached(UNBILLED_HOURS).map_err(store_error)?;
    let parameters = params![tenant, first.as_micros(), last.as_micros()];
    let hours = select.query_map(parameters, |row| row.get(0).map(Timestamp::from_micros)).map_err(store_error)?;
    hours.collect::<Result<_, _>>().map_err(store_error)
}

fn of_calls(transaction: &Transaction<'_>, step: &PruneStep) -> Result<PrunedStep, StoreError> {
    let window = Window::of(transaction, step, STEP_CALLS)?;
    let (due, kept) = window.due(transaction, step)?;
    let (tenant, blank) = (step.tenant.as_str(), blank()?);
    for id in &due {
        if step.what == Prunable::Personal {
            let mut update = transaction.prepare_cached(CALL_BLANK).map_err(store_error)?;
            update.execute(params![tenant, id, blank]).map_err(store_error)?;
        } else {
            for delete in [EVENTS_DELETE, CALL_DELETE] {
                let mut delete = transaction.prepare_cached(delete).map_err(store_error)?;
                delete.execute(params![tenant, id]).map_err(store_error)?;
            }
        }
    }
    Ok(PrunedStep { records: to_u64(due.len()), kept, next: window.next })
}

fn of_others(transaction: &Transaction<'_>, step: &PruneStep) -> Result<PrunedStep, StoreError> {
    let due = format!("WHERE rowid IN (SELECT rowid {OTHERS} {} LIMIT {STEP_CALLS})", not_blank(step));
    let change = if step.what == Prunable::OtherPersonal {
        format!("UPDATE contradictions SET personal = ?5, routing = json_remove(routing, '$.ck', '$.dk', '$.rh') {due}")
    } else {
        format!("DELETE FROM contradictions {due}")
    };
    let (since, until) = span(step);
    let parameters = params![step.tenant.as_str(), since, until, step.emergency, blank()?];
    let changed = to_u64(transaction.execute(&change, parameters).map_err(store_error)?);
    let more = changed >= u64::from(STEP_CALLS);
    let again = Cursor { received_at: step.until, call_id: CallId(Uuid::nil()) };
    Ok(PrunedStep { records: changed, kept: 0, next: more.then_some(again) })
}

/// Events that wait, call by call: those of one go together, once the last of them is over.
fn of_waiting(transaction: &Transaction<'_>, step: &PruneStep) -> Result<PrunedStep, StoreError> {
    let (due, next) = waiting(transaction, step)?;
    for call in &due {
        for delete in [EVENTS_DELETE, EARLY_DELETE] {
            let mut delete = transaction.prepare_cached(delete).map_err(store_error)?;
            delete.execute(params![step.tenant.as_str(), call.call_id.0.as_bytes()]).map_err(store_error)?;
        }
    }
    Ok(PrunedStep { records: due.iter().map(|call| call.events).sum(), kept: 0, next })
}

fn waiting(connection: &Connection, step: &PruneStep) -> Result<(Vec<AwaitedCall>, Option<Cursor>), StoreError> {
    let after = step.after.map(|after| after.call_id);
    let due = awaited(connection, &step.tenant, after, Some(step.until), STEP_CALLS)?;
    let last = due.last().filter(|_| to_u64(due.len()) == u64::from(STEP_CALLS));
    let next = last.map(|call| Cursor { received_at: step.until, call_id: call.call_id });
    Ok((due, next))
}

/// Calls that events wait for; with a time, only those all of whose events came before it.
fn awaited(
    connection: &Connection,
    tenant: &TenantName,
    after: Option<CallId>,
    until: Option<Timestamp>,
    limit: u32,
) -> Result<Vec<AwaitedCall>, StoreError> {
    let select = format!("{AWAITED} HAVING ?3 IS NULL OR last < ?3 ORDER BY e.call_id LIMIT ?4");
    let mut select = connection.prepare_cached(&select).map_err(store_error)?;
    let after = after.map_or(Uuid::nil(), |after| after.0);
    let until = until.map(|until| until.to_string());
    let mut rows = select.query(params![tenant.as_str(), after.as_bytes(), until, limit]).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        found.push(AwaitedCall {
            call_id: CallId(Uuid::from_bytes(row::get(row, 0)?)),
            events: row::get::<i64>(row, 1)?.unsigned_abs(),
            first_received_at: row::parsed(row, 2)?,
            last_received_at: row::parsed(row, 3)?,
        });
    }
    Ok(found)
}

fn doubtful(
    connection: &Connection,
    tenant: &TenantName,
    asked: &[(CallId, Timestamp)],
) -> Result<Doubtful, StoreError> {
    let mut found = Doubtful::default();
    let mut contradicted = connection.prepare_cached(CONTRADICTED).map_err(store_error)?;
    for (id, _) in asked {
        let records: Vec<CallRecord> = read::contradictions(connection, tenant, *id)?;
        found.records.extend(records);
        let mut rows = contradicted.query(params![tenant.as_str(), id.0.as_bytes()]).map_err(store_error)?;
        while let Some(row) = rows.next().map_err(store_error)? {
            found.events.push((*id, row::parsed(row, 0)?));
        }
    }
    Ok(found)
}

fn not_blank(step: &PruneStep) -> &'static str {
    if step.what == Prunable::OtherPersonal { "AND personal <> ?5" } else { "AND ?5 IS NOT NULL" }
}

fn span(step: &PruneStep) -> (i64, i64) {
    (step.since.map_or(i64::MIN, Timestamp::as_micros), step.until.as_micros())
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
