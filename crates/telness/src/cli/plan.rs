//! `telness plan`: checks plans, publishes them, and goes back to what was published before.

mod back;
mod check;
mod list;
mod publish;
mod published;
mod schema;
mod show;

use clap::{Args, Subcommand};

use super::{Exit, Failure, Output};

/// What to do with plans.
#[derive(Args, Debug)]
pub(super) struct PlanCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Tells every fault of a plan, with its line
    Check(check::Check),
    /// Checks a plan and publishes it as the store's next revision, for every node that serves no file
    Publish(publish::Publish),
    /// Lists the revisions in the store, the latest first
    List(list::List),
    /// Shows a revision in the store
    Show(show::Show),
    /// Publishes a revision that is in the store already, to go back to it
    Back(back::Back),
    /// Prints the JSON Schema of plans, for editors
    Schema,
}

impl PlanCommand {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Check(check) => check.run(out),
            Action::Publish(publish) => publish.run(out),
            Action::List(list) => list.run(out),
            Action::Show(show) => show.run(out),
            Action::Back(back) => back.run(out),
            Action::Schema => schema::run(out),
        }
    }
}
