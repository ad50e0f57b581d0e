//! What a decision looks like from outside: written straight from the record, without copying it.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use telness_core::call::{CallId, FieldFault};
use telness_core::decide::{Action, Decision, Step, Target};
use telness_core::plan::MoveOn;
use telness_core::reason::Reason;
use telness_core::time::Timestamp;
use telness_engine::Answer;
use utoipa::ToSchema;

use super::located_view::LocatedView;
use super::problem::FieldProblem;
use super::trace_view::TraceView;
use super::words::{ActionWord, ClassWord, RecordedWord, WorkflowWord};

/// What is to be done with a call.
#[derive(Serialize, ToSchema)]
#[schema(as = CallAnswer)]
pub struct CallAnswer<'a> {
    /// The call's id: a UUID of version 7, or of version 8 when it was made from an idempotency key.
    #[schema(value_type = uuid::Uuid, example = "019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11")]
    id: CallId,
    /// The workflow that carries it: `high` or `low`.
    #[schema(value_type = WorkflowWord, example = "low")]
    workflow: &'a str,
    /// Its class: `emergency`, `vital`, `normal` or `background`.
    #[schema(value_type = ClassWord, example = "normal")]
    class: &'a str,
    /// `route`: try the steps. `reject`: end the call with the reason's SIP status.
    #[schema(value_type = ActionWord, example = "route")]
    action: Action,
    /// Why.
    reason: ReasonView,
    /// What to try, in order. The next step follows when all targets of one have failed by causes that move on.
    #[serde(serialize_with = "steps")]
    #[schema(value_type = Vec<StepView>)]
    steps: &'a [Step],
    /// The plan's revision that it was decided on.
    #[schema(example = 1)]
    plan_revision: u64,
    /// What the decision had to do without, such as `portability:timeout`.
    #[schema(value_type = Vec<String>)]
    degraded: &'a [Arc<str>],
    /// What was wrong with the request and was passed over, since an emergency call is never refused for it, and a
    /// switch's call is not refused for an odd caller.
    #[serde(serialize_with = "notes")]
    #[schema(value_type = Vec<FieldProblem>)]
    notes: &'a [FieldFault],
    /// Where an emergency call was taken to be; absent for all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LocatedView>)]
    location_used: Option<LocatedView<'a>>,
    /// How it is recorded: `journaled` (durable on this node), `committed` (in the store) or `deferred` (durable
    /// within the journal's group time; emergency calls do not wait).
    #[schema(value_type = RecordedWord, example = "journaled")]
    recorded: &'a str,
    /// When the request arrived (RFC 3339, UTC, microseconds).
    #[schema(value_type = String, format = DateTime, example = "2026-11-23T08:00:00.000000Z")]
    received_at: Timestamp,
    /// Every candidate with the reason why it was kept or dropped; only if `trace` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TraceView>)]
    trace: Option<TraceView<'a>>,
}

impl<'a> CallAnswer<'a> {
    /// An answer as it is written, with the trace if that was asked for.
    #[must_use]
    pub fn of(answer: &'a Answer, trace: bool) -> Self {
        let (routing, personal) = (&answer.record.routing, &answer.record.personal);
        Self {
            id: routing.call_id,
            workflow: routing.workflow.as_str(),
            class: routing.class.as_str(),
            action: routing.action,
            reason: routing.reason.into(),
            steps: &personal.steps,
            plan_revision: routing.plan_revision,
            degraded: &routing.degraded,
            notes: &personal.notes,
            location_used: personal.trace.located.as_ref().map(LocatedView::of),
            recorded: answer.proof.as_str(),
            received_at: routing.received_at,
            trace: trace.then(|| TraceView::of(&personal.trace)),
        }
    }
}

/// A decision that was tried and not recorded, in the same words.
#[derive(Serialize)]
pub(crate) struct DecisionView<'a> {
    action: Action,
    reason: ReasonView,
    rule: Option<&'a str>,
    matched_prefix: Option<String>,
    #[serde(serialize_with = "steps")]
    steps: &'a [Step],
    degraded: &'a [Arc<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    location_used: Option<LocatedView<'a>>,
    trace: TraceView<'a>,
}

impl<'a> DecisionView<'a> {
    pub(crate) fn of(decision: &'a Decision) -> Self {
        Self {
            action: decision.action,
            reason: decision.reason.into(),
            rule: decision.rule.as_ref().map(|rule| rule.as_str()),
            matched_prefix: decision.matched_prefix.map(|prefix| prefix.to_string()),
            steps: &decision.steps,
            degraded: &decision.degraded,
            location_used: decision.trace.located.as_ref().map(LocatedView::of),
            trace: TraceView::of(&decision.trace),
        }
    }
}

/// Why it was decided so. `telness explain CODE` says what to do about it.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = Reason)]
pub struct ReasonView {
    /// The permanent code.
    #[schema(example = 100)]
    code: u16,
    /// The permanent name.
    #[schema(example = "routed")]
    name: &'static str,
    /// The SIP status to end a rejected call with.
    #[schema(example = 200)]
    sip_status: u16,
    /// The Q.850 cause to end a rejected call with; 0 when it was not rejected.
    #[schema(example = 0)]
    q850: u8,
    /// The reason in a sentence, for people.
    #[schema(example = "The call has at least one target to try.")]
    text: &'static str,
}

impl ReasonView {
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }
}

impl From<Reason> for ReasonView {
    fn from(reason: Reason) -> Self {
        let page = reason.page();
        Self { code: page.code, name: page.name, sip_status: page.sip, q850: page.q850, text: page.what }
    }
}

/// Targets that are tried at once.
#[derive(Serialize, ToSchema)]
#[schema(as = Step)]
pub struct StepView<'a> {
    /// The targets.
    #[serde(serialize_with = "targets")]
    #[schema(value_type = Vec<TargetView>)]
    targets: &'a [Target],
}

/// One place to send the call to.
#[derive(Serialize, ToSchema)]
#[schema(as = Target)]
pub struct TargetView<'a> {
    /// What to call the leg in events: its step and its place in it, from 1.
    #[schema(example = "1.1")]
    leg: &'a str,
    /// The trunk.
    #[schema(example = "carrier-a")]
    trunk: &'a str,
    /// The gateway.
    #[schema(example = "gw-1")]
    gateway: &'a str,
    /// The user whose device it is; absent for a carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    /// The SIP URI to dial.
    #[schema(example = "sip:+46701740606@192.0.2.20:5060;user=phone")]
    uri: &'a str,
    /// The calling number to present; absent when it is withheld or there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+46701740605")]
    caller: Option<&'a str>,
    /// How long to wait for any SIP response, 100 too, in milliseconds; absent when there is no such limit beside
    /// `setup_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 2000)]
    response_ms: Option<u32>,
    /// How long to wait for 18x, in milliseconds.
    #[schema(example = 8000)]
    setup_ms: u32,
    /// How long to let it ring, in milliseconds; absent when there is no such limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 30000)]
    ring_ms: Option<u32>,
    /// After which causes the next step may be tried.
    move_on: MoveOnView<'a>,
}

impl<'a> From<&'a Target> for TargetView<'a> {
    fn from(target: &'a Target) -> Self {
        Self {
            leg: target.leg.as_str(),
            trunk: target.trunk.as_str(),
            gateway: target.gateway.as_str(),
            user: target.user.as_ref().map(|user| user.as_str()),
            uri: &target.uri,
            caller: target.caller.as_deref(),
            response_ms: target.response_ms,
            setup_ms: target.setup_ms,
            ring_ms: target.ring_ms,
            move_on: MoveOnView::from(&*target.move_on),
        }
    }
}

/// After which causes of failure the next step may be tried. A Q.850 cause outranks the SIP status.
#[derive(Serialize, ToSchema)]
#[schema(as = MoveOn)]
pub struct MoveOnView<'a> {
    /// SIP statuses.
    #[schema(value_type = Vec<u16>, example = json!([500, 502, 503, 504]))]
    sip: &'a [u16],
    /// Q.850 causes.
    #[schema(value_type = Vec<u16>, example = json!([34, 38, 41, 42]))]
    q850: &'a [u8],
    /// Whether silence moves on: no answer to the INVITE within the setup time.
    silence: bool,
}

impl<'a> From<&'a MoveOn> for MoveOnView<'a> {
    fn from(move_on: &'a MoveOn) -> Self {
        Self { sip: &move_on.sip, q850: &move_on.q850, silence: move_on.silence }
    }
}

pub(super) fn steps<S: Serializer>(steps: &&[Step], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(steps.iter().map(|step| StepView { targets: &step.targets }))
}

fn targets<S: Serializer>(targets: &&[Target], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(targets.iter().map(TargetView::from))
}

pub(super) fn notes<S: Serializer>(notes: &&[FieldFault], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(notes.iter().map(FieldProblem::from))
}
