//! Calls and events in the order of their keys, from one place on, and what came of calls whose events are not kept:
//! for whoever copies a store into another.

use rusqlite::{Connection, params};
use telness_core::record::Cdr;
use telness_core::time::Timestamp;
use uuid::Uuid;

use super::write::to_json;
use super::{row, store_error};
use crate::export::place::{CallAt, Copied, CopiedCall, Place};
use crate::words::state_word;
use crate::{Entry, StoreError};

const CALLS: &str = "FROM calls INDEXED BY calls_by_time WHERE tenant = ?1 AND received_at >= ?2
    AND (received_at, call_id) > (?2, ?3) ORDER BY received_at, call_id LIMIT ?4";
const CONTRADICTIONS: &str = "SELECT call_id, digest, routing, personal FROM contradictions
    WHERE tenant = ?1 AND (call_id, digest) > (?2, ?3) ORDER BY call_id, digest LIMIT ?4";
const EVENTS: &str = "SELECT call_id, beyond, event_id, digest, event FROM events e
    WHERE tenant = ?1 AND (call_id, beyond, event_id, digest) > (?2, ?3, ?4, ?5)
    AND EXISTS (SELECT 1 FROM early a WHERE a.tenant = e.tenant AND a.call_id = e.call_id) = ?6
    ORDER BY call_id, beyond, event_id, digest LIMIT ?7";
const SAY: &str = "UPDATE calls SET state = ?4, answered_at = ?5, ended_at = ?6, talk_ms = ?7, cause_q850 = ?8,
    cause_sip = ?9, cdr = ?10 WHERE tenant = ?1 AND call_id = ?2 AND received_at = ?3 AND cdr IS NULL";

/// The least tenant after one of whom a table has something.
pub(crate) fn tenant_after(connection: &Connection, table: &str, after: &str) -> Result<Option<String>, StoreError> {
    let select = format!("SELECT min(tenant) FROM {table} WHERE tenant > ?1");
    let mut statement = connection.prepare_cached(&select).map_err(store_error)?;
    statement.query_row([after], |row| row.get(0)).map_err(store_error)
}

/// Some calls of a tenant.
pub(crate) fn calls(
    connection: &Connection,
    tenant: &str,
    after: CallAt,
    limit: i64,
) -> Result<Vec<CopiedCall>, StoreError> {
    let mut select = connection.prepare_cached(&format!("SELECT {} {CALLS}", row::COLUMNS)).map_err(store_error)?;
    let mut rows =
        select.query(params![tenant, after.0.as_micros(), after.1.as_bytes(), limit]).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let routing = Box::new(row::routing(row)?);
        let cdr = row::get::<Option<String>>(row, row::CDR)?.map(|text| row::json(&text)).transpose()?;
        let at = (routing.received_at, routing.call_id.0);
        found.push(Copied { at, what: (Entry::Call { routing, personal: row::get(row, row::PERSONAL)? }, cdr) });
    }
    Ok(found)
}

/// Some records of a tenant that contradict its calls.
pub(crate) fn contradictions(
    connection: &Connection,
    tenant: &str,
    after: &Place,
    limit: i64,
) -> Result<Vec<Copied<Place, Entry>>, StoreError> {
    let mut select = connection.prepare_cached(CONTRADICTIONS).map_err(store_error)?;
    let after = params![tenant, after.call_id.as_bytes(), after.digest, limit];
    let mut rows = select.query(after).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let call_id = Uuid::from_bytes(row::get(row, 0)?);
        let at = Place { call_id, digest: row::get(row, 1)?, ..Place::default() };
        let routing = row::json(row::text(row, 2)?.unwrap_or_default())?;
        found.push(Copied { at, what: Entry::Call { routing, personal: row::get(row, 3)? } });
    }
    Ok(found)
}

/// Some events of a tenant: of calls that are here, or those that wait for theirs.
pub(crate) fn events(
    connection: &Connection,
    tenant: &str,
    after: &Place,
    (waiting, limit): (bool, i64),
) -> Result<Vec<Copied<Place, Entry>>, StoreError> {
    let mut select = connection.prepare_cached(EVENTS).map_err(store_error)?;
    let Place { call_id, beyond, event_id, digest, .. } = after;
    let after = params![tenant, call_id.as_bytes(), beyond, event_id, digest, waiting, limit];
    let mut rows = select.query(after).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let at = Place {
            call_id: Uuid::from_bytes(row::get(row, 0)?),
            beyond: row::get(row, 1)?,
            event_id: row::get(row, 2)?,
            digest: row::get(row, 3)?,
            at: Timestamp::default(),
        };
        found.push(Copied { at, what: Entry::Event(row::json(row::text(row, 4)?.unwrap_or_default())?) });
    }
    Ok(found)
}

/// Says what came of calls, of which nothing is said here.
pub(crate) fn say_what_came(connection: &Connection, calls: &[(Entry, Cdr)]) -> Result<(), StoreError> {
    let mut say = connection.prepare_cached(SAY).map_err(store_error)?;
    for (call, cdr) in calls {
        let Entry::Call { routing, .. } = call else { continue };
        let cause = cdr.cause.unwrap_or_default();
        let said = say.execute(params![
            routing.tenant.as_str(),
            routing.call_id.0.as_bytes(),
            routing.received_at.as_micros(),
            state_word(cdr.state),
            cdr.answered_at.map(|at| at.as_micros()),
            cdr.ended_at.map(|at| at.as_micros()),
            cdr.talk_ms.map(u64::cast_signed),
            cause.q850,
            cause.sip,
            to_json(cdr)?,
        ]);
        said.map_err(store_error)?;
    }
    Ok(())
}
