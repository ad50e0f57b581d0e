//! Records for billing: one for each leg that has come to its end, with who is charged for it.
//!
//! A pure function of what is kept of a call and of the time: the same call makes the same records, on every node and
//! however often it is looked at. The rules:
//!
//! 1. A leg is *final* so long after its end that late reports have come in ([`Settling::settle`]); and, with whatever
//!    was reported, so long after its call was received ([`Settling::open_max`]). What was not over by then is marked
//!    as not complete. What changes afterwards makes a correction.
//! 2. A routed call of which nothing was ever reported has one record, `unreported`, for the first leg of its answer:
//!    no call is missing. A rejected call has none, as it has no leg; but a leg that is reported of it, which a switch
//!    connected by itself and somebody pays for, has one that is not chargeable (and `records check` lists it).
//! 3. Who is charged: for an emergency, nobody. For a leg that is there because we forwarded the call, the tenant of
//!    the number that forwarded it. For a call that a tenant's switch had forwarded before, that tenant, by the number
//!    that did. For another call of a tenant, the caller. For a call from a carrier, the tenant that is called.
//! 4. Talk is in whole milliseconds from answer to end, cut off and never rounded up; nobody talked on a leg that
//!    failed, and where the answer was not reported, how long is not known, which is not nothing.
//! 5. Once what tells of people was removed of a call, nothing is known but the course of its legs. A correction then
//!    has that, and all else as the record before; a leg that has no record by then never gets one.

mod file;
mod line;
mod record;

use std::time::Duration;

use crate::call::{CallId, CallType, Direction};
use crate::class::Class;
use crate::decide::{Action, Target, TargetVerdict};
use crate::names::{NodeName, RuleName, TenantName};
use crate::number::Number;
use crate::reason::Reason;
use crate::record::{Cdr, CdrState, LegName, LegRecord, Personal, Routing};
use crate::time::Timestamp;

pub use file::{ClosedBy, FILE_VERSION, FileHead, Format};
pub use line::COLUMNS;
pub use record::{BillingRecord, Charged, LegState, RECORD_VERSION, Revision};

/// When a leg is taken to be final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// So long after its end.
    pub settle: Duration,
    /// So long after its call was received, also without an end.
    pub open_max: Duration,
}

/// What billing needs of a call's clear part.
#[derive(Clone, Debug)]
pub struct BilledCall {
    /// Whose record it is.
    pub tenant: TenantName,
    /// Which call.
    pub call_id: CallId,
    /// When its request arrived.
    pub received_at: Timestamp,
    /// Its class.
    pub class: Class,
    /// What kind of network it came from.
    pub kind: CallType,
    /// Which way it went.
    pub direction: Direction,
    /// What was decided.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The rule that decided.
    pub rule: Option<RuleName>,
    /// The plan's revision.
    pub plan_revision: u64,
    /// The node that decided.
    pub node: NodeName,
    /// The switch's own id of the call.
    pub sip_call_id: Option<String>,
}

impl From<&Routing> for BilledCall {
    fn from(routing: &Routing) -> Self {
        Self {
            tenant: routing.tenant.clone(),
            call_id: routing.call_id,
            received_at: routing.received_at,
            class: routing.class,
            kind: routing.kind,
            direction: routing.direction,
            action: routing.action,
            reason: routing.reason,
            rule: routing.rule.clone(),
            plan_revision: routing.plan_revision,
            node: routing.node.clone(),
            sip_call_id: routing.sip_call_id.as_deref().map(str::to_owned),
        }
    }
}

/// What a look at a call found.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// The records of its legs that are final, by leg.
    pub records: Vec<BillingRecord>,
    /// Legs that are not final yet.
    pub open: Vec<LegName>,
    /// When to look again, though nothing more is reported.
    pub look_again_at: Option<Timestamp>,
    /// Whether nothing was ever reported of a routed call, and nobody waits for that any more: it is to have a record.
    pub unreported: bool,
    /// Whether what tells of people was removed: the records then say the course of their legs and nothing else.
    pub pruned: bool,
}

/// The records of a call's legs that are final at a time.
#[must_use]
pub fn look(call: &BilledCall, personal: &Personal, cdr: &Cdr, settling: Settling, now: Timestamp) -> Looked {
    let mut looked = Looked { pruned: personal.pruned, ..Looked::default() };
    let at_last = after(call.received_at, settling.open_max);
    for leg in &cdr.legs {
        let over = matches!(leg.state, CdrState::Failed | CdrState::Ended);
        let settled = leg.ended_at.filter(|_| over).map(|at| after(at, settling.settle));
        let final_at = settled.map_or(at_last, |at| at.min(at_last));
        if final_at <= now {
            looked.records.push(of_leg(call, personal, leg, over));
        } else {
            looked.open.push(leg.leg.clone());
            looked.again(final_at);
        }
    }
    let silent = cdr.legs.is_empty() && call.action == Action::Route;
    looked.unreported = silent && at_last <= now;
    let first = personal.steps.first().and_then(|step| step.targets.first());
    if let Some(target) = first.filter(|_| silent) {
        if looked.unreported {
            looked.records.push(record::new(call, personal, &target.leg, Some(target)));
        } else {
            looked.open.push(target.leg.clone());
            looked.again(at_last);
        }
    }
    looked
}

impl Looked {
    fn again(&mut self, at: Timestamp) {
        self.look_again_at = Some(self.look_again_at.map_or(at, |sooner| sooner.min(at)));
    }
}

fn after(at: Timestamp, wait: Duration) -> Timestamp {
    Timestamp::from_micros(at.as_micros().saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)))
}

fn of_leg(call: &BilledCall, personal: &Personal, leg: &LegRecord, over: bool) -> BillingRecord {
    let target = personal.steps.iter().flat_map(|step| &step.targets).find(|target| target.leg == leg.leg);
    let talk = leg.answered_at.zip(leg.ended_at).filter(|_| leg.state == CdrState::Ended);
    let cause = leg.cause.unwrap_or_default();
    BillingRecord {
        state: leg.state.into(),
        complete: over,
        ringing_at: leg.ringing_at,
        answered_at: leg.answered_at,
        ended_at: leg.ended_at,
        talk_ms: match leg.state {
            CdrState::Failed => Some(0),
            _ => talk.map(|(from, to)| to.millis_since(from)),
        },
        cause_sip: cause.sip,
        cause_q850: cause.q850,
        ..record::new(call, personal, &leg.leg, target)
    }
}

/// Who is charged for a leg: rule 3 above.
struct Charge {
    tenant: TenantName,
    charged: Charged,
    number: Option<String>,
    user: Option<String>,
}

fn charge(call: &BilledCall, personal: &Personal, target: Option<&Target>) -> Charge {
    let trace = &personal.trace;
    let tenant = trace.on_behalf.as_ref().unwrap_or(&call.tenant).clone();
    let read =
        |number: Option<&Number>, sent: Option<&str>| number.map(ToString::to_string).or(sent.map(str::to_owned));
    // What the emergency table sends out has no rule and rings no user; a rewrite can have led to it (E4). A leg that the
    // answer did not have is of the same call.
    let any = target.or_else(|| personal.steps.first()?.targets.first());
    let by_emergency_table = call.rule.is_none() && any.is_some_and(|target| target.user.is_none());
    if call.class == Class::Emergency || by_emergency_table {
        return Charge { tenant: call.tenant.clone(), charged: Charged::Nobody, number: None, user: None };
    }
    if let Some(by) = &trace.forwarded_by {
        return Charge {
            tenant: by.tenant.clone(),
            charged: Charged::Forwarder,
            number: Some(by.number.to_string()),
            user: by.user.as_ref().map(ToString::to_string),
        };
    }
    match (call.direction, personal.diversions.last()) {
        (Direction::FromTenant, Some(diversion)) => {
            Charge { tenant, charged: Charged::Forwarder, number: Some((*diversion.by).to_owned()), user: None }
        }
        (Direction::FromTenant, None) => {
            let from = personal.from.as_ref();
            let number = read(from.and_then(|from| from.read.as_ref()), from.map(|from| &*from.sent));
            Charge { tenant, charged: Charged::Caller, number, user: None }
        }
        (Direction::FromCarrier, _) => {
            let number = read(personal.to.read.as_ref(), Some(&personal.to.sent));
            let user = target.and_then(|target| target.user.as_ref()).map(ToString::to_string);
            Charge { tenant, charged: Charged::Called, number, user }
        }
    }
}

/// Whether it was a test of an emergency service.
fn is_test(call: &BilledCall, personal: &Personal) -> bool {
    call.reason == Reason::EmergencyTest || matches!(personal.to.read, Some(Number::Service { test: true, .. }))
}

/// What was weighed of the target's gateway: the rate that its trunk's deck had.
fn weighed<'p>(personal: &'p Personal, target: &Target) -> Option<&'p TargetVerdict> {
    let is_it = |verdict: &&TargetVerdict| {
        verdict.trunk == target.trunk
            && verdict.gateway.as_ref() == Some(&target.gateway)
            && verdict.user == target.user
            && verdict.verdict.is_kept()
    };
    personal.trace.targets.iter().find(is_it)
}
