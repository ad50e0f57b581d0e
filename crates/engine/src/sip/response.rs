//! A SIP response, read strictly and within bounds: whoever sends something else has not answered.

/// The longest head of a response, in bytes. Those to OPTIONS have some hundreds.
pub(super) const HEAD_BYTES_MAX: usize = 8 * 1024;

/// The longest body that is passed over, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The most lines of a head.
const LINES_MAX: usize = 128;

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

/// Why bytes are no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// More may follow that make it one.
    Cut,
    /// It can never be one.
    Malformed(&'static str),
}

use Unread::{Cut, Malformed};

/// Reads the response that bytes begin with, and how many of them it takes with its body.
pub(super) fn read(bytes: &[u8]) -> Result<(Response, usize), Unread> {
    // Empty lines before a message are a keep-alive (RFC 3261, 7.5; RFC 5626, 3.5.1).
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let message = bytes.get(blank..).unwrap_or_default();
    let end = message.windows(4).take(HEAD_BYTES_MAX).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        return Err(if bytes.len() < HEAD_BYTES_MAX { Cut } else { Malformed("its head is too long") });
    };
    // A reason phrase in another encoding does not make an answer none.
    let head = String::from_utf8_lossy(message.get(..end).unwrap_or_default());
    let lines = unfolded(&head)?;
    let mut lines = lines.iter().map(String::as_str);
    let status = status(lines.next().unwrap_or_default())?;
    let headers = Headers::of(lines)?;
    let (cseq, method) = headers.cseq()?;
    let response =
        Response { status, branch: headers.branch()?, call_id: headers.one("call-id", "i")?.to_owned(), cseq, method };
    for (name, short) in [("from", "f"), ("to", "t")] {
        headers.one(name, short)?;
    }
    let body = headers.content_length()?;
    Ok((response, blank.saturating_add(end).saturating_add(4).saturating_add(body)))
}

/// The lines of a head; one that begins with a space goes on with the one before.
fn unfolded(head: &str) -> Result<Vec<String>, Unread> {
    let mut lines: Vec<String> = Vec::new();
    for line in head.split("\r\n") {
        if line.contains(['\r', '\n', '\0']) {
            return Err(Malformed("a line of its head has a sign that belongs in none"));
        }
        match lines.last_mut() {
            Some(before) if line.starts_with([' ', '\t']) => {
                before.push(' ');
                before.push_str(line.trim());
            }
            _ => lines.push(line.to_owned()),
        }
        if lines.len() > LINES_MAX {
            return Err(Malformed("its head has too many lines"));
        }
    }
    Ok(lines)
}

/// The status of `SIP/2.0 200 OK`.
fn status(line: &str) -> Result<u16, Unread> {
    let mut words = line.splitn(3, ' ');
    let version = words.next().is_some_and(|version| version.eq_ignore_ascii_case("SIP/2.0"));
    let code = words.next().filter(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()));
    let status = code.and_then(|code| code.parse().ok()).filter(|status| (100..700).contains(status));
    status.filter(|_| version).ok_or(Malformed("it does not begin as a response of SIP/2.0 does"))
}

struct Headers<'a>(Vec<(String, &'a str)>);

impl<'a> Headers<'a> {
    fn of(lines: impl Iterator<Item = &'a str>) -> Result<Self, Unread> {
        let header = |line: &'a str| {
            let (name, value) = line.split_once(':').ok_or(Malformed("a line of its head is no header"))?;
            let name = name.trim_end_matches([' ', '\t']);
            let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
            if name.is_empty() || !name.bytes().all(token) {
                return Err(Malformed("a header's name is none"));
            }
            Ok((name.to_ascii_lowercase(), value.trim()))
        };
        lines.map(header).collect::<Result<_, _>>().map(Self)
    }

    fn all(&self, name: &str, short: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(one, _)| one == name || one == short).map(|(_, value)| *value)
    }

    /// The value of a header that has to be there once.
    fn one(&self, name: &str, short: &str) -> Result<&'a str, Unread> {
        let mut values = self.all(name, short);
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => Ok(value),
            (Some(_), _) => Err(Malformed("a header that is there once is empty or there again")),
            (None, _) => Err(Malformed("a header is missing that every response has")),
        }
    }

    fn branch(&self) -> Result<String, Unread> {
        let via = self.all("via", "v").next().ok_or(Malformed("it has no Via"))?;
        let top = via.split(',').next().unwrap_or_default();
        let branch = top.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("branch").then(|| value.trim().to_owned())
        });
        branch.ok_or(Malformed("its Via has no branch"))
    }

    fn cseq(&self) -> Result<(u32, String), Unread> {
        let mut words = self.one("cseq", "cseq")?.split_ascii_whitespace();
        let number = words.next().and_then(|number| number.parse().ok());
        match (number, words.next(), words.next()) {
            (Some(number), Some(method), None) => Ok((number, method.to_owned())),
            _ => Err(Malformed("its CSeq is no number and a method")),
        }
    }

    fn content_length(&self) -> Result<usize, Unread> {
        let mut values = self.all("content-length", "l");
        let Some(value) = values.next() else { return Ok(0) };
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let length = value.parse().ok().filter(|length| digits && *length <= BODY_BYTES_MAX && values.next().is_none());
        length.ok_or(Malformed("its Content-Length is none, or too large"))
    }
}

#[cfg(test)]
mod tests {
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
