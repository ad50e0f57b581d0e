//! SIP: whoever sends calls asks by OPTIONS whether to send them here. Bytes to the engine's types and back, nothing decided.
//!
//! One method is one file; `answer.rs` alone knows which request has which. Nothing is kept between two requests
//! (RFC 3261, 8.2.7): one that is sent again is answered again.

mod answer;
mod connection;
mod datagrams;
mod options;
mod server;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test")]
mod tests;

pub(crate) use answer::Answerer;
pub(crate) use server::{Sockets, open, serve};

use std::net::SocketAddr;

use telness_engine::Unready;
use telness_engine::sip::{Request, Tags};

/// What is answered to bytes that somebody sent, ready or not; for fuzzing, which must find nothing that panics.
#[must_use]
pub fn answer_to(bytes: &[u8], from: SocketAddr, unready: Option<Unready>) -> Option<String> {
    let (request, _) = Request::read(bytes).ok()?;
    answer::reply(&request, || unready).map(|reply| reply.written(&request, from, &Tags::default()))
}
