//! A call's events and the detail record that they make.

use rusqlite::{Connection, Statement, Transaction, params};
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::{CallEvent, Cdr, cdr};

use super::write::to_json;
use super::{row, store_error};
use crate::StoreError;
use crate::words::state_word;
use crate::counted::{CountedEvents, EventKey};

const COUNTED: &str = "SELECT event_id, digest, event FROM events WHERE tenant = ?1 AND call_id = ?2";
const COUNT: &str = "INSERT INTO events (tenant, call_id, event_id, digest, occurred_at, received_at, event)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET occurred_at = excluded.occurred_at,
    received_at = excluded.received_at, event = excluded.event";
const UNCOUNT: &str = "DELETE FROM events WHERE tenant = ?1 AND call_id = ?2 AND event_id = ?3 AND digest = ?4";
const BEYOND: &str = "INSERT INTO events_beyond (tenant, call_id, event_id, digest, occurred_at, received_at, event)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
const NOT_BEYOND: &str =
    "DELETE FROM events_beyond WHERE tenant = ?1 AND call_id = ?2 AND event_id = ?3 AND digest = ?4";
const ANY_BEYOND: &str = "SELECT EXISTS (SELECT 1 FROM events_beyond WHERE tenant = ?1 AND call_id = ?2)";
const DETAIL: &str = "UPDATE calls SET state = ?3, answered_at = ?4, ended_at = ?5, talk_ms = ?6, cause_q850 = ?7,
    cause_sip = ?8, cdr = ?9 WHERE tenant = ?1 AND call_id = ?2";
const EARLY_INSERT: &str = "INSERT INTO early (tenant, call_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

/// What a batch has of one call.
#[derive(Default)]
pub(super) struct News<'a> {
    /// The call itself came, after events of it.
    pub(super) call_came: bool,
    pub(super) reports: Vec<&'a CallEvent>,
}

/// Takes in what a batch has of one call; tells how many events were put beyond those that count.
pub(super) fn take(
    transaction: &Transaction<'_>,
    tenant: &TenantName,
    call_id: CallId,
    news: News<'_>,
) -> Result<usize, StoreError> {
    let mut counted = CountedEvents::of(counted(transaction, tenant, call_id)?);
    let may_have_beyond = counted.has_full_kind();
    let beyond = counted.add(news.reports);
    let mut changed = news.call_came;
    let mut count = transaction.prepare_cached(COUNT).map_err(store_error)?;
    let mut not_beyond = transaction.prepare_cached(NOT_BEYOND).map_err(store_error)?;
    for (key, event) in counted.changed() {
        insert(&mut count, key, event)?;
        if may_have_beyond {
            delete(&mut not_beyond, key, event)?;
        }
        changed = true;
    }
    let mut put_beyond = 0_usize;
    if !beyond.is_empty() {
        if !any_beyond(transaction, tenant, call_id)? {
            tracing::warn!(%tenant, call = %call_id, "this call has more events than count; the others are put aside");
        }
        let mut uncount = transaction.prepare_cached(UNCOUNT).map_err(store_error)?;
        let mut put = transaction.prepare_cached(BEYOND).map_err(store_error)?;
        for one in &beyond {
            if one.counted_before {
                delete(&mut uncount, &one.key, &one.event)?;
            }
            put_beyond = put_beyond.saturating_add(insert(&mut put, &one.key, &one.event)?);
        }
    }
    if changed {
        detail(transaction, tenant, call_id, &cdr(&counted.into_events()))?;
    }
    Ok(put_beyond)
}

/// Whether a call has events beyond those that count.
pub(super) fn any_beyond(connection: &Connection, tenant: &TenantName, call_id: CallId) -> Result<bool, StoreError> {
    let mut any = connection.prepare_cached(ANY_BEYOND).map_err(store_error)?;
    any.query_row((tenant.as_str(), call_id.0.as_bytes()), |row| row.get(0)).map_err(store_error)
}

/// The events of a call that count, also of a call that is yet to come.
fn counted(
    connection: &Connection,
    tenant: &TenantName,
    call_id: CallId,
) -> Result<Vec<(EventKey, CallEvent)>, StoreError> {
    let mut statement = connection.prepare_cached(COUNTED).map_err(store_error)?;
    let mut rows = statement.query((tenant.as_str(), call_id.0.as_bytes())).map_err(store_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(store_error)? {
        let event: CallEvent = row::json(row::text(row, 2)?.unwrap_or_default())?;
        found.push((EventKey { id: row::parsed(row, 0)?, digest: row::get(row, 1)? }, event));
    }
    Ok(found)
}

fn insert(statement: &mut Statement<'_>, key: &EventKey, event: &CallEvent) -> Result<usize, StoreError> {
    let written = statement.execute(params![
        event.tenant.as_str(),
        event.call_id.0.as_bytes(),
        key.id.as_str(),
        key.digest,
        event.occurred_at.as_micros(),
        event.received_at.as_micros(),
        to_json(event)?,
    ]);
    written.map_err(store_error)
}

fn delete(statement: &mut Statement<'_>, key: &EventKey, event: &CallEvent) -> Result<(), StoreError> {
    let of = (event.tenant.as_str(), event.call_id.0.as_bytes(), key.id.as_str(), key.digest);
    statement.execute(of).map(drop).map_err(store_error)
}

/// Writes a call's detail record, or notes that the call is yet to come.
fn detail(transaction: &Transaction<'_>, tenant: &TenantName, call_id: CallId, record: &Cdr) -> Result<(), StoreError> {
    let cause = record.cause.unwrap_or_default();
    let mut update = transaction.prepare_cached(DETAIL).map_err(store_error)?;
    let updated = update.execute(params![
        tenant.as_str(),
        call_id.0.as_bytes(),
        state_word(record.state),
        record.answered_at.map(|at| at.as_micros()),
        record.ended_at.map(|at| at.as_micros()),
        record.talk_ms.map(u64::cast_signed),
        cause.q850,
        cause.sip,
        to_json(record)?,
    ]);
    if updated.map_err(store_error)? == 0 {
        let mut insert = transaction.prepare_cached(EARLY_INSERT).map_err(store_error)?;
        insert.execute((tenant.as_str(), call_id.0.as_bytes())).map_err(store_error)?;
    }
    Ok(())
}
