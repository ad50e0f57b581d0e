//! `telness decks`: the rate deck of each trunk: what a call to a prefix costs.

mod delete;
mod list;
mod load;
mod show;

use clap::{Args, Subcommand};

use super::{Exit, Failure, Output};

/// What to do with rate decks.
#[derive(Args, Debug)]
pub(super) struct Decks {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the decks in force
    List(list::List),
    /// Shows the deck of a trunk, or its rows as the file that `load` takes
    Show(show::Show),
    /// Loads a deck and brings it into force, in the place of the trunk's former one: whole, or not at all
    Load(load::Load),
    /// Takes a trunk's deck out of force
    Delete(delete::Delete),
}

impl Decks {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            Action::List(list) => list.run(out),
            Action::Show(show) => show.run(out),
            Action::Load(load) => load.run(out),
            Action::Delete(delete) => delete.run(out),
        }
    }
}
