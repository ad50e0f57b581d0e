//! `telness serve`: runs the service until it is told to stop.

use clap::Args;

use super::{Exit, Failure, Output, SettingFlags};
use crate::app;

/// Where and on what to serve.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Where HTTP is served; port 0 takes any free one [setting `listen`]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Serve {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        app::serve(&self.settings.load(self.listen.as_deref())?, out)
    }
}
