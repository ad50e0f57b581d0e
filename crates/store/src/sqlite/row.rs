//! A call's clear part as columns, and back.

use std::str::FromStr;

use rusqlite::types::{FromSql, Value};
use rusqlite::{Row, Statement, params};
use telness_core::call::{CallId, CallType};
use telness_core::class::{Class, Workflow};
use telness_core::record::{Cdr, NumberKey, Routing};
use telness_core::time::Timestamp;
use uuid::Uuid;

use super::store_error;
use crate::StoreError;
use crate::words::{self, action_word, direction_word};

pub(super) const INSERT: &str = "INSERT INTO calls (tenant, call_id, received_at, class, action, reason, trunk,
    caller_key, called_key, sip_call_id, state, v, node, workflow, kind, direction, peer, site, region, rule,
    matched_prefix, gateway, plan_revision, degraded, request_hash, personal)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'decided', ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
    ?21, ?22, ?23, ?24, ?25) ON CONFLICT DO NOTHING";

/// What [`routing`], [`detail`] and the personal part are read from.
pub(super) const COLUMNS: &str = "tenant, call_id, received_at, class, action, reason, trunk, caller_key, called_key,
    sip_call_id, v, node, workflow, kind, direction, peer, site, region, rule, matched_prefix, gateway, plan_revision,
    degraded, request_hash, personal, cdr";
pub(super) const PERSONAL: usize = 24;
pub(super) const CDR: usize = 25;

/// Writes a call unless its id is there; answers whether it was written.
pub(super) fn insert(statement: &mut Statement<'_>, routing: &Routing, personal: &[u8]) -> Result<bool, StoreError> {
    // Taken apart whole, so that a part that is added later cannot be forgotten here.
    let Routing {
        v,
        tenant,
        call_id,
        received_at,
        node,
        class,
        workflow,
        kind,
        direction,
        peer,
        site,
        region,
        action,
        reason,
        rule,
        matched_prefix,
        trunk,
        gateway,
        plan_revision,
        degraded,
        caller_key,
        called_key,
        sip_call_id,
        request_hash,
    } = routing;
    let degraded = match degraded.as_slice() {
        [] => None,
        some => Some(serde_json::to_string(some).map_err(|error| StoreError::Broken(error.to_string()))?),
    };
    let written = statement.execute(params![
        tenant.as_str(),
        call_id.0.as_bytes(),
        received_at.as_micros(),
        class.as_str(),
        action_word(*action),
        reason.name(),
        trunk.as_ref().map(|name| name.as_str()),
        caller_key.as_ref().map(|key| &key.0),
        called_key.as_ref().map(|key| &key.0),
        sip_call_id.as_deref(),
        v,
        node.as_str(),
        workflow.as_str(),
        kind.as_str(),
        direction_word(*direction),
        peer.as_ref().map(|name| name.as_str()),
        site.as_ref().map(|name| name.as_str()),
        region.as_str(),
        rule.as_ref().map(|name| name.as_str()),
        matched_prefix.map(|digits| digits.to_string()),
        gateway.as_ref().map(|name| name.as_str()),
        plan_revision.cast_signed(),
        degraded,
        request_hash.map(u64::cast_signed),
        personal,
    ]);
    Ok(written.map_err(store_error)? > 0)
}

/// The clear part of a row with [`COLUMNS`].
pub(super) fn routing(row: &Row<'_>) -> Result<Routing, StoreError> {
    let degraded: Option<String> = get(row, 22)?;
    Ok(Routing {
        v: get(row, 10)?,
        tenant: parsed(row, 0)?,
        call_id: CallId(Uuid::from_bytes(get(row, 1)?)),
        received_at: Timestamp::from_micros(get(row, 2)?),
        node: parsed(row, 11)?,
        class: word(row, 3, &words::CLASSES, Class::as_str)?,
        workflow: word(row, 12, &words::WORKFLOWS, Workflow::as_str)?,
        kind: word(row, 13, &CallType::ALL, CallType::as_str)?,
        direction: word(row, 14, &words::DIRECTIONS, direction_word)?,
        peer: parsed_if_any(row, 15)?,
        site: parsed_if_any(row, 16)?,
        region: parsed(row, 17)?,
        action: word(row, 4, &words::ACTIONS, action_word)?,
        reason: parsed(row, 5)?,
        rule: parsed_if_any(row, 18)?,
        matched_prefix: parsed_if_any(row, 19)?,
        trunk: parsed_if_any(row, 6)?,
        gateway: parsed_if_any(row, 20)?,
        plan_revision: get::<i64>(row, 21)?.cast_unsigned(),
        degraded: degraded.map(|text| json(&text)).transpose()?.unwrap_or_default(),
        caller_key: get::<Option<_>>(row, 7)?.map(NumberKey),
        called_key: get::<Option<_>>(row, 8)?.map(NumberKey),
        sip_call_id: get::<Option<String>>(row, 9)?.map(Into::into),
        request_hash: get::<Option<i64>>(row, 23)?.map(i64::cast_unsigned),
    })
}

/// The detail record of a row with [`COLUMNS`].
pub(super) fn detail(row: &Row<'_>) -> Result<Cdr, StoreError> {
    match get::<Option<String>>(row, CDR)? {
        Some(text) => json(&text),
        None => Ok(telness_core::record::cdr(&[])),
    }
}

pub(super) fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Broken(format!("JSON that is not ours: {error}")))
}

pub(super) fn get<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    row.get(column).map_err(store_error)
}

fn word<T: Copy>(row: &Row<'_>, column: usize, all: &[T], name: fn(T) -> &'static str) -> Result<T, StoreError> {
    words::word(text(row, column)?.unwrap_or_default(), all, name).ok_or_else(|| unknown(row, column))
}

pub(super) fn parsed<T: FromStr>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    parsed_if_any(row, column)?.ok_or_else(|| unknown(row, column))
}

fn parsed_if_any<T: FromStr>(row: &Row<'_>, column: usize) -> Result<Option<T>, StoreError> {
    text(row, column)?.map(|text| text.parse().map_err(|_| unknown(row, column))).transpose()
}

pub(super) fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>, StoreError> {
    let value = row.get_ref(column).map_err(store_error)?;
    value.as_str_or_null().map_err(|error| StoreError::Broken(error.to_string()))
}

fn unknown(row: &Row<'_>, column: usize) -> StoreError {
    let name = row.as_ref().column_name(column).unwrap_or("a column").to_owned();
    let value = row.get::<_, Value>(column);
    StoreError::Broken(format!("the value {value:?} in {name} is not known to this version of telness"))
}
