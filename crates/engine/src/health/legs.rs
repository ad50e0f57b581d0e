//! Which gateway a leg of a recent call was to, so that what is reported of the leg tells of the gateway.

use std::hash::Hasher as _;
use std::sync::{Mutex, PoisonError};

use siphasher::sip::SipHasher13;
use telness_core::call::CallId;
use telness_core::decide::{Step, Target};
use telness_core::last_resort::LAST_RESORT_TRUNK;
use telness_core::names::{GatewayName, TrunkName};
use telness_core::record::{EventKind, LegName};

/// Calls that are remembered: a newer one takes the place of an older.
const SHARDS: usize = 64;
const CALLS_IN_SHARD: usize = 1024;
/// Legs of a call that are remembered.
const LEGS_MAX: usize = 32;

/// A gateway, by a hash of its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GatewayId(u64);

impl GatewayId {
    pub(super) fn of(trunk: &TrunkName, gateway: &GatewayName) -> Self {
        Self(hash_of(&[trunk.as_str(), gateway.as_str()]))
    }
}

/// A hash of names, which have no zero in them.
pub(super) fn hash_of(names: &[&str]) -> u64 {
    let mut hasher = SipHasher13::new();
    for name in names {
        hasher.write(name.as_bytes());
        hasher.write_u8(0);
    }
    hasher.finish()
}

#[derive(Debug)]
struct Remembered {
    call: CallId,
    for_help: bool,
    legs: Box<[Leg]>,
    told: Told,
}

#[derive(Debug)]
struct Leg {
    name: LegName,
    gateway: GatewayId,
    last_resort: bool,
    failed: bool,
}

/// What was told of a call.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// That somebody was reached.
    reached: bool,
    lost: bool,
    last_resort: bool,
}

/// What a report of a leg tells of an emergency call, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmergencyNews {
    /// Every target has failed, and nobody was reached.
    pub lost: bool,
    /// It went to the last resort.
    pub last_resort: bool,
}

impl Remembered {
    fn report(&mut self, leg: &LegName, kind: EventKind) -> Option<(GatewayId, EmergencyNews)> {
        let found = self.legs.iter_mut().find(|one| one.name == *leg)?;
        found.failed |= kind == EventKind::Failed;
        let (gateway, last_resort) = (found.gateway, found.last_resort);
        self.told.reached |= matches!(kind, EventKind::Answered | EventKind::Ringing);
        let lost = !self.told.reached && self.legs.iter().all(|leg| leg.failed);
        let news = EmergencyNews {
            lost: self.for_help && lost && !self.told.lost,
            last_resort: self.for_help && last_resort && !self.told.last_resort,
        };
        self.told.lost |= lost;
        self.told.last_resort |= last_resort;
        Some((gateway, news))
    }
}

/// The legs of recent calls.
#[derive(Debug)]
pub(super) struct Legs(Box<[Mutex<Vec<Option<Remembered>>>]>);

impl Default for Legs {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl Legs {
    pub(super) fn remember(&self, call: CallId, for_help: bool, steps: &[Step]) {
        let targets = steps.iter().flat_map(|step| &step.targets).take(LEGS_MAX);
        let leg = |target: &Target| Leg {
            name: target.leg.clone(),
            gateway: GatewayId::of(&target.trunk, &target.gateway),
            last_resort: target.trunk.as_str() == LAST_RESORT_TRUNK,
            failed: false,
        };
        let legs: Box<[_]> = targets.map(leg).collect();
        if legs.is_empty() {
            return;
        }
        let told = Told::default();
        self.in_place(call, |place| *place = Some(Remembered { call, for_help, legs, told }));
    }

    /// Which gateway a report is of, and what it tells of an emergency call.
    pub(super) fn reported(&self, call: CallId, leg: &LegName, kind: EventKind) -> Option<(GatewayId, EmergencyNews)> {
        let mut found = None;
        self.in_place(call, |place| {
            found = place.as_mut().filter(|known| known.call == call).and_then(|known| known.report(leg, kind));
        });
        found
    }

    /// Does something with the place of a call. Where it is follows from the id, whose last bits are random.
    fn in_place(&self, call: CallId, what: impl FnOnce(&mut Option<Remembered>)) {
        let [.., shard, high, low] = *call.0.as_bytes();
        let Some(shard) = self.0.get(usize::from(shard) % SHARDS) else { return };
        let mut places = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if places.is_empty() {
            places.resize_with(CALLS_IN_SHARD, || None);
        }
        if let Some(place) = places.get_mut(usize::from(u16::from_be_bytes([high, low])) % CALLS_IN_SHARD) {
            what(place);
        }
    }
}
