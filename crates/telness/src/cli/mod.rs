//! The command line: one operation, one file. A command writes its answer and ends with a documented exit code.

mod billing;
mod changes;
mod completions;
mod config;
mod decks;
mod directory;
mod doctor;
mod editing;
mod exit;
mod explain;
mod export;
mod gateways;
mod import;
mod in_store;
mod incidents;
mod keys;
mod lines;
mod migrate;
mod nodes;
mod number;
mod output;
mod plan;
mod progress;
mod records;
mod route;
mod serve;
mod setting_flags;
mod short_file;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use rustix::fs::Mode;

pub use exit::{Exit, Failure, exit_codes};
pub use output::Output;
pub use setting_flags::SettingFlags;

/// Call handling: a switch asks what to do with a call; telness decides, records and answers.
#[derive(Debug, Parser)]
#[command(name = "telness", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    /// Answers in JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the service
    Serve(serve::Serve),
    /// Says what a number is read as
    Number(number::Number),
    /// Tries a call without making one: where it would go, and why
    Route(route::Route),
    /// Checks, publishes and shows plans, and goes back to earlier ones
    Plan(plan::PlanCommand),
    /// Shows recorded calls
    Records(records::Records),
    /// Makes, shows and checks records for billing
    Billing(billing::BillingCommand),
    /// Looks for what is wrong with the node, and says what to do
    Doctor(doctor::Doctor),
    /// Explains a reason code, or lists them all
    Explain(explain::Explain),
    /// Shows the settings in force, and where each comes from
    Config(config::Config),
    /// Brings the schema of a shared database forward
    Migrate(migrate::Migrate),
    /// Shows the nodes of the store, and how far each serves what it holds
    Nodes(nodes::Nodes),
    /// Lists, shows, puts and deletes tenants
    Tenants(directory::Tenants),
    /// Lists, shows, puts and deletes users
    Users(directory::Users),
    /// Lists, shows, puts and deletes numbers, and finds free ones
    Numbers(directory::Numbers),
    /// Lists, shows, puts and deletes blocks of numbers
    Blocks(directory::Blocks),
    /// Loads, lists, shows and deletes rate decks
    Decks(decks::Decks),
    /// Shows which gateways the node of a data folder believes to be up
    Gateways(gateways::Gateways),
    /// Shows what happened to emergency calls on the node of a data folder
    Incidents(incidents::Incidents),
    /// Shows what was changed in the store, by whom, when and why
    Changes(changes::Changes),
    /// Writes all that the store keeps to one file
    Export(export::Export),
    /// Takes what `export` wrote into a store
    Import(import::Import),
    /// Makes API keys
    Keys(keys::KeysCommand),
    /// Prints a completion script for a shell
    Completions(completions::Completions),
}

/// The whole command line, for completions and for the tests of its documentation.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command().after_help(exit_codes())
}

/// Runs the command of `arguments`, the first of which is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    // What commands write is in the data folder, and nobody else's to read (P2).
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let parsed = command().try_get_matches_from(&arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && wants_json(&arguments) => {
            let text = error.render().to_string();
            let message = text.trim().trim_start_matches("error: ");
            output::tell(true, Exit::Usage.code(), message);
            return Exit::Usage.into();
        }
        Err(error) => {
            // Help and version are answers; whoever asked may have gone away.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    let mut out = Output::stdout(cli.json);
    let outcome = cli.command.run(&mut out).and_then(|exit| out.flush().map(|()| exit));
    match outcome {
        Ok(exit) => exit.into(),
        Err(Failure::ReaderGone) => Exit::Done.into(),
        Err(Failure::Said { exit, message }) => {
            // What was answered before comes first.
            let _ = out.flush();
            output::tell(cli.json, exit.code(), &message);
            exit.into()
        }
    }
}

/// Whether JSON is asked for on a command line that is wrong.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

impl Command {
    fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::Serve(serve) => serve.run(out),
            Self::Number(number) => number.run(out),
            Self::Route(route) => route.run(out),
            Self::Plan(plan) => plan.run(out),
            Self::Records(records) => records.run(out),
            Self::Billing(billing) => billing.run(out),
            Self::Doctor(doctor) => doctor.run(out),
            Self::Explain(explain) => explain.run(out),
            Self::Config(config) => config.run(out),
            Self::Migrate(migrate) => migrate.run(out),
            Self::Nodes(nodes) => nodes.run(out),
            Self::Tenants(tenants) => tenants.run(out),
            Self::Users(users) => users.run(out),
            Self::Numbers(numbers) => numbers.run(out),
            Self::Blocks(blocks) => blocks.run(out),
            Self::Decks(decks) => decks.run(out),
            Self::Gateways(gateways) => gateways.run(out),
            Self::Incidents(incidents) => incidents.run(out),
            Self::Changes(changes) => changes.run(out),
            Self::Export(export) => export.run(out),
            Self::Import(import) => import.run(out),
            Self::Keys(keys) => keys.run(out),
            Self::Completions(completions) => completions.run(out),
        }
    }
}
