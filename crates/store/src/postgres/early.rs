//! Events whose call is not here yet: they wait apart, since the day that they belong to is their call's.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Transaction;
use telness_core::record::CallEvent;
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::trouble::Trouble;
use super::value::Time;
use super::write::Key;
use super::{calls, events, marks};
use crate::billing::Hours;
use crate::counted::EventKey;

/// Calls with waiting events that are looked at in one go.
const SWEEP_CALLS: i64 = 500;
/// What stands for the journal where no batch brought what changed.
const SWEPT: &str = "swept";

/// Of the same report received twice the earlier stays.
const KEEP: &str = "INSERT INTO early_events (tenant, call_id, event_id, digest, received_at, event)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[], $6::json[])
    ON CONFLICT DO NOTHING";
const FOR: &str = "SELECT a.t, a.i FROM unnest($1::text[], $2::uuid[]) AS a (t, i)
    WHERE EXISTS (SELECT 1 FROM early_events e WHERE e.tenant = a.t AND e.call_id = a.i)";
const TAKE: &str = "DELETE FROM early_events e USING unnest($1::text[], $2::uuid[]) AS a (t, i)
    WHERE e.tenant = a.t AND e.call_id = a.i RETURNING e.event";
const WAITING: &str = "SELECT DISTINCT tenant, call_id FROM early_events WHERE (tenant, call_id) > ($1, $2)
    ORDER BY tenant, call_id LIMIT $3";

/// For which of some calls events wait.
pub(super) async fn waiting_for(
    transaction: &Transaction<'_>,
    keys: impl Iterator<Item = &Key>,
) -> Result<BTreeSet<Key>, Trouble> {
    let (tenants, ids) = columns(keys);
    let select = transaction.prepare_cached(FOR).await?;
    transaction.query(&select, &[&tenants, &ids]).await?.iter().map(calls::id_of).collect()
}

/// Keeps events until their call comes.
pub(super) async fn keep(
    transaction: &Transaction<'_>,
    reports: impl Iterator<Item = &CallEvent>,
) -> Result<(), Trouble> {
    let (mut tenants, mut ids, mut event_ids) = (Vec::new(), Vec::<Uuid>::new(), Vec::new());
    let (mut digests, mut times, mut bodies) = (Vec::<Vec<u8>>::new(), Vec::new(), Vec::new());
    // In one order on every node, so that two who keep the same ones do not wait for each other.
    let mut sorted: Vec<_> = reports.map(|event| (EventKey::of(event), event)).collect();
    sorted.sort_by(|(a_key, a), (b_key, b)| {
        (&a.tenant, a.call_id, a_key, a.received_at).cmp(&(&b.tenant, b.call_id, b_key, b.received_at))
    });
    for (key, event) in sorted {
        tenants.push(event.tenant.as_str());
        ids.push(event.call_id.0);
        event_ids.push(event.event_id.as_str());
        digests.push(key.digest.to_vec());
        times.push(Time(event.received_at));
        bodies.push(Json(event));
    }
    if !ids.is_empty() {
        let insert = transaction.prepare_cached(KEEP).await?;
        transaction.execute(&insert, &[&tenants, &ids, &event_ids, &digests, &times, &bodies]).await?;
    }
    Ok(())
}

/// Looks, from one key on, whether calls have come beside their waiting events: two nodes that write a call and its
/// event at the same moment do not see each other's. Answers where to look on; nothing at the end.
pub(super) async fn sweep(transaction: &Transaction<'_>, after: Option<&Key>) -> Result<Option<Key>, Trouble> {
    let (tenant, id) = after.map_or(("", Uuid::nil()), |(tenant, id)| (tenant.as_str(), id.0));
    let rows = transaction.query(WAITING, &[&tenant, &id, &SWEEP_CALLS]).await?;
    let waiting = rows.iter().map(calls::id_of).collect::<Result<BTreeSet<Key>, _>>()?;
    let mut hours = Hours::default();
    events::take(transaction, BTreeMap::new(), &waiting, &mut hours).await?;
    marks::put(transaction, SWEPT, &hours).await?;
    let whole = i64::try_from(waiting.len()).is_ok_and(|count| count == SWEEP_CALLS);
    Ok(waiting.last().filter(|_| whole).cloned())
}

/// Takes out what waits for some calls, whose rows are locked and which come in the order of the locks.
pub(super) async fn take(
    transaction: &Transaction<'_>,
    keys: impl Iterator<Item = &Key>,
) -> Result<Vec<CallEvent>, Trouble> {
    let (tenants, ids) = columns(keys);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let delete = transaction.prepare_cached(TAKE).await?;
    let rows = transaction.query(&delete, &[&tenants, &ids]).await?;
    rows.iter().map(|row| Ok(row.try_get::<_, Json<CallEvent>>(0)?.0)).collect()
}

fn columns<'a>(keys: impl Iterator<Item = &'a Key>) -> (Vec<&'a str>, Vec<Uuid>) {
    keys.map(|(tenant, id)| (tenant.as_str(), id.0)).unzip()
}
