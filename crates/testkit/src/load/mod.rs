//! Load on one thread: many kept-alive connections, requests that were built beforehand, latencies in buckets.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "counts and places within one run's buffers: a mistake here ends the run, and no call"
)]

mod compare;
mod connection;
mod driver;
mod latencies;
mod process;

pub use compare::{Comparison, compare};
pub use driver::{Load, Outcome, drive};
pub use latencies::Latencies;
pub use process::cpu_time;

/// The call that is posted: some 400 bytes, as a mobile core would send it.
#[must_use]
pub fn call_body() -> String {
    serde_json::json!({
        "from": "+46701740605",
        "to": "+46701740699",
        "type": "mobile",
        "metadata": {
            "switch": "msc-stockholm-2.core.example",
            "sip_call_id": "9f3b1d7e5c2a48f0b6d4e8a1c7f20357@192.0.2.17",
            "imsi_hash": "6f1ed002ab5595859014ebf0951522d9",
            "cell": "240-99-30512-118",
            "service": "voice-over-lte-hd",
            "trace": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        }
    })
    .to_string()
}

/// A whole request with a JSON body.
#[must_use]
pub fn request(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: telness.example\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
