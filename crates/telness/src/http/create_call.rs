//! `POST /v1/calls`: what to do with a call.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use telness_core::call::CallId;

use super::api::{Api, json};
use super::asker::{Peer, asker};
use super::body;
use super::call_answer::CallAnswer;
use super::call_request::{self, IDEMPOTENCY_KEY_BYTES_MAX};
use super::call_schema::CallRequest;
use super::fields::Faults;
use super::problem::{Problem, ProblemDocument};

/// The key under which a repeated request is the same call.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that the answer is the first one again.
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// How old what the call was decided on is, in seconds, if something of it is the store's.
const SNAPSHOT_AGE: HeaderName = HeaderName::from_static("telness-snapshot-age");

/// What an answer usually takes, in bytes, so that it is written without growing.
const ANSWER_BYTES_USUAL: usize = 2048;

/// Decides what to do with a call
///
/// The answer is given once the call is on durable storage; an emergency call's answer does not wait for that. A
/// call that the plan rejects is a call too: it is answered 201 with the action `reject` and the reason, and kept.
/// A request that is refused (4xx, 5xx) leaves nothing behind, except that one answered 503 `record_not_kept` may be
/// kept yet: send it again with the Idempotency-Key that it had.
#[utoipa::path(
    post, path = "/v1/calls", tag = "calls", operation_id = "create_call",
    request_body = CallRequest,
    params(
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, description = "1 to 255 printable ASCII characters. The same key \
            and body again give the same call again, on any node; with another body it is 409."),
        ("X-Request-Id" = Option<String>, Header, description = "Taken over if it is at most 64 printable ASCII \
            characters; the answer has it in the same header."),
    ),
    responses(
        (status = 201, description = "Decided and recorded. The action may be `reject`.", body = CallAnswer,
            headers(("Location" = String, description = "Where the call can be read"),
                ("Telness-Snapshot-Age" = u64, description = "If the plan or the directory is the store's: how long ago \
                    the store was last known to hold what is in service here, in seconds"))),
        (status = 200, description = "The first answer to this Idempotency-Key again.", body = CallAnswer,
            headers(("Idempotent-Replayed" = String, description = "`true`"),
                ("Location" = String, description = "Where the call can be read"),
                ("Telness-Snapshot-Age" = u64, description = "As with 201"))),
        (status = 400, description = "request_unreadable: no JSON, not UTF-8, cut short, nested too deep, a field twice",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "unauthenticated: the key is not known, or this peer needs one",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "peer_unknown, tenant_suspended, operator_has_no_calls", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 408, description = "request_timeout: the body did not arrive in time", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 409, description = "idempotency_conflict: the key was used for another request",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "request_too_large", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 415, description = "media_type_unsupported: not application/json", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 421, description = "misdirected: a normal call on the listener of emergency and vital calls",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "field_missing, field_unknown, field_invalid, number_invalid: every wrong field",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "rate_limited, emergency_tests_limited: with Retry-After", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 500, description = "internal", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "overloaded, record_not_kept, shutting_down: with Retry-After; no_emergency_route: \
            without one, try elsewhere at once",
            body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn create_call(State(api): State<Arc<Api>>, request: Request) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let body = body::read(&head.headers, body, api.body).await;
    let mut faults = Faults::default();
    if let Some(cut) = body.cut {
        // The engine refuses it for that, and counts it, unless what arrived is an emergency call.
        faults.body(cut.reason, cut.detail);
    }
    body::expect_json(&head.headers, &mut faults);
    let key = idempotency_key(&head.headers, &mut faults);
    let asked = call_request::read(&body.bytes, key, faults);
    let peer = head.extensions.get::<Peer>().copied().ok_or_else(Problem::internal)?;
    let answer = api.engine.handle_call(&asker(&head.headers, peer), asked.draft).await?;
    let status = if answer.replayed { StatusCode::OK } else { StatusCode::CREATED };
    let mut response = json(status, &CallAnswer::of(&answer, asked.trace), ANSWER_BYTES_USUAL)?;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location(answer.record.routing.call_id));
    if let Some(age) = api.engine.snapshot_age_s() {
        headers.insert(SNAPSHOT_AGE, HeaderValue::from(age));
    }
    if answer.replayed {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn location(id: CallId) -> HeaderValue {
    // Hexadecimal digits and dashes are always a header's value.
    HeaderValue::try_from(format!("/v1/calls/{id}")).unwrap_or_else(|_| HeaderValue::from_static("/v1/calls"))
}

fn idempotency_key(headers: &HeaderMap, faults: &mut Faults) -> Option<Arc<str>> {
    let mut sent = headers.get_all(IDEMPOTENCY_KEY).iter();
    let first = sent.next()?;
    let fits = |key: &&str| (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len());
    let key = first.to_str().ok().filter(fits).filter(|_| sent.next().is_none());
    if key.is_none() {
        let why = format!("must be one value of 1 to {IDEMPOTENCY_KEY_BYTES_MAX} printable ASCII characters");
        faults.invalid("Idempotency-Key", why);
    }
    key.map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_printable_value() {
        let of = |sent: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for one in sent {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(one).unwrap());
            }
            let mut faults = Faults::default();
            (idempotency_key(&headers, &mut faults).map(|key| key.len()), faults.count())
        };
        assert_eq!(of(&[]), (None, 0));
        assert_eq!(of(&[&[b'k'; 255]]), (Some(255), 0));
        for wrong in [&[&[b'k'; 256][..]][..], &[b""], &[b"\xe5"], &[b"a", b"b"]] {
            assert_eq!(of(wrong), (None, 1));
        }
    }
}
