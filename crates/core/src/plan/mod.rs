//! The plan: the document that people edit, its check, and the compiled form that calls are decided on.

mod prefix_table;
mod tables;

pub use prefix_table::PrefixTable;
pub use tables::*;

/// Everything that is wrong with a plan.
#[derive(Debug)]
pub struct PlanFaults {}

impl PlanFaults {
    /// Each fault with its line and a caret.
    #[must_use]
    pub fn render(&self, file: &str, text: &str) -> String {
        format!("{file}: {text}")
    }
}

/// Reads, checks and compiles a plan.
///
/// # Errors
/// Every fault at once.
pub fn read_plan(bytes: &[u8], revision: u64) -> Result<Plan, PlanFaults> {
    let _ = (bytes, revision);
    Err(PlanFaults {})
}
