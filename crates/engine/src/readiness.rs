//! Whether a node is to be sent calls, for whoever spreads them: one answer, whatever it is asked by, HTTP or SIP.

use std::fmt;
use std::sync::Arc;

use telness_core::class::Workflow;
use telness_core::names::NodeName;

use crate::node::Engine;
use crate::snapshot::PlanFrom;

/// Why a node is not to be sent calls of a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unready {
    /// It was told to stop, and is about to.
    Stopping,
    /// Nothing writes its journal any more, so calls of the low workflow are refused.
    NothingWrites,
    /// An emergency call would go nowhere, from whatever place.
    NoEmergencyRoute,
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopping => "it is stopping",
            Self::NothingWrites => "nothing writes its journal any more",
            Self::NoEmergencyRoute => "no emergency route is usable",
        })
    }
}

/// What a load balancer and an operator want to know.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// Whether the node takes calls.
    pub ready: bool,
    /// The plan's revision in service.
    pub plan_revision: u64,
    /// Where it comes from.
    pub plan_from: PlanFrom,
    /// How long ago the store was last known to hold what is in service, in seconds; none if it never was.
    pub snapshot_age_s: Option<u64>,
    /// What is amiss and keeps nobody from calling: why what the store holds is not in service, another server's key.
    pub faults: Vec<Arc<str>>,
    /// Why the store takes no records, while it does not. Calls are taken all the same.
    pub store_failing: Option<Arc<str>>,
    /// Records that wait in the journal for the store.
    pub backlog_records: u64,
    /// How long ago the oldest of them was received, in seconds.
    pub backlog_age_s: u64,
    /// The node's name.
    pub node: NodeName,
}

impl Engine {
    /// Why the node is not to be sent calls of a workflow, if it is not.
    #[must_use]
    pub fn unready(&self, workflow: Workflow) -> Option<Unready> {
        if self.is_stopping() {
            return Some(Unready::Stopping);
        }
        match workflow {
            Workflow::High => (!self.emergency.is_usable()).then_some(Unready::NoEmergencyRoute),
            Workflow::Low => (!self.recorder.is_writing()).then_some(Unready::NothingWrites),
        }
    }

    /// Whether the node takes calls, and what is amiss.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        Readiness {
            ready: self.unready(Workflow::Low).is_none(),
            plan_revision: self.snapshot.current().plan.revision,
            plan_from: self.snapshot.made_of().plan_from,
            snapshot_age_s: self.snapshot.age_s(),
            faults: self.snapshot.faults_in_short(),
            store_failing: self.recorder.shipped().failing,
            backlog_records: self.recorder.backlog().records,
            backlog_age_s: self.age_s(self.recorder.backlog()),
            node: self.node.clone(),
        }
    }
}
