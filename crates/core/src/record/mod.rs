//! What is kept of a call: the decision, the events, and the call detail record that they make together.

pub mod billing;
mod call_record;
mod cdr;
mod event;

pub use call_record::{CallRecord, NumberKey, Personal, Routing};
pub use cdr::{Cdr, CdrState, LegRecord, cdr};
pub use event::{CallEvent, Cause, EventId, EventKind, LegName};
