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

/// The whole body.
pub(super) async fn read(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Bytes, Problem> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let most = u64::try_from(limits.bytes_max).unwrap_or(u64::MAX);
    if declared.is_some_and(|length| length > most) {
        return Err(too_large(limits));
    }
    // A body that is here already is read before the timer is even registered.
    match tokio::time::timeout(limits.arrival_max, collect(body, limits)).await {
        Ok(read) => read,
        Err(_elapsed) => {
            let waited = limits.arrival_max.as_millis();
            Err(Problem::new(Reason::RequestTimeout, format!("the body did not arrive whole within {waited} ms")))
        }
    }
}

fn too_large(limits: BodyLimits) -> Problem {
    Problem::new(Reason::RequestTooLarge, format!("the body is larger than {} bytes", limits.bytes_max))
}

async fn collect(mut body: Body, limits: BodyLimits) -> Result<Bytes, Problem> {
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let cut_short = |_| Problem::new(Reason::RequestUnreadable, "the body ended before it was whole");
        // What is no data is trailers, which say nothing here.
        let Ok(data) = frame.map_err(cut_short)?.into_data() else { continue };
        let before = first.len().saturating_add(whole.len());
        if before.saturating_add(data.len()) > limits.bytes_max {
            return Err(too_large(limits));
        }
        if before == 0 {
            first = data;
        } else {
            if whole.is_empty() {
                whole.extend_from_slice(&std::mem::take(&mut first));
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(if whole.is_empty() { first } else { Bytes::from(whole) })
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
    use futures_util::stream;

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

    #[tokio::test]
    async fn the_limit_holds_whatever_is_declared() {
        let headers = HeaderMap::new();
        assert_eq!(read(&headers, chunks(&["1234", "56", "78"]), LIMITS).await.unwrap(), "12345678");
        let over = read(&headers, chunks(&["1234", "56789"]), LIMITS).await.unwrap_err();
        assert_eq!(over.reason, Reason::RequestTooLarge);
        let declared = HeaderMap::from_iter([(header::CONTENT_LENGTH, "9".parse().unwrap())]);
        assert_eq!(read(&declared, Body::empty(), LIMITS).await.unwrap_err().reason, Reason::RequestTooLarge);
    }

    #[tokio::test]
    async fn a_body_that_never_ends_is_not_waited_for() {
        let endless = Body::from_stream(stream::pending::<Result<&'static str, std::io::Error>>());
        assert_eq!(read(&HeaderMap::new(), endless, LIMITS).await.unwrap_err().reason, Reason::RequestTimeout);
    }
}
