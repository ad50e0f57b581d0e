//! `telness decks delete`: takes a trunk's deck out of force.

use clap::Args;
use serde_json::json;
use telness_core::names::TrunkName;
use telness_store::control::Deck;

use super::super::editing::{EditFlags, VersionFlag};
use super::super::in_store::{Access, failed, in_store};
use super::super::{Exit, Failure, Output, SettingFlags};

/// Which one.
#[derive(Args, Debug)]
pub(super) struct Delete {
    /// The trunk, by its name in the plan
    #[arg(value_name = "TRUNK")]
    trunk: TrunkName,
    #[command(flatten)]
    expect: VersionFlag,
    #[command(flatten)]
    edit: EditFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Delete {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { trunk, expect, edit, settings } = self;
        in_store(&settings, Access::Changes, async |control| {
            let deleted = control.delete::<Deck>(&edit.edit(), &trunk, expect.expect()).await;
            let version = deleted.map_err(|error| failed(&error))?;
            if out.is_json() {
                out.json(&json!({ "kind": "deck", "key": trunk, "version": version }))?;
            } else {
                out.line(format_args!("the deck of {trunk} is out of force: change {version}"))?;
            }
            Ok(Exit::Done)
        })
    }
}
