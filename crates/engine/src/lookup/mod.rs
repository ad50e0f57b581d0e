//! What others are asked about a call before it is decided: facts, with absence said.

use telness_core::call::Call;
use telness_core::facts::{Absence, Fact, FactKind, Facts, Wanted};

/// The look-up services that are declared. None can be declared yet, so every wanted fact is absent, and says so.
#[derive(Debug, Default)]
pub struct Lookups {}

impl Lookups {
    /// Asks for the facts that a matching rule can use, and for no other.
    #[allow(clippy::unused_async, reason = "asking waits as soon as a service can be declared")]
    pub async fn ask(&self, wanted: Wanted, call: &Call) -> Facts {
        let _ = call;
        let mut facts = Facts::default();
        if wanted.has(FactKind::Portability) {
            facts.portability = Fact::Unknown { why: Absence::NotConfigured };
        }
        if wanted.has(FactKind::CallerName) {
            facts.caller_name = Fact::Unknown { why: Absence::NotConfigured };
        }
        if wanted.has(FactKind::FraudScore) {
            facts.fraud_score = Fact::Unknown { why: Absence::NotConfigured };
        }
        facts
    }
}
