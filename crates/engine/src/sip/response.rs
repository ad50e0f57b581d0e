//! A SIP response, read strictly and within bounds: whoever sends something else has not answered.

use super::head::{self, BODY_BYTES_MAX, Head, Unread, Unread::Malformed};
use super::via::Via;

/// What tells whose response it is, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) status: u16,
    /// Of the topmost Via.
    pub(super) branch: String,
    pub(super) call_id: String,
    pub(super) cseq: u32,
    pub(super) method: String,
}

/// Reads the response that bytes begin with, and how many of them it takes with its body.
pub(super) fn read(bytes: &[u8]) -> Result<(Response, usize), Unread> {
    let (text, head_bytes) = head::text(bytes)?;
    let head = Head::of(&text)?;
    let response = response(&head).map_err(Malformed)?;
    let body = head.content_length().map_err(Malformed)?;
    if body > BODY_BYTES_MAX {
        return Err(Malformed("its body is too large"));
    }
    Ok((response, head_bytes.saturating_add(body)))
}

fn response(head: &Head<'_>) -> Result<Response, &'static str> {
    let status = status(head.start)?;
    head.fault.map_or(Ok(()), Err)?;
    let (cseq, method) = head.cseq()?;
    let top = head.all("via", "v").next().ok_or("it has no Via")?;
    let branch = Via::read(top)?.branch.ok_or("its Via has no branch")?.to_owned();
    for (name, short) in [("from", "f"), ("to", "t")] {
        head.one(name, short)?;
    }
    Ok(Response { status, branch, call_id: head.one("call-id", "i")?.to_owned(), cseq, method: method.to_owned() })
}

/// The status of `SIP/2.0 200 OK`.
fn status(line: &str) -> Result<u16, &'static str> {
    let mut words = line.splitn(3, ' ');
    let version = words.next().is_some_and(|version| version.eq_ignore_ascii_case("SIP/2.0"));
    let code = words.next().filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()));
    let status = code.and_then(|code| code.parse().ok()).filter(|status| (100..700).contains(status));
    status.filter(|_| version).ok_or("it does not begin as a response of SIP/2.0 does")
}

#[cfg(test)]
mod tests {
    use super::super::head::{HEAD_BYTES_MAX, LINES_MAX};
    use super::Unread::Cut;
    use super::*;

    const WELL: &str = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1;rport=5060\r\n\
                        From: <sip:telness@192.0.2.1>;tag=a\r\nTo: <sip:192.0.2.10>;tag=b\r\nCall-ID: c1\r\n\
                        CSeq: 1 OPTIONS\r\nAllow: INVITE, ACK\r\nContent-Length: 0\r\n\r\n";

    fn well() -> Response {
        let (branch, call_id, method) = ("z9hG4bKa1".into(), "c1".into(), "OPTIONS".into());
        Response { status: 200, branch, call_id, cseq: 1, method }
    }

    #[test]
    fn a_response_is_read_in_each_form_that_it_may_have() {
        assert_eq!(read(WELL.as_bytes()), Ok((well(), WELL.len())));
        let compact = WELL
            .replace("Via:", "v  :")
            .replace("From:", "F:")
            .replace("To:", "t:")
            .replace("Call-ID:", "I:")
            .replace("Content-Length: 0", "l:0");
        assert_eq!(read(compact.as_bytes()).unwrap().0, well());
        let folded = WELL.replace(";branch", "\r\n ;Branch").replace("1 OPTIONS", "1\r\n\tOPTIONS");
        assert_eq!(read(folded.as_bytes()).unwrap().0, well());
        let several = WELL.replace("rport=5060", "rport, SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKb2");
        assert_eq!(read(several.as_bytes()).unwrap().0, well());
        let (after_blank, no_phrase) = (format!("\r\n\r\n{WELL}"), WELL.replace("200 OK", "200"));
        assert_eq!(read(after_blank.as_bytes()), Ok((well(), after_blank.len())));
        assert_eq!(read(no_phrase.as_bytes()).unwrap().0, well());
        let mut latin = WELL.as_bytes().to_vec();
        latin[12] = 0xe9;
        assert_eq!(read(&latin).unwrap().0, well());
        let with_body = format!("{}v=0\r\n", WELL.replace("Length: 0", "Length: 5"));
        assert_eq!(read(with_body.as_bytes()), Ok((well(), with_body.len())));
    }

    #[test]
    fn every_beginning_of_a_response_is_cut_and_none_is_one() {
        for cut in 0..WELL.len() {
            assert_eq!(read(&WELL.as_bytes()[..cut]), Err(Cut), "{cut}");
        }
    }

    #[test]
    fn what_is_no_response_is_told_from_one() {
        for (from, to) in [
            ("SIP/2.0 200", "SIP/3.0 200"),
            ("SIP/2.0 200", "HTTP/1.1 200"),
            ("200 OK", "099 OK"),
            ("200 OK", "700 OK"),
            ("200 OK", "20x OK"),
            ("SIP/2.0 200 OK", "OPTIONS sip:x SIP/2.0"),
            ("Call-ID: c1", "Call-ID: c1\r\nCall-ID: c1"),
            ("Call-ID: c1", "Call-ID:"),
            ("Call-ID: c1\r\n", ""),
            ("CSeq: 1 OPTIONS", "CSeq: OPTIONS"),
            ("CSeq: 1 OPTIONS", "CSeq: 99999999999 OPTIONS"),
            (";branch=z9hG4bKa1", ""),
            ("Length: 0", "Length: -1"),
            ("Length: 0", "Length: 65537"),
            ("Allow: INVITE", "Allow INVITE"),
            ("Allow:", "All ow:"),
            ("Allow: INVITE", "Allow: IN\nVITE"),
        ] {
            let wrong = WELL.replace(from, to);
            assert!(matches!(read(wrong.as_bytes()), Err(Malformed(_))), "{wrong}");
        }
        let long = WELL.replace("INVITE", &"x".repeat(HEAD_BYTES_MAX));
        assert_eq!(read(long.as_bytes()), Err(Malformed("its head is too long")));
        assert_eq!(
            read("\r\n".repeat(HEAD_BYTES_MAX).as_bytes()),
            Err(Malformed("its head is too long")),
            "nor is one"
        );
        let many = WELL.replace("Allow: INVITE, ACK", &vec!["Allow: INVITE"; LINES_MAX].join("\r\n"));
        assert_eq!(read(many.as_bytes()), Err(Malformed("its head has too many lines")));
    }

    proptest::proptest! {
        #[test]
        fn s3_no_bytes_of_a_gateway_end_the_one_who_asks(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..512),
            at in 0..WELL.len(),
        ) {
            let _ = read(&bytes);
            let mut damaged = WELL.as_bytes().to_vec();
            damaged.truncate(at);
            damaged.extend_from_slice(&bytes);
            damaged.extend_from_slice(WELL.get(at..).unwrap().as_bytes());
            let _ = read(&damaged);
        }
    }
}
