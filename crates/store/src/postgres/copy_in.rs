//! New calls by COPY, in the form that Postgres reads fastest: in large batches half of what an insert of as many rows
//! costs it. It takes no row that is there, so it is for batches of which none is expected to be.
//!
//! COPY works on no table with row-level security; whoever brings that to `calls` takes this out.

use std::pin::pin;

use deadpool_postgres::Transaction;
use futures_util::SinkExt as _;
use telness_core::record::Routing;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::{CopyInSink, error::SqlState};

use super::calls::without_nul;
use super::trouble::Trouble;
use super::value::Time;
use super::{broken, to_json};
use crate::words::{action_word, direction_word};

/// In the order of [`Rows::push`].
pub(super) const COPY: &str =
    "COPY calls (tenant, call_id, received_at, class, action, reason, trunk, caller_key, called_key,
        sip_call_id, v, node, workflow, kind, direction, peer, site, region, rule, matched_prefix, gateway,
        plan_revision, degraded, request_hash, personal)
    FROM STDIN (FORMAT binary)";
const COLUMNS: i16 = 25;
/// The signature, no flags, and no more of a header.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: [u8; 2] = (-1_i16).to_be_bytes();
/// Room for a call, so that the buffer seldom grows.
const ROW_BYTES_USUAL: usize = 2_048;

/// Says that rows are going to come.
pub(super) async fn begin(transaction: &Transaction<'_>) -> Result<CopyInSink<BytesMut>, Trouble> {
    let copy = transaction.prepare_cached(COPY).await?;
    Ok(transaction.copy_in(&copy).await?)
}

/// Calls in the form of COPY.
pub(super) struct Rows(BytesMut);

impl Rows {
    pub(super) fn new(calls: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(calls.saturating_mul(ROW_BYTES_USUAL));
        bytes.extend_from_slice(HEAD);
        Self(bytes)
    }

    /// Adds a call.
    pub(super) fn push(&mut self, routing: &Routing, personal: &[u8]) -> Result<(), Trouble> {
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
        let matched_prefix = matched_prefix.map(|digits| digits.to_string());
        let sip_call_id = sip_call_id.as_deref().map(without_nul);
        let degraded = if degraded.is_empty() { None } else { Some(to_json(degraded)?) };
        self.0.extend_from_slice(&COLUMNS.to_be_bytes());
        self.value(tenant.as_str())?;
        self.value(call_id.0.as_bytes())?;
        self.value(Time(*received_at).wire().ok_or_else(|| broken("a call's time is before all time"))?)?;
        self.value(class.as_str())?;
        self.value(action_word(*action))?;
        self.value(reason.name())?;
        self.optional(trunk.as_ref().map(|name| name.as_str()))?;
        self.optional(caller_key.as_ref().map(|key| key.0))?;
        self.optional(called_key.as_ref().map(|key| key.0))?;
        self.optional(sip_call_id)?;
        self.value(i16::from(*v).to_be_bytes())?;
        self.value(node.as_str())?;
        self.value(workflow.as_str())?;
        self.value(kind.as_str())?;
        self.value(direction_word(*direction))?;
        self.optional(peer.as_ref().map(|name| name.as_str()))?;
        self.optional(site.as_ref().map(|name| name.as_str()))?;
        self.value(region.as_str())?;
        self.optional(rule.as_ref().map(|name| name.as_str()))?;
        self.optional(matched_prefix)?;
        self.optional(gateway.as_ref().map(|name| name.as_str()))?;
        self.value(plan_revision.to_be_bytes())?;
        self.optional(degraded)?;
        self.optional(request_hash.map(u64::to_be_bytes))?;
        self.value(personal)
    }

    fn value(&mut self, value: impl AsRef<[u8]>) -> Result<(), Trouble> {
        let value = value.as_ref();
        let len = i32::try_from(value.len()).map_err(broken)?;
        self.0.extend_from_slice(&len.to_be_bytes());
        self.0.extend_from_slice(value);
        Ok(())
    }

    fn optional(&mut self, value: Option<impl AsRef<[u8]>>) -> Result<(), Trouble> {
        match value {
            Some(value) => self.value(value),
            None => {
                self.0.extend_from_slice(&(-1_i32).to_be_bytes());
                Ok(())
            }
        }
    }

    /// Sends them all. One that is there already undoes the transaction: [`Trouble::NotNew`].
    pub(super) async fn send(mut self, sink: CopyInSink<BytesMut>) -> Result<(), Trouble> {
        self.0.extend_from_slice(&END);
        let mut sink = pin!(sink);
        // A server that refuses the first row reads on to the end, so what it says is heard by `finish`.
        sink.send(self.0).await?;
        match sink.finish().await {
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Err(Trouble::NotNew),
            finished => Ok(finished.map(drop)?),
        }
    }
}
