//! `telness completions SHELL`.

use clap::Args;
use clap_complete::Shell;

use super::{Exit, Failure, Output};

/// Which shell.
#[derive(Args, Debug)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        // Into memory first: the generator panics when its writer fails, as a closed pipe does.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "telness", &mut script);
        out.text(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
