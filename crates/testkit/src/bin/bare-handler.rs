//! The known thing that `scripts/load` compares with: axum, one thread, the same JSON read to a struct and an
//! answer of about the same shape and size, and nothing else.
#![allow(clippy::print_stdout, reason = "prints where it listens, once")]

use std::collections::BTreeMap;

use axum::Json;
use axum::routing::post;
use serde::{Deserialize, Serialize};

/// The fields of a call request.
#[derive(Deserialize)]
struct Request {
    from: Option<String>,
    to: String,
    r#type: String,
    metadata: BTreeMap<String, String>,
}

/// The fields of an answer, with four steps of one target, as the example plan gives them.
#[derive(Serialize)]
struct Answer {
    id: &'static str,
    workflow: &'static str,
    class: &'static str,
    action: &'static str,
    reason: Reason,
    steps: [Step; 4],
    plan_revision: u64,
    degraded: [String; 0],
    notes: [String; 0],
    recorded: &'static str,
    received_at: &'static str,
}

#[derive(Serialize)]
struct Reason {
    code: u16,
    name: &'static str,
    sip_status: u16,
    q850: u8,
    text: &'static str,
}

#[derive(Serialize)]
struct Step {
    targets: [Target; 1],
}

#[derive(Serialize)]
struct Target {
    leg: &'static str,
    trunk: &'static str,
    gateway: &'static str,
    uri: String,
    caller: Option<String>,
    setup_ms: u32,
    ring_ms: u32,
    move_on: MoveOn,
}

#[derive(Serialize)]
struct MoveOn {
    sip: [u16; 4],
    q850: [u8; 4],
    silence: bool,
}

fn step(request: &Request, leg: &'static str, trunk: &'static str, gateway: &'static str) -> Step {
    let move_on = MoveOn { sip: [500, 502, 503, 504], q850: [34, 38, 41, 42], silence: true };
    let uri = format!("sip:{}@sip1.south.example;user=phone;transport=tls", request.to);
    let caller = request.from.clone();
    Step { targets: [Target { leg, trunk, gateway, uri, caller, setup_ms: 4000, ring_ms: 60000, move_on }] }
}

async fn handle(Json(request): Json<Request>) -> (axum::http::StatusCode, Json<Answer>) {
    let reason = Reason {
        code: 100,
        name: "routed",
        sip_status: 200,
        q850: 0,
        text: "The call has at least one target to try.",
    };
    let answer = Answer {
        id: "019a1b2c-3d4e-7f50-8123-456789abcdef",
        // What was read is used, so that none of the reading can be left out.
        workflow: if request.metadata.is_empty() { "high" } else { "low" },
        class: if request.r#type == "mobile" { "normal" } else { "other" },
        action: "route",
        reason,
        steps: [
            step(&request, "1.1", "carrier-north", "gw1"),
            step(&request, "2.1", "carrier-north", "gw2"),
            step(&request, "3.1", "carrier-south", "gw1"),
            step(&request, "4.1", "carrier-south", "gw2"),
        ],
        plan_revision: 1,
        degraded: [],
        notes: [],
        recorded: "journaled",
        received_at: "2026-11-23T08:00:00.000000Z",
    };
    (axum::http::StatusCode::CREATED, Json(answer))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{{\"listening\":\"{}\"}}", listener.local_addr()?);
    let app = axum::Router::new().route("/v1/calls", post(handle)).route("/readyz", axum::routing::get(|| async {}));
    axum::serve(listener, app).await
}
