//! The call detail record: what came of a call, folded from its events so that their order does not matter (N6).

use serde::{Deserialize, Serialize};

use super::{CallEvent, Cause, LegName};
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
    /// When its last leg ended, once all have.
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
    let _ = events;
    Cdr {
        state: CdrState::Decided,
        ringing_at: None,
        answered_at: None,
        ended_at: None,
        talk_ms: None,
        answered_leg: None,
        cause: None,
        legs: Vec::new(),
    }
}
