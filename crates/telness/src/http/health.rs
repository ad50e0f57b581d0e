//! `GET /healthz` and `GET /readyz`: whether the process lives, and whether to send it calls.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::api::{Api, json};
use super::problem::Problem;

/// That the process lives.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the node takes calls, and what is amiss.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
pub struct ReadinessView<'a> {
    /// Whether the node takes calls.
    ready: bool,
    /// The node's name.
    #[schema(example = "node-1")]
    node: &'a str,
    /// The plan's revision in service.
    #[schema(example = 1)]
    plan_revision: u64,
    /// Where the plan comes from: `file`, `store` or `example`.
    #[schema(example = "store")]
    plan_from: &'static str,
    /// How long ago the store was last known to hold what is in service, in seconds; `null` if it never was.
    #[schema(example = 0)]
    snapshot_age_s: Option<u64>,
    /// What is amiss and keeps nobody from calling: why what the store holds is not in service, or that another node has
    /// another server's key.
    #[schema(value_type = Vec<String>)]
    faults: Vec<Arc<str>>,
    /// Whether the store takes records. Calls are taken all the same: the journal keeps them.
    store_ok: bool,
    /// Records that wait in the journal for the store. Until the store has first answered, all that the journal holds.
    #[schema(example = 0)]
    backlog_records: u64,
    /// How long ago the oldest of them was received, in seconds.
    #[schema(example = 0)]
    backlog_age_s: u64,
}

/// Whether emergency calls can be carried here.
#[derive(Serialize, ToSchema)]
#[schema(as = EmergencyReadiness)]
pub struct EmergencyReadinessView<'a> {
    /// Whether they can.
    ready: bool,
    /// The node's name.
    #[schema(example = "node-1")]
    node: &'a str,
    /// The plan's revision in service.
    #[schema(example = 1)]
    plan_revision: u64,
    /// When that was last tried.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00.000000Z")]
    tried_at: String,
    /// From how many kinds of places: each region with each outside-line prefix.
    #[schema(example = 2)]
    places: usize,
    /// From how many of them an emergency call would go nowhere; the log says which.
    #[schema(example = 0)]
    places_failed: usize,
    /// Gateways of emergency calls that answer.
    #[schema(example = 4)]
    gateways_up: usize,
    /// Those of which nothing bad is known.
    #[schema(example = 0)]
    gateways_unknown: usize,
    /// Those that are down. They are tried all the same.
    #[schema(example = 0)]
    gateways_down: usize,
}

/// Says that the process lives
///
/// It asks nobody, so a broken dependency never makes an orchestrator restart what still routes.
#[utoipa::path(
    get, path = "/healthz", tag = "service", operation_id = "healthz", security(()),
    responses((status = 200, description = "It lives.", body = Health)),
)]
pub async fn healthz() -> Result<Response, Problem> {
    json(StatusCode::OK, &Health { status: "ok" }, 32)
}

/// Says whether to send calls here
///
/// Not ready while it stops, or once nothing writes its journal any more. A store that fails does not make a node
/// unready: it routes and journals, and `store_ok` is false.
#[utoipa::path(
    get, path = "/readyz", tag = "service", operation_id = "readyz", security(()),
    responses(
        (status = 200, description = "It takes calls.", body = ReadinessView),
        (status = 503, description = "It is stopping, or nothing writes its journal any more.", body = ReadinessView),
    ),
)]
pub async fn readyz(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let readiness = api.engine.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let view = ReadinessView {
        ready: readiness.ready,
        node: readiness.node.as_str(),
        plan_revision: readiness.plan_revision,
        plan_from: readiness.plan_from.as_str(),
        snapshot_age_s: readiness.snapshot_age_s,
        faults: readiness.faults,
        store_ok: readiness.store_failing.is_none(),
        backlog_records: readiness.backlog_records,
        backlog_age_s: readiness.backlog_age_s,
    };
    json(status, &view, 256)
}

/// Says whether to send emergency calls here
///
/// Not ready while it stops, or when an emergency call would go nowhere from any place: then the network upstream is to try
/// elsewhere. It is tried each minute by the functions that decide real calls. Gateways that are down do not make a node
/// unready: they are tried.
#[utoipa::path(
    get, path = "/readyz/emergency", tag = "service", operation_id = "readyz_emergency", security(()),
    responses(
        (status = 200, description = "It carries emergency calls.", body = EmergencyReadinessView),
        (status = 503, description = "It is stopping, or has no way for them.", body = EmergencyReadinessView),
    ),
)]
pub async fn readyz_emergency(State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let readiness = api.engine.emergency_readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let view = EmergencyReadinessView {
        ready: readiness.ready,
        node: readiness.node.as_str(),
        plan_revision: readiness.plan_revision,
        tried_at: readiness.tried_at.to_string(),
        places: readiness.places,
        places_failed: readiness.places_failed,
        gateways_up: readiness.gateways_up,
        gateways_unknown: readiness.gateways_unknown,
        gateways_down: readiness.gateways_down,
    };
    json(status, &view, 256)
}
