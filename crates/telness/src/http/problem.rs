//! Why a request was not done, as a problem document (RFC 9457): the one place where reasons become HTTP.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use telness_core::call::FieldFault;
use telness_core::deck::{DeckError, DeckFault};
use telness_core::reason::Reason;
use telness_core::standing::Refusal;
use telness_engine::deck_flow::DeckLoadError;
use telness_engine::directory_flow::{DirectoryError, reason_of_refusal};
use telness_engine::plan_flow::PublishError;
use telness_engine::{CallError, ReadError};
use telness_store::control::{ControlError, Refusal as Refused, Version};
use utoipa::ToSchema;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// After how many seconds a request that the service could not do now may be sent again, where nothing better is known.
const RETRY_AFTER_S: u64 = 1;

/// What became of a record that the journal did not take in time. It may take it later.
const NOT_KEPT: &str = "it was not acknowledged, since the journal did not take it in time; it may be kept yet: send it \
    again, a call with its Idempotency-Key and an event with its event_id";

/// What is told of an emergency call that leads nowhere.
const NO_WAY: &str = "there is no way for an emergency call from here; try another node or network at once";

/// Why a request was not done. Becomes a document once the request's id is known.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The stable reason, which gives the status.
    pub reason: Reason,
    /// What happened to this request, in a sentence.
    pub detail: Cow<'static, str>,
    /// Every wrong field.
    pub errors: Vec<FieldFault>,
    /// The version of what is there, where another was expected.
    pub found: Option<Version>,
    /// After how many seconds it may be sent again, where that is known.
    pub retry_after_s: Option<u64>,
}

/// A problem document (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:telness:reason:field_invalid",
    "title": "A field has a value that it cannot have.",
    "status": 422,
    "detail": "1 field is wrong",
    "instance": "urn:telness:request:5f1c0a9e3b2d4c66-1",
    "reason": {"code": 304, "name": "field_invalid"},
    "errors": [{"field": "privacy", "reason": {"code": 304, "name": "field_invalid"},
                "detail": "must be none or withheld"}]
}))]
pub struct ProblemDocument<'a> {
    /// `urn:telness:reason:` and the reason's name; it never changes its meaning.
    #[serde(rename = "type")]
    kind: String,
    /// What the reason means, for people.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What happened to this request, for people.
    detail: &'a str,
    /// `urn:telness:request:` and the request id that `X-Request-Id` also has; the log names it.
    instance: String,
    /// The stable reason.
    reason: ReasonName,
    /// Every wrong field; absent when no field is at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem<'a>>,
}

/// A reason by its permanent code and name; `telness explain CODE` says more.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub struct ReasonName {
    /// The permanent code.
    #[schema(example = 304)]
    code: u16,
    /// The permanent name.
    #[schema(example = "field_invalid")]
    name: &'static str,
}

impl From<Reason> for ReasonName {
    fn from(reason: Reason) -> Self {
        Self { code: reason.code(), name: reason.name() }
    }
}

/// What is wrong with one field.
#[derive(Serialize, ToSchema)]
pub struct FieldProblem<'a> {
    /// The field as a path, such as `location.latitude` or `diversions[0].by`; a header by its name; empty for the
    /// body as a whole.
    #[schema(example = "location.latitude")]
    field: &'a str,
    /// The stable reason.
    reason: ReasonName,
    /// What is wrong, for people.
    #[schema(example = "must be from -90 to 90; it is 91")]
    detail: &'a str,
}

impl<'a> From<&'a FieldFault> for FieldProblem<'a> {
    fn from(fault: &'a FieldFault) -> Self {
        Self { field: &fault.field, reason: fault.reason.into(), detail: &fault.detail }
    }
}

impl Problem {
    /// A problem with no field at fault.
    pub fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), errors: Vec::new(), found: None, retry_after_s: None }
    }

    /// One that may be sent again after so many seconds.
    fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// A request that the high workflow's listener is not for.
    pub fn misdirected(send_to: &str) -> Self {
        let detail = format!("this listener is for emergency and vital calls alone; {send_to} takes this");
        Self::new(Reason::Misdirected, detail)
    }

    /// A request with wrong fields; the first gives the status.
    #[must_use]
    pub fn of_faults(mut errors: Vec<FieldFault>) -> Self {
        // A destination that was missing or no text was also no number: that is said once.
        let told = |all: &[FieldFault], at: usize, field: &str| all.iter().take(at).any(|other| &*other.field == field);
        let all = errors.clone();
        let mut at = 0_usize;
        errors.retain(|fault| {
            let keep = fault.reason != Reason::NumberInvalid
                || !(told(&all, at, &fault.field) || (&*fault.field == "to" && told(&all, at, "")));
            at = at.saturating_add(1);
            keep
        });
        let reason = errors.first().map_or(Reason::FieldInvalid, |fault| fault.reason);
        let detail = match errors.as_slice() {
            [one] if one.field.is_empty() => Cow::Owned(one.detail.to_string()),
            [_] => Cow::Borrowed("1 field is wrong"),
            more => Cow::Owned(format!("{} fields are wrong", more.len())),
        };
        Self { errors, ..Self::new(reason, detail) }
    }

    fn of_refusal(refusal: Refusal) -> Self {
        match refusal.denials.into_iter().next() {
            Some(denial) => Self::new(denial.reason, denial.detail.to_string()),
            None => Self::of_faults(refusal.faults),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.reason.page().http)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer to the request of this id.
    #[must_use]
    pub fn response(&self, request_id: &str) -> Response {
        let page = self.reason.page();
        let status = self.status();
        let document = ProblemDocument {
            kind: format!("urn:telness:reason:{}", page.name),
            title: page.what,
            status: status.as_u16(),
            detail: &self.detail,
            instance: format!("urn:telness:request:{request_id}"),
            reason: self.reason.into(),
            errors: self.errors.iter().map(FieldProblem::from).collect(),
        };
        // Texts and numbers alone: this does not fail.
        let bytes = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = status;
        self.headers(status, response.headers_mut());
        if let Some(tag) = self.found.and_then(|version| HeaderValue::try_from(format!("\"{version}\"")).ok()) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }

    fn headers(&self, status: StatusCode, headers: &mut HeaderMap) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"telness\""));
            }
            // Whoever sent an emergency call is to try elsewhere at once (E16).
            _ if self.reason == Reason::NoEmergencyRoute => {}
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after_s.unwrap_or(RETRY_AFTER_S)));
            }
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                // The rest of the body is not read.
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let reason = error.reason();
        match error {
            CallError::Refused(refusal) => Self::of_refusal(refusal),
            CallError::Conflict => Self::new(reason, "the Idempotency-Key was used before for another request"),
            CallError::Overloaded { retry_after_s } => {
                Self::new(reason, "there are more calls than are taken now").retry_after(retry_after_s)
            }
            CallError::RateLimited { calls_per_s_max, retry_after_s } => {
                let detail = format!("the tenant may make {calls_per_s_max} calls a second");
                Self::new(reason, detail).retry_after(retry_after_s)
            }
            CallError::TestsLimited { calls_per_h_max, retry_after_s } => {
                let detail = format!("the plan's test route takes {calls_per_h_max} calls an hour from this node");
                Self::new(reason, detail).retry_after(retry_after_s)
            }
            CallError::Misdirected { send_to } => Self::misdirected(&send_to),
            CallError::NotKept(why) => {
                tracing::error!(%why, "a call or an event was not acknowledged, since it was not kept");
                Self::new(reason, NOT_KEPT)
            }
            // It is counted and logged where it happened.
            CallError::NoEmergencyRoute { .. } => Self::new(reason, NO_WAY),
            CallError::Internal(why) => {
                tracing::error!(%why, "a request failed by a defect");
                Self::internal()
            }
        }
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        let reason = error.reason();
        match error {
            ReadError::Denied(denials) => Self::of_refusal(Refusal { denials, faults: Vec::new() }),
            ReadError::NotFound => Self::new(reason, "this tenant has no call of this id"),
            ReadError::Unavailable(why) => Self::new(reason, why),
        }
    }
}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        let reason = error.reason();
        match error {
            DirectoryError::Denied(denial) => Self::new(denial.reason, denial.detail.to_string()),
            DirectoryError::NotFound(what) => Self::new(reason, format!("there is no such {what}, or it is another's")),
            DirectoryError::Control(error) | DirectoryError::Publish(PublishError::Control(error)) => {
                Self::of_control(reason, error)
            }
            DirectoryError::Publish(PublishError::Faulty(plan)) => {
                let count = plan.faults.len().saturating_add(plan.not_shown);
                let detail = format!("{count} fault{}; nothing was published", if count == 1 { "" } else { "s" });
                let fault = |fault: &telness_core::plan::Fault| FieldFault {
                    field: format!("{}:{}", fault.line, fault.column).into(),
                    reason,
                    detail: format!("{}: {}; {}", fault.code, fault.message, fault.help).into(),
                };
                Self { errors: plan.faults.iter().map(fault).collect(), ..Self::new(reason, detail) }
            }
            DirectoryError::Publish(PublishError::Died(why)) => {
                tracing::error!(%why, "a plan could not be checked by a defect");
                Self::internal()
            }
        }
    }
}

impl From<DeckLoadError> for Problem {
    fn from(error: DeckLoadError) -> Self {
        match error {
            DeckLoadError::File(DeckError::Faulty { faults, count }) => {
                let detail = format!("{count} fault{}; nothing was loaded", if count == 1 { "" } else { "s" });
                let reason = Reason::DeckFaulty;
                let fault = |fault: DeckFault| {
                    let column = fault.column.map_or_else(String::new, |column| format!(".{column}"));
                    let field = format!("lines[{}]{column}", fault.line);
                    FieldFault { field: field.into(), reason, detail: fault.message.into() }
                };
                Self { errors: faults.into_iter().map(fault).collect(), ..Self::new(reason, detail) }
            }
            DeckLoadError::File(DeckError::Read(why)) => Self::new(Reason::RequestUnreadable, why),
            DeckLoadError::Rows { .. } => Self::new(Reason::DeckFaulty, error.to_string()),
            DeckLoadError::Store(error) => DirectoryError::Control(error).into(),
            DeckLoadError::Unknown(_) => {
                tracing::error!(%error, "it is not known whether a deck came into force");
                Self::new(
                    Reason::StoreUnavailable,
                    "the store stopped answering at the end; read which deck is in force",
                )
            }
            DeckLoadError::Busy => Self::new(Reason::Overloaded, error.to_string()),
            DeckLoadError::GivenUp => Self::new(Reason::ShuttingDown, error.to_string()),
            DeckLoadError::System(why) => {
                tracing::error!(%why, "a deck could not be loaded");
                Self::internal()
            }
        }
    }
}

impl Problem {
    fn of_control(reason: Reason, error: ControlError) -> Self {
        match error {
            ControlError::Store(error) => {
                tracing::error!(%error, "the control plane could not be read or changed");
                Self::new(reason, "the store does not answer")
            }
            ControlError::Refused { entity, refusal, .. } => {
                let found = if let Refused::Unexpected { found } = refusal { found } else { None };
                Self { found, ..Self::new(reason, format!("{entity}: {refusal}")) }
            }
            ControlError::Faults { faults, count } => {
                let fault = |fault: telness_store::control::Fault| FieldFault {
                    field: format!("items[{}]", fault.place).into(),
                    reason: reason_of_refusal(&fault.refusal),
                    detail: fault.refusal.to_string().into(),
                };
                let detail = format!("{count} of the items were refused, and so all of them");
                Self { errors: faults.into_iter().map(fault).collect(), ..Self::new(reason, detail) }
            }
        }
    }

    /// A defect: the log has what happened, the asker has the request id.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(Reason::Internal, "the log has an entry with this request's id")
    }
}

/// A problem on its way out: the dispatcher puts the document in place of it.
#[derive(Clone)]
pub(super) struct Pending(pub(super) Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        response.extensions_mut().insert(Pending(Arc::new(self)));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(field: &str, reason: Reason) -> FieldFault {
        FieldFault { field: Arc::from(field), reason, detail: Arc::from("x") }
    }

    #[test]
    fn a_destination_is_found_wrong_once() {
        let missing = [fault("to", Reason::FieldMissing), fault("to", Reason::NumberInvalid)];
        assert_eq!(Problem::of_faults(missing.to_vec()).errors, missing[..1]);
        let unreadable = [fault("", Reason::RequestUnreadable), fault("to", Reason::NumberInvalid)];
        let problem = Problem::of_faults(unreadable.to_vec());
        assert_eq!((problem.status(), problem.errors.len()), (StatusCode::BAD_REQUEST, 1));
        let both = [fault("from", Reason::NumberInvalid), fault("to", Reason::NumberInvalid)];
        assert_eq!(Problem::of_faults(both.to_vec()).errors, both);
    }

    #[test]
    fn every_reason_has_a_status_and_the_headers_that_belong_to_it() {
        for &reason in Reason::ALL {
            let response = Problem::new(reason, "x").response("id");
            let status = response.status();
            assert!(status.is_client_error() || status.is_server_error(), "{reason}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
            // E16: whoever sent an emergency call does not wait.
            let may_wait = [429, 503].contains(&status.as_u16()) && reason != Reason::NoEmergencyRoute;
            assert_eq!(response.headers().contains_key(header::RETRY_AFTER), may_wait, "{reason}");
            assert_eq!(response.headers().contains_key(header::WWW_AUTHENTICATE), status == 401, "{reason}");
        }
    }

    #[test]
    fn e12_who_is_refused_for_now_is_told_the_time_that_the_engine_found() {
        let limited = CallError::RateLimited { calls_per_s_max: 5, retry_after_s: 7 };
        let tests = CallError::TestsLimited { calls_per_h_max: 5, retry_after_s: 7 };
        for refused in [CallError::Overloaded { retry_after_s: 7 }, limited, tests] {
            assert_eq!(Problem::from(refused).response("id").headers()[header::RETRY_AFTER], "7");
        }
    }
}
