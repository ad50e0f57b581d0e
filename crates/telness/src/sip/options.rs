//! `OPTIONS`: whether calls are to be sent here, and what this server can do (RFC 3261, 11.2).

use telness_engine::Unready;
use telness_engine::sip::Reply;

use super::answer::ALLOW;

/// What whoever spreads calls is told. Who is not ready says why, and no time after which to come back: calls are to go
/// elsewhere until it is ready, which it says when it is asked again.
pub(super) fn reply(unready: Option<Unready>) -> Reply {
    match unready {
        None => Reply::new(200, "OK")
            .with("Allow", ALLOW)
            .with("Accept", "application/sdp")
            .with("Accept-Encoding", "identity")
            .with("Accept-Language", "en")
            .with("Supported", ""),
        Some(why) => Reply::new(503, "Service Unavailable").because(&why.to_string()),
    }
}
