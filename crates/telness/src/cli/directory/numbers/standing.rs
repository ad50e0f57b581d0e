//! `telness numbers standing`: what became of a number at a time.

use clap::Args;
use telness_core::number::E164;
use telness_core::time::Timestamp;
use telness_engine::clock::Clock;
use telness_engine::inventory::number_at;

use super::super::super::in_store::{Access, failed, in_store};
use super::super::super::{Exit, Failure, Output, SettingFlags};

/// Of which number, and when.
#[derive(Args, Debug)]
pub(super) struct Standing {
    /// The number, in E.164 form
    #[arg(value_name = "NUMBER")]
    number: E164,
    /// At this time, past or to come; now if not said
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Standing {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { number, at, settings } = self;
        let now = Clock::system().now();
        let at = at.unwrap_or(now);
        in_store(&settings, Access::Reads, async |control| {
            let found = number_at(&control, number, at, now).await.map_err(|error| failed(&error))?;
            if out.is_json() {
                out.json(&found)?;
                return Ok(Exit::Done);
            }
            out.line(format_args!("{number} at {at}: {}", found.standing.word()))?;
            let nobody = || "nobody".to_owned();
            let holder = found.holder.map_or_else(nobody, |holder| holder.to_string());
            let tenant = found.tenant.map_or_else(nobody, |tenant| tenant.to_string());
            out.line(format_args!("tenant {tenant}, held by {holder}"))?;
            if let Some(cutover) = found.cutover {
                out.line(format_args!("cutover {cutover}"))?;
            }
            if let Some(block) = found.block {
                out.line(format_args!("in the block that begins with {block}"))?;
            }
            Ok(Exit::Done)
        })
    }
}
