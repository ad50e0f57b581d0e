//! As much SIP (RFC 3261) as it takes to ask a gateway whether it is there: an OPTIONS request over UDP, TCP or TLS, and
//! its response, read strictly and within bounds.
//!
//! **Invariant:** nothing is sent but OPTIONS: a gateway that is asked rings nobody.

mod client;
mod options;
mod response;
mod tls;

pub use client::{Asked, Client};
pub use tls::TlsRoots;
