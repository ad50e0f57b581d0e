//! Calls and events in the order of their keys, from one place on, and what came of calls whose events are not kept:
//! for whoever copies a store into another.

use std::collections::BTreeSet;
use std::sync::Arc;

use deadpool_postgres::{Object, Transaction};
use telness_core::record::{Cdr, Routing};
use telness_core::time::Timestamp;
use tokio_postgres::types::{Json, ToSql};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::calls;
use super::pool::Pool;
use super::trouble::Trouble;
use super::value::Time;
use super::write::Key;
use crate::export::place::{CallAt, Copied, CopiedCall, Place};
use crate::words::state_word;
use crate::{Entry, StoreError};

const CALLS: &str = "FROM calls c WHERE c.tenant = $1 AND c.received_at >= $2
    AND (c.received_at, c.call_id) > ($2, $3) ORDER BY c.received_at, c.call_id LIMIT $4";
const CONTRADICTIONS: &str = "SELECT call_id, digest, routing, personal FROM contradictions
    WHERE tenant = $1 AND (call_id, digest) > ($2, $3) ORDER BY call_id, digest LIMIT $4";
const EVENTS: &str = "SELECT call_id, beyond, event_id, digest, event FROM events
    WHERE tenant = $1 AND (call_id, beyond, event_id, digest) > ($2, $3, $4, $5)
    ORDER BY call_id, beyond, event_id, digest LIMIT $6";
const WAITING: &str = "SELECT call_id, received_at, event_id, digest, event FROM early_events
    WHERE tenant = $1 AND (call_id, event_id, digest, received_at) > ($2, $3, $4, $5)
    ORDER BY call_id, event_id, digest, received_at LIMIT $6";
// What all of them lie in tells the planner which days to leave out.
const UNSAID: &str = "SELECT c.tenant, c.call_id FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) AS a (t, i, at)
    JOIN calls c ON c.tenant = a.t AND c.received_at = a.at AND c.call_id = a.i
    WHERE c.cdr IS NULL AND c.received_at BETWEEN $4 AND $5";
const SAY: &str = "UPDATE calls SET state = $4, answered_at = $5, ended_at = $6, talk_ms = $7, cause_q850 = $8,
    cause_sip = $9, cdr = $10 WHERE tenant = $1 AND received_at = $2 AND call_id = $3 AND cdr IS NULL";

/// The least tenant after one of whom a table has something.
pub(crate) async fn tenant_after(client: &Object, table: &str, after: &str) -> Result<Option<String>, Error> {
    let select = client.prepare_cached(&format!("SELECT min(tenant) FROM {table} WHERE tenant > $1")).await?;
    client.query_one(&select, &[&after]).await?.try_get(0)
}

/// Rows of some calls of a tenant.
pub(crate) async fn calls(client: &Object, tenant: &str, after: CallAt, limit: i64) -> Result<Vec<Row>, Error> {
    let select = client.prepare_cached(&format!("SELECT {} {CALLS}", calls::COLUMNS)).await?;
    client.query(&select, &[&tenant, &Time(after.0), &after.1, &limit]).await
}

/// A row of those as a call.
pub(crate) fn call(row: &Row) -> Result<CopiedCall, StoreError> {
    let read = || -> Result<_, Trouble> {
        let routing = Box::new(calls::routing(row)?);
        let cdr: Option<Json<Cdr>> = row.try_get(calls::CDR)?;
        let at = (routing.received_at, routing.call_id.0);
        let personal = row.try_get(calls::PERSONAL)?;
        Ok(Copied { at, what: (Entry::Call { routing, personal }, cdr.map(|Json(cdr)| cdr)) })
    };
    Ok(read()?)
}

/// Rows of some records of a tenant that contradict its calls.
pub(crate) async fn contradictions(
    client: &Object,
    tenant: &str,
    after: &Place,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let select = client.prepare_cached(CONTRADICTIONS).await?;
    client.query(&select, &[&tenant, &after.call_id, &after.digest, &limit]).await
}

/// A row of those as a record.
pub(crate) fn contradiction(row: &Row) -> Result<Copied<Place, Entry>, StoreError> {
    let read = || -> Result<_, Trouble> {
        let Json::<Box<Routing>>(routing) = row.try_get(2)?;
        let at = Place { call_id: row.try_get(0)?, digest: row.try_get(1)?, ..Place::default() };
        Ok(Copied { at, what: Entry::Call { routing, personal: row.try_get(3)? } })
    };
    Ok(read()?)
}

/// Rows of some events of a tenant: of calls that are here, or those that wait for theirs.
pub(crate) async fn events(
    client: &Object,
    tenant: &str,
    after: &Place,
    (waiting, limit): (bool, i64),
) -> Result<Vec<Row>, Error> {
    let Place { call_id, beyond, event_id, digest, at } = after;
    if waiting {
        let select = client.prepare_cached(WAITING).await?;
        return client.query(&select, &[&tenant, call_id, event_id, digest, &Time(*at), &limit]).await;
    }
    let select = client.prepare_cached(EVENTS).await?;
    client.query(&select, &[&tenant, call_id, beyond, event_id, digest, &limit]).await
}

/// A row of those as an event.
pub(crate) fn event(row: &Row, waiting: bool) -> Result<Copied<Place, Entry>, StoreError> {
    let read = || -> Result<_, Trouble> {
        let (beyond, at) =
            if waiting { (false, calls::time(row, 1)?) } else { (row.try_get(1)?, Timestamp::default()) };
        let (event_id, digest) = (row.try_get(2)?, row.try_get(3)?);
        let at = Place { call_id: row.try_get(0)?, beyond, event_id, digest, at };
        let Json(event) = row.try_get(4)?;
        Ok(Copied { at, what: Entry::Event(event) })
    };
    Ok(read()?)
}

/// Says what came of calls, of which nothing is said here.
pub(crate) async fn say_what_came(pool: &Pool, said: Vec<(Entry, Cdr)>) -> Result<(), StoreError> {
    let said = Arc::new(said);
    let work = pool.transaction("say_what_came", |transaction| {
        let said = Arc::clone(&said);
        Box::pin(async move {
            let unsaid = unsaid(transaction, &said).await?;
            for (call, cdr) in said.iter() {
                if let Entry::Call { routing, .. } = call
                    && unsaid.contains(&(routing.tenant.clone(), routing.call_id))
                {
                    say(transaction, routing, cdr).await?;
                }
            }
            Ok(())
        })
    });
    work.await
}

/// Which of some calls are here, and nothing is said of them.
async fn unsaid(transaction: &Transaction<'_>, said: &[(Entry, Cdr)]) -> Result<BTreeSet<Key>, Trouble> {
    let (mut tenants, mut ids, mut times) = (Vec::new(), Vec::<Uuid>::new(), Vec::new());
    for (call, _) in said {
        if let Entry::Call { routing, .. } = call {
            tenants.push(routing.tenant.as_str());
            ids.push(routing.call_id.0);
            times.push(Time(routing.received_at));
        }
    }
    let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) else { return Ok(BTreeSet::new()) };
    let select = transaction.prepare_cached(UNSAID).await?;
    transaction.query(&select, &[&tenants, &ids, &times, first, last]).await?.iter().map(calls::id_of).collect()
}

async fn say(transaction: &Transaction<'_>, routing: &Routing, cdr: &Cdr) -> Result<(), Trouble> {
    let cause = cdr.cause.unwrap_or_default();
    let statement = transaction.prepare_cached(SAY).await?;
    let values: [&(dyn ToSql + Sync); 10] = [
        &routing.tenant.as_str(),
        &Time(routing.received_at),
        &routing.call_id.0,
        &state_word(cdr.state),
        &cdr.answered_at.map(Time),
        &cdr.ended_at.map(Time),
        &cdr.talk_ms.map(u64::cast_signed),
        &cause.q850.map(i16::from),
        &cause.sip.map(|status| i16::try_from(status).unwrap_or(i16::MAX)),
        &Json(cdr),
    ];
    Ok(transaction.execute(&statement, &values).await.map(drop)?)
}
