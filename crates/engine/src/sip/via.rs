//! The topmost Via of a message: whose a response is, and where one goes (RFC 3261, 18.2; RFC 3581).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::head::{is_token, number, parts};

/// Where a response goes if its Via names no port.
const USUAL_PORT: u16 = 5060;

/// The first value of a line of Via, and what follows it in that line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Via<'a> {
    first: &'a str,
    rest: &'a str,
    host: &'a str,
    port: Option<u16>,
    /// Whether the response is to go to the port that the request came from.
    rport: bool,
    /// What tells requests apart.
    pub(super) branch: Option<&'a str>,
}

impl<'a> Via<'a> {
    /// Reads `SIP/2.0/UDP host:port;branch=…`, which other values may follow behind a comma.
    pub(super) fn read(line: &'a str) -> Result<Self, &'static str> {
        let first = parts(line, ',').next().unwrap_or_default();
        let rest = line.get(first.len()..).unwrap_or_default();
        let mut pieces = parts(first, ';');
        let (host, port) = sent_by(pieces.next().unwrap_or_default()).ok_or("its Via is none")?;
        let mut via = Self { first, rest, host, port, rport: false, branch: None };
        for piece in pieces {
            let (name, value) = piece.split_once('=').map_or((piece, None), |(name, value)| (name, Some(value)));
            let name = name.trim();
            if name.eq_ignore_ascii_case("branch") && via.branch.is_none() {
                via.branch = value.map(str::trim).filter(|branch| !branch.is_empty());
            } else if name.eq_ignore_ascii_case("rport") {
                via.rport = true;
            }
        }
        Ok(via)
    }

    /// Where a response to a datagram goes: to the address that it came from, whatever the request says, so that nobody
    /// is sent what somebody else asked for.
    pub(super) fn response_to(&self, from: SocketAddr) -> SocketAddr {
        let mut to = from;
        if !self.rport {
            to.set_port(self.port.unwrap_or(USUAL_PORT));
        }
        to
    }

    /// The line as it is in a response, with the address that the request came from.
    pub(super) fn stamped(&self, from: SocketAddr) -> String {
        let mut pieces = parts(self.first, ';');
        let mut line = pieces.next().unwrap_or_default().trim().to_owned();
        for piece in pieces {
            let name = piece.split('=').next().unwrap_or_default().trim();
            // Those are for us to say.
            if !["received", "rport"].iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
                line.push(';');
                line.push_str(piece.trim());
            }
        }
        let address = from.ip().to_canonical();
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        if self.rport || host.parse::<IpAddr>() != Ok(address) {
            // Writing to a string does not fail.
            let _ = write!(line, ";received={address}");
        }
        if self.rport {
            let _ = write!(line, ";rport={}", from.port());
        }
        line.push_str(self.rest);
        line
    }
}

/// Host and port of `SIP/2.0/UDP host:port`. There may be blanks beside each sign.
fn sent_by(text: &str) -> Option<(&str, Option<u16>)> {
    let mut words = text.splitn(3, '/').map(str::trim);
    let protocol = words.next().is_some_and(|name| name.eq_ignore_ascii_case("SIP"));
    let version = words.next().is_some_and(is_token);
    let (transport, sent_by) = words.next()?.split_once([' ', '\t'])?;
    let sent_by = sent_by.trim();
    let end = if sent_by.starts_with('[') {
        sent_by.find(']')?.checked_add(1)?
    } else {
        sent_by.find(':').unwrap_or(sent_by.len())
    };
    let (host, port) = (sent_by.get(..end)?.trim_end(), sent_by.get(end..)?.trim_start());
    let port = match port.strip_prefix(':') {
        Some(port) => Some(number(port.trim()).and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)?),
        None if port.is_empty() => None,
        None => return None,
    };
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[:]".contains(&byte);
    let well = protocol && version && is_token(transport) && !host.is_empty() && host.bytes().all(sign);
    well.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from() -> SocketAddr {
        "198.51.100.7:40001".parse().unwrap()
    }

    #[test]
    fn a_response_goes_where_rfc_3581_says_and_to_nobody_else() {
        let to = |line| Via::read(line).unwrap().response_to(from()).to_string();
        assert_eq!(to("SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bK1;rport"), "198.51.100.7:40001");
        assert_eq!(to("SIP/2.0/UDP 198.51.100.7:5070;branch=z9hG4bK1"), "198.51.100.7:5070");
        assert_eq!(to("SIP/2.0/UDP pbx.example.net"), "198.51.100.7:5060");
        let elsewhere = "SIP/2.0/UDP 203.0.113.1:5070;maddr=203.0.113.1;received=203.0.113.1;rport=9";
        assert_eq!(to(elsewhere), "198.51.100.7:40001");
    }

    #[test]
    fn a_response_says_where_the_request_came_from_in_place_of_what_that_said() {
        let stamped = |line| Via::read(line).unwrap().stamped(from());
        for (line, expected) in [
            ("SIP/2.0/UDP 198.51.100.7;branch=b", "SIP/2.0/UDP 198.51.100.7;branch=b"),
            ("SIP/2.0/UDP 192.0.2.1;branch=b", "SIP/2.0/UDP 192.0.2.1;branch=b;received=198.51.100.7"),
            ("SIP/2.0/TCP a.example;branch=b", "SIP/2.0/TCP a.example;branch=b;received=198.51.100.7"),
            (
                "SIP / 2.0 / UDP  192.0.2.1 : 5070 ; rport ; branch=b;Received=1.2.3.4 , SIP/2.0/UDP b.example",
                "SIP / 2.0 / UDP  192.0.2.1 : 5070;branch=b;received=198.51.100.7;rport=40001, SIP/2.0/UDP b.example",
            ),
            ("SIP/2.0/UDP 198.51.100.7;x=\"a,b;rport\";branch=b", "SIP/2.0/UDP 198.51.100.7;x=\"a,b;rport\";branch=b"),
        ] {
            assert_eq!(stamped(line), expected);
        }
        let mapped = "[::ffff:198.51.100.7]:9".parse().unwrap();
        assert_eq!(Via::read("SIP/2.0/UDP 198.51.100.7").unwrap().stamped(mapped), "SIP/2.0/UDP 198.51.100.7");
        let six = Via::read("SIP/2.0/UDP [2001:db8::9]:5070;branch=b").unwrap();
        assert_eq!(six.stamped("[2001:db8::9]:4".parse().unwrap()), "SIP/2.0/UDP [2001:db8::9]:5070;branch=b");
    }

    #[test]
    fn what_is_no_via_is_told_from_one() {
        for line in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0/UDP ;branch=b",
            "SIP/2.0 192.0.2.1",
            "HTTP/1.1/TCP 192.0.2.1",
            "SIP/2.0/UDP 192.0.2.1:",
            "SIP/2.0/UDP 192.0.2.1:0",
            "SIP/2.0/UDP 192.0.2.1:65536",
            "SIP/2.0/UDP [2001:db8::9",
            "SIP/2.0/UDP [2001:db8::9]5060",
            "SIP/2.0/UDP a b",
            "SIP/2.0/UDP \u{e9}.example",
            "\"SIP/2.0/UDP 192.0.2.1",
        ] {
            assert!(Via::read(line).is_err(), "{line}");
        }
    }
}
