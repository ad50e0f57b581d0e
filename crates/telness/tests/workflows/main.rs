//! The two workflows of the real process: what they share, what they do not, and what an emergency call finds when the
//! other one is in trouble.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

mod listeners;
mod logs;
mod overload;
mod readiness;
mod recovery;

use std::time::Duration;

use serde_json::{Value, json};
use telness_testkit::{Client, ServiceOptions};

/// How long anything may take that is not at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service on a folder of its own, by the plan that is built in.
fn options(folder: &tempfile::TempDir) -> ServiceOptions {
    ServiceOptions::new(env!("CARGO_BIN_EXE_telness"), folder.path()).set("log.filter", "warn")
}

fn normal() -> Value {
    json!({ "from": "+46846500401", "to": "070-174 06 05", "type": "pbx" })
}

fn emergency() -> Value {
    json!({ "from": "+46846500401", "to": "112", "type": "pbx" })
}

/// The value of a metric without labels.
fn metric(client: &mut Client, name: &str) -> u64 {
    let text = client.get("/metrics").unwrap().text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("there is no {name}")).parse().unwrap()
}
