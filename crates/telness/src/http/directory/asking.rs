//! What requests of the directory have in common: who asks, what the query says, and what has to be there before.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri, header};
use telness_core::reason::Reason;
use telness_engine::Asker;
use telness_store::control::{Expect, Version};

use super::super::asker::{Peer, asker};
use super::super::fields::{Faults, plain};
use super::super::paging::{LIMIT, LIMIT_USUAL, parameters};
use super::super::problem::Problem;

/// The longest comment on a change, in bytes.
const COMMENT_BYTES_MAX: usize = 512;

/// The head of a request.
#[derive(Debug)]
pub struct Head {
    /// Where it goes.
    pub(super) uri: Uri,
    /// Its headers.
    pub(super) headers: HeaderMap,
    peer: Option<Peer>,
}

impl<S: Send + Sync> FromRequestParts<S> for Head {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().copied();
        Ok(Self { uri: parts.uri.clone(), headers: parts.headers.clone(), peer })
    }
}

impl Head {
    /// Who asks. Without a key it has to name this machine: otherwise any page that a browser looks at here, or that a
    /// foreign name leads here, could edit what a trial keeps (P5).
    pub(in crate::http) fn asker(&self) -> Result<Asker<'_>, Problem> {
        const FOREIGN: &str = "no API key was sent, and the request is of another host than this machine";
        let asker = asker(&self.headers, self.peer.ok_or_else(Problem::internal)?);
        if asker.key.is_none() && !is_of_this_machine(&self.headers) {
            return Err(Problem::new(Reason::Unauthenticated, FOREIGN));
        }
        Ok(asker)
    }
}

/// Whether a request was sent to an address or to `localhost`, and by no page of another host.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let own = |authority: &str| {
        let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let host = host.map_or(authority, |(host, _)| host).trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok()
    };
    let text = |name| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    let origin = |origin: &str| origin.split_once("://").is_some_and(|(_, authority)| own(authority));
    text(header::HOST).all(own) && text(header::ORIGIN).all(origin)
}

/// The parameters of a query, each taken once.
#[derive(Debug)]
pub(super) struct Query {
    sent: Vec<(String, String)>,
    pub(super) faults: Faults,
}

impl Query {
    pub(super) fn of(uri: &Uri) -> Self {
        Self { sent: parameters(uri), faults: Faults::default() }
    }

    /// Takes a parameter, or says what it must be.
    pub(super) fn take<T>(&mut self, name: &str, must: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let at = self.sent.iter().position(|(sent, _)| sent == name)?;
        let (_, value) = self.sent.remove(at);
        if self.sent.iter().any(|(sent, _)| sent == name) {
            self.sent.retain(|(sent, _)| sent != name);
            self.faults.invalid(name, "is there more than once");
            return None;
        }
        let taken = read(&value);
        if taken.is_none() {
            self.faults.invalid(name, format!("must be {must}"));
        }
        taken
    }

    /// How much of one page.
    pub(super) fn limit(&mut self) -> u32 {
        let read = |text: &str| text.parse().ok().filter(|limit| LIMIT.contains(limit));
        let limit = self.take("limit", "a whole number from 1 to 1000", read);
        limit.unwrap_or(LIMIT_USUAL).into()
    }

    /// Where a page goes on.
    pub(super) fn cursor<T>(&mut self, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.take("cursor", "the `next` of the page before, as it is", read)
    }

    /// Why a change is made.
    pub(super) fn comment(&mut self) -> String {
        let rule = plain(COMMENT_BYTES_MAX);
        let must = "1 to 512 bytes of text without control characters";
        self.take("comment", must, |text| rule.check(text).is_ok().then(|| text.to_owned())).unwrap_or_default()
    }

    /// Says that every parameter that was not taken is unknown.
    pub(super) fn done(mut self) -> Result<(), Problem> {
        for (name, _) in &self.sent {
            let shown: String = name.chars().filter(|one| !one.is_control()).take(64).collect();
            self.faults.add(&shown, Reason::FieldUnknown, "is no parameter of this request");
        }
        if self.faults.none() { Ok(()) } else { Err(Problem::of_faults(self.faults.into_vec())) }
    }
}

/// What a request says has to be there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// What the store is told.
    Expect(Expect),
    /// Something, of whichever version.
    Present,
}

/// Reads `If-Match` and `If-None-Match` of a request that changes something.
pub(super) fn before(headers: &HeaderMap) -> Result<Before, Problem> {
    let mut faults = Faults::default();
    let (if_match, if_none) = (one(headers, header::IF_MATCH), one(headers, header::IF_NONE_MATCH));
    let before = match (if_match, if_none) {
        (Ok(None), Ok(None)) => Before::Expect(Expect::Any),
        (Ok(Some("*")), Ok(None)) => Before::Present,
        (Ok(Some(tag)), Ok(None)) if !tag.contains(',') => Before::Expect(Expect::Version(version_of(tag))),
        (Ok(None), Ok(Some("*"))) => Before::Expect(Expect::Absent),
        (Ok(Some(_)), Ok(Some(_))) => {
            faults.invalid("If-None-Match", "cannot be together with If-Match");
            Before::Present
        }
        (Err(()) | Ok(Some(_)), _) => {
            faults.invalid("If-Match", "must be one ETag, as it was answered, or *");
            Before::Present
        }
        (_, Err(()) | Ok(Some(_))) => {
            faults.invalid("If-None-Match", "must be * where something is changed");
            Before::Present
        }
    };
    if faults.none() { Ok(before) } else { Err(Problem::of_faults(faults.into_vec())) }
}

/// Refuses a precondition on several things at once: each has a version of its own, and says it itself. One that was
/// passed over would let whoever sent it overwrite what another changed.
pub(super) fn no_precondition(headers: &HeaderMap) -> Result<(), Problem> {
    const WHY: &str = "is of one thing; say the `version` of each item in the body instead";
    let mut faults = Faults::default();
    for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
        if headers.contains_key(&name) {
            faults.invalid(if name == header::IF_MATCH { "If-Match" } else { "If-None-Match" }, WHY);
        }
    }
    if faults.none() { Ok(()) } else { Err(Problem::of_faults(faults.into_vec())) }
}

/// The one value of a header, if it was sent.
fn one(headers: &HeaderMap, name: header::HeaderName) -> Result<Option<&str>, ()> {
    let mut sent = headers.get_all(name).iter();
    let first = sent.next();
    if sent.next().is_some() {
        return Err(());
    }
    first.map(|value| value.to_str().map(str::trim).map_err(|_| ())).transpose()
}

/// The version that a tag is of. A tag that is not ours, or a weak one, is of none that there is.
pub(super) fn version_of(tag: &str) -> Version {
    let quoted = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    Version(quoted.and_then(|version| version.parse().ok()).unwrap_or(-1))
}

/// Whether what somebody has already is of this version.
pub(super) fn has_it(headers: &HeaderMap, version: Version) -> bool {
    let sent = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = sent.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
    tags.any(|tag| tag == "*" || version_of(tag) == version)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(sent: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn what_has_to_be_there_is_one_tag_or_a_star() {
        let of = |sent: &[_]| before(&headers(sent)).map_err(|problem| problem.errors.len());
        let version = |version| Ok(Before::Expect(Expect::Version(Version(version))));
        assert_eq!(of(&[]), Ok(Before::Expect(Expect::Any)));
        assert_eq!(of(&[(header::IF_MATCH, "\"17\"")]), version(17));
        assert_eq!(of(&[(header::IF_MATCH, "*")]), Ok(Before::Present));
        assert_eq!(of(&[(header::IF_NONE_MATCH, "*")]), Ok(Before::Expect(Expect::Absent)));
        for no_version_of_ours in ["W/\"17\"", "17", "\"x\"", "", "\"99999999999999999999\""] {
            assert_eq!(of(&[(header::IF_MATCH, no_version_of_ours)]), version(-1), "{no_version_of_ours}");
        }
        for wrong in [
            &[(header::IF_MATCH, "\"1\", \"2\"")][..],
            &[(header::IF_MATCH, "\"1\""), (header::IF_MATCH, "\"1\"")],
            &[(header::IF_NONE_MATCH, "\"1\"")],
            &[(header::IF_NONE_MATCH, "*"), (header::IF_MATCH, "\"1\"")],
        ] {
            assert_eq!(of(wrong), Err(1), "{wrong:?}");
        }
    }

    #[test]
    fn p5_a_page_of_another_host_is_not_this_machine() {
        for own in ["127.0.0.1:8080", "[::1]:8080", "localhost", "LOCALHOST:1", "192.0.2.1"] {
            assert!(is_of_this_machine(&headers(&[(header::HOST, own)])), "{own}");
        }
        for foreign in ["rebound.example:8080", "localhost.example", "127.0.0.1.example"] {
            assert!(!is_of_this_machine(&headers(&[(header::HOST, foreign)])), "{foreign}");
        }
        let from = |origin| is_of_this_machine(&headers(&[(header::HOST, "127.0.0.1"), (header::ORIGIN, origin)]));
        assert!(from("http://localhost:3000") && !from("https://page.example") && !from("null"));
    }

    #[test]
    fn a_parameter_is_taken_once_and_no_other_is_known() {
        let done = |query: &str| {
            let mut query = Query::of(&format!("/x?{query}").parse().unwrap());
            let limit = query.limit();
            query.comment();
            query.done().map(|()| limit).map_err(|problem| problem.errors.len())
        };
        assert_eq!(done(""), Ok(100));
        assert_eq!(done("limit=7&comment=f%C3%B6r%20anna"), Ok(7));
        assert_eq!(done("limit=0&limit=1&comment=%0a&colour=1"), Err(3));
    }
}
