//! Which gateway a leg of a recent call was to, so that what is reported of the leg tells of the gateway.

use std::hash::Hasher as _;
use std::sync::{Mutex, PoisonError};

use siphasher::sip::SipHasher13;
use telness_core::call::CallId;
use telness_core::decide::Step;
use telness_core::names::{GatewayName, TrunkName};
use telness_core::record::LegName;

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
    legs: Box<[(LegName, GatewayId)]>,
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
    pub(super) fn remember(&self, call: CallId, steps: &[Step]) {
        let targets = steps.iter().flat_map(|step| &step.targets).take(LEGS_MAX);
        let leg =
            |target: &telness_core::decide::Target| (target.leg.clone(), GatewayId::of(&target.trunk, &target.gateway));
        let legs: Box<[_]> = targets.map(leg).collect();
        if legs.is_empty() {
            return;
        }
        self.in_place(call, |place| *place = Some(Remembered { call, legs }));
    }

    pub(super) fn gateway(&self, call: CallId, leg: &LegName) -> Option<GatewayId> {
        let mut found = None;
        self.in_place(call, |place| {
            let known = place.as_ref().filter(|known| known.call == call);
            found = known.and_then(|known| known.legs.iter().find(|(name, _)| name == leg)).map(|(_, id)| *id);
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
