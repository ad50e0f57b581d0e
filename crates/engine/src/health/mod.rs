//! Which gateways are believed to be down: by asking them (SIP OPTIONS), and by what switches report of calls.
//!
//! ```text
//! Prober ─ ask ─▶ Asked ─┐                                     ┌─▶ World.health ─▶ decide
//! event_flow ─ reported ─┴─▶ Gateways { Belief of each } ──────┴─▶ GET /v1/gateways, telness gateways, metrics
//! ```
//! A gateway that is down takes no rank among the targets of a call; of an emergency call it only comes later (E9).
//!
//! **Invariant:** only evidence counts against a gateway. One that never answered us may answer the switch alone, so its
//! silence tells nothing; nor does what keeps us from asking. When all that ever answered are silent at once, the fault
//! is taken to be ours. A tenant alone cannot take a gateway from others by what it reports.

mod belief;
mod gateways;
mod legs;
mod prober;
mod silence;
mod view;

pub use belief::Belief;
pub use gateways::{Gateways, ToAsk};
pub use legs::EmergencyNews;
pub use view::{GatewayList, GatewayState, GatewayView, LastAsked};

pub(crate) use prober::Prober;
pub(crate) use silence::Silence;
