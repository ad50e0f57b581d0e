//! `telness plan check`: every fault and warning of a plan, with its line.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use telness_core::plan::{PLAN_BYTES_MAX, Plan, PlanFaults, read_plan, render_warnings};

use super::super::{Exit, Failure, Output};

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

/// Reads a plan, no further than shows that it is too large.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let bytes_max = u64::try_from(PLAN_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(bytes_max).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|opened| opened.take(bytes_max).read_to_end(&mut bytes))
    };
    let name = file.display();
    read.map_err(|why| Failure::cannot(format_args!("the plan {name} cannot be read: {why}")))?;
    Ok(bytes)
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
