//! `telness serve`: runs the service until it is told to stop.

use clap::Args;
use telness_engine::config::{Flag, load};

use super::{Exit, Failure, Output, SettingFlags};
use crate::app;

/// Where and on what to serve.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Where HTTP is served; port 0 takes any free one [setting `listen`]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// Which workflows to serve: both, high (emergency and vital calls alone), or low [setting `workflow.serve`]
    #[arg(long, value_name = "WORKFLOW")]
    workflow: Option<String>,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Serve {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let mut inputs = self.settings.inputs(self.listen.as_deref());
        let name = "workflow.serve".to_owned();
        inputs.flags.extend(self.workflow.map(|text| Flag { flag: "--workflow".to_owned(), name, text }));
        app::serve(&load(&inputs).map_err(Failure::usage)?, out)
    }
}
