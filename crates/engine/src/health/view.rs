//! What is believed of gateways, for whoever wants to know: as it is served, and as a node keeps it on its disk for
//! `telness gateways`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use telness_core::names::{GatewayName, NodeName, TrunkName};
use telness_core::plan::Transport;
use telness_core::time::Timestamp;

use crate::telemetry::GatewayInState;

/// How a gateway answered when it was last asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAsked {
    /// When.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What came of it, such as `200` or `silent`.
    pub result: Arc<str>,
}

/// What is believed of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayState {
    /// It answers.
    Up,
    /// It does not, or calls to it fail.
    Down,
    /// Nothing tells against it, and it never answered us.
    Unknown,
    /// The plan has switched it or its trunk off.
    Disabled,
}

impl GatewayState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::Disabled => "disabled",
        }
    }
}

/// One gateway, for whoever wants to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayView {
    /// Its trunk.
    pub trunk: TrunkName,
    /// Its name.
    pub gateway: GatewayName,
    /// Host and port.
    pub address: Arc<str>,
    /// How SIP is carried to it.
    pub transport: Transport,
    /// Whether emergency calls go to it.
    pub emergency: bool,
    /// Whether it is asked.
    pub probed: bool,
    /// What is believed of it.
    pub state: GatewayState,
    /// Since when, if that ever changed.
    pub since: Option<Timestamp>,
    /// How it answered last.
    pub last: Option<LastAsked>,
    /// Calls to it that failed in a row.
    pub calls_failed: u32,
}

impl GatewayView {
    /// What metrics have of it.
    pub(super) fn in_state(&self) -> GatewayInState<'_> {
        GatewayInState {
            trunk: self.trunk.as_str(),
            gateway: self.gateway.as_str(),
            emergency: self.emergency,
            state: self.state.as_str(),
        }
    }
}

/// All gateways, as a node sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayList {
    /// The node.
    pub node: NodeName,
    /// When it was so.
    pub at: Timestamp,
    /// Whether all that ever answered are silent at once: then the fault is taken to be the node's, and none counts as
    /// down for it.
    pub blind: bool,
    /// The gateways, in the plan's order.
    pub gateways: Vec<GatewayView>,
}

impl GatewayList {
    /// Keeps it in a file, whole or not at all.
    pub(super) fn keep(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec(self)?)?;
        std::fs::rename(beside, path)
    }

    /// Reads what a node kept; none if none ever did.
    ///
    /// # Errors
    /// When the file cannot be read, or is of another release.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        }
    }
}
