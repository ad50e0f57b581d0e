//! `telness plan check` and `telness plan schema`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;
use telness_core::plan::{Plan, read_plan, schema};

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
    Check {
        /// The plan, in YAML or JSON; `-` reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Prints the JSON Schema of plans, for editors
    Schema,
}

impl PlanCommand {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Check { file } => check(&file, out),
            Action::Schema => {
                let text = serde_json::to_string_pretty(&schema()).map_err(Failure::cannot)?;
                out.line(text)?;
                Ok(Exit::Done)
            }
        }
    }
}

fn check(file: &Path, out: &mut Output) -> Result<Exit, Failure> {
    let name = file.display().to_string();
    let bytes = read(file).map_err(|why| Failure::cannot(format_args!("the plan {name} cannot be read: {why}")))?;
    match read_plan(&bytes, 0) {
        Ok(plan) => {
            let counts = counts(&plan);
            if out.is_json() {
                let counts: serde_json::Map<_, _> =
                    counts.iter().map(|(what, count)| ((*what).to_owned(), json!(count))).collect();
                out.json(&json!({ "file": name, "good": true, "faults": [], "counts": counts }))?;
            } else {
                let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
                out.line(format_args!("{name} is good: {}", counts.join(", ")))?;
            }
            Ok(Exit::Done)
        }
        Err(faults) => {
            if out.is_json() {
                out.json(
                    &json!({ "file": name, "good": false, "faults": faults.faults, "not_shown": faults.not_shown }),
                )?;
            } else {
                out.text(&faults.render(&name, &String::from_utf8_lossy(&bytes)))?;
                let count = faults.faults.len().saturating_add(faults.not_shown);
                out.line(format_args!("{name} has {count} fault{}", if count == 1 { "" } else { "s" }))?;
            }
            Ok(Exit::No)
        }
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file)
}

fn counts(plan: &Plan) -> [(&'static str, usize); 6] {
    [
        ("tenants", plan.tenants.len()),
        ("sites", plan.sites.len()),
        ("peers", plan.peers.len()),
        ("trunks", plan.trunks.len()),
        ("users", plan.users.len()),
        ("rules", plan.rules.len()),
    ]
}
