//! One batch from the journal, in one transaction. What is there stays as it is; what contradicts it is kept beside it.

use std::collections::BTreeSet;
use std::hash::{Hash as _, Hasher as _};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::{CallEvent, Routing, cdr};

use super::{read, row, store_error};
use crate::{Entry, JournalId, Position, StoreError};

const EARLY_ANY: &str = "SELECT EXISTS (SELECT 1 FROM early)";
const EARLY_INSERT: &str = "INSERT INTO early (tenant, call_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const EARLY_DELETE: &str = "DELETE FROM early WHERE tenant = ?1 AND call_id = ?2";
const CONTRADICTION: &str = "INSERT INTO contradictions (tenant, call_id, digest, routing, personal)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
// Of the same report received twice the earlier stays, so that the order of arrival leaves no mark.
const EVENT: &str = "INSERT INTO events (tenant, call_id, event_id, digest, occurred_at, received_at, event)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE SET occurred_at = excluded.occurred_at,
    received_at = excluded.received_at, event = excluded.event
    WHERE (excluded.received_at, excluded.event) < (events.received_at, events.event)";
const DETAIL: &str = "UPDATE calls SET state = ?3, answered_at = ?4, ended_at = ?5, talk_ms = ?6, cause_q850 = ?7,
    cause_sip = ?8, cdr = ?9 WHERE tenant = ?1 AND call_id = ?2";
const POSITION: &str = "INSERT INTO ship_position (journal, position) VALUES (?1, ?2)
    ON CONFLICT DO UPDATE SET position = max(position, excluded.position)";
const CHECK: &str = "INSERT INTO checks (only, count) VALUES (1, 1) ON CONFLICT DO UPDATE SET count = count + 1";

/// Calls whose detail record has to be made again, in an order that does not depend on the batch's.
type Touched = BTreeSet<(TenantName, CallId)>;

pub(super) fn batch(
    connection: &mut Connection,
    journal: JournalId,
    upto: Position,
    entries: &[Entry],
) -> Result<(), StoreError> {
    let position = i64::try_from(upto.0).map_err(|_| StoreError::Broken(format!("{upto:?} is out of range")))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    let mut touched = Touched::new();
    calls(&transaction, entries, &mut touched)?;
    events(&transaction, entries, &mut touched)?;
    for (tenant, call_id) in touched {
        details(&transaction, &tenant, call_id)?;
    }
    let mut statement = transaction.prepare_cached(POSITION).map_err(store_error)?;
    statement.execute((journal.0, position)).map_err(store_error)?;
    drop(statement);
    transaction.commit().map_err(store_error)
}

/// Writes something and syncs it, to see that it can be done.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached(CHECK).and_then(|mut statement| statement.execute([])).map_err(store_error)?;
    Ok(())
}

fn calls(transaction: &Transaction<'_>, entries: &[Entry], touched: &mut Touched) -> Result<(), StoreError> {
    // Events before their call are rare: one question a batch spares one a call.
    let early: bool = transaction
        .prepare_cached(EARLY_ANY)
        .and_then(|mut any| any.query_row([], |row| row.get(0)))
        .map_err(store_error)?;
    let mut insert = transaction.prepare_cached(row::INSERT).map_err(store_error)?;
    for entry in entries {
        let Entry::Call { routing, personal } = entry else { continue };
        if !row::insert(&mut insert, routing, personal)? {
            keep_if_other(transaction, routing, personal)?;
        } else if early {
            let mut delete = transaction.prepare_cached(EARLY_DELETE).map_err(store_error)?;
            let key = (routing.tenant.as_str(), routing.call_id.0.as_bytes());
            if delete.execute(key).map_err(store_error)? > 0 {
                touched.insert((routing.tenant.clone(), routing.call_id));
            }
        }
    }
    Ok(())
}

/// Keeps a record whose call is there already, if it is not the same record.
fn keep_if_other(transaction: &Transaction<'_>, routing: &Routing, personal: &[u8]) -> Result<(), StoreError> {
    let there = read::record(transaction, &routing.tenant, routing.call_id)?;
    if there.is_some_and(|(kept, kept_personal)| kept == *routing && kept_personal == personal) {
        return Ok(());
    }
    let text = to_json(routing)?;
    let mut hasher = SipHasher24::new();
    text.hash(&mut hasher);
    personal.hash(&mut hasher);
    let mut insert = transaction.prepare_cached(CONTRADICTION).map_err(store_error)?;
    let digest = hasher.finish128().as_bytes();
    let key = (routing.tenant.as_str(), routing.call_id.0.as_bytes(), digest, text, personal);
    if insert.execute(key).map_err(store_error)? > 0 {
        tracing::warn!(tenant = %routing.tenant, call = %routing.call_id, "a second record of this call differs; both are kept");
    }
    Ok(())
}

fn events(transaction: &Transaction<'_>, entries: &[Entry], touched: &mut Touched) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(EVENT).map_err(store_error)?;
    for entry in entries {
        let Entry::Event(event) = entry else { continue };
        let written = insert.execute(params![
            event.tenant.as_str(),
            event.call_id.0.as_bytes(),
            event.event_id.as_str(),
            digest(event),
            event.occurred_at.as_micros(),
            event.received_at.as_micros(),
            to_json(event)?,
        ]);
        if written.map_err(store_error)? > 0 {
            touched.insert((event.tenant.clone(), event.call_id));
        }
    }
    Ok(())
}

/// What makes two reports under one id the same: all that the switch said, and nothing of when or where we got it.
fn digest(event: &CallEvent) -> [u8; 16] {
    let mut hasher = SipHasher24::new();
    hasher.write(event.leg.as_str().as_bytes());
    hasher.write(&[0]);
    hasher.write(event.kind.as_str().as_bytes());
    // A switch that tells no time gets that of our receipt, which is another one when it repeats the report.
    let told = Some(event.occurred_at).filter(|at| *at != event.received_at);
    hasher.write(&told.map_or(i64::MIN, |at| at.as_micros()).to_le_bytes());
    for part in [event.cause.and_then(|cause| cause.sip), event.cause.and_then(|cause| cause.q850).map(u16::from)] {
        hasher.write(&part.unwrap_or(0).to_le_bytes());
    }
    hasher.write(event.sip_call_id.as_deref().unwrap_or_default().as_bytes());
    hasher.finish128().as_bytes()
}

/// Makes a call's detail record again out of all its events, or notes that the call is yet to come.
fn details(transaction: &Transaction<'_>, tenant: &TenantName, call_id: CallId) -> Result<(), StoreError> {
    let record = cdr(&read::events(transaction, tenant, call_id)?);
    let cause = record.cause.unwrap_or_default();
    let mut update = transaction.prepare_cached(DETAIL).map_err(store_error)?;
    let updated = update.execute(params![
        tenant.as_str(),
        call_id.0.as_bytes(),
        row::state_word(record.state),
        record.answered_at.map(|at| at.as_micros()),
        record.ended_at.map(|at| at.as_micros()),
        record.talk_ms.map(u64::cast_signed),
        cause.q850,
        cause.sip,
        to_json(&record)?,
    ]);
    if updated.map_err(store_error)? == 0 {
        let mut insert = transaction.prepare_cached(EARLY_INSERT).map_err(store_error)?;
        insert.execute((tenant.as_str(), call_id.0.as_bytes())).map_err(store_error)?;
    }
    Ok(())
}

/// How far a journal was shipped.
pub(super) fn position(connection: &Connection, journal: JournalId) -> Result<Option<Position>, StoreError> {
    let select = "SELECT position FROM ship_position WHERE journal = ?1";
    let found: Option<i64> =
        connection.query_row(select, [journal.0], |row| row.get(0)).optional().map_err(store_error)?;
    Ok(found.map(|position| Position(position.cast_unsigned())))
}

fn to_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Broken(error.to_string()))
}
