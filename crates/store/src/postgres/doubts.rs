//! What is doubtful of some calls: other records under their ids, two reports under one event's id, and events that wait
//! for a call that is not here.

use deadpool_postgres::Transaction;
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::CallRecord;
use telness_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::trouble::Trouble;
use super::value::Day;
use super::{broken, calls};
use crate::{AwaitedCall, Doubtful, Entry};

const RECORDS: &str = "SELECT routing, personal FROM contradictions WHERE tenant = $1 AND call_id = ANY ($2)
    ORDER BY call_id, digest";
const EVENTS: &str = "SELECT e.call_id, e.event_id FROM unnest($2::uuid[], $3::date[]) AS a (i, d)
    JOIN events e ON e.tenant = $1 AND e.call_id = a.i AND NOT e.beyond AND e.day = a.d
    WHERE e.day BETWEEN $4 AND $5 GROUP BY e.call_id, e.event_id HAVING count(*) > 1 ORDER BY e.call_id, e.event_id";
const AWAITED: &str = "SELECT call_id, count(*), min(received_at), max(received_at) FROM early_events
    WHERE tenant = $1 AND call_id > $2 GROUP BY call_id ORDER BY call_id LIMIT $3";

pub(super) async fn doubtful(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    asked: &[(CallId, Timestamp)],
) -> Result<Doubtful, Trouble> {
    let ids: Vec<Uuid> = asked.iter().map(|(id, _)| id.0).collect();
    let days: Vec<Day> = asked.iter().map(|(_, at)| Day::of(*at)).collect();
    let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) else { return Ok(Doubtful::default()) };
    let record = |row: &Row| {
        let Json(routing) = row.try_get(0)?;
        let personal = Entry::personal(row.try_get(1)?).map_err(broken)?;
        Ok::<_, Trouble>(CallRecord { routing, personal })
    };
    let records = transaction.query(RECORDS, &[&tenant.as_str(), &ids]).await?;
    let select = transaction.prepare_cached(EVENTS).await?;
    let events = transaction.query(&select, &[&tenant.as_str(), &ids, &days, first, last]).await?;
    let event = |row: &Row| Ok::<_, Trouble>((CallId(row.try_get(0)?), calls::parsed(row, 1)?));
    Ok(Doubtful {
        records: records.iter().map(record).collect::<Result<_, _>>()?,
        events: events.iter().map(event).collect::<Result<_, _>>()?,
    })
}

pub(super) async fn awaited(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    after: Option<CallId>,
    limit: u16,
) -> Result<Vec<AwaitedCall>, Trouble> {
    let after = after.map_or(Uuid::nil(), |after| after.0);
    let rows = transaction.query(AWAITED, &[&tenant.as_str(), &after, &i64::from(limit)]).await?;
    let awaited = |row: &Row| {
        Ok(AwaitedCall {
            call_id: CallId(row.try_get(0)?),
            events: row.try_get::<_, i64>(1)?.unsigned_abs(),
            first_received_at: calls::time(row, 2)?,
            last_received_at: calls::time(row, 3)?,
        })
    };
    rows.iter().map(awaited).collect()
}
