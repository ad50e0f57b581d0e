//! A call's clear part as columns, many calls at once, and back.

use std::str::FromStr;

use telness_core::call::{CallId, CallType};
use telness_core::class::{Class, Workflow};
use telness_core::names::TenantName;
use telness_core::record::{Cdr, NumberKey, Routing};
use telness_core::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, ToSql};
use uuid::Uuid;

use super::broken;
use super::trouble::Trouble;
use super::value::Time;
use crate::words::{self, action_word, direction_word};

/// Writes calls, unless they are there.
pub(super) const INSERT: &str = "INSERT INTO calls (tenant, call_id, received_at, class, action, reason, trunk,
        caller_key, called_key, sip_call_id, v, node, workflow, kind, direction, peer, site, region, rule,
        matched_prefix, gateway, plan_revision, degraded, request_hash, personal)
    SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::bytea[], $9::bytea[], $10::text[], $11::smallint[], $12::text[], $13::text[], $14::text[], $15::text[],
        $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::bigint[], $23::json[],
        $24::bigint[], $25::bytea[])
    ON CONFLICT (tenant, received_at, call_id) DO NOTHING";

/// What [`routing`], [`detail`] and the personal part are read from.
pub(super) const COLUMNS: &str = "c.tenant, c.call_id, c.received_at, c.class, c.action, c.reason, c.trunk,
    c.caller_key, c.called_key, c.sip_call_id, c.v, c.node, c.workflow, c.kind, c.direction, c.peer, c.site, c.region,
    c.rule, c.matched_prefix, c.gateway, c.plan_revision, c.degraded, c.request_hash, c.personal, c.cdr";
pub(super) const PERSONAL: usize = 24;
pub(super) const CDR: usize = 25;

/// The columns of [`INSERT`], each with a value a call.
#[derive(Default)]
pub(super) struct Columns<'a> {
    tenant: Vec<&'a str>,
    call_id: Vec<Uuid>,
    received_at: Vec<Time>,
    class: Vec<&'a str>,
    action: Vec<&'a str>,
    reason: Vec<&'a str>,
    trunk: Vec<Option<&'a str>>,
    caller_key: Vec<Option<&'a [u8]>>,
    called_key: Vec<Option<&'a [u8]>>,
    sip_call_id: Vec<Option<String>>,
    v: Vec<i16>,
    node: Vec<&'a str>,
    workflow: Vec<&'a str>,
    kind: Vec<&'a str>,
    direction: Vec<&'a str>,
    peer: Vec<Option<&'a str>>,
    site: Vec<Option<&'a str>>,
    region: Vec<&'a str>,
    rule: Vec<Option<&'a str>>,
    matched_prefix: Vec<Option<String>>,
    gateway: Vec<Option<&'a str>>,
    plan_revision: Vec<i64>,
    degraded: Vec<Option<Json<&'a [std::sync::Arc<str>]>>>,
    request_hash: Vec<Option<i64>>,
    personal: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    /// Adds a call.
    pub(super) fn push(&mut self, routing: &'a Routing, personal: &'a [u8]) {
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
        self.tenant.push(tenant.as_str());
        self.call_id.push(call_id.0);
        self.received_at.push(Time(*received_at));
        self.class.push(class.as_str());
        self.action.push(action_word(*action));
        self.reason.push(reason.name());
        self.trunk.push(trunk.as_ref().map(|name| name.as_str()));
        self.caller_key.push(caller_key.as_ref().map(|key| key.0.as_slice()));
        self.called_key.push(called_key.as_ref().map(|key| key.0.as_slice()));
        self.sip_call_id.push(sip_call_id.as_deref().map(without_nul));
        self.v.push(i16::from(*v));
        self.node.push(node.as_str());
        self.workflow.push(workflow.as_str());
        self.kind.push(kind.as_str());
        self.direction.push(direction_word(*direction));
        self.peer.push(peer.as_ref().map(|name| name.as_str()));
        self.site.push(site.as_ref().map(|name| name.as_str()));
        self.region.push(region.as_str());
        self.rule.push(rule.as_ref().map(|name| name.as_str()));
        self.matched_prefix.push(matched_prefix.map(|digits| digits.to_string()));
        self.gateway.push(gateway.as_ref().map(|name| name.as_str()));
        self.plan_revision.push(plan_revision.cast_signed());
        self.degraded.push((!degraded.is_empty()).then_some(Json(degraded.as_slice())));
        self.request_hash.push(request_hash.map(u64::cast_signed));
        self.personal.push(personal);
    }

    /// What [`INSERT`] takes.
    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 25] {
        [
            &self.tenant,
            &self.call_id,
            &self.received_at,
            &self.class,
            &self.action,
            &self.reason,
            &self.trunk,
            &self.caller_key,
            &self.called_key,
            &self.sip_call_id,
            &self.v,
            &self.node,
            &self.workflow,
            &self.kind,
            &self.direction,
            &self.peer,
            &self.site,
            &self.region,
            &self.rule,
            &self.matched_prefix,
            &self.gateway,
            &self.plan_revision,
            &self.degraded,
            &self.request_hash,
            &self.personal,
        ]
    }
}

/// A text as Postgres can hold it: its only limit is the character of value zero, which becomes U+2400, its picture.
pub(super) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

/// The clear part of a row with [`COLUMNS`].
pub(super) fn routing(row: &Row) -> Result<Routing, Trouble> {
    let v: i16 = row.try_get(10)?;
    Ok(Routing {
        v: u8::try_from(v).map_err(broken)?,
        tenant: parsed(row, 0)?,
        call_id: CallId(row.try_get(1)?),
        received_at: time(row, 2)?,
        node: parsed(row, 11)?,
        class: one_of(row, 3, &words::CLASSES, Class::as_str)?,
        workflow: one_of(row, 12, &words::WORKFLOWS, Workflow::as_str)?,
        kind: one_of(row, 13, &CallType::ALL, CallType::as_str)?,
        direction: one_of(row, 14, &words::DIRECTIONS, direction_word)?,
        peer: parsed_if_any(row, 15)?,
        site: parsed_if_any(row, 16)?,
        region: parsed(row, 17)?,
        action: one_of(row, 4, &words::ACTIONS, action_word)?,
        reason: parsed(row, 5)?,
        rule: parsed_if_any(row, 18)?,
        matched_prefix: parsed_if_any(row, 19)?,
        trunk: parsed_if_any(row, 6)?,
        gateway: parsed_if_any(row, 20)?,
        plan_revision: row.try_get::<_, i64>(21)?.cast_unsigned(),
        degraded: row.try_get::<_, Option<Json<_>>>(22)?.map(|Json(degraded)| degraded).unwrap_or_default(),
        caller_key: key(row, 7)?,
        called_key: key(row, 8)?,
        sip_call_id: row.try_get::<_, Option<&str>>(9)?.map(Into::into),
        request_hash: row.try_get::<_, Option<i64>>(23)?.map(i64::cast_unsigned),
    })
}

/// The detail record of a row with [`COLUMNS`].
pub(super) fn detail(row: &Row) -> Result<Cdr, Trouble> {
    let kept: Option<Json<Cdr>> = row.try_get(CDR)?;
    Ok(kept.map_or_else(|| telness_core::record::cdr(&[]), |Json(cdr)| cdr))
}

/// Whose call a row is that begins with tenant and id.
pub(super) fn id_of(row: &Row) -> Result<(TenantName, CallId), Trouble> {
    Ok((parsed(row, 0)?, CallId(row.try_get(1)?)))
}

pub(super) fn time(row: &Row, column: usize) -> Result<Timestamp, Trouble> {
    Ok(row.try_get::<_, Time>(column)?.0)
}

fn key(row: &Row, column: usize) -> Result<Option<NumberKey>, Trouble> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    bytes.map(|bytes| bytes.try_into().map(NumberKey).map_err(broken)).transpose()
}

fn one_of<T: Copy>(row: &Row, column: usize, all: &[T], name: fn(T) -> &'static str) -> Result<T, Trouble> {
    let text: &str = row.try_get(column)?;
    words::word(text, all, name).ok_or_else(|| unknown(row, column, text))
}

pub(super) fn parsed<T: FromStr>(row: &Row, column: usize) -> Result<T, Trouble> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| unknown(row, column, text))
}

fn parsed_if_any<T: FromStr>(row: &Row, column: usize) -> Result<Option<T>, Trouble> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|_| unknown(row, column, text))).transpose()
}

fn unknown(row: &Row, column: usize, value: &str) -> Trouble {
    let name = row.columns().get(column).map_or("a column", |column| column.name());
    broken(format!("the value {value:?} in {name} is not known to this version of telness"))
}
