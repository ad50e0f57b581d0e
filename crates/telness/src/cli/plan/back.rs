//! `telness plan back`: a revision that the store has is published again.

use clap::Args;
use telness_engine::plan_flow;

use super::super::editing::{EditFlags, VersionFlag};
use super::super::in_store::{Access, failed, in_store};
use super::super::{Exit, Failure, Output, SettingFlags};
use super::published;

/// To which one.
#[derive(Args, Debug)]
pub(super) struct Back {
    /// Its number, as `telness plan list` shows it
    #[arg(value_name = "REVISION")]
    revision: u64,
    #[command(flatten)]
    expect: VersionFlag,
    #[command(flatten)]
    edit: EditFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Back {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { revision, expect, edit, settings } = self;
        in_store(&settings, Access::Changes, async |control| {
            let plan = control.plan(revision).await.map_err(|error| failed(&error))?;
            let text = plan.map(|plan| plan.text).unwrap_or_default();
            let done = plan_flow::publish_revision(&control, &edit.edit(), revision, expect.expect()).await;
            published::answer(&control, (&format!("plan revision {revision}"), text.as_bytes()), done, out).await
        })
    }
}
