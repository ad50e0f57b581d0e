//! One batch from the journal, in one transaction. What is there stays as it is; what contradicts it is kept beside it.

use std::collections::BTreeMap;
use std::hash::Hash as _;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::Routing;

use super::events::{self, News};
use super::{marks, read, row, store_error};
use crate::billing::Hours;
use crate::{Entry, JournalId, Position, Shipment, StoreError, Written};

const EARLY_ANY: &str = "SELECT EXISTS (SELECT 1 FROM early)";
const EARLY_DELETE: &str = "DELETE FROM early WHERE tenant = ?1 AND call_id = ?2";
const CONTRADICTION: &str = "INSERT INTO contradictions (tenant, call_id, digest, routing, personal)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
const POSITION: &str = "INSERT INTO ship_position (journal, position) VALUES (?1, ?2)
    ON CONFLICT DO UPDATE SET position = max(position, excluded.position)";
const POSITION_READ: &str = "SELECT position FROM ship_position WHERE journal = ?1";
const CHECK: &str = "INSERT INTO checks (only, count) VALUES (1, 1) ON CONFLICT DO UPDATE SET count = count + 1";

/// What a batch has of the calls with events, in an order that does not depend on the batch's.
type Touched<'a> = BTreeMap<(TenantName, CallId), News<'a>>;

pub(super) fn batch(connection: &mut Connection, shipment: &Shipment) -> Result<Written, StoreError> {
    let Shipment { journal, after, upto, entries } = shipment;
    let reached = i64::try_from(upto.0).map_err(|_| StoreError::Broken(format!("{upto:?} is out of range")))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    StoreError::require_not_set_back(position(&transaction, *journal)?, *after)?;
    let (mut touched, mut hours) = (Touched::new(), Hours::default());
    calls(&transaction, entries, &mut touched, &mut hours)?;
    for entry in entries {
        let Entry::Event(event) = entry else { continue };
        touched.entry((event.tenant.clone(), event.call_id)).or_default().reports.push(event);
    }
    let mut written = Written::default();
    for ((tenant, call_id), news) in touched {
        let beyond = events::take(&transaction, &tenant, call_id, news, &mut hours)?;
        written.events_beyond = written.events_beyond.saturating_add(beyond);
    }
    marks::put(&transaction, &journal.as_text(), &hours)?;
    let mut statement = transaction.prepare_cached(POSITION).map_err(store_error)?;
    statement.execute((journal.0, reached)).map_err(store_error)?;
    drop(statement);
    transaction.commit().map_err(store_error)?;
    Ok(written)
}

/// Writes something and syncs it, to see that it can be done.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    connection.prepare_cached(CHECK).and_then(|mut statement| statement.execute([])).map_err(store_error)?;
    Ok(())
}

fn calls(
    transaction: &Transaction<'_>,
    entries: &[Entry],
    touched: &mut Touched<'_>,
    hours: &mut Hours,
) -> Result<(), StoreError> {
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
            continue;
        }
        hours.add(&routing.tenant, routing.received_at);
        if early {
            let mut delete = transaction.prepare_cached(EARLY_DELETE).map_err(store_error)?;
            let key = (routing.tenant.as_str(), routing.call_id.0.as_bytes());
            if delete.execute(key).map_err(store_error)? > 0 {
                touched.entry((routing.tenant.clone(), routing.call_id)).or_default().call_came = true;
            }
        }
    }
    Ok(())
}

/// Keeps a record whose call is there already, if it is not the same record.
fn keep_if_other(transaction: &Transaction<'_>, routing: &Routing, personal: &[u8]) -> Result<(), StoreError> {
    let there = read::record(transaction, &routing.tenant, routing.call_id)?;
    let blank = crate::upkeep::blank()?;
    let is_kept = |(kept, kept_personal): (Routing, Vec<u8>)| {
        // What was pruned of the call since does not come back with the same record.
        if kept_personal == blank {
            kept == routing.clone().pruned()
        } else {
            kept == *routing && kept_personal == personal
        }
    };
    if there.is_some_and(is_kept) {
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

/// How far a journal was shipped.
pub(super) fn position(connection: &Connection, journal: JournalId) -> Result<Option<Position>, StoreError> {
    let mut select = connection.prepare_cached(POSITION_READ).map_err(store_error)?;
    let found: Option<i64> = select.query_row([journal.0], |row| row.get(0)).optional().map_err(store_error)?;
    Ok(found.map(|position| Position(position.cast_unsigned())))
}

pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Broken(error.to_string()))
}
