//! Reads a request's body, bounded in bytes and in time, without copying one that arrived whole.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use telness_core::reason::Reason;

use super::fields::Faults;
use super::problem::Problem;

/// What a body may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    /// Its size in bytes.
    pub(super) bytes_max: usize,
    /// How long it may take to arrive.
    pub(super) arrival_max: Duration,
}

/// What arrived of a body.
#[derive(Debug)]
pub(super) struct Arrived {
    /// The bytes, from the first on; no more than the limit.
    pub(super) bytes: Bytes,
    /// Why they are not the whole body.
    pub(super) cut: Option<Cut>,
}

/// Why a body did not arrive whole.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) reason: Reason,
    pub(super) detail: String,
}

impl Arrived {
    /// The body, if it is whole.
    pub(super) fn whole(self) -> Result<Bytes, Problem> {
        match self.cut {
            None => Ok(self.bytes),
            Some(cut) => Err(cut.into()),
        }
    }
}

impl From<Cut> for Problem {
    fn from(cut: Cut) -> Self {
        Self::new(cut.reason, cut.detail)
    }
}

/// Reads a body as far as it comes and fits: what arrived may be an emergency call, whatever became of the rest (E8).
pub(super) async fn read(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Arrived {
    let mut gathered = Gathered::default();
    // A body that is here already is read before the timer is even registered.
    let cut = match tokio::time::timeout(limits.arrival_max, gathered.all(body, limits)).await {
        Ok(read) => read.err(),
        Err(_elapsed) => {
            let waited = limits.arrival_max.as_millis();
            let detail = format!("the body did not arrive whole within {waited} ms");
            Some(Cut { reason: Reason::RequestTimeout, detail })
        }
    };
    Arrived { bytes: gathered.into_bytes(), cut: declared_too_large(headers, limits).or(cut) }
}

/// Whether a body says of itself that it does not fit. One that cannot be an emergency call is not even read then.
pub(super) fn declared_too_large(headers: &HeaderMap, limits: BodyLimits) -> Option<Cut> {
    let declared = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
    let most = u64::try_from(limits.bytes_max).unwrap_or(u64::MAX);
    (declared > most).then(|| too_large(limits))
}

fn too_large(limits: BodyLimits) -> Cut {
    let detail = format!("the body is larger than {} bytes", limits.bytes_max);
    Cut { reason: Reason::RequestTooLarge, detail }
}

/// The bytes so far. The first piece is kept as it came, since it usually is all.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    whole: Vec<u8>,
}

impl Gathered {
    async fn all(&mut self, mut body: Body, limits: BodyLimits) -> Result<(), Cut> {
        while let Some(frame) = body.frame().await {
            let ended =
                |_| Cut { reason: Reason::RequestUnreadable, detail: "the body ended before it was whole".to_owned() };
            // What is no data is trailers, which say nothing here.
            let Ok(mut data) = frame.map_err(ended)?.into_data() else { continue };
            let room = limits.bytes_max.saturating_sub(self.first.len().saturating_add(self.whole.len()));
            let fits = data.len() <= room;
            data.truncate(room);
            self.add(data);
            if !fits {
                return Err(too_large(limits));
            }
        }
        Ok(())
    }

    fn add(&mut self, data: Bytes) {
        if self.first.is_empty() && self.whole.is_empty() {
            self.first = data;
        } else {
            if self.whole.is_empty() {
                self.whole.extend_from_slice(&std::mem::take(&mut self.first));
            }
            self.whole.extend_from_slice(&data);
        }
    }

    fn into_bytes(self) -> Bytes {
        if self.whole.is_empty() { self.first } else { Bytes::from(self.whole) }
    }
}

/// Says if the body is not declared to be JSON. It is read all the same, since it may be an emergency call (E8).
pub(super) fn expect_json(headers: &HeaderMap, faults: &mut Faults) {
    let mut sent = headers.get_all(header::CONTENT_TYPE).iter();
    let one = sent.next().filter(|_| sent.next().is_none());
    if !one.is_some_and(|sent| is_json(sent.as_bytes())) {
        faults.add("Content-Type", Reason::MediaTypeUnsupported, "must be application/json");
    }
}

/// Whether it is `application/json`, with UTF-8 as the charset if one is named.
fn is_json(media_type: &[u8]) -> bool {
    if media_type == b"application/json" {
        return true;
    }
    let Ok(text) = std::str::from_utf8(media_type) else { return false };
    let mut parts = text.split(';').map(str::trim);
    parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
        && parts.filter(|part| !part.is_empty()).all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;

    const LIMITS: BodyLimits = BodyLimits { bytes_max: 8, arrival_max: Duration::from_millis(50) };

    fn chunks(chunks: &'static [&'static str]) -> Body {
        Body::from_stream(stream::iter(chunks.iter().map(|chunk| Ok::<_, std::io::Error>(*chunk))))
    }

    #[test]
    fn only_json_in_utf8_is_json() {
        for yes in ["application/json", "Application/JSON; charset=UTF-8", "application/json;charset=\"utf-8\";"] {
            assert!(is_json(yes.as_bytes()), "{yes}");
        }
        for no in ["", "text/plain", "application/jsonp", "application/json; charset=latin1", "application/json; v=1"] {
            assert!(!is_json(no.as_bytes()), "{no}");
        }
    }

    async fn arrived(headers: &HeaderMap, body: Body) -> (Bytes, Option<Reason>) {
        let arrived = read(headers, body, LIMITS).await;
        (arrived.bytes, arrived.cut.map(|cut| cut.reason))
    }

    #[tokio::test]
    async fn the_limit_holds_whatever_is_declared() {
        let headers = HeaderMap::new();
        assert_eq!(arrived(&headers, chunks(&["1234", "56", "78"])).await, ("12345678".into(), None));
        let too_large = Some(Reason::RequestTooLarge);
        assert_eq!(arrived(&headers, chunks(&["1234", "56789"])).await, ("12345678".into(), too_large));
        let declared = HeaderMap::from_iter([(header::CONTENT_LENGTH, "9".parse().unwrap())]);
        assert_eq!(arrived(&declared, chunks(&["1234"])).await, ("1234".into(), too_large));
    }

    #[tokio::test]
    async fn e8_what_arrived_of_a_body_that_never_ends_is_kept() {
        let endless = stream::iter([Ok::<_, std::io::Error>("1234")]).chain(stream::pending());
        let timeout = Some(Reason::RequestTimeout);
        assert_eq!(arrived(&HeaderMap::new(), Body::from_stream(endless)).await, ("1234".into(), timeout));
        let broken = stream::iter([Ok("1234"), Err(std::io::ErrorKind::UnexpectedEof)]);
        let unreadable = Some(Reason::RequestUnreadable);
        let broken = Body::from_stream(broken.map(|piece| piece.map_err(std::io::Error::from)));
        assert_eq!(arrived(&HeaderMap::new(), broken).await, ("1234".into(), unreadable));
    }
}
