//! `telness numbers free`: the first numbers of a block that nobody has.

use clap::Args;
use serde_json::json;
use telness_core::number::E164;
use telness_core::time::Timestamp;
use telness_engine::clock::Clock;
use telness_engine::inventory::free_numbers;

use super::super::super::in_store::{Access, failed, in_store};
use super::super::super::{Exit, Failure, Output, SettingFlags};

/// Which ones.
#[derive(Args, Debug)]
pub(super) struct Free {
    /// The block, by its first number
    #[arg(long, value_name = "NUMBER")]
    block: E164,
    /// So many at most
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// Free at this time; now if not said
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Free {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { block, count, at, settings } = self;
        let at = at.unwrap_or_else(|| Clock::system().now());
        in_store(&settings, Access::Reads, async |control| {
            let free = free_numbers(&control, block, count, at).await.map_err(|error| failed(&error))?;
            if out.is_json() {
                out.json(&json!({ "block": block, "at": at, "free": free }))?;
            } else {
                for number in &free {
                    // One whose quarantine is over has an entry still.
                    let version = number.version.map_or(String::new(), |version| format!("  version {version}"));
                    out.line(format_args!("{}{version}", number.number))?;
                }
            }
            Ok(if free.is_empty() { Exit::No } else { Exit::Done })
        })
    }
}
