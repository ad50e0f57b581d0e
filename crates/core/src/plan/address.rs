//! Addresses of gateways: whether a text is one, and which of them are of one host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Whether a text is a host with or without a port. Nothing else may get into a SIP URI.
#[must_use]
pub fn is_gateway_address(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) if host.parse::<Ipv6Addr>().is_ok() => (None, port),
        Some(_) => return false,
        None => {
            let at = text.find(':').unwrap_or(text.len());
            (text.get(..at), text.get(at..).unwrap_or(""))
        }
    };
    let port_read = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0),
        None => port.is_empty(),
    };
    port_read && host.is_none_or(is_host)
}

/// Whether a text is an IPv4 address or a host's name (RFC 1123).
fn is_host(text: &str) -> bool {
    const HOST_BYTES_MAX: usize = 253;
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numeric { text.parse::<Ipv4Addr>().is_ok() } else { text.len() <= HOST_BYTES_MAX && text.split('.').all(label) }
}

/// The host of a gateway's address, in one form: two ports of one host fail together.
#[must_use]
pub fn gateway_host(address: &str) -> String {
    let parsed = address.parse().map(|address: SocketAddr| address.ip());
    if let Ok(address) = parsed.or_else(|_| address.trim_matches(['[', ']']).parse::<IpAddr>()) {
        return address.to_canonical().to_string();
    }
    address.split_once(':').map_or(address, |(name, _port)| name).to_ascii_lowercase()
}
