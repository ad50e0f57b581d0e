//! One call, some calls by their ids, or a page of calls, as they are kept.

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::Transaction;
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::CallRecord;
use telness_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::trouble::Trouble;
use super::value::Time;
use super::write::{Key, told_by};
use super::{broken, calls, events};
use crate::words::{action_word, state_word};
use crate::{CallQuery, Cursor, Entry, Page, StoredCall, StoredSummary};

/// The most calls on a page.
const PAGE_CALLS_MAX: u16 = 1_000;
/// The most calls that are looked at for one page; what remains is left to the next page.
const SCAN_CALLS_MAX: i64 = 50_000;
/// Where a page is looked for first that says no time to begin at: two days. A question of all time makes a plan for
/// every day that there is.
const RECENT_MICROS: i64 = 2 * 86_400_000_000;

/// The calls of some keys, each within a span of time that has only them. What all spans lie in tells the planner which
/// days to leave out.
const AMONG: &str =
    "FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS a (t, i, since, until),
    LATERAL (SELECT * FROM calls WHERE tenant = a.t AND call_id = a.i
        AND received_at BETWEEN a.since AND a.until AND received_at BETWEEN $5 AND $6";
const KEYED: &str = "SELECT k.tenant, k.call_id, k.received_at FROM unnest($1::text[], $2::uuid[]) AS a (t, i)
    JOIN keyed_calls k ON k.tenant = a.t AND k.call_id = a.i";
const CONTRADICTIONS: &str = "SELECT routing, personal FROM contradictions WHERE tenant = $1 AND call_id = $2
    ORDER BY digest";

/// When each of some calls was received, as far as they are here. Their rows stay locked until the transaction ends.
pub(super) async fn locked_times(
    transaction: &Transaction<'_>,
    keys: &BTreeSet<Key>,
) -> Result<HashMap<Key, Timestamp>, Trouble> {
    let select = format!("SELECT c.tenant, c.call_id, c.received_at {AMONG} FOR UPDATE) c");
    with_times(&find(transaction, &select, keys).await?)
}

/// When each of some calls was received, as far as they are here.
pub(super) async fn times(
    transaction: &Transaction<'_>,
    keys: &BTreeSet<Key>,
) -> Result<HashMap<Key, Timestamp>, Trouble> {
    let select = format!("SELECT c.tenant, c.call_id, c.received_at {AMONG}) c");
    with_times(&find(transaction, &select, keys).await?)
}

/// When each of some calls was received, of those that are here and were received when their ids tell.
pub(super) async fn told(
    transaction: &Transaction<'_>,
    keys: &BTreeSet<Key>,
) -> Result<HashMap<Key, Timestamp>, Trouble> {
    let select = transaction.prepare_cached(&format!("SELECT c.tenant, c.call_id, c.received_at {AMONG}) c")).await?;
    with_times(&spans(transaction, &select, telling(keys)).await?)
}

/// The times that ids are tied to which do not tell theirs.
pub(super) async fn tied(transaction: &Transaction<'_>, keys: &[&Key]) -> Result<HashMap<Key, Timestamp>, Trouble> {
    let (tenants, ids): (Vec<&str>, Vec<Uuid>) = keys.iter().map(|(tenant, id)| (tenant.as_str(), id.0)).unzip();
    let keyed = transaction.prepare_cached(KEYED).await?;
    with_times(&transaction.query(&keyed, &[&tenants, &ids]).await?)
}

/// The keys whose ids tell a time, each with that and the microseconds that it may be off.
fn telling(keys: &BTreeSet<Key>) -> impl Iterator<Item = (&Key, Timestamp, i64)> {
    keys.iter().filter_map(|key| told_by(key.1).map(|at| (key, at, 999)))
}

fn with_times(rows: &[Row]) -> Result<HashMap<Key, Timestamp>, Trouble> {
    rows.iter().map(|row| Ok((calls::id_of(row)?, calls::time(row, 2)?))).collect()
}

/// The whole rows of some calls.
pub(super) async fn rows(transaction: &Transaction<'_>, keys: &BTreeSet<Key>) -> Result<Vec<Row>, Trouble> {
    find(transaction, &format!("SELECT {} {AMONG}) c", calls::COLUMNS), keys).await
}

/// Finds calls first by the time that their ids tell, then by the time that their ids are tied to.
async fn find(transaction: &Transaction<'_>, select: &str, keys: &BTreeSet<Key>) -> Result<Vec<Row>, Trouble> {
    let select = transaction.prepare_cached(select).await?;
    let mut rows = spans(transaction, &select, telling(keys)).await?;
    let found = rows.iter().map(calls::id_of).collect::<Result<BTreeSet<Key>, _>>()?;
    let missing: Vec<&Key> = keys.difference(&found).collect();
    if !missing.is_empty() {
        let tied = tied(transaction, &missing).await?;
        // In the order of the keys, which is that of the locks.
        let tied = missing.into_iter().filter_map(|key| tied.get(key).map(|at| (key, *at, 0)));
        rows.extend(spans(transaction, &select, tied).await?);
    }
    Ok(rows)
}

/// Asks for calls, each from a time until so many microseconds later, both included.
async fn spans<'a>(
    transaction: &Transaction<'_>,
    select: &tokio_postgres::Statement,
    calls: impl Iterator<Item = (&'a Key, Timestamp, i64)>,
) -> Result<Vec<Row>, Trouble> {
    let (mut tenants, mut ids, mut since, mut until) = (Vec::new(), Vec::<Uuid>::new(), Vec::new(), Vec::new());
    for ((tenant, id), at, micros) in calls {
        tenants.push(tenant.as_str());
        ids.push(id.0);
        since.push(Time(at));
        until.push(Time(Timestamp::from_micros(at.as_micros().saturating_add(micros))));
    }
    let (Some(first), Some(last)) = (since.iter().min(), until.iter().max()) else { return Ok(Vec::new()) };
    Ok(transaction.query(select, &[&tenants, &ids, &since, &until, first, last]).await?)
}

/// One call with its events, if it is this tenant's.
pub(super) async fn call(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    id: CallId,
) -> Result<Option<StoredCall>, Trouble> {
    // What came of it and its events are to be of one moment.
    transaction.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    let key = (tenant.clone(), id);
    let rows = rows(transaction, &BTreeSet::from([key.clone()])).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let StoredSummary { routing, personal, cdr } = summary(row)?;
    let at = routing.received_at;
    let mut counted = events::counted(transaction, &HashMap::from([(key.clone(), at)])).await?;
    let mut counted = counted.remove(&key).unwrap_or_default();
    counted.sort_by(|(a_key, a), (b_key, b)| (a.occurred_at, a_key).cmp(&(b.occurred_at, b_key)));
    let more_events = events::any_beyond(transaction, &key, at).await?;
    let events = counted.into_iter().map(|(_, event)| event).collect();
    Ok(Some(StoredCall { routing, personal, cdr, events, more_events }))
}

/// The other records that came under a call's id.
pub(super) async fn contradictions(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    id: CallId,
) -> Result<Vec<CallRecord>, Trouble> {
    let rows = transaction.query(CONTRADICTIONS, &[&tenant.as_str(), &id.0]).await?;
    let record = |row: &Row| {
        let Json(routing) = row.try_get(0)?;
        let personal = Entry::personal(row.try_get(1)?).map_err(broken)?;
        Ok(CallRecord { routing, personal })
    };
    rows.iter().map(record).collect()
}

/// A page of a tenant's calls, newest first.
pub(super) async fn calls(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    query: &CallQuery,
) -> Result<Page, Trouble> {
    transaction.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?;
    if query.since.is_none() {
        let end = query.until.into_iter().chain(query.after.map(|after| after.received_at)).min();
        let end = match end {
            Some(end) => end,
            None => calls::time(&transaction.query_one("SELECT now()", &[]).await?, 0)?,
        };
        let since = Timestamp::from_micros(end.as_micros().saturating_sub(RECENT_MICROS));
        let recent = page(transaction, tenant, &CallQuery { since: Some(since), ..query.clone() }).await?;
        // Full, and with more behind it: of all time the page would be the same.
        if recent.next.is_some() && recent.calls.len() >= usize::from(query.limit.clamp(1, PAGE_CALLS_MAX)) {
            return Ok(recent);
        }
    }
    page(transaction, tenant, query).await
}

async fn page(transaction: &Transaction<'_>, tenant: &TenantName, query: &CallQuery) -> Result<Page, Trouble> {
    let limit = i64::from(query.limit.clamp(1, PAGE_CALLS_MAX));
    let one_more = limit.saturating_add(1);
    let mut range = Range::of(tenant, query);
    let filters = filters(&mut range.parameters, query);
    let (limit_at, scan_at) = (range.add(one_more), range.add(SCAN_CALLS_MAX));
    // The calls are looked at by time, so many and no more, and those that are asked for are taken out of these.
    let scan = format!("SELECT * FROM calls WHERE {RANGE} ORDER BY received_at DESC, call_id DESC LIMIT ${scan_at}");
    let select = format!(
        "SELECT {} FROM ({scan}) c {filters} ORDER BY c.received_at DESC, c.call_id DESC LIMIT ${limit_at}",
        calls::COLUMNS
    );
    let rows = transaction.query(&select, &range.parameters()).await?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count > limit);
    let shown = usize::from(query.limit.clamp(1, PAGE_CALLS_MAX));
    let calls = rows.iter().take(shown).map(summary).collect::<Result<Vec<_>, _>>()?;
    let next = if full {
        calls.last().map(|call| Cursor { received_at: call.routing.received_at, call_id: call.routing.call_id })
    } else {
        last_looked_at(transaction, tenant, query).await?
    };
    Ok(Page { calls, next })
}

/// Of a tenant, from a time on, and before a time and a place in it.
const RANGE: &str = "tenant = $1 AND received_at >= $2 AND received_at <= $3 AND (received_at, call_id) < ($3, $4)";

/// Where a page ended that had looked at so many calls as it may; nothing if it came to the end before.
async fn last_looked_at(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    query: &CallQuery,
) -> Result<Option<Cursor>, Trouble> {
    let (before_last, two) = (SCAN_CALLS_MAX.saturating_sub(1), 2_i64);
    let mut range = Range::of(tenant, query);
    let (offset_at, limit_at) = (range.add(before_last), range.add(two));
    let select = format!(
        "SELECT received_at, call_id FROM calls WHERE {RANGE} ORDER BY received_at DESC, call_id DESC
         OFFSET ${offset_at} LIMIT ${limit_at}"
    );
    let rows = transaction.query(&select, &range.parameters()).await?;
    match rows.as_slice() {
        [last, _one_more] => Ok(Some(Cursor { received_at: calls::time(last, 0)?, call_id: CallId(last.try_get(1)?) })),
        _ => Ok(None),
    }
}

/// The parameters of [`RANGE`], and those that follow.
struct Range<'a> {
    parameters: Vec<Box<dyn ToSql + Sync + Send + 'a>>,
}

impl<'a> Range<'a> {
    fn of(tenant: &'a TenantName, query: &CallQuery) -> Self {
        let until = query.until.map(|until| (until, Uuid::nil()));
        let cursor = query.after.map(|after| (after.received_at, after.call_id.0));
        let (end_at, end_id) =
            until.into_iter().chain(cursor).min().unwrap_or((Timestamp::from_micros(i64::MAX), Uuid::max()));
        let since = query.since.unwrap_or(Timestamp::from_micros(i64::MIN));
        Self {
            parameters: vec![
                Box::new(tenant.as_str()),
                Box::new(Time(since)),
                Box::new(Time(end_at)),
                Box::new(end_id),
            ],
        }
    }

    /// Adds one; answers its number.
    fn add(&mut self, value: i64) -> usize {
        self.parameters.push(Box::new(value));
        self.parameters.len()
    }

    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.parameters.iter().map(|value| -> &(dyn ToSql + Sync) { &**value }).collect()
    }
}

/// The condition of all that is asked for beside the time.
fn filters<'a>(parameters: &mut Vec<Box<dyn ToSql + Sync + Send + 'a>>, query: &'a CallQuery) -> String {
    let texts = [
        ("class", query.class.map(|class| class.as_str())),
        ("action", query.action.map(action_word)),
        ("reason", query.reason.map(|reason| reason.name())),
        ("state", query.state.map(state_word)),
        ("trunk", query.trunk.as_ref().map(|trunk| trunk.as_str())),
    ];
    let sip_call_id = query.sip_call_id.as_deref().map(calls::without_nul);
    let mut conditions = Vec::new();
    let mut add = |column: &str, value: Box<dyn ToSql + Sync + Send + 'a>| {
        parameters.push(value);
        conditions.push(format!("c.{column} = ${}", parameters.len()));
    };
    for (column, value) in texts {
        if let Some(value) = value {
            add(column, Box::new(value));
        }
    }
    if let Some(value) = sip_call_id {
        add("sip_call_id", Box::new(value));
    }
    for (column, key) in [("caller_key", query.caller), ("called_key", query.called)] {
        if let Some(key) = key {
            add(column, Box::new(key.0.to_vec()));
        }
    }
    if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) }
}

fn summary(row: &Row) -> Result<StoredSummary, Trouble> {
    Ok(StoredSummary {
        routing: calls::routing(row)?,
        personal: Entry::personal(row.try_get(calls::PERSONAL)?).map_err(broken)?,
        cdr: calls::detail(row)?,
    })
}
