//! A response as it is sent: what it says, and what it repeats of its request (RFC 3261, 8.2.6).

use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;

use super::request::Request;

/// How many bytes a response to a datagram may have beyond those of its request, so that nobody is flooded by way of us
/// with much more than it takes to ask.
const ADDED_BYTES_MAX: usize = 192;

/// What is said to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// What that means, for people.
    pub phrase: &'static str,
    /// More headers, by name and value.
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// One without more headers.
    #[must_use]
    pub const fn new(status: u16, phrase: &'static str) -> Self {
        Self { status, phrase, headers: Vec::new() }
    }

    /// With a header, whose value is ours, or tokens of whoever asked.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a warning that says why, for people and logs (RFC 3261, 20.43).
    #[must_use]
    pub fn because(self, why: &str) -> Self {
        let quotable = why.chars().filter(|letter| !matches!(letter, '"' | '\\') && !letter.is_control());
        let why: String = quotable.collect();
        self.with("Warning", format!("399 telness \"{why}\""))
    }

    /// The response to a request that came as a datagram of so many bytes: with less to say where it would be much larger
    /// than that, and none where it still would.
    #[must_use]
    pub fn datagram(&self, request: &Request, bytes: usize, from: SocketAddr, tags: &Tags) -> Option<String> {
        let small = |text: &String| text.len() <= bytes.saturating_add(ADDED_BYTES_MAX);
        let in_short = || {
            let asked_for = |header: &&(&'static str, String)| ["Allow", "Unsupported"].contains(&header.0);
            let headers = self.headers.iter().filter(asked_for).cloned().collect();
            Self { headers, ..self.clone() }.written(request, from, tags)
        };
        Some(self.written(request, from, tags)).filter(small).or_else(|| Some(in_short()).filter(small))
    }

    /// The response to a request that came from an address.
    #[must_use]
    pub fn written(&self, request: &Request, from: SocketAddr, tags: &Tags) -> String {
        let mut text = format!("SIP/2.0 {} {}\r\n", self.status, self.phrase);
        let top = request.top().map(|via| via.stamped(from));
        for via in top.iter().chain(request.vias.iter().skip(1)) {
            line(&mut text, "Via", via);
        }
        line(&mut text, "From", &request.from);
        if request.has_to_tag() {
            line(&mut text, "To", &request.to);
        } else {
            line(&mut text, "To", &format!("{};tag={}", request.to, tags.of(request)));
        }
        line(&mut text, "Call-ID", &request.call_id);
        line(&mut text, "CSeq", &request.cseq);
        for (name, value) in &self.headers {
            line(&mut text, name, value);
        }
        text.push_str("Content-Length: 0\r\n\r\n");
        text
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string does not fail.
    let _ = write!(text, "{name}: {value}\r\n");
}

/// The tags that this process gives: the same for a request that is sent again, since nothing is kept of the first
/// (RFC 3261, 8.2.7), and such as nobody guesses.
#[derive(Clone, Debug, Default)]
pub struct Tags(RandomState);

impl Tags {
    fn of(&self, request: &Request) -> String {
        let named = (&request.vias, &request.from, &request.call_id, &request.cseq);
        format!("{:016x}", self.0.hash_one(named))
    }
}
