//! The call detail record: what came of a call, folded from its events so that their order does not matter (N6).
//!
//! Only what switches said counts: an event's id, leg, kind, cause and `occurred_at`. When and where we received it
//! changes nothing, so every node and every order of arrival makes the same record. The rules:
//!
//! 1. Events with one id are one event. If they contradict each other, the one that occurred first counts, then
//!    the smaller kind, leg and cause.
//! 2. A leg rang when it first rang, and was answered when it was first answered.
//! 3. An answer outranks a failure: nobody can have talked on a leg that failed. A failure reported at the answer
//!    or after it is the leg's end; one from before the answer is passed over.
//! 4. A leg ended at the first end that is not before its answer. If clocks went wrong and every end is before the
//!    answer, the last of them counts, and the talk lasted nothing. An end without an answer means that the answer
//!    was not reported: the leg has ended, and how long the talk lasted is not known.
//! 5. The call is the leg that was answered first (of equals, the first by name); a leg whose answer was not
//!    reported comes after those whose was. That leg's end is the call's end: another leg that is cancelled, fails
//!    or is answered too late does not end it, and one that is never reported again does not keep it open.
//! 6. Without an answer, the call rings while a leg rings, and has failed when all legs that were reported have
//!    failed; the last failure gives time and cause. A next step's leg can make it ring again.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CallEvent, Cause, EventId, EventKind, LegName};
use crate::time::Timestamp;

/// How far a call, or a leg, has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CdrState {
    /// Nothing was reported yet.
    Decided,
    /// It rings.
    Ringing,
    /// It was answered and goes on.
    Answered,
    /// It ended without an answer.
    Failed,
    /// It was answered and has ended.
    Ended,
}

/// What came of one leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegRecord {
    /// The leg.
    pub leg: LegName,
    /// How far it has come.
    pub state: CdrState,
    /// When it first rang.
    pub ringing_at: Option<Timestamp>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// When it failed or ended.
    pub ended_at: Option<Timestamp>,
    /// Why it failed or ended.
    pub cause: Option<Cause>,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cdr {
    /// How far it has come.
    pub state: CdrState,
    /// When a leg first rang.
    pub ringing_at: Option<Timestamp>,
    /// When a leg was first answered.
    pub answered_at: Option<Timestamp>,
    /// When the answered leg ended; without an answer, when the last leg failed, once all have.
    pub ended_at: Option<Timestamp>,
    /// Milliseconds from answer to end.
    pub talk_ms: Option<u64>,
    /// The leg that was answered first.
    pub answered_leg: Option<LegName>,
    /// Why it failed or ended: the answered leg's cause, or the last failed leg's.
    pub cause: Option<Cause>,
    /// The legs, by name.
    pub legs: Vec<LegRecord>,
}

/// Folds a call's events into its detail record. The same set of events, in whatever order and however often
/// doubled, makes the same record.
#[must_use]
pub fn cdr(events: &[CallEvent]) -> Cdr {
    let legs: Vec<LegRecord> = by_leg(events).into_iter().map(|(leg, reports)| reports.fold(leg)).collect();
    let ringing_at = legs.iter().filter_map(|leg| leg.ringing_at).min();
    let answered = legs
        .iter()
        .filter(|leg| matches!(leg.state, CdrState::Answered | CdrState::Ended))
        .min_by_key(|leg| (leg.answered_at.is_none(), leg.answered_at.or(leg.ended_at), &leg.leg));
    if let Some(leg) = answered {
        let talk = leg.answered_at.zip(leg.ended_at);
        return Cdr {
            state: leg.state,
            ringing_at,
            answered_at: leg.answered_at,
            ended_at: leg.ended_at,
            talk_ms: talk.map(|(from, to)| to.millis_since(from)),
            answered_leg: Some(leg.leg.clone()),
            cause: leg.cause,
            legs,
        };
    }
    let state = legs.iter().map(|leg| leg.state).min().unwrap_or(CdrState::Decided);
    let last = legs.iter().max_by_key(|leg| (leg.ended_at, &leg.leg)).filter(|_| state == CdrState::Failed);
    Cdr {
        state,
        ringing_at,
        answered_at: None,
        ended_at: last.and_then(|leg| leg.ended_at),
        talk_ms: None,
        answered_leg: None,
        cause: last.and_then(|leg| leg.cause),
        legs,
    }
}

/// When a leg came to its end, whether why was left out, and why. Of two reports at one time, the one that says why
/// comes first, and it counts whether the first or the last time is asked for.
type End = (Timestamp, bool, Option<Cause>);

/// What was reported of one leg, sorted by kind; the order within a kind tells nothing.
#[derive(Default)]
struct Reports {
    ringing: Vec<Timestamp>,
    answered: Vec<Timestamp>,
    failed: Vec<End>,
    ended: Vec<End>,
}

fn by_leg(events: &[CallEvent]) -> BTreeMap<LegName, Reports> {
    let content = |event: &CallEvent| (event.occurred_at, event.kind, event.leg.clone(), event.cause);
    let mut by_id: BTreeMap<&EventId, &CallEvent> = BTreeMap::new();
    for event in events {
        let kept = by_id.entry(&event.event_id).or_insert(event);
        if content(event) < content(kept) {
            *kept = event;
        }
    }
    let mut legs: BTreeMap<LegName, Reports> = BTreeMap::new();
    for event in by_id.into_values() {
        let reports = legs.entry(event.leg.clone()).or_default();
        let at = event.occurred_at;
        match event.kind {
            EventKind::Ringing => reports.ringing.push(at),
            EventKind::Answered => reports.answered.push(at),
            EventKind::Failed => reports.failed.push((at, event.cause.is_none(), event.cause)),
            EventKind::Ended => reports.ended.push((at, event.cause.is_none(), event.cause)),
        }
    }
    legs
}

impl Reports {
    fn fold(&self, leg: LegName) -> LegRecord {
        let answered_at = self.answered.iter().min().copied();
        let first_ended = self.ended.iter().min().copied();
        let (state, end) = match answered_at {
            Some(answered_at) => match self.end_of_talk(answered_at) {
                Some(end) => (CdrState::Ended, Some(end)),
                None => (CdrState::Answered, None),
            },
            None if first_ended.is_some() => (CdrState::Ended, first_ended),
            None if !self.failed.is_empty() => (CdrState::Failed, self.failed.iter().min().copied()),
            None => (CdrState::Ringing, None),
        };
        LegRecord {
            leg,
            state,
            ringing_at: self.ringing.iter().min().copied(),
            answered_at,
            ended_at: end.map(|(at, _, _)| at),
            cause: end.and_then(|(_, _, cause)| cause),
        }
    }

    fn end_of_talk(&self, answered_at: Timestamp) -> Option<End> {
        let late = |end: &&End| end.0 >= answered_at;
        let in_order = self.ended.iter().chain(&self.failed).filter(late).min();
        in_order.or_else(|| self.ended.iter().max_by_key(|(at, silent, cause)| (at, Reverse((silent, cause))))).copied()
    }
}
