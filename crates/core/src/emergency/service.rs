//! The emergency services that can be asked for by name (RFC 5031).

use serde::{Deserialize, Serialize};

/// An emergency service, as in the `sos` branch of service URNs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// `urn:service:sos`: whichever is needed.
    Any,
    /// `urn:service:sos.ambulance`.
    Ambulance,
    /// `urn:service:sos.fire`.
    Fire,
    /// `urn:service:sos.police`.
    Police,
    /// `urn:service:sos.marine`.
    Marine,
    /// `urn:service:sos.mountain`.
    Mountain,
    /// `urn:service:sos.physician`.
    Physician,
    /// `urn:service:sos.poison`.
    Poison,
    /// `urn:service:sos.gas`.
    Gas,
    /// `urn:service:sos.animal-control`.
    AnimalControl,
}

impl Service {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Any,
        Self::Ambulance,
        Self::Fire,
        Self::Police,
        Self::Marine,
        Self::Mountain,
        Self::Physician,
        Self::Poison,
        Self::Gas,
        Self::AnimalControl,
    ];

    /// The label after `sos.`; empty for [`Service::Any`].
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Ambulance => "ambulance",
            Self::Fire => "fire",
            Self::Police => "police",
            Self::Marine => "marine",
            Self::Mountain => "mountain",
            Self::Physician => "physician",
            Self::Poison => "poison",
            Self::Gas => "gas",
            Self::AnimalControl => "animal-control",
        }
    }

    /// The service of a label such as `ambulance` or `AMBULANCE.air`. What is unknown asks for whichever is needed,
    /// as RFC 5031 has it: a call is never lost for a label.
    #[must_use]
    pub fn of_label(label: &str) -> Self {
        let first = label.split('.').next().unwrap_or("");
        Self::ALL.into_iter().find(|service| service.label().eq_ignore_ascii_case(first)).unwrap_or(Self::Any)
    }

    /// The service URN, in its test form if `test`.
    #[must_use]
    pub fn urn(self, test: bool) -> String {
        let root = if test { "urn:service:test.sos" } else { "urn:service:sos" };
        match self.label() {
            "" => root.to_owned(),
            label => format!("{root}.{label}"),
        }
    }
}
