//! `telness gateways`: which gateways the node of a data folder believes to be up, also while it does not run.

use clap::Args;
use telness_engine::clock::Clock;
use telness_engine::gateways_file;
use telness_engine::health::{GatewayList, GatewayView};

use super::{Exit, Failure, Output, SettingFlags};

/// The node whose gateways they are.
#[derive(Args, Debug)]
pub(super) struct Gateways {
    #[command(flatten)]
    settings: SettingFlags,
}

impl Gateways {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = self.settings.load(None)?.settings;
        let file = gateways_file(&settings.data);
        let told = |why: &dyn std::fmt::Display| Failure::cannot(format_args!("{}: {why}", file.display()));
        let Some(list) = GatewayList::read(&file).map_err(|why| told(&why))? else {
            return Err(told(&"no node has told of its gateways here yet; it does within seconds of its start"));
        };
        if out.is_json() {
            out.json(&list)?;
            return Ok(Exit::Done);
        }
        let age_s = Clock::system().now().millis_since(list.at) / 1000;
        out.line(format_args!("node {}; the last change was {age_s} s ago", list.node))?;
        if list.blind {
            out.line(
                "no gateway that ever answered does: the fault is taken to be this node's network, and none counts as down",
            )?;
        }
        out.line(format_args!(
            "{:<20} {:<12} {:<28} {:<9} {:<9} {:>6}  LAST ASKED",
            "TRUNK", "GATEWAY", "ADDRESS", "EMERGENCY", "STATE", "FAILED"
        ))?;
        for one in &list.gateways {
            out.line(line(one))?;
        }
        Ok(Exit::Done)
    }
}

fn line(one: &GatewayView) -> String {
    let (emergency, state) = (if one.emergency { "yes" } else { "no" }, one.state.as_str());
    let address = format!("{}/{}", one.address, one.transport.as_str());
    let last = match &one.last {
        Some(last) => format!("{} ({} ms, {})", last.result, last.took_ms, last.at),
        None if one.probed => "not yet".to_owned(),
        None => "never; the plan does not ask for it".to_owned(),
    };
    let (trunk, name, failed) = (&one.trunk, &one.gateway, one.calls_failed);
    format!("{trunk:<20} {name:<12} {address:<28} {emergency:<9} {state:<9} {failed:>6}  {last}")
}
