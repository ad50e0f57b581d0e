//! The two workflows: which settings a call runs under, and how many calls are in hand at once.

mod in_flight;

pub use in_flight::{InFlight, Ticket};

use telness_core::class::{Class, Workflow};

use crate::config::{Durability, Settings};
use crate::error::CallError;

/// What each workflow allows.
#[derive(Debug)]
pub struct Workflows {
    high: Lane,
    low: Lane,
}

#[derive(Debug)]
struct Lane {
    durability: Durability,
    in_flight: InFlight,
}

impl Workflows {
    /// The workflows of the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let lane = |workflow: &crate::config::WorkflowSettings| Lane {
            durability: workflow.durability,
            in_flight: InFlight::new(workflow.calls_in_flight_max),
        };
        Self { high: lane(&settings.high), low: lane(&settings.low) }
    }

    /// Takes a place for a call; it is given back when the ticket is dropped. An emergency call needs none (E11).
    ///
    /// # Errors
    /// [`CallError::Overloaded`] when all places are taken.
    pub fn enter(&self, class: Class) -> Result<Option<Ticket>, CallError> {
        if class == Class::Emergency {
            return Ok(None);
        }
        let in_flight = &self.lane(class.workflow()).in_flight;
        in_flight.enter().map(Some).ok_or_else(|| CallError::Overloaded { in_flight: in_flight.max() })
    }

    /// When an answer of this workflow is given.
    #[must_use]
    pub const fn durability(&self, workflow: Workflow) -> Durability {
        self.lane(workflow).durability
    }

    const fn lane(&self, workflow: Workflow) -> &Lane {
        match workflow {
            Workflow::High => &self.high,
            Workflow::Low => &self.low,
        }
    }
}
