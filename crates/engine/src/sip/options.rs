//! An OPTIONS request as it is sent, and whether a response is the one to it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use telness_core::plan::Transport;

use super::response::Response;
use crate::identity::{NoRandomness, random_bytes};

/// What every branch of RFC 3261 begins with.
const MAGIC_COOKIE: &str = "z9hG4bK";

/// The only request in its dialogue.
const CSEQ: u32 = 1;

/// One request. What names it is drawn at random, so that nobody who does not see it can answer it.
#[derive(Debug)]
pub(super) struct Options {
    branch: String,
    call_id: String,
    tag: String,
}

impl Options {
    pub(super) fn fresh() -> Result<Self, NoRandomness> {
        let name = || random_bytes::<12>().map(hex);
        Ok(Self { branch: format!("{MAGIC_COOKIE}{}", name()?), call_id: name()?, tag: name()? })
    }

    /// The request to a gateway, whose address is as a plan has it, from a socket of ours.
    pub(super) fn written(&self, address: &str, transport: Transport, local: SocketAddr) -> String {
        let (via, parameter) = match transport {
            Transport::Udp => ("UDP", ""),
            Transport::Tcp => ("TCP", ";transport=tcp"),
            Transport::Tls => ("TLS", ";transport=tls"),
        };
        let Self { branch, call_id, tag } = self;
        format!(
            "OPTIONS sip:{address}{parameter} SIP/2.0\r\n\
             Via: SIP/2.0/{via} {local};branch={branch};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:telness@{local}>;tag={tag}\r\n\
             To: <sip:{address}>\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {CSEQ} OPTIONS\r\n\
             Contact: <sip:telness@{local}{parameter}>\r\n\
             Accept: application/sdp\r\n\
             User-Agent: telness\r\n\
             Content-Length: 0\r\n\r\n"
        )
    }

    /// Whether a response is the one to this request (RFC 3261, 17.1.3).
    pub(super) fn is_answered_by(&self, response: &Response) -> bool {
        response.branch == self.branch
            && response.call_id == self.call_id
            && response.cseq == CSEQ
            && response.method == "OPTIONS"
    }
}

fn hex(bytes: [u8; 12]) -> String {
    bytes.iter().fold(String::with_capacity(24), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::super::response::read;
    use super::*;

    fn local() -> SocketAddr {
        "192.0.2.1:40000".parse().unwrap()
    }

    /// What a server makes of a request by the rules of RFC 3261: what names it comes back as it was.
    fn response_to(request: &str) -> String {
        let kept = request
            .lines()
            .filter(|line| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)));
        format!("SIP/2.0 200 OK\r\n{}\r\nContent-Length: 0\r\n\r\n", kept.collect::<Vec<_>>().join("\r\n"))
    }

    #[test]
    fn a_request_is_answered_by_its_own_response_alone() {
        let (one, other) = (Options::fresh().unwrap(), Options::fresh().unwrap());
        let text = one.written("192.0.2.10:5060", Transport::Udp, local());
        let answered = response_to(&text);
        let read = |text: &str| read(text.as_bytes()).unwrap().0;
        assert!(one.is_answered_by(&read(&answered)));
        assert!(!other.is_answered_by(&read(&answered)));
        assert!(!one.is_answered_by(&read(&answered.replace("OPTIONS", "INVITE"))));
        assert!(!one.is_answered_by(&read(&answered.replace("CSeq: 1", "CSeq: 2"))));
    }

    #[test]
    fn a_request_has_what_rfc_3261_asks_for_and_one_empty_line_at_its_end() {
        for (transport, via) in [(Transport::Udp, "UDP"), (Transport::Tcp, "TCP"), (Transport::Tls, "TLS")] {
            let text = Options::fresh().unwrap().written("[2001:db8::10]:5061", transport, local());
            assert!(text.starts_with("OPTIONS sip:[2001:db8::10]:5061"), "{text}");
            assert!(text.contains(&format!("Via: SIP/2.0/{via} 192.0.2.1:40000;branch=z9hG4bK")), "{text}");
            for name in ["Max-Forwards", "From", "To", "Call-ID", "CSeq"] {
                assert_eq!(text.matches(&format!("\r\n{name}: ")).count(), 1, "{name} in {text}");
            }
            assert!(text.ends_with("Content-Length: 0\r\n\r\n") && text.matches("\r\n\r\n").count() == 1);
        }
    }
}
