//! `GET /v1/incidents`: what happened to emergency calls on this node, for whoever has to report it.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use utoipa::ToSchema;

use super::api::{Api, json};
use super::directory::Head;
use super::problem::{Problem, ProblemDocument};

/// One incident.
#[derive(ToSchema)]
#[schema(as = Incident)]
pub struct IncidentDocument {
    /// The version of this form.
    pub v: u8,
    /// Its name: when it was opened and what it is.
    #[schema(example = "2026-11-23T08:00:00.000000Z-emergency_calls_lost")]
    pub id: String,
    /// `emergency_calls_lost`, `no_emergency_route`, `emergency_gateways_down`, `last_resort_used` or `emergency_silence`.
    #[schema(example = "emergency_calls_lost")]
    pub kind: String,
    /// The node that saw it.
    #[schema(example = "node-1")]
    pub node: String,
    /// Whom it touches, in words.
    #[schema(example = "emergency calls of this node")]
    pub scope: String,
    /// Since when.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00.000000Z")]
    pub opened_at: String,
    /// Until when; `null` while it goes on.
    #[schema(format = DateTime, example = json!(null))]
    pub closed_at: Option<String>,
    /// Emergency calls that failed meanwhile, as far as the node knows.
    #[schema(example = 3)]
    pub emergency_calls_failed: u64,
}

/// The incidents of a node.
#[derive(ToSchema)]
#[schema(as = Incidents)]
pub struct IncidentsDocument {
    /// The latest first, a thousand at most.
    pub incidents: Vec<IncidentDocument>,
}

/// Lists the incidents that this node opened
///
/// By itself, when emergency calls fail or would, and closed ten minutes after all was well. The operator's to read.
#[utoipa::path(
    get, path = "/v1/incidents", tag = "service", operation_id = "list_incidents",
    responses(
        (status = 200, description = "They.", body = IncidentsDocument),
        (status = 401, description = "unauthenticated: no key, or one that is not known", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "operator_needed: the key is a tenant's", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub async fn list_incidents(State(api): State<Arc<Api>>, head: Head) -> Result<Response, Problem> {
    api.engine.control_of_operator(&head.asker()?)?;
    let incidents = api.engine.incidents();
    let expected = incidents.len().saturating_mul(256).saturating_add(32);
    json(StatusCode::OK, &serde_json::json!({ "incidents": incidents }), expected)
}
