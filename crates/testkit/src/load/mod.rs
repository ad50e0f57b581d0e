//! Load on one thread: many kept-alive connections, requests that were built beforehand, latencies in buckets.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "counts and places within one run's buffers: a mistake here ends the run, and no call"
)]

mod beside_pgbench;
mod compare;
mod connection;
mod driver;
mod latencies;
mod once;
mod overload;
mod process;

pub use beside_pgbench::{BesidePgbench, beside_pgbench};
pub use compare::{Comparison, compare};
pub use driver::{Load, Outcome, drive};
pub use latencies::Latencies;
pub use once::{Once, drain, start_up};
pub use overload::{Fault, Overload, Overloaded, overload};
pub use process::cpu_time;

use crate::dice::Dice;

/// Different calls that a load posts in turn: enough that nothing which remembers the last few gains by it, and few
/// enough to stay in the driver's cache.
const CALLS: usize = 4096;

/// Mobile numbers that Sweden reserves for fiction: +46 70 174 06 05 to 99.
const FICTION: (u64, u64) = (46_701_740_605, 95);

/// Requests for different calls, the same ones in every run.
#[must_use]
pub fn call_requests(path: &str) -> Vec<Vec<u8>> {
    let mut dice = Dice::seeded(1);
    (0..CALLS).map(|_| request(path, &call_body(&mut dice))).collect()
}

/// A call of some 400 bytes, as a mobile core would send it.
fn call_body(dice: &mut Dice) -> String {
    let mut number = || format!("+{}", FICTION.0 + dice.below(FICTION.1));
    let (from, to) = (number(), number());
    let mut hex = || format!("{:016x}", dice.next());
    let (call, subscriber, trace, span) = (hex() + &hex(), hex() + &hex(), hex() + &hex(), hex());
    serde_json::json!({
        "from": from,
        "to": to,
        "type": "mobile",
        "metadata": {
            "switch": format!("msc-stockholm-{}.core.example", dice.below(8)),
            "sip_call_id": format!("{call}@192.0.2.17"),
            "imsi_hash": subscriber,
            "cell": format!("240-99-{:05}-{:03}", dice.below(65_536), dice.below(256)),
            "service": "voice-over-lte-hd",
            "trace": format!("00-{trace}-{span}-01")
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
