//! What the engine answers: serial steps of parallel targets, or a rejection with its reason.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Trace;
use crate::names::{GatewayName, RuleName, TrunkName, UserName};
use crate::number::Digits;
use crate::plan::MoveOn;
use crate::reason::Reason;
use crate::record::LegName;

/// What is to be done with the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Try the steps.
    Route,
    /// End the call.
    Reject,
}

/// One place to send the call to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// What to call the leg in events: step and place in it, from 1.
    #[serde(rename = "l")]
    pub leg: LegName,
    /// The trunk.
    #[serde(rename = "t")]
    pub trunk: TrunkName,
    /// The gateway.
    #[serde(rename = "g")]
    pub gateway: GatewayName,
    /// The user whose device it is.
    #[serde(rename = "us", skip_serializing_if = "Option::is_none", default)]
    pub user: Option<UserName>,
    /// The SIP URI to dial.
    #[serde(rename = "u")]
    pub uri: Arc<str>,
    /// The caller's number to present; none when it is withheld or there is none.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub caller: Option<Arc<str>>,
    /// How long to wait for any SIP response, 100 too, in milliseconds; absent when there is no such limit of its own.
    #[serde(rename = "rs", skip_serializing_if = "Option::is_none", default)]
    pub response_ms: Option<u32>,
    /// How long to wait for 18x, in milliseconds.
    #[serde(rename = "s")]
    pub setup_ms: u32,
    /// How long to let it ring, in milliseconds; absent when there is no such limit (E9).
    #[serde(rename = "r", skip_serializing_if = "Option::is_none", default)]
    pub ring_ms: Option<u32>,
    /// After which causes the next step may be tried; left out of records when it is the usual.
    #[serde(rename = "m", skip_serializing_if = "is_usual", default)]
    pub move_on: Arc<MoveOn>,
}

fn is_usual(move_on: &Arc<MoveOn>) -> bool {
    move_on.is_usual()
}

/// Targets that are tried at once. The next step follows when all have failed by causes that move on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The targets.
    #[serde(rename = "t")]
    pub targets: Vec<Target>,
}

/// What the engine answered for a call, with every candidate that it weighed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The rule that decided, unless it was the emergency table.
    pub rule: Option<RuleName>,
    /// The prefix of the called number that the rule matched.
    pub matched_prefix: Option<Digits>,
    /// What to try, in order.
    pub steps: Vec<Step>,
    /// What it had to do without, such as `portability:timeout`.
    pub degraded: Vec<Arc<str>>,
    /// Every candidate, with the reason it was kept or dropped.
    pub trace: Trace,
}

/// A decision before capacity was taken for its targets; only [`reserve`](super::reserve) makes it final.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// What is decided if every target has capacity.
    pub(super) decision: Decision,
    /// Whether it is an emergency call, for which capacity is never asked (E11).
    pub(super) emergency: bool,
}

impl Ranked {
    /// Whether it goes by the emergency table to a call-taker, as it was dialled or as a rewrite made it (E4).
    #[must_use]
    pub const fn is_emergency(&self) -> bool {
        self.emergency
    }
}
