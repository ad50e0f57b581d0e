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

/// The fields of an answer, with two steps of one target.
#[derive(Serialize)]
struct Answer {
    id: &'static str,
    workflow: &'static str,
    class: &'static str,
    action: &'static str,
    reason: String,
    plan_revision: usize,
    steps: [Step; 2],
    degraded: [String; 0],
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
    move_on: [u8; 6],
}

async fn handle(Json(request): Json<Request>) -> (axum::http::StatusCode, Json<Answer>) {
    let step = |leg, trunk, gateway| Step {
        targets: [Target {
            leg,
            trunk,
            gateway,
            uri: format!("sip:{}@192.0.2.10:5060;user=phone", request.to),
            caller: request.from.clone(),
            setup_ms: 4000,
            ring_ms: 60000,
            move_on: [34, 38, 41, 42, 58, 127],
        }],
    };
    let answer = Answer {
        id: "019a1b2c-3d4e-7f50-8123-456789abcdef",
        workflow: "low",
        class: "normal",
        action: "route",
        reason: request.r#type.clone(),
        plan_revision: request.metadata.len(),
        steps: [step("1.1", "carrier-north", "north-1"), step("2.1", "carrier-south", "south-1")],
        degraded: [],
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
