//! What does not fit together in what was recorded of a call (N7): a pure function from a stored call to findings.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::class::Class;
use crate::decide::Action;
use crate::record::{CallRecord, Cdr, CdrState, EventId, LegName, LegRecord, Personal, Routing};
use crate::time::Timestamp;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is missing or doubled, and what is there can be used.
    Warning,
    /// What is there contradicts itself: it may be billed or explained wrongly.
    Error,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $severity:ident, $what:literal, $todo:literal;)*) => {
        /// What can be found. The words are permanent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FindingKind {$($(#[$doc])* $name,)*}

        impl FindingKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word used in answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$name => $word,)*}
            }

            /// How much it matters.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self {$(Self::$name => Severity::$severity,)*}
            }

            /// What it means, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {$(Self::$name => $what,)*}
            }

            /// What to do about it.
            #[must_use]
            pub const fn advice(self) -> &'static str {
                match self {$(Self::$name => $todo,)*}
            }
        }
    };
}

kinds! {
    /// The call was routed, and how it ended was not reported in time.
    NoOutcome = "no_outcome", Warning,
        "the call was routed, and its end or failure was not reported in the time that is allowed for it",
        "see whether the switch reports events, and whether the call still goes on; report what is missing: late events count";
    /// Events wait for a call that is not there.
    OutcomeWithoutDecision = "outcome_without_decision", Error,
        "events were reported of a call that is not here",
        "see whether the id is one that an answer gave, and whether the node that decided still has records to ship (`telness nodes`)";
    /// Another record under the id, of the same decision.
    DoubledRecord = "doubled_record", Warning,
        "another record came under the call's id, with the same decision",
        "the same Idempotency-Key was decided twice; the first record is the call, so nothing is counted twice";
    /// Another record under the id, of another decision.
    ContradictoryRecord = "contradictory_record", Error,
        "another record came under the call's id, with another decision",
        "compare them with `telness records ID`: a key was used for two requests, or decided twice under two plans; the first record counts";
    /// Two different reports under one event id.
    ContradictoryEvent = "contradictory_event", Error,
        "two different reports came under one event id; the one that occurred first counts",
        "the switch uses an id twice: have it give each event an id of its own";
    /// Something was answered on a call that was rejected.
    OutcomeOfRejected = "outcome_of_rejected", Error,
        "legs were reported of a call that was rejected",
        "the switch went on by itself: look at its configuration, and who pays for such calls";
    /// A leg was reported that the answer did not offer.
    LegNotOffered = "leg_not_offered", Warning,
        "a leg was reported that the answer did not offer",
        "have the switch name legs as the answer does, or find out where it sent the call";
    /// A leg ended before it was answered.
    EndBeforeAnswer = "end_before_answer", Error,
        "a leg ended before it was answered, so its talk lasted nothing",
        "compare the clocks of the switches that report";
}

impl std::str::FromStr for FindingKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// The leg, where it is about one.
    pub leg: Option<LegName>,
    /// The event's id, where it is about one.
    pub event_id: Option<EventId>,
    /// When the other record was received, where it is about one.
    pub other_received_at: Option<Timestamp>,
}

impl Finding {
    /// One that is about the call as a whole.
    #[must_use]
    pub const fn of(kind: FindingKind) -> Self {
        Self { kind, leg: None, event_id: None, other_received_at: None }
    }
}

/// What is known of a call.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Its clear part.
    pub routing: &'a Routing,
    /// Its personal part, which says what was offered.
    pub personal: &'a Personal,
    /// What came of it.
    pub cdr: &'a Cdr,
    /// Ids under which two different reports came.
    pub contradicted: &'a [EventId],
    /// Other records under its id.
    pub others: &'a [CallRecord],
}

/// What does not fit together in a call, in a fixed order. A call received before `expected_by` was to have ended.
#[must_use]
pub fn findings(known: Known<'_>, expected_by: Timestamp) -> Vec<Finding> {
    let Known { routing, personal, cdr, contradicted, others } = known;
    let mut found = BTreeSet::new();
    let open = matches!(cdr.state, CdrState::Decided | CdrState::Ringing | CdrState::Answered);
    if routing.action == Action::Route && open && routing.received_at < expected_by {
        found.insert(Finding::of(FindingKind::NoOutcome));
    }
    for other in others {
        let same = is_same_decision(known, other);
        let kind = if same { FindingKind::DoubledRecord } else { FindingKind::ContradictoryRecord };
        found.insert(Finding { other_received_at: Some(other.routing.received_at), ..Finding::of(kind) });
    }
    for event_id in contradicted {
        let kind = FindingKind::ContradictoryEvent;
        found.insert(Finding { event_id: Some(event_id.clone()), ..Finding::of(kind) });
    }
    let mut about_leg = |kind, leg: &LegRecord| {
        found.insert(Finding { leg: Some(leg.leg.clone()), ..Finding::of(kind) });
    };
    for leg in &cdr.legs {
        if routing.action == Action::Reject {
            about_leg(FindingKind::OutcomeOfRejected, leg);
        } else if !is_offered(personal, &leg.leg) {
            about_leg(FindingKind::LegNotOffered, leg);
        }
        if leg.answered_at.zip(leg.ended_at).is_some_and(|(answered, ended)| ended < answered) {
            about_leg(FindingKind::EndBeforeAnswer, leg);
        }
    }
    found.into_iter().collect()
}

/// Whether the answer offered a leg; what was pruned tells nothing, and nothing is made of that.
fn is_offered(personal: &Personal, leg: &LegName) -> bool {
    personal.pruned || personal.steps.iter().any(|step| step.targets.iter().any(|target| target.leg == *leg))
}

/// Whether another record says to do the same with the call. Of when, where and by which revision of the plan nothing
/// counts; what was pruned of either is not compared.
fn is_same_decision(known: Known<'_>, other: &CallRecord) -> bool {
    let of = |routing: &Routing| {
        let emergency = routing.class == Class::Emergency;
        (routing.action, routing.reason, routing.trunk.clone(), routing.gateway.clone(), emergency)
    };
    let numbers = |routing: &Routing| (routing.caller_key, routing.called_key, routing.request_hash);
    let pruned = known.personal.pruned || other.personal.pruned;
    of(known.routing) == of(&other.routing) && (pruned || numbers(known.routing) == numbers(&other.routing))
}
