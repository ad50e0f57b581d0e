//! The gateways of a plan as they are, and as probes believe them to be.

use std::collections::BTreeMap;
use std::sync::Arc;

use telness_core::decide::Target;
use telness_core::names::{GatewayName, TrunkName};
use telness_core::plan::Plan;
use telness_core::world::Health;
use telness_testkit::Dice;

/// After so many failed probes in a row a gateway is believed to be down, and after so many good ones to be up.
const DOWN_AFTER: u32 = 3;
const UP_AFTER: u32 = 2;

pub(crate) type Key = (TrunkName, GatewayName);

/// What a gateway does with an INVITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Lives,
    /// 503 at once.
    Refuses,
    /// Nothing at all.
    Silent,
}

#[derive(Debug)]
struct Gateway {
    state: State,
    since: i64,
    /// Probes in a row that went as the last one did.
    in_a_row: u32,
    last_was_good: bool,
    believed_up: bool,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Gateways(BTreeMap<Key, Gateway>);

impl Gateways {
    pub(crate) fn of(plan: &Plan) -> Self {
        let all = plan
            .trunks
            .iter()
            .flat_map(|trunk| trunk.gateways.iter().map(|gateway| (trunk.name.clone(), gateway.name.clone())));
        let lives = || Gateway { state: State::Lives, since: 0, in_a_row: 0, last_was_good: true, believed_up: true };
        Self(all.map(|key| (key, lives())).collect())
    }

    /// One of them changes: it dies in one way or another, or lives again.
    pub(crate) fn change(&mut self, now: i64, dice: &mut Dice) {
        let at = usize::try_from(dice.below(self.0.len() as u64)).unwrap();
        let gateway = self.0.values_mut().nth(at).unwrap();
        let next = match (gateway.state, dice.one_in(2)) {
            (State::Lives, true) => State::Refuses,
            (State::Lives, false) => State::Silent,
            _ => State::Lives,
        };
        (gateway.state, gateway.since) = (next, now);
    }

    /// Probes them all; answers the health if that changed what is believed.
    pub(crate) fn probe(&mut self, version: u64) -> Option<Arc<Health>> {
        let mut changed = false;
        for gateway in self.0.values_mut() {
            let good = gateway.state == State::Lives;
            gateway.in_a_row = if good == gateway.last_was_good { gateway.in_a_row + 1 } else { 1 };
            gateway.last_was_good = good;
            let enough = gateway.in_a_row >= if good { UP_AFTER } else { DOWN_AFTER };
            if enough && gateway.believed_up != good {
                (gateway.believed_up, changed) = (good, true);
            }
        }
        let down = || self.0.iter().filter(|(_, one)| !one.believed_up).map(|(key, _)| key.clone()).collect();
        changed.then(|| Arc::new(Health { version: version + 1, down: down() }))
    }

    pub(crate) fn state(&self, target: &Target) -> State {
        self.0[&key(target)].state
    }

    /// Whether a target lived all the time since.
    pub(crate) fn has_lived_since(&self, target: &Target, since: i64) -> bool {
        let gateway = &self.0[&key(target)];
        gateway.state == State::Lives && gateway.since <= since
    }
}

pub(crate) fn key(target: &Target) -> Key {
    (target.trunk.clone(), target.gateway.clone())
}
