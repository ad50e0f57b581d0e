//! A call's events and the detail record that they make.

use rusqlite::{Connection, Statement, Transaction, params};
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::{CallEvent, Cdr, cdr};

use super::write::to_json;
use super::{row, store_error};
use crate::StoreError;
use crate::counted::{CountedEvents, EventKey};
use crate::words::state_word;

const COUNTED: &str = "SELECT event_id, digest, event FROM events
    WHERE tenant = ?1 AND call_id = ?2 AND beyond = 0";
const ANY_BEYOND: &str = "SELECT EXISTS (SELECT 1 FROM events WHERE tenant = ?1 AND call_id = ?2 AND beyond = 1)";
// A copy of an event that counts is the earlier one; of what does not count the first stays.
const PUT: &str = "INSERT INTO events (tenant, call_id, beyond, event_id, digest, occurred_at, event)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET occurred_at = excluded.occurred_at,
    event = excluded.event WHERE excluded.beyond = 0";
const DELETE: &str = "DELETE FROM events
    WHERE tenant = ?1 AND call_id = ?2 AND beyond = ?3 AND event_id = ?4 AND digest = ?5";
const DETAIL: &str = "UPDATE calls SET state = ?3, answered_at = ?4, ended_at = ?5, talk_ms = ?6, cause_q850 = ?7,
    cause_sip = ?8, cdr = ?9 WHERE tenant = ?1 AND call_id = ?2";
const EARLY_INSERT: &str = "INSERT INTO early (tenant, call_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

/// Where an event is kept.
#[derive(Clone, Copy)]
enum Place {
    Counted,
    Beyond,
}

impl Place {
    const fn beyond(self) -> bool {
        matches!(self, Self::Beyond)
    }
}

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
    let mut put = transaction.prepare_cached(PUT).map_err(store_error)?;
    let mut delete = transaction.prepare_cached(DELETE).map_err(store_error)?;
    for (key, event) in counted.changed() {
        put_event(&mut put, Place::Counted, key, event)?;
        if may_have_beyond {
            delete_event(&mut delete, Place::Beyond, key, event)?;
        }
        changed = true;
    }
    if !beyond.is_empty() && !any_beyond(transaction, tenant, call_id)? {
        tracing::warn!(%tenant, call = %call_id, "this call has more events than count; the others are put aside");
    }
    let mut put_beyond = 0_usize;
    for one in &beyond {
        if one.counted_before {
            delete_event(&mut delete, Place::Counted, &one.key, &one.event)?;
        }
        put_beyond = put_beyond.saturating_add(put_event(&mut put, Place::Beyond, &one.key, &one.event)?);
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

/// Puts an event in its place; tells how many rows that changed.
fn put_event(
    statement: &mut Statement<'_>,
    place: Place,
    key: &EventKey,
    event: &CallEvent,
) -> Result<usize, StoreError> {
    let written = statement.execute(params![
        event.tenant.as_str(),
        event.call_id.0.as_bytes(),
        place.beyond(),
        key.id.as_str(),
        key.digest,
        event.occurred_at.as_micros(),
        to_json(event)?,
    ]);
    written.map_err(store_error)
}

fn delete_event(
    statement: &mut Statement<'_>,
    place: Place,
    key: &EventKey,
    event: &CallEvent,
) -> Result<(), StoreError> {
    let of = (event.tenant.as_str(), event.call_id.0.as_bytes(), place.beyond(), key.id.as_str(), key.digest);
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
