//! `GET /v1/calls/{id}`: one call with its events and its detail record.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use super::api::{Api, PathId, in_time, json};
use super::asker::{Peer, asker};
use super::call_view::CallView;
use super::paging::tenant_named;
use super::problem::{Problem, ProblemDocument};

/// Reads one call
///
/// With what was answered, what was reported, and the detail record that follows from it. What was acknowledged
/// before this request is in the answer.
#[utoipa::path(
    get, path = "/v1/calls/{id}", tag = "calls", operation_id = "read_call",
    params(("id" = uuid::Uuid, Path, description = "The call's id"),
        ("tenant" = Option<String>, Query, description = "Whose it is, where an operator's key asks")),
    responses(
        (status = 200, description = "The call.", body = CallView),
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
pub async fn read_call(
    State(api): State<Arc<Api>>,
    PathId(id): PathId,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let named = tenant_named(&uri)?;
    let call = in_time(api.read_max, api.engine.read_call_of(&asker(&headers, peer), named.as_ref(), id)).await?;
    json(StatusCode::OK, &CallView::of(&call), 4096)
}
