//! What a recorded call looks like from outside: in a list, and whole.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use telness_core::call::{CallId, CallType, Direction, Diversion, FieldFault, Metadata, Party, Privacy};
use telness_core::decide::{Action, Step};
use telness_core::record::{CallEvent, Cause, Cdr, CdrState, EventKind, LegRecord, Personal, Routing};
use telness_core::time::Timestamp;
use telness_store::StoredCall;
use utoipa::ToSchema;

use super::call_answer::{ReasonView, StepView, notes, steps};
use super::located_view::{LocatedView, LocationDocument};
use super::problem::FieldProblem;
use super::words::{
    ActionWord, CallTypeWord, ClassWord, DirectionWord, EventKindWord, PrivacyWord, StateWord, WorkflowWord,
};

/// A call as a list shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = CallSummary)]
pub struct CallSummary<'a> {
    /// The call's id.
    #[schema(value_type = uuid::Uuid, example = "019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11")]
    pub(super) id: CallId,
    /// When the request arrived (RFC 3339, UTC, microseconds).
    #[schema(value_type = String, format = DateTime, example = "2026-11-23T08:00:00.000000Z")]
    pub(super) received_at: Timestamp,
    /// Its class: `emergency`, `vital`, `normal` or `background`.
    #[schema(value_type = ClassWord, example = "normal")]
    pub(super) class: &'a str,
    /// The workflow that carried it: `high` or `low`.
    #[schema(value_type = WorkflowWord, example = "low")]
    pub(super) workflow: &'a str,
    /// What kind of network it came from: `mobile`, `pbx`, `sip` or `api`.
    #[serde(rename = "type")]
    #[schema(value_type = CallTypeWord, example = "mobile")]
    pub(super) kind: CallType,
    /// `from_tenant` or `from_carrier`.
    #[schema(value_type = DirectionWord, example = "from_tenant")]
    pub(super) direction: Direction,
    /// The calling party; absent when none was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<PartyView<'a>>,
    /// The called party.
    pub(super) to: PartyView<'a>,
    /// `route` or `reject`.
    #[schema(value_type = ActionWord, example = "route")]
    pub(super) action: Action,
    /// Why.
    pub(super) reason: ReasonView,
    /// The first target's trunk; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "carrier-a")]
    pub(super) trunk: Option<&'a str>,
    /// The first target's gateway; absent when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "gw-1")]
    pub(super) gateway: Option<&'a str>,
    /// The rule that decided; absent for the emergency table.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "mobile-sweden")]
    pub(super) rule: Option<&'a str>,
    /// The plan's revision that it was decided on.
    #[schema(example = 1)]
    pub(super) plan_revision: u64,
    /// The node that decided.
    #[schema(example = "node-1")]
    pub(super) node: &'a str,
    /// The switch's own id of the call; absent when none was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "a84b4c76e66710@192.0.2.10")]
    pub(super) sip_call_id: Option<&'a str>,
    /// What came of it.
    pub(super) detail: DetailView<'a>,
    /// Whether its numbers, place, steps and trace were removed because their time was over; absent when not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) pruned: bool,
}

impl<'a> CallSummary<'a> {
    pub(crate) fn of(routing: &'a Routing, personal: &'a Personal, cdr: &'a Cdr) -> Self {
        Self {
            id: routing.call_id,
            received_at: routing.received_at,
            class: routing.class.as_str(),
            workflow: routing.workflow.as_str(),
            kind: routing.kind,
            direction: routing.direction,
            from: personal.from.as_ref().map(PartyView::of),
            to: PartyView::of(&personal.to),
            action: routing.action,
            reason: routing.reason.into(),
            trunk: routing.trunk.as_ref().map(|trunk| trunk.as_str()),
            gateway: routing.gateway.as_ref().map(|gateway| gateway.as_str()),
            rule: routing.rule.as_ref().map(|rule| rule.as_str()),
            plan_revision: routing.plan_revision,
            node: routing.node.as_str(),
            sip_call_id: routing.sip_call_id.as_deref(),
            detail: DetailView::of(cdr),
            pruned: personal.pruned,
        }
    }
}

/// One call, whole.
#[derive(Serialize, ToSchema)]
#[schema(as = CallRecord)]
pub struct CallView<'a> {
    /// What a list shows of it too.
    #[serde(flatten)]
    summary: CallSummary<'a>,
    /// The peer that asked; absent when it was known by its key alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "office-pbx")]
    peer: Option<&'a str>,
    /// The site that it was dialled at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "stockholm")]
    site: Option<&'a str>,
    /// The region that it was dialled in (ISO 3166-1 alpha-2).
    #[schema(example = "SE")]
    region: &'a str,
    /// The prefix of the called number that the rule matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "467")]
    matched_prefix: Option<String>,
    /// What the decision had to do without, such as `portability:timeout`.
    #[schema(value_type = Vec<String>)]
    degraded: &'a [Arc<str>],
    /// `none`, or `withheld` if the caller's number was not to be shown.
    #[schema(value_type = PrivacyWord, example = "none")]
    privacy: Privacy,
    /// The forwards before the call came here, latest first.
    #[serde(serialize_with = "diversions")]
    #[schema(value_type = Vec<DiversionView>)]
    diversions: &'a [Diversion],
    /// What the application attached.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    metadata: &'a Metadata,
    /// Where the caller was, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LocationDocument>)]
    location: Option<&'a telness_core::call::Location>,
    /// Where an emergency call was taken to be; absent for all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LocatedView>)]
    location_used: Option<LocatedView<'a>>,
    /// What was wrong with the request and was passed over.
    #[serde(serialize_with = "notes")]
    #[schema(value_type = Vec<FieldProblem>)]
    notes: &'a [FieldFault],
    /// What was answered.
    #[serde(serialize_with = "steps")]
    #[schema(value_type = Vec<StepView>)]
    steps: &'a [Step],
    /// What was reported of it, by time. Of each kind the first 128 events count, by the switch's clock.
    #[serde(serialize_with = "events")]
    #[schema(value_type = Vec<EventView>)]
    events: &'a [CallEvent],
    /// Whether more was reported than counts. What is beyond is kept, and is neither here nor in `detail`.
    more_events: bool,
}

impl<'a> CallView<'a> {
    pub(crate) fn of(call: &'a StoredCall) -> Self {
        let (routing, personal) = (&call.routing, &call.personal);
        Self {
            summary: CallSummary::of(routing, personal, &call.cdr),
            peer: routing.peer.as_ref().map(|peer| peer.as_str()),
            site: routing.site.as_ref().map(|site| site.as_str()),
            region: routing.region.as_str(),
            matched_prefix: routing.matched_prefix.map(|prefix| prefix.to_string()),
            degraded: &routing.degraded,
            privacy: personal.privacy,
            diversions: &personal.diversions,
            metadata: &personal.metadata,
            location: personal.location.as_ref(),
            location_used: personal.trace.located.as_ref().map(LocatedView::of),
            notes: &personal.notes,
            steps: &personal.steps,
            events: &call.events,
            more_events: call.more_events,
        }
    }
}

/// A party's number.
#[derive(Serialize, ToSchema)]
#[schema(as = Party)]
pub struct PartyView<'a> {
    /// What was sent, untouched.
    #[schema(example = "070-174 06 06")]
    pub(super) sent: &'a str,
    /// What it was read as: E.164 with `+`, a short number's or extension's digits, or a service URN. Absent when it
    /// could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+46701740606")]
    pub(super) number: Option<String>,
}

impl<'a> PartyView<'a> {
    pub(crate) fn of(party: &'a Party) -> Self {
        Self { sent: &party.sent, number: party.read.as_ref().map(ToString::to_string) }
    }
}

/// One forward.
#[derive(Serialize, ToSchema)]
#[schema(as = Diversion)]
pub struct DiversionView<'a> {
    /// Who forwarded, as sent.
    #[schema(example = "+46846500400")]
    by: &'a str,
    /// Why, in the words of RFC 5806.
    #[schema(example = "no-answer")]
    cause: &'a str,
}

/// What came of a call, made of what was reported.
#[derive(Serialize, ToSchema)]
#[schema(as = Detail)]
pub struct DetailView<'a> {
    /// `decided` (nothing reported yet), `ringing`, `answered`, `failed` or `ended`.
    #[schema(value_type = StateWord, example = "ended")]
    pub(super) state: CdrState,
    /// When a leg first rang.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) ringing_at: Option<Timestamp>,
    /// When a leg was first answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) answered_at: Option<Timestamp>,
    /// When its last leg ended, once all have.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) ended_at: Option<Timestamp>,
    /// Milliseconds from answer to end.
    pub(super) talk_ms: Option<u64>,
    /// The leg that was answered first.
    #[schema(example = "1.1")]
    answered_leg: Option<&'a str>,
    /// Why it failed or ended: the answered leg's cause, or the last failed leg's.
    pub(super) cause: Option<CauseView>,
    /// The legs, by name.
    #[serde(serialize_with = "legs")]
    #[schema(value_type = Vec<LegView>)]
    legs: &'a [LegRecord],
}

impl<'a> DetailView<'a> {
    fn of(cdr: &'a Cdr) -> Self {
        Self {
            state: cdr.state,
            ringing_at: cdr.ringing_at,
            answered_at: cdr.answered_at,
            ended_at: cdr.ended_at,
            talk_ms: cdr.talk_ms,
            answered_leg: cdr.answered_leg.as_ref().map(|leg| leg.as_str()),
            cause: cdr.cause.map(CauseView::from),
            legs: &cdr.legs,
        }
    }
}

/// Why a leg failed or ended. The Q.850 cause outranks the SIP status.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = Cause)]
pub struct CauseView {
    /// The SIP status, 300 to 699.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 486)]
    pub(super) sip: Option<u16>,
    /// The Q.850 cause, 1 to 127.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 17)]
    pub(super) q850: Option<u8>,
}

impl From<Cause> for CauseView {
    fn from(cause: Cause) -> Self {
        Self { sip: cause.sip, q850: cause.q850 }
    }
}

/// What came of one leg.
#[derive(Serialize, ToSchema)]
#[schema(as = Leg)]
pub struct LegView<'a> {
    /// The leg.
    #[schema(example = "1.1")]
    leg: &'a str,
    /// `decided`, `ringing`, `answered`, `failed` or `ended`.
    #[schema(value_type = StateWord, example = "ended")]
    state: CdrState,
    /// When it first rang.
    #[schema(value_type = Option<String>, format = DateTime)]
    ringing_at: Option<Timestamp>,
    /// When it was answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    answered_at: Option<Timestamp>,
    /// When it failed or ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// Why it failed or ended.
    cause: Option<CauseView>,
}

/// One thing that was reported.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView<'a> {
    /// What makes it the same event when it is reported again.
    #[schema(example = "e-1")]
    event_id: &'a str,
    /// Which leg.
    #[schema(example = "1.1")]
    leg: &'a str,
    /// `ringing`, `answered`, `failed` or `ended`.
    #[schema(value_type = EventKindWord, example = "answered")]
    kind: EventKind,
    /// Why, for a failure or an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<CauseView>,
    /// When it happened, by the switch's clock.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// When it was first received, by ours.
    #[schema(value_type = String, format = DateTime)]
    received_at: Timestamp,
    /// The node that received it.
    #[schema(example = "node-1")]
    node: &'a str,
}

fn diversions<S: Serializer>(diversions: &&[Diversion], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(diversions.iter().map(|one| DiversionView { by: &one.by, cause: &one.cause }))
}

fn legs<S: Serializer>(legs: &&[LegRecord], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(legs.iter().map(|leg| LegView {
        leg: leg.leg.as_str(),
        state: leg.state,
        ringing_at: leg.ringing_at,
        answered_at: leg.answered_at,
        ended_at: leg.ended_at,
        cause: leg.cause.map(CauseView::from),
    }))
}

fn events<S: Serializer>(events: &&[CallEvent], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(events.iter().map(|event| EventView {
        event_id: event.event_id.as_str(),
        leg: event.leg.as_str(),
        kind: event.kind,
        cause: event.cause.map(CauseView::from),
        occurred_at: event.occurred_at,
        received_at: event.received_at,
        node: event.node.as_str(),
    }))
}
