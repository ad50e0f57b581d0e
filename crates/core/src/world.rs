//! What a decision reads beside the call: versioned, immutable, shared by every call at once.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::CallId;
use crate::directory::Directory;
use crate::last_resort::LastResort;
use crate::names::{GatewayName, TrunkName};
use crate::plan::{Plan, PrefixTable, TrunkIx};
use crate::time::Timestamp;

/// The tables that one call is decided on. A change makes a new one; a call keeps the one it began with.
#[derive(Clone, Debug)]
pub struct World {
    /// The compiled plan, with the users and numbers that it declares.
    pub plan: Arc<Plan>,
    /// The users and numbers that the plan does not declare.
    pub directory: Arc<Directory>,
    /// The rate decks, by trunk.
    pub decks: Arc<Decks>,
    /// What is known to be down.
    pub health: Arc<Health>,
    /// Where emergency calls go by the node's own settings, which no plan changes.
    pub last_resort: LastResort,
}

impl World {
    /// A world of tables that name trunks and tenants: what those are in the plan is found out here.
    #[must_use]
    pub fn new(plan: Arc<Plan>, mut directory: Directory, mut decks: Decks, health: Arc<Health>) -> Self {
        directory.bind(&plan);
        decks.bind(&plan);
        let last_resort = LastResort::default();
        Self { plan, directory: Arc::new(directory), decks: Arc::new(decks), health, last_resort }
    }

    /// A world with a plan, no directory, no rate decks and everything up.
    #[must_use]
    pub fn of_plan(plan: Plan) -> Self {
        Self::new(Arc::new(plan), Directory::default(), Decks::default(), Arc::default())
    }

    /// The same world with another plan.
    #[must_use]
    pub fn with_plan(&self, plan: Plan) -> Self {
        let (directory, decks) = ((*self.directory).clone(), (*self.decks).clone());
        let world = Self::new(Arc::new(plan), directory, decks, Arc::clone(&self.health));
        world.with_last_resort(self.last_resort.clone())
    }

    /// The same world with a last resort for emergency calls.
    #[must_use]
    pub fn with_last_resort(self, last_resort: LastResort) -> Self {
        Self { last_resort, ..self }
    }

    /// The versions of what it is made of.
    #[must_use]
    pub fn versions(&self) -> Versions {
        Versions {
            plan: self.plan.revision,
            decks: self.decks.version,
            health: self.health.version,
            directory: self.directory.version,
        }
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
    /// The directory's version; 0, and left out of records, where there is none.
    #[serde(rename = "u", skip_serializing_if = "is_zero", default)]
    pub directory: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(version: &u64) -> bool {
    *version == 0
}

/// A price per minute, in millionths of the deck's currency unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rate(pub u32);

/// As people write it and decks have it, exactly: `0.0125`.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MILLION: u32 = 1_000_000;
        let text = format!("{}.{:06}", self.0 / MILLION, self.0 % MILLION);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// The rate decks: for a trunk, what a minute to a prefix costs at the time they were made for.
#[derive(Clone, Debug, Default)]
pub struct Decks {
    /// The version, which grows with each change.
    pub version: u64,
    /// When a row becomes valid or ceases to be, so that they are to be made anew; never if there is none.
    pub changes_at: Option<Timestamp>,
    by_name: BTreeMap<TrunkName, Arc<PrefixTable>>,
    /// By the trunk's place in the plan.
    by_trunk: Vec<Option<Arc<PrefixTable>>>,
}

impl Decks {
    /// The same decks with one more, as the next version. It counts once it is in a world.
    #[must_use]
    pub fn with(mut self, trunk: TrunkName, deck: Arc<PrefixTable>) -> Self {
        self.by_name.insert(trunk, deck);
        self.version = self.version.saturating_add(1);
        self
    }

    /// Finds each trunk's deck by its name. A deck of a trunk that the plan does not have waits for one that has it.
    fn bind(&mut self, plan: &Plan) {
        self.by_trunk = plan.trunks.iter().map(|trunk| self.by_name.get(&trunk.name).cloned()).collect();
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

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn a_rate_is_written_as_it_is_read() {
        for (millionths, text) in [(0, "0"), (12_500, "0.0125"), (1, "0.000001"), (1_000_000, "1"), (10_000_000, "10")]
        {
            assert_eq!(Rate(millionths).to_string(), text);
        }
    }
}
