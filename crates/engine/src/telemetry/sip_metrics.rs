//! The metrics of who asks by SIP.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use telness_core::class::Workflow;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    workflow: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DroppedLabels {
    workflow: &'static str,
    why: &'static str,
}

/// Why a message has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It is no request, or one that does not tell how to be answered.
    Malformed,
    /// It is an ACK, which nobody answers.
    Ack,
    /// The answer would have been much larger than the datagram that asked, or the system did not take it.
    Unsent,
    /// Answering it failed, for a mistake of ours.
    Failed,
}

impl Dropped {
    const ALL: [Self; 4] = [Self::Malformed, Self::Ack, Self::Unsent, Self::Failed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Ack => "ack",
            Self::Unsent => "unsent",
            Self::Failed => "failed",
        }
    }
}

/// What is counted of each message.
#[derive(Debug, Default)]
pub struct SipMetrics {
    answers: Family<AnswerLabels, Counter>,
    dropped: Family<DroppedLabels, Counter>,
}

impl SipMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        // From the start on, so that the first of each is a rise that an alert sees.
        for workflow in [Workflow::High, Workflow::Low] {
            for why in Dropped::ALL {
                drop(self.dropped.get_or_create(&DroppedLabels { workflow: workflow.as_str(), why: why.as_str() }));
            }
        }
        registry.register("sip_answers", "Requests by SIP that were answered", self.answers.clone());
        registry.register("sip_dropped", "Messages to a SIP listener without an answer", self.dropped.clone());
    }

    /// Counts an answer to a request with a method of a list of ours, so that nobody makes new labels.
    pub fn answered(&self, workflow: Workflow, method: &'static str, status: u16) {
        self.answers.get_or_create(&AnswerLabels { workflow: workflow.as_str(), method, status }).inc();
    }

    /// Counts a message that has no answer.
    pub fn dropped(&self, workflow: Workflow, why: Dropped) {
        self.dropped.get_or_create(&DroppedLabels { workflow: workflow.as_str(), why: why.as_str() }).inc();
    }
}
