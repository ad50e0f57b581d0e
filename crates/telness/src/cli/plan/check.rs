//! `telness plan check`: every fault and warning of a plan, with its line.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use telness_core::plan::{PLAN_BYTES_MAX, Plan, PlanFaults, read_plan, render_warnings};

use super::super::{Exit, Failure, Output, short_file};

/// Which plan.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// The plan, in YAML or JSON; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Check {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let name = self.file.display().to_string();
        let bytes = read(&self.file)?;
        let plan = match read_plan(&bytes, 0) {
            Ok(plan) => plan,
            Err(faults) => return faulty(&name, &bytes, &faults, out),
        };
        let counts = counts(&plan);
        if out.is_json() {
            let counts: serde_json::Map<_, _> =
                counts.iter().map(|(what, count)| ((*what).to_owned(), json!(count))).collect();
            let warnings = &plan.warnings;
            out.json(&json!({ "file": name, "good": true, "faults": [], "warnings": warnings, "counts": counts }))?;
        } else {
            out.text(&render_warnings(&plan.warnings, &name, &String::from_utf8_lossy(&bytes)))?;
            let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
            out.line(format_args!("{name} is good: {}", counts.join(", ")))?;
        }
        Ok(Exit::Done)
    }
}

/// Reads a plan.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    short_file::read("plan", file, PLAN_BYTES_MAX)
}

/// Tells every fault.
pub(super) fn faulty(name: &str, bytes: &[u8], faults: &PlanFaults, out: &mut Output) -> Result<Exit, Failure> {
    if out.is_json() {
        out.json(&json!({ "file": name, "good": false, "faults": faults.faults, "not_shown": faults.not_shown }))?;
    } else {
        out.text(&faults.render(name, &String::from_utf8_lossy(bytes)))?;
        let count = faults.faults.len().saturating_add(faults.not_shown);
        out.line(format_args!("{name} has {count} fault{}", if count == 1 { "" } else { "s" }))?;
    }
    Ok(Exit::No)
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
