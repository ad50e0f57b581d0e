//! `GET /v1/calls/{id}/trace`: why a call was decided as it was.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use telness_core::call::CallId;
use telness_core::decide::Action;
use utoipa::ToSchema;

use super::api::{Api, PathId, in_time, json};
use super::asker::{Peer, asker};
use super::call_answer::ReasonView;
use super::paging::tenant_named;
use super::problem::{Problem, ProblemDocument};
use super::trace_view::TraceView;
use super::words::ActionWord;

/// A decision with all that it weighed.
#[derive(Serialize, ToSchema)]
#[schema(as = CallTrace)]
pub struct CallTrace<'a> {
    /// The call's id.
    #[schema(value_type = uuid::Uuid, example = "019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11")]
    id: CallId,
    /// `route` or `reject`.
    #[schema(value_type = ActionWord, example = "route")]
    action: Action,
    /// Why.
    reason: ReasonView,
    /// The rule that decided; absent for the emergency table.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "mobile-sweden")]
    rule: Option<&'a str>,
    /// Every candidate with the reason why it was kept or dropped.
    #[schema(value_type = TraceView)]
    trace: TraceView<'a>,
}

/// Explains the decision of a call
///
/// From the call's own record: it stays true when the plan has changed.
#[utoipa::path(
    get, path = "/v1/calls/{id}/trace", tag = "calls", operation_id = "read_trace",
    params(("id" = uuid::Uuid, Path, description = "The call's id"),
        ("tenant" = Option<String>, Query, description = "Whose it is, where an operator's key asks")),
    responses(
        (status = 200, description = "The trace.", body = CallTrace),
        (status = 401, description = "unauthenticated", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "peer_unknown, operator_needed, operator_has_no_calls", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "not_found: there is none, or it is another tenant's", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "field_invalid: the tenant is no name", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 500, description = "internal", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "store_unavailable: with Retry-After", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub async fn read_trace(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let named = tenant_named(&uri)?;
    let call = in_time(api.read_max, api.engine.read_call_of(&asker(&headers, peer), named.as_ref(), id)).await?;
    let routing = &call.routing;
    let answer = CallTrace {
        id,
        action: routing.action,
        reason: routing.reason.into(),
        rule: routing.rule.as_ref().map(|rule| rule.as_str()),
        trace: TraceView::of(&call.personal.trace),
    };
    json(StatusCode::OK, &answer, 4096)
}
