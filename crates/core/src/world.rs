//! What a decision reads beside the call: versioned, immutable, shared by every call at once.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::CallId;
use crate::names::{GatewayName, TrunkName};
use crate::plan::{Plan, PrefixTable, TrunkIx};
use crate::time::Timestamp;

/// The tables that one call is decided on. A change makes a new one; a call keeps the one it began with.
#[derive(Clone, Debug)]
pub struct World {
    /// The compiled plan, with the users and numbers that it declares.
    pub plan: Arc<Plan>,
    /// The rate decks, by trunk.
    pub decks: Arc<Decks>,
    /// What is known to be down.
    pub health: Arc<Health>,
}

impl World {
    /// A world with a plan, no rate decks and everything up.
    #[must_use]
    pub fn of_plan(plan: Plan) -> Self {
        Self { plan: Arc::new(plan), decks: Arc::default(), health: Arc::default() }
    }

    /// The versions of what it is made of.
    #[must_use]
    pub fn versions(&self) -> Versions {
        Versions { plan: self.plan.revision, decks: self.decks.version, health: self.health.version }
    }
}

/// Which tables a decision was made on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The plan's revision.
    #[serde(rename = "p")]
    pub plan: u64,
    /// The rate decks' version.
    #[serde(rename = "d")]
    pub decks: u64,
    /// The health table's version.
    #[serde(rename = "h")]
    pub health: u64,
}

/// A price per minute, in millionths of the deck's currency unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rate(pub u32);

/// The rate decks: for a trunk, what a minute to a prefix costs.
#[derive(Clone, Debug, Default)]
pub struct Decks {
    /// The version, which grows with each change.
    pub version: u64,
    by_trunk: Vec<Option<Arc<PrefixTable>>>,
}

impl Decks {
    /// The same decks with one more, as the next version.
    #[must_use]
    pub fn with(mut self, trunk: TrunkIx, deck: Arc<PrefixTable>) -> Self {
        let at = trunk.index();
        if self.by_trunk.len() <= at {
            self.by_trunk.resize(at.saturating_add(1), None);
        }
        if let Some(slot) = self.by_trunk.get_mut(at) {
            *slot = Some(deck);
        }
        self.version = self.version.saturating_add(1);
        self
    }

    /// The deck of a trunk, if it has one.
    #[must_use]
    pub fn of(&self, trunk: TrunkIx) -> Option<&PrefixTable> {
        self.by_trunk.get(trunk.index())?.as_deref()
    }
}

/// What is known to be down. Empty means that all is believed to be up.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// The version, which grows with each change.
    pub version: u64,
    /// Gateways that do not answer.
    pub down: HashSet<(TrunkName, GatewayName)>,
}

/// What differs from one call to the next and is no property of the call: the time, and its lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When it is decided.
    pub now: Timestamp,
    /// What weighted choices are drawn from.
    pub draw: u64,
}

impl Moment {
    /// The moment of a call: its draw is a hash of its id under the server's key, so that the same call always
    /// draws the same and no caller can choose its lot.
    #[must_use]
    pub fn of(now: Timestamp, id: CallId, key: [u8; 16]) -> Self {
        use std::hash::Hasher as _;
        let mut hasher = siphasher::sip::SipHasher13::new_with_key(&key);
        hasher.write(id.0.as_bytes());
        Self { now, draw: hasher.finish() }
    }
}
