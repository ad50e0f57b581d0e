//! The plan: the document that people edit, its check, and the compiled form that calls are decided on.
//!
//! ```text
//! bytes ─ read ─▶ tree of values with their places ─ document ─▶ typed document ─ compile ─▶ Plan
//! ```
//! Each step tells all that is wrong, and only a document without a fault becomes a plan.

mod address;
mod compile;
mod document;
mod emergency_table;
mod fault;
mod faults;
mod nearest;
mod path;
mod prefix_table;
mod read;
mod run;
mod schedule;
mod tables;

pub use address::{gateway_host, is_gateway_address};
pub use document::schema;
pub use emergency_table::{EmergencyTable, TestRoute};
pub use fault::{FAULTS_SHOWN_MAX, Fault, FaultCode, PlanFaults, render_warnings};
pub use nearest::nearest;
pub use prefix_table::PrefixTable;
pub use read::{PLAN_BYTES_MAX, PLAN_DEPTH_MAX, PLAN_VALUES_MAX};
pub use run::Run;
pub use tables::*;

use document::decode::Decode as _;

/// Reads a plan out of YAML or JSON and checks it whole.
///
/// # Errors
/// Everything that is wrong with it, each fault with its place and what to do.
pub fn read_plan(bytes: &[u8], revision: u64) -> Result<Plan, PlanFaults> {
    let root = read::read(bytes).map_err(|fault| PlanFaults { faults: vec![fault], not_shown: 0 })?;
    let mut faults = faults::Faults::new(&root);
    let document = document::Document::decode(&root, &path::Path::ROOT, &mut faults);
    let plan = document.map(|document| compile::compile(&document, revision, &mut faults));
    match plan {
        Some(plan) if faults.is_empty() => Ok(Plan { warnings: faults.into_warnings(), ..plan }),
        _ => Err(faults.into_plan_faults()),
    }
}
