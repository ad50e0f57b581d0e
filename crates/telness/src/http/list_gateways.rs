//! `GET /v1/gateways`: which gateways this node believes to be up.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use utoipa::ToSchema;

use super::api::{Api, json};
use super::directory::Head;
use super::problem::{Problem, ProblemDocument};

/// How a gateway answered when it was last asked.
#[derive(ToSchema)]
#[schema(as = GatewayAsked)]
pub struct AskedDocument {
    /// When.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00.000000Z")]
    pub at: String,
    /// How long it took, in milliseconds.
    #[schema(example = 12)]
    pub took_ms: u64,
    /// The SIP status; or `silent`; `refused:` with why; or `not asked:` with why, which tells nothing of the gateway.
    #[schema(example = "200")]
    pub result: String,
}

/// One gateway.
#[derive(ToSchema)]
#[schema(as = Gateway)]
pub struct GatewayDocument {
    /// Its trunk.
    #[schema(example = "carrier-north")]
    pub trunk: String,
    /// Its name.
    #[schema(example = "gw1")]
    pub gateway: String,
    /// Host and port.
    #[schema(example = "192.0.2.10:5060")]
    pub address: String,
    /// `udp`, `tcp` or `tls`.
    #[schema(example = "udp")]
    pub transport: String,
    /// Whether emergency calls go to it.
    pub emergency: bool,
    /// Whether it is asked by SIP OPTIONS.
    pub probed: bool,
    /// `up`; `down`; `unknown`: nothing tells against it, and it never answered this node; `disabled` in the plan.
    #[schema(example = "up")]
    pub state: String,
    /// When it last went down or came back; `null` if it never did.
    #[schema(format = DateTime, example = json!(null))]
    pub since: Option<String>,
    /// How it answered when it was last asked; `null` if it never was.
    pub last: Option<AskedDocument>,
    /// Calls to it that failed in a row, by what switches report.
    #[schema(example = 0)]
    pub calls_failed: u32,
}

/// All gateways, as a node sees them.
#[derive(ToSchema)]
#[schema(as = Gateways)]
pub struct GatewaysDocument {
    /// The node.
    #[schema(example = "node-1")]
    pub node: String,
    /// When it was so.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00.000000Z")]
    pub at: String,
    /// Whether all that ever answered are silent at once: then the fault is taken to be the node's, and none counts as down
    /// for it.
    pub blind: bool,
    /// The gateways, in the plan's order.
    pub gateways: Vec<GatewayDocument>,
}

/// Lists the gateways and what this node believes of them
///
/// A gateway that is down takes no rank among the targets of a call; of an emergency call it comes after the others. The
/// operator's to read.
#[utoipa::path(
    get, path = "/v1/gateways", tag = "service", operation_id = "list_gateways",
    responses(
        (status = 200, description = "They.", body = GatewaysDocument),
        (status = 401, description = "unauthenticated: no key, or one that is not known", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "operator_needed: the key is a tenant's", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub async fn list_gateways(State(api): State<Arc<Api>>, head: Head) -> Result<Response, Problem> {
    api.engine.control_of_operator(&head.asker()?)?;
    let list = api.engine.gateways();
    json(StatusCode::OK, &list, list.gateways.len().saturating_mul(256).saturating_add(128))
}
