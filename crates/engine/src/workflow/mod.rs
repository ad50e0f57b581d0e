//! The two workflows: which settings a call runs under, and how many calls are in hand at once.

mod in_flight;

pub use in_flight::{InFlight, Ticket};

use std::sync::Arc;

use telness_core::class::{Class, Workflow};

use crate::config::{Durability, Serve, Settings};
use crate::error::CallError;

/// What each workflow allows.
#[derive(Debug)]
pub struct Workflows {
    high: Lane,
    low: Lane,
    /// Who takes the low workflow's calls, for whoever asks the high listener.
    low_is_at: Arc<str>,
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
        Self { high: lane(&settings.high), low: lane(&settings.low), low_is_at: low_is_at(settings) }
    }

    /// Whether a listener of this workflow takes a call of this class. Either carries emergency and vital calls (E13).
    ///
    /// # Errors
    /// [`CallError::Misdirected`] when it is for the other listener.
    pub fn expects(&self, listener: Workflow, class: Class) -> Result<(), CallError> {
        match (listener, class.workflow()) {
            (Workflow::High, Workflow::Low) => Err(CallError::Misdirected { send_to: Arc::clone(&self.low_is_at) }),
            _ => Ok(()),
        }
    }

    /// Who takes the low workflow's calls.
    #[must_use]
    pub const fn low_is_at(&self) -> &Arc<str> {
        &self.low_is_at
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

fn low_is_at(settings: &Settings) -> Arc<str> {
    match (&settings.low_url, settings.serve) {
        (Some(url), _) => Arc::from(url.as_str()),
        (None, Serve::High) => Arc::from("a process that serves the low workflow"),
        (None, _) => Arc::from(format!("port {} of this node", settings.listen.port())),
    }
}
