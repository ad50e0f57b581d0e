//! Where a node's first world comes from: the last snapshot, the plan's file, or the example. Nobody is asked for it (S2).

use std::path::Path;
use std::sync::Arc;

use telness_core::last_resort::LastResort;
use telness_core::time::Timestamp;

use crate::plan_flow::{self, EXAMPLE_PLAN, PlanError};
use crate::snapshot::{Compiled, FaultyPlan, Found, PlanFrom, PlanText, Refused, SnapshotFolder, Tables};

/// What a node begins with.
#[derive(Debug)]
pub struct Beginning {
    /// The tables, for deltas to come.
    pub tables: Tables,
    /// The world.
    pub compiled: Compiled,
    /// Where its plan comes from.
    pub plan_from: PlanFrom,
    /// Snapshots that were passed over.
    pub refused: Vec<Refused>,
    /// What is wrong with the snapshot's own plan, if the example stands in for it.
    pub faulty: Option<FaultyPlan>,
}

impl Beginning {
    /// The same with a last resort for emergency calls, which every world after it takes over.
    #[must_use]
    pub fn with_last_resort(self, last_resort: &LastResort) -> Self {
        let Self { tables, mut compiled, plan_from, refused, faulty } = self;
        compiled.world = compiled.world.with_last_resort(last_resort.clone());
        Self { tables, compiled, plan_from, refused, faulty }
    }
}

/// Makes the first world of the last snapshot that holds, and of the plan's file if there is one. What is amiss is
/// logged, and no more than that.
///
/// # Errors
/// When the plan's file cannot be read or has faults.
pub fn begin(folder: &SnapshotFolder, plan: Option<&Path>, now: Timestamp) -> Result<Beginning, PlanError> {
    let Found { loaded, refused } = folder.load();
    for refused in &refused {
        tracing::error!(path = %refused.path.display(), why = %refused.why, "a snapshot is not used");
    }
    let tables = loaded.map(|loaded| loaded.tables).unwrap_or_default();
    let faulty = |fault: FaultyPlan| PlanError::Faulty { name: fault.name.to_string(), rendered: fault.rendered };
    if let Some(path) = plan {
        let text = plan_flow::text_of(path)?;
        let compiled = tables.compile(&text, now, None).map_err(faulty)?;
        return Ok(Beginning { tables, compiled, plan_from: PlanFrom::File, refused, faulty: None });
    }
    let compiled = tables.plan.as_ref().map(|plan| tables.compile(plan, now, None));
    let fault = match compiled {
        Some(Ok(compiled)) => {
            return Ok(Beginning { tables, compiled, plan_from: PlanFrom::Store, refused, faulty: None });
        }
        Some(Err(fault)) => {
            tracing::error!(%fault, "the snapshot's plan is not used, and the built-in example stands in for it");
            Some(fault)
        }
        None if refused.is_empty() => None,
        None => {
            tracing::error!("no snapshot holds a plan, and no plan is given: the built-in example is in service");
            None
        }
    };
    let compiled = tables.compile(&example(), now, None).map_err(faulty)?;
    Ok(Beginning { tables, compiled, plan_from: PlanFrom::Example, refused, faulty: fault })
}

/// The built-in example as a plan.
#[must_use]
pub fn example() -> PlanText {
    PlanText { name: Arc::from("the built-in example"), text: Arc::from(EXAMPLE_PLAN), revision: 1 }
}
