//! `POST /v1/calls/{id}/events`: what happened to a leg of a call.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use telness_core::reason::Reason;
use telness_core::record::{Cause, EventKind};
use telness_core::standing::Refusal;
use telness_core::time::Timestamp;
use telness_engine::{CallError, EventReport};
use utoipa::ToSchema;

use super::api::{Api, PathId, json};
use super::asker::{Peer, asker};
use super::body;
use super::call_request::{SIP_CALL_ID_BYTES_MAX, open, text_of};
use super::fields::{Faults, Fields, graphic};
use super::json::Json;
use super::problem::{Problem, ProblemDocument};
use super::words::{EventKindWord, RecordedWord};

/// Before this no event happened, and after the other no clock is right: 2000-01-01 and 2100-01-01.
const TIMES: (Timestamp, Timestamp) =
    (Timestamp::from_micros(946_684_800_000_000), Timestamp::from_micros(4_102_444_800_000_000));

/// What happened to a leg.
#[derive(ToSchema)]
#[schema(example = json!({
    "event_id": "e-1", "leg": "1.1", "kind": "failed", "cause": {"sip": 486, "q850": 17},
    "occurred_at": "2026-11-23T08:00:07.250Z", "sip_call_id": "a84b4c76e66710@192.0.2.10"
}))]
#[serde(deny_unknown_fields)]
pub struct EventRequest {
    /// What makes it the same event when it is reported again: printable ASCII, at most 64 bytes. Made from the
    /// event's content if absent, so that even then a repeated report counts once.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "e-1")]
    pub event_id: Option<String>,
    /// Which leg, as the answer names it: printable ASCII, at most 64 bytes.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$", example = "1.1")]
    pub leg: String,
    /// `ringing`, `answered`, `failed` (it ended without an answer) or `ended` (after one).
    #[schema(example = "failed")]
    pub kind: EventKindWord,
    /// Why, for `failed` and `ended` alone.
    pub cause: Option<CauseRequest>,
    /// When it happened, RFC 3339 with an offset, from 2000 to 2099; when it arrived, if absent.
    #[schema(format = DateTime, example = "2026-11-23T08:00:07.250Z")]
    pub occurred_at: Option<String>,
    /// The switch's own id of the call: printable ASCII, at most 255 bytes.
    #[schema(min_length = 1, max_length = 255, pattern = "^[!-~]+$", example = "a84b4c76e66710@192.0.2.10")]
    pub sip_call_id: Option<String>,
}

/// Why a leg failed or ended: one of the two at least.
#[derive(ToSchema)]
#[schema(min_properties = 1)]
#[serde(deny_unknown_fields)]
pub struct CauseRequest {
    /// The SIP status.
    #[schema(minimum = 300, maximum = 699, example = 486)]
    pub sip: Option<u16>,
    /// The Q.850 cause, as in a Reason header (RFC 3326). It outranks the SIP status.
    #[schema(minimum = 1, maximum = 127, example = 17)]
    pub q850: Option<u16>,
}

/// An event that was taken.
#[derive(Serialize, ToSchema)]
#[schema(as = EventTaken)]
pub struct EventAnswer<'a> {
    /// The event's id, sent or made.
    #[schema(example = "e-1")]
    event_id: &'a str,
    /// How it is recorded: `journaled`, which is durable on this node.
    #[schema(value_type = RecordedWord, example = "journaled")]
    recorded: &'a str,
}

/// Reports what happened to a leg
///
/// Events may come in any order, more than once, late, or before their call; the detail record is the same for
/// every order. The answer is given once the event is on durable storage. A call of this id need not be known.
/// Of each kind the first 128 events of a call count, by the switch's clock; what is beyond is kept beside.
#[utoipa::path(
    post, path = "/v1/calls/{id}/events", tag = "calls", operation_id = "report_event",
    request_body = EventRequest,
    params(("id" = uuid::Uuid, Path, description = "The call's id, as the answer to POST /v1/calls has it")),
    responses(
        (status = 202, description = "Taken and durable.", body = EventAnswer),
        (status = 400, description = "request_unreadable", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 401, description = "unauthenticated", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "peer_unknown, operator_has_no_calls", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "not_found: the id is no UUID", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 408, description = "request_timeout", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 413, description = "request_too_large", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 415, description = "media_type_unsupported", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "field_missing, field_unknown, field_invalid: every wrong field",
            body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "internal", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "record_not_kept, shutting_down: with Retry-After", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub async fn report_event(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    if let Some(cut) = body::declared_too_large(&head.headers, api.body) {
        return Err(cut.into());
    }
    let body = body::read(&head.headers, body, api.body).await.whole()?;
    let mut faults = Faults::default();
    body::expect_json(&head.headers, &mut faults);
    let report = read(&body, faults)?;
    let peer = head.extensions.get::<Peer>().copied().ok_or_else(Problem::internal)?;
    let taken = api.engine.take_event(&asker(&head.headers, peer), id, report).await?;
    let answer = EventAnswer { event_id: taken.event_id.as_str(), recorded: taken.proof.as_str() };
    json(StatusCode::ACCEPTED, &answer, 128)
}

/// Reads a report. `faults` has what the head of the request had wrong.
///
/// # Errors
/// Every wrong field.
pub fn read(body: &[u8], mut faults: Faults) -> Result<EventReport, CallError> {
    let text = text_of(body, &mut faults);
    let entries = open(&text, &mut faults).unwrap_or_default();
    let readable = !faults.of_body();
    let mut fields = Fields::new("", entries, &mut faults);
    let event_id = fields.text("event_id", graphic(64)).and_then(|text| text.parse().ok());
    let leg = needed(&mut fields, readable, "leg", |fields| fields.text("leg", graphic(64)));
    let leg = leg.and_then(|text| text.parse().ok());
    let kind = needed(&mut fields, readable, "kind", |fields| {
        fields.word("kind", |word| word.parse().ok(), "one of ringing, answered, failed and ended")
    });
    let cause = cause(&mut fields, kind);
    let occurred_at = fields.word("occurred_at", time, "RFC 3339 with an offset, from 2000 to 2099");
    let sip_call_id = fields.text("sip_call_id", graphic(SIP_CALL_ID_BYTES_MAX)).map(|text| Arc::from(&*text));
    fields.done();
    match (leg, kind) {
        (Some(leg), Some(kind)) if faults.none() => {
            Ok(EventReport { event_id, leg, kind, cause, occurred_at, sip_call_id })
        }
        _ => Err(CallError::Refused(Refusal { denials: Vec::new(), faults: faults.into_vec() })),
    }
}

/// A field that has to be there; that it is not is said unless something else of it was.
fn needed<'a, T>(
    fields: &mut Fields<'a, '_>,
    readable: bool,
    name: &'static str,
    read: impl FnOnce(&mut Fields<'a, '_>) -> Option<T>,
) -> Option<T> {
    let before = fields.faults.count();
    let value = read(fields);
    if value.is_none() && readable && fields.faults.count() == before {
        fields.faults.add(name, Reason::FieldMissing, Cow::Borrowed("is needed"));
    }
    value
}

fn cause(fields: &mut Fields<'_, '_>, kind: Option<EventKind>) -> Option<Cause> {
    let entries = match fields.take("cause")? {
        Json::Object(entries) => entries,
        _ => {
            fields.invalid("cause", "must be an object");
            return None;
        }
    };
    if matches!(kind, Some(EventKind::Ringing | EventKind::Answered)) {
        fields.invalid("cause", "belongs to failed and ended alone");
    }
    let mut inner = Fields::new("cause", entries, fields.faults);
    let before = inner.faults.count();
    let sip = inner.whole("sip", 300, 699);
    let q850 = inner.whole("q850", 1, 127);
    if sip.is_none() && q850.is_none() && inner.faults.count() == before {
        inner.faults.invalid("cause", "must have sip, q850 or both");
    }
    inner.done();
    Some(Cause { sip, q850 })
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|time| (TIMES.0..TIMES.1).contains(time))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults(text: &str) -> Vec<(String, Reason)> {
        match read(text.as_bytes(), Faults::default()) {
            Ok(_) => Vec::new(),
            Err(CallError::Refused(refusal)) => {
                refusal.faults.into_iter().map(|fault| (fault.field.to_string(), fault.reason)).collect()
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_whole_report_is_read() {
        use utoipa::PartialSchema as _;
        let schema = serde_json::to_value(EventRequest::schema()).unwrap();
        assert_eq!(faults(&schema["example"].to_string()), []);
        let report = read(schema["example"].to_string().as_bytes(), Faults::default()).unwrap();
        assert_eq!(report.cause, Some(Cause { sip: Some(486), q850: Some(17) }));
        assert_eq!(report.kind, EventKind::Failed);
        assert_eq!(schema["properties"].as_object().unwrap().len(), 6);
    }

    #[test]
    fn every_wrong_field_is_told_at_once() {
        let cases = [
            (r#"{}"#, vec!["leg", "kind"]),
            (r#"{"leg":"a b","kind":"rang","event_id":""}"#, vec!["event_id", "leg", "kind"]),
            (r#"{"leg":"1.1","kind":"ringing","cause":{"sip":486}}"#, vec!["cause"]),
            (r#"{"leg":"1.1","kind":"failed","cause":{}}"#, vec!["cause"]),
            (
                r#"{"leg":"1.1","kind":"failed","cause":{"sip":200,"q850":128,"x":1}}"#,
                vec!["cause.sip", "cause.q850", "cause.x"],
            ),
            (r#"{"leg":"1.1","kind":"ended","occurred_at":"1999-12-31T23:59:59Z"}"#, vec!["occurred_at"]),
            (r#"{"leg":"1.1","kind":"ended","occurred_at":"2026-11-23 08:00"}"#, vec!["occurred_at"]),
            (r#"{"leg":"1.1","leg":"1.2","kind":"ended"}"#, vec!["leg"]),
            ("[]", vec![""]),
            ("{", vec![""]),
        ];
        for (text, fields) in cases {
            let found = faults(text);
            let found: Vec<&str> = found.iter().map(|(field, _)| field.as_str()).collect();
            assert_eq!(found, fields, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_report_or_have_a_fault(body in prop::collection::vec(any::<u8>(), 0..256)) {
            if let Err(CallError::Refused(refusal)) = read(&body, Faults::default()) {
                prop_assert!(!refusal.faults.is_empty());
            }
        }
    }
}
