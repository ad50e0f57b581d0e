//! `telness plan publish`: a plan is checked and becomes the store's next revision.

use std::path::PathBuf;

use clap::Args;
use telness_engine::plan_flow;

use super::super::editing::{EditFlags, ExpectFlags};
use super::super::in_store::{Access, in_store};
use super::super::{Exit, Failure, Output, SettingFlags};
use super::{check, published};

/// Which plan.
#[derive(Args, Debug)]
pub(super) struct Publish {
    /// The plan, in YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    expect: ExpectFlags,
    #[command(flatten)]
    edit: EditFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Publish {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { file, expect, edit, settings } = self;
        let (name, text) = (file.display().to_string(), check::read(&file)?);
        in_store(&settings, Access::Changes, async |control| {
            let done = plan_flow::publish(&control, &edit.edit(), text.clone(), expect.expect()).await;
            published::answer(&control, (&name, &text), done, out).await
        })
    }
}
