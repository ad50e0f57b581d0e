//! Who sent a request, as far as HTTP tells: the listener, the address, the API key.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use telness_core::class::Workflow;
use telness_core::plan::LISTENER_HTTP;
use telness_engine::Asker;

/// The other end of a request's connection, and whose calls the listener takes that it came to.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// The workflow of the listener.
    pub workflow: Workflow,
}

/// Whoever sent a request. A proxy's word for the address is not taken: any client can write such a header.
pub(super) fn asker(headers: &HeaderMap, peer: Peer) -> Asker<'_> {
    // An IPv4 client of an IPv6 socket is still the IPv4 client that the plan's networks name.
    let address = peer.address.to_canonical();
    Asker { listener: LISTENER_HTTP, workflow: peer.workflow, address, key: key(headers) }
}

/// The key of `Authorization: Bearer KEY`. A header of another form is a key that nobody has, so that a mistake in
/// it never counts as having sent none.
fn key(headers: &HeaderMap) -> Option<&str> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let first = sent.next()?;
    let bearer = || {
        let (scheme, key) = first.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    };
    Some(if sent.next().is_none() { bearer().unwrap_or("") } else { "" })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_malformed_authorization_is_no_missing_one() {
        let of = |sent: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for one in sent {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(one));
            }
            key(&headers).map(str::to_owned)
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(of(&["bearer  abc "]).as_deref(), Some("abc"));
        for wrong in [&["Basic abc"][..], &["Bearer"], &[""], &["Bearer a", "Bearer b"]] {
            assert_eq!(of(wrong).as_deref(), Some(""), "{wrong:?}");
        }
    }

    #[test]
    fn a_mapped_address_is_its_own() {
        let mapped = Peer { address: "::ffff:192.0.2.7".parse().unwrap(), workflow: Workflow::Low };
        assert_eq!(asker(&HeaderMap::new(), mapped).address, "192.0.2.7".parse::<IpAddr>().unwrap());
    }
}
