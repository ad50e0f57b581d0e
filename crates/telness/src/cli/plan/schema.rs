//! `telness plan schema`: the JSON Schema of plans, for editors.

use telness_core::plan::schema;

use super::super::{Exit, Failure, Output};

pub(super) fn run(out: &mut Output) -> Result<Exit, Failure> {
    let text = serde_json::to_string_pretty(&schema()).map_err(Failure::cannot)?;
    out.line(text)?;
    Ok(Exit::Done)
}
