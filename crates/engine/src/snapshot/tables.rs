//! What a world is compiled of: the plan's text and the rows of the store, kept small and changed by deltas.
//!
//! Users and numbers are kept compiled already, so that they are there once: the world in service shares their blocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use telness_core::directory::{Block, Directory, NumberEntry, Tenant, User};
use telness_core::names::{TenantName, TrunkName, UserName};
use telness_core::number::E164;
use telness_core::rates::Deck;
use telness_core::time::Timestamp;

/// A plan as it was published, and which one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanText {
    /// What faults and logs call it, such as a file's name.
    pub name: Arc<str>,
    /// The document.
    pub text: Arc<str>,
    /// The published revision's number.
    pub revision: u64,
}

/// Where the plan in service comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanFrom {
    /// The file that the settings name.
    File,
    /// The plan that is published in the store.
    Store,
    /// The built-in example.
    Example,
}

impl PlanFrom {
    /// As it is told.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Store => "store",
            Self::Example => "example",
        }
    }
}

/// The last change that the store's log had, by which a store that was set back, and went on differently, is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastChange {
    /// Its number.
    pub version: i64,
    /// When it was made.
    pub at: Timestamp,
}

/// The plan's text and the store's rows, of one version.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The published plan; none if the store has none.
    pub plan: Option<PlanText>,
    /// The last change of the store that is in them.
    pub version: u64,
    /// When the store was last known to hold just this.
    pub known_at: Timestamp,
    /// The last change of the log that is in them; none if the log has none, or it was not asked.
    pub last_change: Option<LastChange>,
    /// The tenants.
    pub tenants: BTreeMap<TenantName, Tenant>,
    /// The blocks of numbers, by their first one.
    pub blocks: BTreeMap<E164, Block>,
    /// The users and numbers.
    pub directory: Directory,
    /// The rate decks, by trunk.
    pub decks: BTreeMap<TrunkName, Arc<Deck>>,
    /// The version of the last change in the decks.
    pub decks_version: u64,
}

impl Default for Tables {
    /// Nothing, known at no time.
    fn default() -> Self {
        Self {
            plan: None,
            version: 0,
            known_at: Timestamp::from_micros(0),
            last_change: None,
            tenants: BTreeMap::new(),
            blocks: BTreeMap::new(),
            directory: Directory::default(),
            decks: BTreeMap::new(),
            decks_version: 0,
        }
    }
}

/// What changed between one version and a later one. What is gone is taken out before anything is put in.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    /// The version that the tables have afterwards.
    pub version: u64,
    /// The plan that was published.
    pub plan: Option<PlanText>,
    /// Tenants that are new or changed.
    pub tenants: Vec<Tenant>,
    /// Tenants that are gone.
    pub tenants_gone: Vec<TenantName>,
    /// Users that are new or changed.
    pub users: Vec<User>,
    /// Users that are gone.
    pub users_gone: Vec<(TenantName, UserName)>,
    /// Blocks that are new or changed.
    pub blocks: Vec<Block>,
    /// Blocks that are gone, by their first number.
    pub blocks_gone: Vec<E164>,
    /// Numbers whose entry is new or changed.
    pub numbers: Vec<NumberEntry>,
    /// Numbers that have no entry any more.
    pub numbers_gone: Vec<E164>,
    /// Decks that are in force from now on, each in the place of its trunk's before.
    pub decks: Vec<Deck>,
    /// Trunks that have no deck any more.
    pub decks_gone: Vec<TrunkName>,
}

impl Tables {
    /// Whether nothing of the store is in them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let rows = self.tenants.is_empty() && self.blocks.is_empty() && self.decks.is_empty();
        rows && self.plan.is_none() && self.directory.is_empty()
    }

    /// Makes the tables those of a later version. Work grows with the delta and not with the tables.
    pub fn apply(&mut self, delta: Delta) {
        self.version = delta.version;
        if let Some(plan) = delta.plan {
            self.plan = Some(plan);
        }
        self.tenants.retain(|name, _| !delta.tenants_gone.contains(name));
        self.tenants.extend(delta.tenants.into_iter().map(|tenant| (tenant.name.clone(), tenant)));
        for first in delta.blocks_gone {
            self.blocks.remove(&first);
        }
        self.blocks.extend(delta.blocks.into_iter().map(|block| (block.first, block)));
        if !(delta.decks.is_empty() && delta.decks_gone.is_empty()) {
            self.decks_version = delta.version;
        }
        for trunk in &delta.decks_gone {
            self.decks.remove(trunk);
        }
        self.decks.extend(delta.decks.into_iter().map(|deck| (deck.trunk.clone(), Arc::new(deck))));
        let directory = &mut self.directory;
        let rows = [delta.users.len(), delta.users_gone.len(), delta.numbers.len(), delta.numbers_gone.len()];
        if rows.iter().any(|rows| *rows > 0) {
            directory.version = delta.version;
        }
        delta.users_gone.iter().for_each(|(tenant, name)| directory.remove_user(tenant, name));
        delta.users.iter().for_each(|user| directory.put_user(user));
        delta.numbers_gone.iter().for_each(|number| directory.remove_number(*number));
        delta.numbers.iter().for_each(|entry| directory.put_number(entry));
    }
}
