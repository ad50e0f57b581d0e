//! The gateways of the plan in service, what is believed of each, and when it is to be asked next.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use telness_core::call::CallId;
use telness_core::decide::Step;
use telness_core::last_resort::LastResort;
use telness_core::names::{GatewayName, TenantName, TrunkName};
use telness_core::plan::{self, Plan, Transport, TrunkIx, gateway_host};
use telness_core::record::{Cause, EventKind, LegName};
use telness_core::time::Timestamp;
use telness_core::world::{Health, World};

use super::belief::{Belief, Probed};
use super::legs::{EmergencyNews, GatewayId, Legs, hash_of};
use super::view::{GatewayState, GatewayView, LastAsked};
use crate::sip::Asked;

/// Within which time of the start, or of their coming into the plan, gateways are asked first.
const FIRST_WITHIN: Duration = Duration::from_secs(5);
/// When a gateway is asked again whose state is in doubt, and when one that is down.
const IN_DOUBT: Duration = Duration::from_secs(5);
const WHILE_DOWN: Duration = Duration::from_secs(10);

/// The statuses that say that a gateway does not serve: those after which a call moves on, and that of a timeout.
const STATUSES_FAILING: [u16; 5] = [408, 500, 502, 503, 504];
/// The causes that say so.
const CAUSES_FAILING: [u8; 4] = [34, 38, 41, 42];

/// All gateways of the plan in service.
#[derive(Debug, Default)]
pub struct Gateways {
    state: Mutex<State>,
    legs: Legs,
}

#[derive(Debug, Default)]
struct State {
    /// The plan that they are of.
    plan: Option<Arc<Plan>>,
    /// In the plan's order.
    all: Vec<Gateway>,
    places: BTreeMap<GatewayId, usize>,
    /// Draws when the next probe is.
    draw: u64,
    /// How often a gateway that is well is asked; never if zero.
    every: Duration,
    /// Whether all that are probed are silent, so that the fault is taken to be here.
    blind: bool,
    health: Health,
}

#[derive(Debug)]
struct Gateway {
    trunk: TrunkName,
    name: GatewayName,
    address: Arc<str>,
    transport: Transport,
    enabled: bool,
    emergency: bool,
    probes: bool,
    shared: bool,
    belief: Belief,
    next_at: Option<Instant>,
    asked: u64,
    last: Option<LastAsked>,
    down: bool,
    changed_at: Option<Timestamp>,
}

/// A gateway that is to be asked.
#[derive(Clone, Debug)]
pub struct ToAsk {
    id: GatewayId,
    /// Host and port.
    pub address: Arc<str>,
    /// How SIP is carried to it.
    pub transport: Transport,
}

impl Gateways {
    /// None yet. `draw` spreads the probes of several nodes; `every` is how often a gateway that is well is asked, never
    /// if zero.
    #[must_use]
    pub fn new(draw: u64, every: Duration) -> Self {
        let state = State { draw, every, ..State::default() };
        Self { state: Mutex::new(state), legs: Legs::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over the gateways of a world; what is known of those that stay is kept.
    pub fn follow(&self, world: &World, now: Instant) {
        let mut state = self.state();
        if state.plan.as_ref().is_some_and(|before| Arc::ptr_eq(before, &world.plan)) {
            return;
        }
        let old = std::mem::take(&mut state.places);
        let mut known: Vec<Option<Gateway>> = std::mem::take(&mut state.all).into_iter().map(Some).collect();
        for mut gateway in gateways_of(world) {
            let id = GatewayId::of(&gateway.trunk, &gateway.name);
            let before = old.get(&id).and_then(|at| known.get_mut(*at)).and_then(Option::take);
            if let Some(before) = before.filter(|before| before.is_where(&gateway)) {
                gateway.take_over(before);
            }
            if !gateway.probes || state.every.is_zero() {
                gateway.next_at = None;
            } else if gateway.next_at.is_none() {
                gateway.next_at = now.checked_add(within(FIRST_WITHIN, hash(state.draw, id, 0)));
            }
            let at = state.all.len();
            state.places.insert(id, at);
            state.all.push(gateway);
        }
        state.plan = Some(Arc::clone(&world.plan));
    }

    /// Those whose time has come, at most so many. None of them is given again before it was told what came of it.
    pub fn due(&self, now: Instant, most: usize) -> Vec<ToAsk> {
        let mut state = self.state();
        let due = state.all.iter_mut().filter(|gateway| gateway.next_at.is_some_and(|at| at <= now)).take(most);
        due.map(|gateway| {
            gateway.next_at = None;
            let id = GatewayId::of(&gateway.trunk, &gateway.name);
            ToAsk { id, address: Arc::clone(&gateway.address), transport: gateway.transport }
        })
        .collect()
    }

    /// Takes in what came of asking one.
    pub fn asked(&self, whom: &ToAsk, asked: &Asked, took: Duration, at: Timestamp, now: Instant) {
        let mut state = self.state();
        let (every, draw) = (state.every, state.draw);
        let Some(gateway) = state.of(whom.id).filter(|gateway| gateway.address == whom.address) else { return };
        match asked {
            Asked::Answered(status) => gateway.belief.probe(!STATUSES_FAILING.contains(status)),
            Asked::Silent | Asked::Refused(_) => gateway.belief.probe(false),
            Asked::Unasked(_) => {}
        }
        let result = match asked {
            Asked::Answered(status) => status.to_string().into(),
            Asked::Silent => "silent".into(),
            Asked::Refused(why) => format!("refused: {why}").into(),
            Asked::Unasked(why) => format!("not asked: {why}").into(),
        };
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        gateway.last = Some(LastAsked { at, took_ms, result });
        gateway.asked = gateway.asked.saturating_add(1);
        if gateway.probes && !every.is_zero() {
            let pause = match gateway.belief.probed {
                _ if gateway.belief.is_in_doubt() => every.min(IN_DOUBT),
                Probed::Down => every.min(WHILE_DOWN),
                Probed::Up | Probed::Unknown => every,
            };
            // From nine to eleven tenths of it, so that nodes do not ask all at once.
            let tenth = pause.checked_div(10).unwrap_or_default();
            let lot = within(tenth.saturating_mul(2), hash(draw, whom.id, gateway.asked));
            gateway.next_at = now.checked_add(pause.saturating_sub(tenth).saturating_add(lot));
        }
    }

    /// Remembers where the legs of a call go, and whether it is an emergency call.
    pub fn remember(&self, call: CallId, for_help: bool, steps: &[Step]) {
        self.legs.remember(call, for_help, steps);
    }

    /// Takes in what a switch reports of a leg; answers what that tells of an emergency call.
    pub fn reported(
        &self,
        call: CallId,
        leg: &LegName,
        kind: EventKind,
        cause: Option<Cause>,
        tenant: &TenantName,
        now: Instant,
    ) -> EmergencyNews {
        let Some((id, news)) = self.legs.reported(call, leg, kind) else { return EmergencyNews::default() };
        let Some(good) = tells(kind, cause) else { return news };
        let mut state = self.state();
        if let Some(gateway) = state.of(id) {
            gateway.belief.call(good, hash_of(&[tenant.as_str()]), gateway.shared, now);
        }
        news
    }

    /// What decisions are to know, if that has changed since it was last asked for.
    #[must_use]
    pub fn news(&self, at: Timestamp, now: Instant) -> Option<Health> {
        self.state().news(at, now)
    }

    /// Whether all gateways that ever answered are silent at once, so that the fault is taken to be here.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        self.state().blind
    }

    /// All of them, in the plan's order.
    #[must_use]
    pub fn list(&self) -> Vec<GatewayView> {
        self.state().all.iter().map(Gateway::view).collect()
    }
}

impl State {
    fn of(&mut self, id: GatewayId) -> Option<&mut Gateway> {
        let at = *self.places.get(&id)?;
        self.all.get_mut(at)
    }

    fn news(&mut self, at: Timestamp, now: Instant) -> Option<Health> {
        let asked = || self.all.iter().filter(|gateway| gateway.enabled && gateway.probes);
        let tell = || asked().filter(|gateway| gateway.belief.probed != Probed::Unknown);
        let silent = tell().all(|gateway| gateway.belief.probed == Probed::Down);
        let hosts: HashSet<String> = tell().map(|gateway| gateway_host(&gateway.address)).collect();
        // One alone may well be down; that all are is more likely a wire or a wall of ours.
        self.blind = silent && hosts.len() > 1;
        let mut down = HashSet::new();
        for gateway in &mut self.all {
            let probed_down = gateway.probes && gateway.belief.probed == Probed::Down && !self.blind;
            let is_down = gateway.belief.is_paused(now) || probed_down;
            if is_down != gateway.down {
                (gateway.down, gateway.changed_at) = (is_down, Some(at));
                gateway.tell();
            }
            if is_down {
                down.insert((gateway.trunk.clone(), gateway.name.clone()));
            }
        }
        if down == self.health.down {
            return None;
        }
        self.health = Health { version: self.health.version.saturating_add(1), down };
        Some(self.health.clone())
    }
}

/// The gateways of the plan, in its order, and after them those of the last resort.
fn gateways_of(world: &World) -> Vec<Gateway> {
    let plan = &world.plan;
    let emergency = plan.emergency_trunks();
    let mut all = Vec::new();
    for (trunk, at) in plan.trunks.iter().zip(0..) {
        let tenants = if trunk.tenants.is_empty() { plan.tenants.len() } else { trunk.tenants.len() };
        let emergency = emergency.contains(&TrunkIx(at));
        for gateway in &trunk.gateways {
            let enabled = trunk.enabled && gateway.enabled;
            // An emergency call is sent also to what is switched off, when all else fails.
            let probes = trunk.probe.unwrap_or(emergency) && (enabled || emergency);
            all.push(Gateway { enabled, emergency, probes, shared: tenants > 1, ..Gateway::at(&trunk.name, gateway) });
        }
    }
    if let Some(trunk) = LastResort::trunk() {
        all.extend(world.last_resort.gateways().iter().map(|gateway| Gateway::at(&trunk, gateway)));
    }
    all
}

impl Gateway {
    /// One that emergency calls go to, and of which nothing is known.
    fn at(trunk: &TrunkName, gateway: &plan::Gateway) -> Self {
        Self {
            trunk: trunk.clone(),
            name: gateway.name.clone(),
            address: Arc::clone(&gateway.address),
            transport: gateway.transport,
            enabled: true,
            emergency: true,
            probes: true,
            shared: false,
            belief: Belief::default(),
            next_at: None,
            asked: 0,
            last: None,
            down: false,
            changed_at: None,
        }
    }

    fn is_where(&self, other: &Self) -> bool {
        self.address == other.address && self.transport == other.transport
    }

    fn take_over(&mut self, before: Self) {
        (self.belief, self.next_at, self.asked) = (before.belief, before.next_at, before.asked);
        (self.last, self.down, self.changed_at) = (before.last, before.down, before.changed_at);
    }

    fn state(&self) -> GatewayState {
        match self.belief.probed {
            _ if !self.enabled => GatewayState::Disabled,
            _ if self.down => GatewayState::Down,
            Probed::Up => GatewayState::Up,
            Probed::Unknown | Probed::Down => GatewayState::Unknown,
        }
    }

    fn view(&self) -> GatewayView {
        GatewayView {
            trunk: self.trunk.clone(),
            gateway: self.name.clone(),
            address: Arc::clone(&self.address),
            transport: self.transport,
            emergency: self.emergency,
            probed: self.probes,
            state: self.state(),
            since: self.changed_at,
            last: self.last.clone(),
            calls_failed: self.belief.calls_failed(),
        }
    }

    fn tell(&self) {
        let Self { trunk, name, emergency, .. } = self;
        let last = self.last.as_ref().map_or("never asked", |last| &*last.result);
        let (last, calls) = (last, self.belief.calls_failed());
        if !self.down {
            tracing::info!(%trunk, gateway = %name, emergency, "a gateway is back");
        } else if *emergency {
            tracing::error!(%trunk, gateway = %name, last, calls_failed = calls, "an emergency gateway is down");
        } else {
            tracing::warn!(%trunk, gateway = %name, last, calls_failed = calls, "a gateway is down");
        }
    }
}

/// Whether an event tells that a gateway serves, or that it does not; nothing of what may be either.
fn tells(kind: EventKind, cause: Option<Cause>) -> Option<bool> {
    match (kind, cause) {
        (EventKind::Ringing | EventKind::Answered, _) => Some(true),
        (EventKind::Failed, Some(Cause { q850: Some(q850), .. })) => Some(!CAUSES_FAILING.contains(&q850)),
        // A cancelled attempt may have been to a gateway that said nothing.
        (EventKind::Failed, Some(Cause { sip: Some(487), .. })) => None,
        (EventKind::Failed, Some(Cause { sip: Some(sip), .. })) => Some(!STATUSES_FAILING.contains(&sip)),
        (EventKind::Failed, _) | (EventKind::Ended, _) => None,
    }
}

fn hash(draw: u64, id: GatewayId, turn: u64) -> u64 {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = siphasher::sip::SipHasher13::new_with_keys(draw, turn);
    id.hash(&mut hasher);
    hasher.finish()
}

/// A time from zero to less than this, by a lot.
fn within(time: Duration, lot: u64) -> Duration {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(lot.checked_rem(micros).unwrap_or(0))
}
