//! The events of many calls at once, and the detail records that they make. Whoever works on a call holds its row's
//! lock, so what two nodes report of it at the same moment is taken in one after the other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use deadpool_postgres::Transaction;
use telness_core::record::{CallEvent, Cdr, cdr};
use telness_core::time::Timestamp;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::trouble::Trouble;
use super::value::{Day, Time};
use super::write::Key;
use super::{calls, early, read};
use crate::Written;
use crate::counted::{CountedEvents, EventKey};
use crate::words::state_word;

// Each tells the planner the first and the last day of what it is given, so that it leaves out the others.
const COUNTED: &str = "SELECT e.tenant, e.call_id, e.event_id, e.digest, e.event
    FROM unnest($1::text[], $2::uuid[], $3::date[]) AS a (t, i, d)
    JOIN events e ON e.tenant = a.t AND e.call_id = a.i AND NOT e.beyond AND e.day = a.d
    WHERE e.day BETWEEN $4 AND $5";
const HAVE_BEYOND: &str = "SELECT a.t, a.i FROM unnest($1::text[], $2::uuid[], $3::date[]) AS a (t, i, d)
    WHERE EXISTS (SELECT 1 FROM events e WHERE e.tenant = a.t AND e.call_id = a.i AND e.beyond AND e.day = a.d
        AND e.day BETWEEN $4 AND $5)";
const PUT: &str = "INSERT INTO events (tenant, call_id, beyond, event_id, digest, day, occurred_at, event)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::boolean[], $4::text[], $5::bytea[], $6::date[],
        $7::timestamptz[], $8::json[])
    ON CONFLICT (tenant, call_id, beyond, event_id, digest, day) DO UPDATE
    SET occurred_at = excluded.occurred_at, event = excluded.event WHERE NOT excluded.beyond";
const DELETE: &str = "DELETE FROM events e
    USING unnest($1::text[], $2::uuid[], $3::boolean[], $4::text[], $5::bytea[], $6::date[]) AS a (t, i, b, n, g, d)
    WHERE e.tenant = a.t AND e.call_id = a.i AND e.beyond = a.b AND e.event_id = a.n AND e.digest = a.g AND e.day = a.d
        AND e.day BETWEEN $7 AND $8";
const DETAIL: &str = "UPDATE calls c SET state = a.state, answered_at = a.answered_at, ended_at = a.ended_at,
        talk_ms = a.talk_ms, cause_q850 = a.cause_q850, cause_sip = a.cause_sip, cdr = a.cdr
    FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::timestamptz[],
        $7::bigint[], $8::smallint[], $9::smallint[], $10::json[])
        AS a (t, i, at, state, answered_at, ended_at, talk_ms, cause_q850, cause_sip, cdr)
    WHERE c.tenant = a.t AND c.received_at = a.at AND c.call_id = a.i AND c.received_at BETWEEN $11 AND $12";

/// Takes in reports, and those that wait for some calls: those of calls that are here change what came of them, the
/// others wait. Everybody goes first for the calls, then for what is to wait, then for what waited, each in order, so
/// that nobody waits in a circle.
pub(super) async fn take(
    transaction: &Transaction<'_>,
    reports: BTreeMap<Key, Vec<CallEvent>>,
    awaited: &BTreeSet<Key>,
) -> Result<Written, Trouble> {
    let keys: BTreeSet<Key> = reports.keys().chain(awaited).cloned().collect();
    if keys.is_empty() {
        return Ok(Written::default());
    }
    let times = read::locked_times(transaction, &keys).await?;
    let (mut here, absent): (BTreeMap<_, _>, BTreeMap<_, _>) =
        reports.into_iter().partition(|(key, _)| times.contains_key(key));
    early::keep(transaction, absent.values().flatten()).await?;
    for event in early::take(transaction, awaited.iter().filter(|key| times.contains_key(*key))).await? {
        here.entry((event.tenant.clone(), event.call_id)).or_default().push(event);
    }
    let mut counted = counted(transaction, &times).await?;
    let (mut put, mut delete, mut details) = (Rows::default(), Rows::default(), Details::default());
    for (key, reports) in &here {
        let Some(at) = times.get(key).copied() else { continue };
        let mut events = CountedEvents::of(counted.remove(key).unwrap_or_default());
        let may_have_beyond = events.has_full_kind();
        let beyond = events.add(reports);
        let changed: Vec<_> = events.changed().map(|(key, event)| (key.clone(), event.clone())).collect();
        for (event_key, event) in &changed {
            put.push(at, false, event_key, event);
            if may_have_beyond {
                delete.push(at, true, event_key, event);
            }
        }
        for one in &beyond {
            put.push(at, true, &one.key, &one.event);
            if one.counted_before {
                delete.push(at, false, &one.key, &one.event);
            }
        }
        if !changed.is_empty() || beyond.iter().any(|one| one.counted_before) {
            details.push(key, at, &cdr(&events.into_events()));
        }
    }
    delete.delete(transaction).await?;
    let written = put.put(transaction).await?;
    details.write(transaction).await?;
    Ok(written)
}

/// Whether a call has events beyond those that count.
pub(super) async fn any_beyond(transaction: &Transaction<'_>, key: &Key, at: Timestamp) -> Result<bool, Trouble> {
    let select = transaction.prepare_cached(HAVE_BEYOND).await?;
    let (tenant, id, day) = ([key.0.as_str()], [key.1.0], Day::of(at));
    let days = [day];
    let rows = transaction.query(&select, &[&tenant.as_slice(), &id.as_slice(), &days.as_slice(), &day, &day]).await?;
    Ok(!rows.is_empty())
}

/// The events that count of some calls.
pub(super) async fn counted(
    transaction: &Transaction<'_>,
    times: &HashMap<Key, Timestamp>,
) -> Result<HashMap<Key, Vec<(EventKey, CallEvent)>>, Trouble> {
    let mut found = HashMap::<Key, Vec<_>>::new();
    let tenants: Vec<&str> = times.keys().map(|(tenant, _)| tenant.as_str()).collect();
    let ids: Vec<Uuid> = times.keys().map(|(_, id)| id.0).collect();
    let days: Vec<Day> = times.values().copied().map(Day::of).collect();
    let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) else { return Ok(found) };
    let select = transaction.prepare_cached(COUNTED).await?;
    for row in transaction.query(&select, &[&tenants, &ids, &days, first, last]).await? {
        let digest = row.try_get::<_, &[u8]>(3)?.try_into().map_err(super::broken)?;
        let key = EventKey { id: calls::parsed(&row, 2)?, digest };
        found.entry(calls::id_of(&row)?).or_default().push((key, row.try_get::<_, Json<_>>(4)?.0));
    }
    Ok(found)
}

/// Events as columns.
#[derive(Default)]
struct Rows {
    tenant: Vec<String>,
    call_id: Vec<Uuid>,
    beyond: Vec<bool>,
    event_id: Vec<String>,
    digest: Vec<Vec<u8>>,
    day: Vec<Day>,
    occurred_at: Vec<Time>,
    event: Vec<Json<CallEvent>>,
}

impl Rows {
    fn push(&mut self, call_at: Timestamp, beyond: bool, key: &EventKey, event: &CallEvent) {
        self.tenant.push(event.tenant.as_str().to_owned());
        self.call_id.push(event.call_id.0);
        self.beyond.push(beyond);
        self.event_id.push(key.id.as_str().to_owned());
        self.digest.push(key.digest.to_vec());
        self.day.push(Day::of(call_at));
        self.occurred_at.push(Time(event.occurred_at));
        self.event.push(Json(event.clone()));
    }

    async fn put(&self, transaction: &Transaction<'_>) -> Result<Written, Trouble> {
        if self.call_id.is_empty() {
            return Ok(Written::default());
        }
        let put = transaction.prepare_cached(PUT).await?;
        let written = transaction
            .execute(
                &put,
                &[
                    &self.tenant,
                    &self.call_id,
                    &self.beyond,
                    &self.event_id,
                    &self.digest,
                    &self.day,
                    &self.occurred_at,
                    &self.event,
                ],
            )
            .await?;
        // Those that count are written each time; of the others only what was not there.
        let counted = self.beyond.iter().filter(|beyond| !**beyond).count();
        Ok(Written { events_beyond: usize::try_from(written).unwrap_or(usize::MAX).saturating_sub(counted) })
    }

    async fn delete(&self, transaction: &Transaction<'_>) -> Result<(), Trouble> {
        if let (Some(first), Some(last)) = (self.day.iter().min(), self.day.iter().max()) {
            let delete = transaction.prepare_cached(DELETE).await?;
            let keys: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
                [&self.tenant, &self.call_id, &self.beyond, &self.event_id, &self.digest, &self.day, first, last];
            transaction.execute(&delete, &keys).await?;
        }
        Ok(())
    }
}

/// What came of calls, as columns.
#[derive(Default)]
struct Details {
    tenant: Vec<String>,
    call_id: Vec<Uuid>,
    received_at: Vec<Time>,
    state: Vec<&'static str>,
    answered_at: Vec<Option<Time>>,
    ended_at: Vec<Option<Time>>,
    talk_ms: Vec<Option<i64>>,
    cause_q850: Vec<Option<i16>>,
    cause_sip: Vec<Option<i16>>,
    cdr: Vec<Json<Cdr>>,
}

impl Details {
    fn push(&mut self, (tenant, id): &Key, at: Timestamp, record: &Cdr) {
        let cause = record.cause.unwrap_or_default();
        self.tenant.push(tenant.as_str().to_owned());
        self.call_id.push(id.0);
        self.received_at.push(Time(at));
        self.state.push(state_word(record.state));
        self.answered_at.push(record.answered_at.map(Time));
        self.ended_at.push(record.ended_at.map(Time));
        self.talk_ms.push(record.talk_ms.map(u64::cast_signed));
        self.cause_q850.push(cause.q850.map(i16::from));
        self.cause_sip.push(cause.sip.map(|status| i16::try_from(status).unwrap_or(i16::MAX)));
        self.cdr.push(Json(record.clone()));
    }

    async fn write(&self, transaction: &Transaction<'_>) -> Result<(), Trouble> {
        if let (Some(first), Some(last)) = (self.received_at.iter().min(), self.received_at.iter().max()) {
            let update = transaction.prepare_cached(DETAIL).await?;
            let columns: [&(dyn tokio_postgres::types::ToSql + Sync); 12] = [
                &self.tenant,
                &self.call_id,
                &self.received_at,
                &self.state,
                &self.answered_at,
                &self.ended_at,
                &self.talk_ms,
                &self.cause_q850,
                &self.cause_sip,
                &self.cdr,
                first,
                last,
            ];
            transaction.execute(&update, &columns).await?;
        }
        Ok(())
    }
}
