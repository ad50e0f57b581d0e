//! Which gateway a leg of a recent call was to, so that what is reported of the leg tells of the gateway.

use std::hash::Hasher as _;
use std::sync::{Mutex, PoisonError};

use siphasher::sip::SipHasher13;
use telness_core::call::CallId;
use telness_core::decide::{Step, Target};
use telness_core::last_resort::LAST_RESORT_TRUNK;
use telness_core::names::{GatewayName, TrunkName};
use telness_core::record::{EventKind, LegName};

/// Calls that are remembered of either kind: a newer one takes the place of an older.
const SHARDS: usize = 64;
const CALLS_IN_SHARD: usize = 1024;
/// Legs of a call that are remembered; of an emergency call all are, or it would be lost in silence behind them.
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
    last_resort_answered: bool,
}

/// What a report of a leg tells of an emergency call, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmergencyNews {
    /// Every target has failed, and nobody was reached.
    pub lost: bool,
    /// It went to the last resort, behind others that had failed.
    pub last_resort: bool,
    /// Somebody answered at the last resort.
    pub last_resort_answered: bool,
}

impl Remembered {
    /// Which gateway a report is of, if it is news, and what it tells if the call is an emergency call.
    fn report(&mut self, leg: &LegName, kind: EventKind) -> Option<(GatewayId, EmergencyNews)> {
        let found = self.legs.iter_mut().find(|one| one.name == *leg)?;
        // Switches report until they are answered; a leg fails once.
        if kind == EventKind::Failed && std::mem::replace(&mut found.failed, true) {
            return None;
        }
        let (gateway, last_resort) = (found.gateway, found.last_resort);
        self.told.reached |= matches!(kind, EventKind::Answered | EventKind::Ringing);
        let lost = !self.told.reached && self.legs.iter().all(|leg| leg.failed);
        let answered = last_resort && kind == EventKind::Answered;
        let news = EmergencyNews {
            lost: lost && !self.told.lost,
            last_resort: last_resort && !self.told.last_resort,
            last_resort_answered: answered && !self.told.last_resort_answered,
        };
        self.told.lost |= lost;
        self.told.last_resort |= last_resort;
        self.told.last_resort_answered |= answered;
        Some((gateway, news))
    }
}

/// The legs of recent calls. Emergency calls have places of their own, so that they wait for no lock behind others and a
/// flood of those does not push them out before it is known what became of them (E12, E17).
#[derive(Debug, Default)]
pub(super) struct Legs {
    for_help: Places,
    others: Places,
}

impl Legs {
    pub(super) fn remember(&self, call: CallId, for_help: bool, steps: &[Step]) {
        let most = if for_help { usize::MAX } else { LEGS_MAX };
        let targets = steps.iter().flat_map(|step| &step.targets).take(most);
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
        // Of one that has the last resort first that was told when it was answered.
        let told = Told { last_resort: legs.first().is_some_and(|leg| leg.last_resort), ..Told::default() };
        let remembered = Remembered { call, legs, told };
        let places = if for_help { &self.for_help } else { &self.others };
        places.at(call, |place| *place = Some(remembered));
    }

    /// Which gateway a report is of, and what it tells of an emergency call.
    pub(super) fn reported(&self, call: CallId, leg: &LegName, kind: EventKind) -> Option<(GatewayId, EmergencyNews)> {
        let of_other = || self.others.report(call, leg, kind).map(|(gateway, _)| (gateway, EmergencyNews::default()));
        self.for_help.report(call, leg, kind).or_else(of_other)
    }
}

/// A place for each of some calls.
#[derive(Debug)]
struct Places(Box<[Mutex<Vec<Option<Remembered>>>]>);

impl Default for Places {
    fn default() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }
}

impl Places {
    fn report(&self, call: CallId, leg: &LegName, kind: EventKind) -> Option<(GatewayId, EmergencyNews)> {
        let known =
            |place: &mut Option<Remembered>| place.as_mut().filter(|known| known.call == call)?.report(leg, kind);
        self.at(call, known).flatten()
    }

    /// Does something with the place of a call. Where it is follows from the id, whose last bits are random.
    fn at<T>(&self, call: CallId, what: impl FnOnce(&mut Option<Remembered>) -> T) -> Option<T> {
        let [.., shard, high, low] = *call.0.as_bytes();
        let shard = self.0.get(usize::from(shard) % SHARDS)?;
        let mut places = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if places.is_empty() {
            places.resize_with(CALLS_IN_SHARD, || None);
        }
        places.get_mut(usize::from(u16::from_be_bytes([high, low])) % CALLS_IN_SHARD).map(what)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use uuid::Uuid;

    use super::*;

    /// A call to two gateways, one after the other.
    fn steps() -> Vec<Step> {
        steps_to(&["north", "south"])
    }

    fn steps_to(trunks: &[&str]) -> Vec<Step> {
        let target = |leg: &str, trunk: &str| Target {
            leg: leg.parse().unwrap(),
            trunk: trunk.parse().unwrap(),
            gateway: "gw1".parse().unwrap(),
            user: None,
            uri: Arc::from("sip:112@203.0.113.1"),
            caller: None,
            response_ms: None,
            setup_ms: 8_000,
            ring_ms: None,
            move_on: Arc::default(),
        };
        let numbered = trunks.iter().zip(1..);
        numbered.map(|(trunk, at)| Step { targets: vec![target(&format!("{at}.1"), trunk)] }).collect()
    }

    fn failed(legs: &Legs, call: CallId, leg: &str) -> Option<EmergencyNews> {
        legs.reported(call, &leg.parse().unwrap(), EventKind::Failed).map(|(_, news)| news)
    }

    #[test]
    fn e12_e17_no_flood_of_other_calls_makes_a_lost_emergency_call_forgotten() {
        let legs = Legs::default();
        // All of them have one place.
        let call = |first: u8| CallId(Uuid::from_bytes([first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]));
        legs.remember(call(0), true, &steps());
        (1..=255).for_each(|first| legs.remember(call(first), false, &steps()));
        assert_eq!(failed(&legs, call(0), "1.1"), Some(EmergencyNews::default()));
        assert_eq!(failed(&legs, call(0), "2.1"), Some(EmergencyNews { lost: true, ..EmergencyNews::default() }));
        assert_eq!(failed(&legs, call(254), "1.1"), None, "of the others the newest is remembered");
        for leg in ["1.1", "2.1"] {
            assert_eq!(failed(&legs, call(255), leg), Some(EmergencyNews::default()), "and is no emergency call");
        }
    }

    #[test]
    fn n6_a_failure_that_is_reported_again_tells_nothing_new() {
        let legs = Legs::default();
        let call = CallId(Uuid::from_u128(7));
        legs.remember(call, true, &steps());
        assert!(failed(&legs, call, "1.1").is_some());
        (0..20).for_each(|_| assert_eq!(failed(&legs, call, "1.1"), None));
        assert_eq!(failed(&legs, call, "2.1"), Some(EmergencyNews { lost: true, ..EmergencyNews::default() }));
    }

    #[test]
    fn e17_the_last_resort_is_told_of_behind_however_many_ways_when_it_is_tried_and_when_it_answers() {
        let legs = Legs::default();
        let told = |call, leg: usize, kind| {
            legs.reported(call, &format!("{leg}.1").parse().unwrap(), kind)
                .map_or_else(EmergencyNews::default, |(_, news)| news)
        };
        let nothing = EmergencyNews::default();
        let mut ways = vec!["north"; 2 * LEGS_MAX];
        ways.push(LAST_RESORT_TRUNK);
        let call = CallId(Uuid::from_u128(8));
        legs.remember(call, true, &steps_to(&ways));
        for leg in 1..ways.len() {
            assert_eq!(told(call, leg, EventKind::Failed), nothing, "{leg}: one more way is left");
        }
        let tried = EmergencyNews { last_resort: true, ..nothing };
        assert_eq!(told(call, ways.len(), EventKind::Ringing), tried);
        assert_eq!(
            told(call, ways.len(), EventKind::Answered),
            EmergencyNews { last_resort_answered: true, ..nothing }
        );
        assert_eq!(told(call, ways.len(), EventKind::Answered), nothing, "each once");
        // Where it is the first way it was counted with the answer.
        let alone = CallId(Uuid::from_u128(9));
        legs.remember(alone, true, &steps_to(&[LAST_RESORT_TRUNK, "north"]));
        assert_eq!(told(alone, 1, EventKind::Ringing), nothing);
        assert_eq!(told(alone, 1, EventKind::Answered), EmergencyNews { last_resort_answered: true, ..nothing });
    }
}
