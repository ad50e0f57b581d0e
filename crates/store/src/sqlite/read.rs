//! One call, or a page of calls, as they are kept.

use rusqlite::{Connection, Row};
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::{CallRecord, Routing};
use telness_core::time::Timestamp;
use uuid::Uuid;

use super::{events, row, store_error};
use crate::words;
use crate::{CallQuery, Cursor, Entry, EntryError, Page, StoreError, StoredCall, StoredSummary};

/// The most calls on a page.
const PAGE_CALLS_MAX: u16 = 1_000;
/// The most calls that are looked at for one page, some tenth of a second's work. What remains is left to the next page.
const SCAN_CALLS_MAX: u32 = 50_000;

const EVENTS: &str = "SELECT event FROM events WHERE tenant = ?1 AND call_id = ?2 AND beyond = 0
    ORDER BY occurred_at, event_id, digest";
const CONTRADICTIONS: &str = "SELECT routing, personal FROM contradictions WHERE tenant = ?1 AND call_id = ?2
    ORDER BY digest";
// The row values make one range of the index out of the end of time and the place in it.
const SCAN: &str = "SELECT row_id, received_at, call_id, class, action, reason, state, trunk, caller_key, called_key,
    sip_call_id FROM calls INDEXED BY calls_by_time
    WHERE tenant = ?1 AND received_at >= ?2 AND (received_at, call_id) < (?3, ?4)
    ORDER BY received_at DESC, call_id DESC";

/// One call with its events, if it is this tenant's.
pub(super) fn call(
    connection: &mut Connection,
    tenant: &TenantName,
    id: CallId,
) -> Result<Option<StoredCall>, StoreError> {
    // One transaction, so that the detail record and the events are of one moment.
    let transaction = connection.transaction().map_err(store_error)?;
    let select = format!("SELECT {} FROM calls WHERE tenant = ?1 AND call_id = ?2", row::COLUMNS);
    let found = one(&transaction, &select, (tenant.as_str(), id.0.as_bytes()), summary)?;
    let Some(StoredSummary { routing, personal, cdr }) = found else { return Ok(None) };
    let events =
        all(&transaction, EVENTS, (tenant.as_str(), id.0.as_bytes()), |row| row::json(&row::get::<String>(row, 0)?))?;
    let more_events = events::any_beyond(&transaction, tenant, id)?;
    Ok(Some(StoredCall { routing, personal, cdr, events, more_events }))
}

/// The clear part and the personal bytes of one call.
pub(super) fn record(
    connection: &Connection,
    tenant: &TenantName,
    id: CallId,
) -> Result<Option<(Routing, Vec<u8>)>, StoreError> {
    let select = format!("SELECT {} FROM calls WHERE tenant = ?1 AND call_id = ?2", row::COLUMNS);
    one(connection, &select, (tenant.as_str(), id.0.as_bytes()), |row| {
        Ok((row::routing(row)?, row::get(row, row::PERSONAL)?))
    })
}

/// The other records that came under a call's id.
pub(super) fn contradictions(
    connection: &Connection,
    tenant: &TenantName,
    id: CallId,
) -> Result<Vec<CallRecord>, StoreError> {
    all(connection, CONTRADICTIONS, (tenant.as_str(), id.0.as_bytes()), |row| {
        let routing = row::json(&row::get::<String>(row, 0)?)?;
        let personal = Entry::personal(&row::get::<Vec<u8>>(row, 1)?).map_err(broken)?;
        Ok(CallRecord { routing, personal })
    })
}

/// A page of a tenant's calls, newest first.
pub(super) fn calls(connection: &mut Connection, tenant: &TenantName, query: &CallQuery) -> Result<Page, StoreError> {
    let transaction = connection.transaction().map_err(store_error)?;
    let limit = usize::from(query.limit.clamp(1, PAGE_CALLS_MAX));
    let since = query.since.map_or(i64::MIN, Timestamp::as_micros);
    let (end_at, end_id) = end_of_range(query);
    let mut found: Vec<(i64, Cursor)> = Vec::new();
    let mut next = None;
    let mut scan = transaction.prepare_cached(SCAN).map_err(store_error)?;
    let mut rows = scan.query((tenant.as_str(), since, end_at, end_id)).map_err(store_error)?;
    let mut looked_at = 0_u32;
    let mut last_seen = None;
    while let Some(row) = rows.next().map_err(store_error)? {
        if looked_at == SCAN_CALLS_MAX {
            next = last_seen;
            break;
        }
        looked_at = looked_at.saturating_add(1);
        let place = Cursor {
            received_at: Timestamp::from_micros(row::get(row, 1)?),
            call_id: CallId(Uuid::from_bytes(row::get(row, 2)?)),
        };
        last_seen = Some(place);
        if matches(row, query)? {
            if found.len() == limit {
                next = found.last().map(|(_, place)| *place);
                break;
            }
            found.push((row::get(row, 0)?, place));
        }
    }
    let select = format!("SELECT {} FROM calls WHERE row_id = ?1", row::COLUMNS);
    let mut calls = Vec::with_capacity(found.len());
    for (row_id, _) in found {
        calls.extend(one(&transaction, &select, [row_id], summary)?);
    }
    Ok(Page { calls, next })
}

/// Before what time and id the page begins: the cursor, or the end of the time asked for, whichever is earlier.
fn end_of_range(query: &CallQuery) -> (i64, Vec<u8>) {
    let until = query.until.map(|until| (until.as_micros(), Vec::new()));
    let cursor = query.after.map(|after| (after.received_at.as_micros(), after.call_id.0.as_bytes().to_vec()));
    until.into_iter().chain(cursor).min().unwrap_or((i64::MAX, Vec::new()))
}

/// Whether a row of [`SCAN`] is asked for.
fn matches(row: &Row<'_>, query: &CallQuery) -> Result<bool, StoreError> {
    let texts = [
        (3, query.class.map(|class| class.as_str())),
        (4, query.action.map(words::action_word)),
        (5, query.reason.map(|reason| reason.name())),
        (6, query.state.map(words::state_word)),
        (7, query.trunk.as_ref().map(|trunk| trunk.as_str())),
        (10, query.sip_call_id.as_deref()),
    ];
    for (column, wanted) in texts {
        let Some(wanted) = wanted else { continue };
        let value = row.get_ref(column).map_err(store_error)?;
        if value.as_str_or_null().map_err(broken)? != Some(wanted) {
            return Ok(false);
        }
    }
    for (column, wanted) in [(8, query.caller), (9, query.called)] {
        let Some(wanted) = wanted else { continue };
        let value = row.get_ref(column).map_err(store_error)?;
        if value.as_blob_or_null().map_err(broken)? != Some(wanted.0.as_slice()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn summary(row: &Row<'_>) -> Result<StoredSummary, StoreError> {
    let personal = row.get_ref(row::PERSONAL).map_err(store_error)?;
    Ok(StoredSummary {
        routing: row::routing(row)?,
        personal: Entry::personal(personal.as_blob().map_err(broken)?)
            .map_err(|EntryError(why)| StoreError::Broken(why))?,
        cdr: row::detail(row)?,
    })
}

fn one<T>(
    connection: &Connection,
    sql: &str,
    key: impl rusqlite::Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = statement.query(key).map_err(store_error)?;
    rows.next().map_err(store_error)?.map(read).transpose()
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    key: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(store_error)?;
    let mut rows = statement.query(key).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn broken(error: impl std::fmt::Display) -> StoreError {
    StoreError::Broken(error.to_string())
}
