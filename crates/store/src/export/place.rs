//! Where a copy has come among calls and events: before all others at first.

use telness_core::record::Cdr;
use telness_core::time::Timestamp;
use uuid::Uuid;

use crate::Entry;

/// A call's place: when it was received, and its id.
pub(crate) type CallAt = (Timestamp, Uuid);

/// The place before all calls.
pub(crate) const FIRST_CALL: CallAt = (Timestamp::from_micros(i64::MIN), Uuid::nil());

/// The place of an event, or of a record that contradicts a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) call_id: Uuid,
    pub(crate) beyond: bool,
    pub(crate) event_id: String,
    pub(crate) digest: Vec<u8>,
    /// Of an event that waits: when it was received.
    pub(crate) at: Timestamp,
}

/// Something, and its place.
#[derive(Debug)]
pub(crate) struct Copied<P, T> {
    pub(crate) at: P,
    pub(crate) what: T,
}

/// A call with what came of it, if that is known.
pub(crate) type CopiedCall = Copied<CallAt, (Entry, Option<Cdr>)>;
