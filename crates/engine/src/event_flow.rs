//! What happens to an event: who reports it, whose call it is of, and that it is durable before it is taken.

use std::sync::Arc;

use telness_core::call::CallId;
use telness_core::class::Workflow;
use telness_core::record::{CallEvent, Cause, EventId, EventKind, LegName};
use telness_core::standing::Refusal;
use telness_core::time::Timestamp;
use telness_store::Entry;

use crate::auth::Asker;
use crate::config::Durability;
use crate::error::CallError;
use crate::node::Engine;
use crate::recorder::Proof;

/// What a switch reports of a leg, as the edge read it.
#[derive(Clone, Debug)]
pub struct EventReport {
    /// What makes it the same event when it is reported again; made from its content if there is none.
    pub event_id: Option<EventId>,
    /// Which leg.
    pub leg: LegName,
    /// What happened.
    pub kind: EventKind,
    /// Why, for a failure or an end.
    pub cause: Option<Cause>,
    /// When it happened; when it arrived, if not said.
    pub occurred_at: Option<Timestamp>,
    /// The switch's own id of the call.
    pub sip_call_id: Option<Arc<str>>,
}

/// An event that was taken, and the proof that it is durable.
#[derive(Clone, Debug)]
pub struct EventTaken {
    /// The event's id.
    pub event_id: EventId,
    /// That it is durable.
    pub proof: Proof,
}

impl Engine {
    /// Takes an event of a call, known or not yet known.
    ///
    /// # Errors
    /// When the asker may not report it, or it cannot be made durable.
    pub async fn take_event(
        &self,
        asker: &Asker<'_>,
        call_id: CallId,
        report: EventReport,
    ) -> Result<EventTaken, CallError> {
        let refused = |denials| CallError::Refused(Refusal { denials, faults: Vec::new() });
        let tenant = self.tenant_of(asker).map_err(refused)?;
        let received_at = self.clock.now();
        let (leg, kind, cause) = (report.leg.clone(), report.kind, report.cause);
        let reporter = tenant.clone();
        let event = CallEvent {
            v: 1,
            event_id: report.event_id.clone().unwrap_or_else(|| self.identity.event_id(&report)),
            tenant,
            call_id,
            leg: report.leg,
            kind: report.kind,
            cause: report.cause,
            occurred_at: report.occurred_at.unwrap_or(received_at),
            received_at,
            node: self.node.clone(),
            sip_call_id: report.sip_call_id,
        };
        let event_id = event.event_id.clone();
        let entry = Entry::Event(Box::new(event)).encode();
        let entry = entry.map_err(|error| CallError::Internal(error.to_string()))?;
        let proof = self.recorder.record(Workflow::Low, Durability::Journal, entry).await?;
        let told = self.gateways.reported(call_id, &leg, kind, cause, &reporter, crate::clock::monotonic());
        self.told_of_emergency(told);
        self.metrics.events.inc();
        Ok(EventTaken { event_id, proof })
    }
}
