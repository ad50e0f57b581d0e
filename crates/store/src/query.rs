//! What can be asked of a store, and what it answers.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use telness_core::call::CallId;
use telness_core::class::Class;
use telness_core::decide::Action;
use telness_core::names::TrunkName;
use telness_core::reason::Reason;
use telness_core::record::{CallEvent, Cdr, CdrState, NumberKey, Personal, Routing};
use telness_core::time::Timestamp;

/// Which calls are asked for. Everything given must hold.
#[derive(Clone, Debug, Default)]
pub struct CallQuery {
    /// Received at this time or later.
    pub since: Option<Timestamp>,
    /// Received before this time.
    pub until: Option<Timestamp>,
    /// Of this class.
    pub class: Option<Class>,
    /// Decided so.
    pub action: Option<Action>,
    /// Decided for this reason.
    pub reason: Option<Reason>,
    /// Whose detail record has come so far.
    pub state: Option<CdrState>,
    /// Whose first target is on this trunk.
    pub trunk: Option<TrunkName>,
    /// Whose calling number is this.
    pub caller: Option<NumberKey>,
    /// Whose called number is this.
    pub called: Option<NumberKey>,
    /// Whose switch calls it so.
    pub sip_call_id: Option<String>,
    /// Older than the last call of the page before.
    pub after: Option<Cursor>,
    /// How many at most; a store may give fewer, and at least one is asked for.
    pub limit: u16,
}

/// Where a page ended: it begins where the page before stopped, whatever came in meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last call's time.
    pub received_at: Timestamp,
    /// The last call's id.
    pub call_id: CallId,
}

/// The text is no cursor that we gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: use the `next` of the page before, as it is")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.received_at.as_micros(), self.call_id.0.simple())
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (micros, id) = text.rsplit_once('-').ok_or(CursorError)?;
        let micros = micros.parse().map_err(|_| CursorError)?;
        let call_id = id.parse().map_err(|_| CursorError)?;
        Ok(Self { received_at: Timestamp::from_micros(micros), call_id })
    }
}

/// A call as a list shows it: its clear part, its numbers and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct StoredSummary {
    /// The clear part.
    pub routing: Routing,
    /// The personal part.
    pub personal: Personal,
    /// What came of it.
    pub cdr: Cdr,
}

/// One call, whole.
#[derive(Clone, Debug, Serialize)]
pub struct StoredCall {
    /// The clear part.
    pub routing: Routing,
    /// The personal part.
    pub personal: Personal,
    /// What came of it.
    pub cdr: Cdr,
    /// What was reported of it, by time: the events that count.
    pub events: Vec<CallEvent>,
    /// Whether more was reported than counts.
    pub more_events: bool,
}

/// One page of calls.
#[derive(Clone, Debug)]
pub struct Page {
    /// The calls, newest first. A store looks at so many calls for one page and no more, so a page can be short, or
    /// empty, and still have a next one.
    pub calls: Vec<StoredSummary>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<Cursor>,
}
