//! The gateways of a plan as they are, beside what a node believes of them by asking and by what switches report.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use telness_core::call::CallId;
use telness_core::decide::{Step, Target};
use telness_core::names::{GatewayName, TrunkName};
use telness_core::record::{Cause, EventKind};
use telness_core::time::Timestamp;
use telness_core::world::{Health, World};
use telness_engine::health::Gateways as Believed;
use telness_engine::sip::Asked;
use telness_testkit::Dice;

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
    address: Arc<str>,
    state: State,
    since: i64,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Gateways {
    all: BTreeMap<Key, Gateway>,
    believed: Believed,
    /// The beginning, on the node's clock and on that of the simulation.
    began: (Instant, i64),
}

impl Gateways {
    pub(crate) fn of(world: &World, seed: u64, now: i64) -> Self {
        let mut all = BTreeMap::new();
        for trunk in &world.plan.trunks {
            for gateway in &trunk.gateways {
                let lives = Gateway { address: Arc::clone(&gateway.address), state: State::Lives, since: 0 };
                all.insert((trunk.name.clone(), gateway.name.clone()), lives);
            }
        }
        let began = (telness_engine::clock::monotonic(), now);
        let believed = Believed::new(seed, Duration::from_secs(10));
        believed.follow(world, began.0);
        Self { all, believed, began }
    }

    fn instant(&self, now: i64) -> Instant {
        self.began.0 + Duration::from_micros(u64::try_from(now - self.began.1).unwrap())
    }

    /// One of them changes: it dies in one way or another, or lives again.
    pub(crate) fn change(&mut self, now: i64, dice: &mut Dice) {
        let at = usize::try_from(dice.below(self.all.len() as u64)).unwrap();
        let gateway = self.all.values_mut().nth(at).unwrap();
        let next = match (gateway.state, dice.one_in(2)) {
            (State::Lives, true) => State::Refuses,
            (State::Lives, false) => State::Silent,
            _ => State::Lives,
        };
        (gateway.state, gateway.since) = (next, now);
    }

    /// Asks those whose turn it is; answers the health if that changed what is believed.
    pub(crate) fn probe(&self, now: i64) -> Option<Health> {
        let (at, instant) = (Timestamp::from_micros(now), self.instant(now));
        for whom in self.believed.due(instant, usize::MAX) {
            let state = self.all.values().find(|gateway| gateway.address == whom.address).unwrap().state;
            let asked = match state {
                State::Lives => Asked::Answered(200),
                State::Refuses => Asked::Answered(503),
                State::Silent => Asked::Silent,
            };
            self.believed.asked(&whom, &asked, Duration::ZERO, at, instant);
        }
        self.believed.news(at, instant)
    }

    pub(crate) fn remember(&self, call: CallId, for_help: bool, steps: &[Step]) {
        self.believed.remember(call, for_help, steps);
    }

    /// A switch has tried a target and reports what came of it.
    pub(crate) fn report(&self, call: CallId, target: &Target, now: i64) {
        let failed = |sip| (EventKind::Failed, Some(Cause { sip: Some(sip), q850: None }));
        let (kind, cause) = match self.state(target) {
            State::Lives => (EventKind::Answered, None),
            State::Refuses => failed(503),
            State::Silent => failed(408),
        };
        let tenant = "simulated".parse().unwrap();
        self.believed.reported(call, &target.leg, kind, cause, &tenant, self.instant(now));
    }

    pub(crate) fn state(&self, target: &Target) -> State {
        self.all[&key(target)].state
    }

    /// Whether a target lived all the time since.
    pub(crate) fn has_lived_since(&self, target: &Target, since: i64) -> bool {
        let gateway = &self.all[&key(target)];
        gateway.state == State::Lives && gateway.since <= since
    }
}

pub(crate) fn key(target: &Target) -> Key {
    (target.trunk.clone(), target.gateway.clone())
}
