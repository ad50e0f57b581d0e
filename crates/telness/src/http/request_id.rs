//! The id by which one request is found in logs and problem documents: the sender's own if it is sane, else ours.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use telness_engine::identity::random_bytes;

/// The header that carries it, both ways.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id of a sender that is taken over, in bytes.
const SENT_BYTES_MAX: usize = 64;

/// Makes request ids: what differs from process to process, and a count.
#[derive(Debug)]
pub(super) struct RequestIds {
    process: u64,
    made: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        // Without randomness ids still differ within the process, which is all that a log needs.
        let process = random_bytes().map_or(0, u64::from_ne_bytes);
        Self { process, made: AtomicU64::new(1) }
    }

    /// The id of a request with these headers.
    pub(super) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        headers.get(&REQUEST_ID).filter(|sent| is_sane(sent.as_bytes())).cloned().unwrap_or_else(|| self.fresh())
    }

    fn fresh(&self) -> HeaderValue {
        let count = self.made.fetch_add(1, Ordering::Relaxed);
        HeaderValue::try_from(format!("{:016x}-{count:x}", self.process))
            .unwrap_or_else(|_| HeaderValue::from_static("none"))
    }
}

/// Graphic ASCII without what would need escaping where the id is shown.
fn is_sane(id: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&' | b'%');
    (1..=SENT_BYTES_MAX).contains(&id.len()) && id.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_kept_and_any_other_is_replaced() {
        let ids = RequestIds::new();
        let of = |sent: &'static [u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(sent).unwrap());
            ids.of(&headers)
        };
        assert_eq!(of(b"abc-1/2:3"), "abc-1/2:3");
        for bad in [&b""[..], b"a b", b"\xff", b"<script>", &[b'a'; 65]] {
            assert_ne!(of(bad).as_bytes(), bad);
        }
        assert_ne!(ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
    }
}
