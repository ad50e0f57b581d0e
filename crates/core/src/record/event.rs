//! What a switch reports of a call's legs, in any order, more than once, late, or before the call itself.

use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::CallId;
use crate::names::{NodeName, TenantName};
use crate::short_text::short_texts;
use crate::time::Timestamp;

/// The text cannot be an id of an event or a name of a leg.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {what}: 1 to 64 printable ASCII characters without spaces")]
pub struct ShortTextError {
    what: &'static str,
}

/// The longest text, in bytes.
const BYTES_MAX: usize = 64;

/// Whether a text can be an id of an event or a name of a leg.
fn is_short(text: &str) -> bool {
    (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

short_texts! {
    is_short, ShortTextError;

    /// What a switch calls one attempt at one target; the answer proposes `1.1`, `1.2`, `2.1` and so on.
    LegName = "a leg's name";
    /// What makes an event the same event when it is reported again.
    EventId = "an event's id";
}

impl EventId {
    /// An id made of a hash, for an event that came without one.
    #[must_use]
    pub fn of_hash(hash: u64) -> Self {
        Self(Arc::from(format!("h-{hash:016x}")))
    }
}

impl LegName {
    /// The name that an answer proposes for a target: its step and its place in the step, both from 1.
    #[must_use]
    pub fn of_target(step: usize, place: usize) -> Self {
        Self(Arc::from(format!("{step}.{place}")))
    }
}

/// What happened to a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// It rings.
    Ringing,
    /// It was answered.
    Answered,
    /// It ended without an answer.
    Failed,
    /// It ended after an answer.
    Ended,
}

impl EventKind {
    /// All of them, in the order in which a leg goes through them.
    pub const ALL: [Self; 4] = [Self::Ringing, Self::Answered, Self::Failed, Self::Ended];

    /// The word used in requests and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Ended => "ended",
        }
    }
}

impl FromStr for EventKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// Why a leg failed or ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cause {
    /// The SIP status, 300 to 699.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sip: Option<u16>,
    /// The Q.850 cause, 1 to 127, as in a Reason header (RFC 3326). It outranks the SIP status.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub q850: Option<u8>,
}

/// One thing that a switch reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEvent {
    /// The version of this form.
    pub v: u8,
    /// What makes it the same event when it is reported again.
    pub event_id: EventId,
    /// Whose call.
    pub tenant: TenantName,
    /// Which call.
    pub call_id: CallId,
    /// Which leg.
    pub leg: LegName,
    /// What happened.
    pub kind: EventKind,
    /// Why, for a failure or an end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<Cause>,
    /// When it happened, by the switch's clock.
    pub occurred_at: Timestamp,
    /// When it was first received, by ours.
    pub received_at: Timestamp,
    /// The node that received it.
    pub node: NodeName,
    /// The switch's own id of the call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sip_call_id: Option<Arc<str>>,
}
