//! As much SIP (RFC 3261) as it takes to ask a gateway by OPTIONS whether it is there, over UDP, TCP or TLS, and to be
//! asked the same: requests and responses, read strictly and within bounds, and written.
//!
//! **Invariant:** nothing is asked but OPTIONS: a gateway that is asked rings nobody. **Invariant:** what a response
//! repeats of its request is one line each, as it was read; no byte of it can begin another header.

mod client;
mod head;
mod options;
mod reply;
mod request;
mod response;
mod tls;
mod via;

pub use client::{Asked, Client};
pub use head::Unread;
pub use reply::{Reply, Tags};
pub use request::{Fault, Request};
pub use tls::TlsRoots;

/// The status of the response that bytes begin with, if they do; for fuzzing, which must find nothing that panics.
#[must_use]
pub fn read_response(bytes: &[u8]) -> Option<u16> {
    response::read(bytes).ok().map(|(response, _)| response.status)
}
