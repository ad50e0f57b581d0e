//! A SIP request, read strictly and within bounds. What is not right but tells how to be answered is told so; all else is
//! no request.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::head::{self, BODY_BYTES_MAX, Head, Unread, Unread::Malformed, is_closed, is_token, number, parts};
use super::via::Via;

/// A request that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for, such as `OPTIONS`. Methods are written in capitals, and `options` is another one.
    pub method: String,
    /// Whom it is asked of.
    pub uri: String,
    /// The extensions without which it is not to be answered.
    pub requires: Vec<String>,
    /// What is wrong with it, if anything is. Where it ends is not known then.
    pub fault: Option<Fault>,
    /// What its response repeats, each line of Via by itself.
    pub(super) vias: Vec<String>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) call_id: String,
    pub(super) cseq: String,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is of another version than SIP/2.0.
    Version,
    /// Its body is larger than any that is read.
    TooLarge,
    /// Something of it is not as RFC 3261 has it.
    Malformed(&'static str),
}

impl Request {
    /// Reads the request that bytes begin with, and how many of them it takes with its body.
    ///
    /// # Errors
    /// When there is none that could be answered.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), Unread> {
        let (text, head_bytes) = head::text(bytes)?;
        let head = Head::of(&text)?;
        let start = Start::read(head.start).map_err(Malformed)?;
        let vias: Vec<String> = head.all("via", "v").map(str::to_owned).collect();
        Via::read(vias.first().ok_or(Malformed("it has no Via"))?).map_err(Malformed)?;
        // The first of several is repeated, and the response says that there are.
        let repeated = |name: &'static str, short: &'static str| {
            let value = head.all(name, short).next().filter(|value| !value.is_empty());
            value.map(str::to_owned).ok_or(Malformed("a header is missing that every message has"))
        };
        let mut request = Self {
            method: start.method.to_owned(),
            uri: start.uri.to_owned(),
            requires: head.all("require", "require").flat_map(|line| parts(line, ',')).map(extension).collect(),
            fault: None,
            from: repeated("from", "f")?,
            to: repeated("to", "t")?,
            call_id: repeated("call-id", "i")?,
            cseq: repeated("cseq", "cseq")?,
            vias,
        };
        let is_utf8 = matches!(text, Cow::Borrowed(_));
        let body = start.is_right().and_then(|()| request.length(&head, is_utf8));
        let body = body.map_err(|fault| request.fault = Some(fault)).unwrap_or_default();
        Ok((request, head_bytes.saturating_add(body)))
    }

    /// The length of its body, if all that is looked at is as it should be.
    fn length(&self, head: &Head<'_>, is_utf8: bool) -> Result<usize, Fault> {
        if !is_utf8 {
            return Err(Fault::Malformed("its head is not UTF-8"));
        }
        head.fault.map_or(Ok(()), Err)?;
        head.one("call-id", "i")?;
        for (name, short) in [("from", "f"), ("to", "t")] {
            if !is_closed(head.one(name, short)?) {
                return Err(Fault::Malformed("its From or To has a quote or a bracket without an end"));
            }
        }
        if head.cseq()?.1 != self.method {
            return Err(Fault::Malformed("its CSeq is of another method"));
        }
        let mut hops = head.all("max-forwards", "max-forwards");
        if hops.next().is_some_and(|hops| number(hops).is_none_or(|hops| hops > 255)) || hops.next().is_some() {
            return Err(Fault::Malformed("its Max-Forwards is no number up to 255"));
        }
        if !self.requires.iter().all(|one| is_token(one)) {
            return Err(Fault::Malformed("its Require names no extensions"));
        }
        let body = head.content_length()?;
        if body > BODY_BYTES_MAX { Err(Fault::TooLarge) } else { Ok(body) }
    }

    /// Where its response goes, had it come as a datagram from an address.
    #[must_use]
    pub fn response_to(&self, from: SocketAddr) -> SocketAddr {
        // That the topmost Via can be read was found when the request was.
        self.top().map_or(from, |via| via.response_to(from))
    }

    pub(super) fn top(&self) -> Option<Via<'_>> {
        self.vias.first().and_then(|line| Via::read(line).ok())
    }

    /// Whether it is of a dialogue that the one who is asked has given a tag.
    pub(super) fn has_to_tag(&self) -> bool {
        let name = |piece: &str| piece.split('=').next().unwrap_or_default().trim().eq_ignore_ascii_case("tag");
        parts(&self.to, ';').skip(1).any(name)
    }
}

fn extension(name: &str) -> String {
    name.trim().to_owned()
}

/// `OPTIONS sip:192.0.2.10 SIP/2.0`.
struct Start<'a> {
    line: &'a str,
    method: &'a str,
    uri: &'a str,
    version: &'a str,
}

impl<'a> Start<'a> {
    /// Reads what can be a request's first line, right or not.
    fn read(line: &'a str) -> Result<Self, &'static str> {
        let mut words = line.split_ascii_whitespace();
        let (method, uri) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let version = words.next_back().unwrap_or_default();
        let is_sip = |word: &str| word.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("SIP/"));
        // What begins with the version is a response, and nobody answers those.
        if is_sip(method) || !is_sip(version) {
            return Err("it does not begin as a request does");
        }
        Ok(Self { line, method, uri, version })
    }

    fn is_right(&self) -> Result<(), Fault> {
        if !self.version.eq_ignore_ascii_case("SIP/2.0") {
            return Err(Fault::Version);
        }
        let bytes =
            [self.method, self.uri, self.version].iter().fold(2_usize, |sum, word| sum.saturating_add(word.len()));
        // One blank between each two words, and nothing else beside them.
        if !is_token(self.method) || self.line.len() != bytes {
            return Err(Fault::Malformed("its first line is not a method, a URI and a version"));
        }
        Ok(())
    }
}

impl From<&'static str> for Fault {
    fn from(what: &'static str) -> Self {
        Self::Malformed(what)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test")]
mod tests;
