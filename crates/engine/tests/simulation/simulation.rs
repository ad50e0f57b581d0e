//! The simulation itself: a queue of what happens next, and what is promised of each call.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use telness_core::call::{CallId, Draft};
use telness_core::class::{Class, Workflow};
use telness_core::decide::{Action, Decision, Target};
use telness_core::plan::read_plan;
use telness_core::time::Timestamp;
use telness_core::world::World;
use telness_engine::auth::Keys;
use telness_engine::config::Settings;
use telness_engine::workflow::{Ticket, Workflows};
use telness_engine::{Asker, TrialCall, try_call};
use telness_testkit::Dice;

use crate::gateways::{Gateways, State, key};

const EXAMPLE: &str = include_str!("../../../../examples/sweden.yaml");
const SECOND: i64 = 1_000_000;
/// Noon of a Monday, UTC.
const NOON: i64 = 1_795_435_200_000_000;
/// Places of the low workflow: enough but in a storm.
const PLACES: usize = 20;
/// A storm begins every two minutes, lasts for twenty seconds, and is ten times as many normal calls.
const STORM_EVERY: i64 = 120 * SECOND;
const STORM_LASTS: i64 = 20 * SECOND;

/// What happens next.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrives(Kind),
    /// A call's answer is given, and with it its place.
    Answered(u64),
    /// A switch tries a step of a call.
    Tries(u64, usize),
    GatewayChanges,
    Probe,
}

/// What arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Emergency,
    Vital,
    Normal,
}

/// What became of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) refused: u64,
    pub(crate) routed: u64,
    pub(crate) reached: u64,
    pub(crate) by_a_later_step: u64,
    pub(crate) lost: u64,
    pub(crate) longest_us: i64,
}

/// What became of all, and a hash of everything that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) emergency: Tally,
    pub(crate) vital: Tally,
    pub(crate) normal: Tally,
    pub(crate) healths: u64,
    pub(crate) digest: u64,
}

struct Open {
    id: CallId,
    kind: Kind,
    began: i64,
    targets: Vec<Target>,
    place: Option<Ticket>,
}

pub(crate) struct Simulation {
    dice: Dice,
    now: i64,
    order: u64,
    next: BinaryHeap<Reverse<(i64, u64, Event)>>,
    world: World,
    gateways: Gateways,
    workflows: Workflows,
    keys: Keys,
    open: BTreeMap<u64, Open>,
    report: Report,
    digest: DefaultHasher,
}

impl Simulation {
    pub(crate) fn new(seed: u64) -> Self {
        let mut settings = Settings::defaults();
        settings.low.calls_in_flight_max = PLACES;
        let plan = read_plan(EXAMPLE.as_bytes(), 1).unwrap();
        let world = World::of_plan(plan);
        let gateways = Gateways::of(&world, seed, NOON);
        Self {
            dice: Dice::seeded(seed),
            now: NOON,
            order: 0,
            next: BinaryHeap::new(),
            world,
            gateways,
            workflows: Workflows::new(&settings),
            keys: Keys::new(&settings.keys),
            open: BTreeMap::new(),
            report: Report::default(),
            digest: DefaultHasher::new(),
        }
    }

    /// Lets so many calls arrive, and all of them come to their end.
    pub(crate) async fn run(mut self, calls: u64) -> Report {
        for event in [Kind::Emergency, Kind::Vital, Kind::Normal].map(Event::Arrives) {
            self.in_(0, event);
        }
        self.in_(0, Event::GatewayChanges);
        self.in_(0, Event::Probe);
        let mut arrived = 0;
        while let Some(Reverse((at, _, event))) = self.next.pop() {
            self.now = at;
            let more = arrived < calls;
            match event {
                Event::Arrives(kind) if more => {
                    arrived += 1;
                    self.arrives(kind, arrived).await;
                }
                Event::Answered(call) => self.answered(call),
                Event::Tries(call, step) => self.tries(call, step),
                Event::GatewayChanges if more => {
                    self.gateways.change(self.now, &mut self.dice);
                    self.after_about(5 * SECOND, Event::GatewayChanges);
                }
                Event::Probe if more => self.probe(),
                _ => {}
            }
        }
        assert!(self.open.is_empty(), "calls without an end");
        let of_normal = PLACES - PLACES / 10;
        let places: Vec<_> = (0..of_normal).map(|_| self.workflows.enter(Class::Normal)).collect();
        assert!(places.iter().all(Result::is_ok), "a place was not given back");
        self.report.digest = self.digest.finish();
        self.report
    }

    async fn arrives(&mut self, kind: Kind, call: u64) {
        let storm = (self.now - NOON) % STORM_EVERY > STORM_EVERY - STORM_LASTS;
        let every = match kind {
            Kind::Emergency | Kind::Vital => SECOND / 5,
            Kind::Normal if storm => SECOND / 800,
            Kind::Normal => SECOND / 80,
        };
        self.after_about(every, Event::Arrives(kind));
        let class = match kind {
            Kind::Emergency => Class::Emergency,
            Kind::Vital => Class::Vital,
            Kind::Normal => Class::Normal,
        };
        let Ok(place) = self.workflows.enter(class) else {
            assert_ne!(kind, Kind::Emergency, "an emergency call was refused");
            self.tally(kind).refused += 1;
            return;
        };
        let id = u128::from(self.dice.below(u64::MAX)) << 64 | u128::from(self.dice.below(u64::MAX));
        let id = CallId(uuid::Uuid::from_u128(id));
        let decision = self.decide(id, kind, class).await;
        self.gateways.remember(id, kind == Kind::Emergency, &decision.steps);
        let targets = self.held_to_its_promises(kind, &decision);
        (call, self.now, targets.iter().map(key).collect::<Vec<_>>()).hash(&mut self.digest);
        if decision.action == Action::Route {
            self.tally(kind).routed += 1;
        }
        self.open.insert(call, Open { id, kind, began: self.now, targets, place });
        self.after_about(SECOND / 10, Event::Answered(call));
    }

    async fn decide(&mut self, id: CallId, kind: Kind, class: Class) -> Decision {
        let dialled = match kind {
            Kind::Emergency => {
                ["112", "90000", "tel:112;phone-context=+46", "urn:service:sos.ambulance"][self.below(4)]
            }
            Kind::Vital => "1177",
            Kind::Normal => {
                ["+46701740605", "+46701740610", "+46846500410", "+4687654321", "+15005550006"][self.below(5)]
            }
        };
        let trial = TrialCall { draft: draft(dialled), id, at: Timestamp::from_micros(self.now), draw_key: [7; 16] };
        let asker = Asker { listener: "http", workflow: Workflow::Low, address: [192, 0, 2, 1].into(), key: None };
        let trial = try_call(&self.world, &self.keys, &asker, trial).await;
        assert_eq!(trial.classified.class, class, "{dialled}");
        trial.outcome.unwrap().1
    }

    /// What is to be true of a decision whatever the gateways do; answers what is tried, in order.
    fn held_to_its_promises(&self, kind: Kind, decision: &Decision) -> Vec<Target> {
        let targets: Vec<Target> = decision.steps.iter().flat_map(|step| step.targets.clone()).collect();
        let down: Vec<bool> = targets.iter().map(|target| self.world.health.down.contains(&key(target))).collect();
        if kind == Kind::Emergency {
            assert_eq!(decision.action, Action::Route);
            assert_eq!(targets.len(), 4, "not every emergency gateway is tried: {targets:?}");
            assert!(down.is_sorted(), "one that is down comes before one that is not: {targets:?}");
        } else {
            assert!(!down.contains(&true), "a gateway that is down has a rank: {targets:?}");
        }
        targets
    }

    fn answered(&mut self, call: u64) {
        let open = self.open.get_mut(&call).unwrap();
        drop(open.place.take());
        self.tries(call, 0);
    }

    fn tries(&mut self, call: u64, step: usize) {
        let open = &self.open[&call];
        let Some(target) = open.targets.get(step) else { return self.ends(call, None) };
        let move_on = Arc::clone(&target.move_on);
        self.gateways.report(open.id, target, self.now);
        match self.gateways.state(target) {
            State::Lives => self.ends(call, Some(step)),
            State::Refuses if move_on.sip.contains(&503) => self.in_(SECOND / 10, Event::Tries(call, step + 1)),
            State::Silent if move_on.silence => {
                let setup = i64::from(target.setup_ms) * 1_000;
                self.in_(setup, Event::Tries(call, step + 1));
            }
            _ => self.ends(call, None),
        }
    }

    /// A call has reached its gateway, or nobody.
    fn ends(&mut self, call: u64, reached: Option<usize>) {
        let open = self.open.remove(&call).unwrap();
        let took = self.now - open.began;
        (call, reached, took).hash(&mut self.digest);
        if open.kind == Kind::Emergency {
            let lived = open.targets.iter().find(|target| self.gateways.has_lived_since(target, open.began));
            assert!(reached.is_some() || lived.is_none(), "a call was lost, and {lived:?} lived all the while");
            let steps = i64::try_from(open.targets.len()).unwrap();
            assert!(took <= steps * 8 * SECOND + SECOND, "a route took more than its eight seconds: {took} µs");
        }
        let tally = self.tally(open.kind);
        tally.longest_us = tally.longest_us.max(took);
        match reached {
            Some(step) => {
                tally.reached += 1;
                tally.by_a_later_step += u64::from(step > 0);
            }
            None => tally.lost += 1,
        }
    }

    fn probe(&mut self) {
        if let Some(health) = self.gateways.probe(self.now) {
            self.report.healths = health.version;
            self.world.health = Arc::new(health);
        }
        self.in_(2 * SECOND, Event::Probe);
    }

    fn tally(&mut self, kind: Kind) -> &mut Tally {
        match kind {
            Kind::Emergency => &mut self.report.emergency,
            Kind::Vital => &mut self.report.vital,
            Kind::Normal => &mut self.report.normal,
        }
    }

    fn below(&mut self, limit: u64) -> usize {
        usize::try_from(self.dice.below(limit)).unwrap()
    }

    /// After a time that is drawn evenly from nothing to twice as much.
    fn after_about(&mut self, mean: i64, event: Event) {
        let after = i64::try_from(self.dice.below(2 * mean.unsigned_abs() + 1)).unwrap();
        self.in_(after, event);
    }

    fn in_(&mut self, after: i64, event: Event) {
        self.order += 1;
        self.next.push(Reverse((self.now + after, self.order, event)));
    }
}

fn draft(to: &str) -> Draft {
    Draft { from: Some("+46846500401".into()), ..Draft::to(to) }
}
