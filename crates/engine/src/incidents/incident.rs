//! One incident, as it is kept and shown.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use telness_core::names::NodeName;
use telness_core::time::Timestamp;

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentKind {
    /// Emergency calls were not routed, or all that they were sent to failed.
    EmergencyCallsLost,
    /// From some place an emergency call would go nowhere.
    NoEmergencyRoute,
    /// No gateway that emergency calls go to answers.
    EmergencyGatewaysDown,
    /// Emergency calls went to the last resort.
    LastResortUsed,
    /// No emergency call comes any more.
    EmergencySilence,
}

impl IncidentKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::EmergencyCallsLost,
        Self::NoEmergencyRoute,
        Self::EmergencyGatewaysDown,
        Self::LastResortUsed,
        Self::EmergencySilence,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmergencyCallsLost => "emergency_calls_lost",
            Self::NoEmergencyRoute => "no_emergency_route",
            Self::EmergencyGatewaysDown => "emergency_gateways_down",
            Self::LastResortUsed => "last_resort_used",
            Self::EmergencySilence => "emergency_silence",
        }
    }
}

/// What happened, since when and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// The version of this form.
    pub v: u8,
    /// Its name: when it was opened and what it is.
    pub id: Arc<str>,
    /// What kind of trouble it is.
    pub kind: IncidentKind,
    /// The node that saw it.
    pub node: NodeName,
    /// Whom it touches, in words.
    pub scope: Arc<str>,
    /// Since when.
    pub opened_at: Timestamp,
    /// Until when; none while it goes on.
    pub closed_at: Option<Timestamp>,
    /// Emergency calls that failed meanwhile.
    pub emergency_calls_failed: u64,
}

/// The incidents of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentList {
    /// The latest first.
    pub incidents: Vec<Incident>,
    /// Lines of the file that could not be read: of a write that was cut off, or of another release.
    pub unreadable: usize,
}

impl IncidentList {
    /// Reads what a node keeps in a file, also while it runs; nothing if there is none. Of several lines of one incident the
    /// last counts.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(why) => return Err(why),
        };
        let mut latest: BTreeMap<(Timestamp, Arc<str>), Incident> = BTreeMap::new();
        let mut unreadable = 0_usize;
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Incident>(line) {
                Ok(incident) => {
                    latest.insert((incident.opened_at, Arc::clone(&incident.id)), incident);
                }
                Err(_) => unreadable = unreadable.saturating_add(1),
            }
        }
        Ok(Self { incidents: latest.into_values().rev().collect(), unreadable })
    }
}
