//! `telness plan show`: a revision in the store, as it was published.

use clap::Args;

use super::super::in_store::{Access, failed, in_store};
use super::super::{Exit, Failure, Output, SettingFlags};

/// Which one.
#[derive(Args, Debug)]
pub(super) struct Show {
    /// Its number; the published one if not said
    #[arg(value_name = "REVISION")]
    revision: Option<u64>,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Show {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { revision, settings } = self;
        in_store(&settings, Access::Reads, async |control| {
            let published = control.published_plan().await.map_err(|error| failed(&error))?;
            let revision = revision.or_else(|| published.map(|published| published.revision));
            let revision = revision.ok_or_else(|| Failure::new(Exit::No, "no plan is published"))?;
            let plan = control.plan(revision).await.map_err(|error| failed(&error))?;
            let none = || Failure::new(Exit::No, format_args!("there is no plan revision {revision}"));
            let plan = plan.ok_or_else(none)?;
            if out.is_json() {
                out.json(&plan)?;
            } else {
                out.text(&plan.text)?;
            }
            Ok(Exit::Done)
        })
    }
}
