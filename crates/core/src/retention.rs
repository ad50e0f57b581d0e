//! How long records are kept, by tenant and class of data, and the times before which they are over.
//!
//! Days are whole days of UTC, so a summer time or a zone changes nothing: what is to be kept for 30 days is over with
//! the end of the thirtieth day after its own. Nothing said, or 0 days, is for ever.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::names::TenantName;
use crate::time::Timestamp;

const DAY_MICROS: i64 = 86_400_000_000;
const DAY_SECONDS: u64 = 86_400;

/// A class of data that is kept for a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// Calls, with their events and the other records under their ids.
    Calls,
    /// The same of emergency calls: evidence.
    EmergencyCalls,
    /// What tells of people in a call: numbers, names, places, the trace, and what numbers are found by.
    Personal,
    /// The same of emergency calls.
    EmergencyPersonal,
    /// Events whose call is not here.
    WaitingEvents,
}

impl DataClass {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Calls, Self::EmergencyCalls, Self::Personal, Self::EmergencyPersonal, Self::WaitingEvents];

    /// The word used in settings and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::EmergencyCalls => "emergency_calls",
            Self::Personal => "personal",
            Self::EmergencyPersonal => "emergency_personal",
            Self::WaitingEvents => "waiting_events",
        }
    }
}

/// For how many days each class is kept; 0 is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Calls.
    pub calls_days: u32,
    /// Emergency calls.
    pub emergency_calls_days: u32,
    /// The personal part of calls.
    pub personal_days: u32,
    /// The personal part of emergency calls.
    pub emergency_personal_days: u32,
    /// Events whose call is not here.
    pub waiting_events_days: u32,
}

impl Retention {
    /// What is over after such a time or sooner, by its name, with its days. A call that is removed before all of it is final
    /// is never billed.
    pub fn over_within(self, time: Duration) -> impl Iterator<Item = (&'static str, u32)> {
        let all = [
            ("calls_days", self.calls_days),
            ("emergency_calls_days", self.emergency_calls_days),
            ("personal_days", self.personal_days),
            ("emergency_personal_days", self.emergency_personal_days),
        ];
        let over = move |days: u32| days > 0 && u64::from(days).saturating_mul(DAY_SECONDS) <= time.as_secs();
        all.into_iter().filter(move |(_, days)| over(*days))
    }
}

/// What a tenant has of its own; the rest is as for everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantRetention {
    /// Days that calls are kept; 0 is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_days: Option<u32>,
    /// Days that emergency calls are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency_calls_days: Option<u32>,
    /// Days that the personal part of calls is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal_days: Option<u32>,
    /// Days that the personal part of emergency calls is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency_personal_days: Option<u32>,
    /// Days that events are kept whose call is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_events_days: Option<u32>,
}

impl TenantRetention {
    /// Whether the tenant has nothing of its own.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Laid over what is usual.
    #[must_use]
    pub fn over(self, usual: Retention) -> Retention {
        Retention {
            calls_days: self.calls_days.unwrap_or(usual.calls_days),
            emergency_calls_days: self.emergency_calls_days.unwrap_or(usual.emergency_calls_days),
            personal_days: self.personal_days.unwrap_or(usual.personal_days),
            emergency_personal_days: self.emergency_personal_days.unwrap_or(usual.emergency_personal_days),
            waiting_events_days: self.waiting_events_days.unwrap_or(usual.waiting_events_days),
        }
    }
}

/// Before which time each class is over; none is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizon {
    calls: Option<Timestamp>,
    emergency_calls: Option<Timestamp>,
    personal: Option<Timestamp>,
    emergency_personal: Option<Timestamp>,
    waiting_events: Option<Timestamp>,
}

impl Horizon {
    /// Seen from a moment.
    #[must_use]
    pub fn of(retention: Retention, now: Timestamp) -> Self {
        let before = |days| before(now, days);
        Self {
            calls: before(retention.calls_days),
            emergency_calls: before(retention.emergency_calls_days),
            personal: before(retention.personal_days),
            emergency_personal: before(retention.emergency_personal_days),
            waiting_events: before(retention.waiting_events_days),
        }
    }

    /// Before which time a class is over.
    #[must_use]
    pub const fn before(&self, class: DataClass) -> Option<Timestamp> {
        match class {
            DataClass::Calls => self.calls,
            DataClass::EmergencyCalls => self.emergency_calls,
            DataClass::Personal => self.personal,
            DataClass::EmergencyPersonal => self.emergency_personal,
            DataClass::WaitingEvents => self.waiting_events,
        }
    }

    /// From and until which time a class is to be pruned: what is removed whole needs no blanking first.
    #[must_use]
    pub fn range(&self, class: DataClass) -> Option<(Option<Timestamp>, Timestamp)> {
        let until = self.before(class)?;
        let since = match class {
            DataClass::Personal => self.calls,
            DataClass::EmergencyPersonal => self.emergency_calls,
            DataClass::Calls | DataClass::EmergencyCalls | DataClass::WaitingEvents => None,
        };
        since.is_none_or(|since| since < until).then_some((since, until))
    }
}

/// Everybody's horizons at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Horizons {
    usual: Horizon,
    own: BTreeMap<TenantName, Horizon>,
}

impl Horizons {
    /// From what is usual and what some tenants have of their own.
    #[must_use]
    pub fn of(usual: Retention, own: impl IntoIterator<Item = (TenantName, TenantRetention)>, now: Timestamp) -> Self {
        let own = own.into_iter().filter(|(_, own)| !own.is_usual());
        Self {
            usual: Horizon::of(usual, now),
            own: own.map(|(tenant, own)| (tenant, Horizon::of(own.over(usual), now))).collect(),
        }
    }

    /// One tenant's.
    #[must_use]
    pub fn of_tenant(&self, tenant: &TenantName) -> Horizon {
        self.own.get(tenant).copied().unwrap_or(self.usual)
    }

    /// The latest time before which somebody's calls are over.
    #[must_use]
    pub fn latest_of_calls(&self) -> Option<Timestamp> {
        let all = self.own.values().chain([&self.usual]);
        all.flat_map(|one| [one.calls, one.emergency_calls]).flatten().max()
    }
}

/// The beginning of the day so many days before today; none for 0 days.
fn before(now: Timestamp, days: u32) -> Option<Timestamp> {
    let today = now.as_micros().div_euclid(DAY_MICROS);
    let first_kept = today.saturating_sub(i64::from(days)).saturating_mul(DAY_MICROS);
    (days > 0).then(|| Timestamp::from_micros(first_kept))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_kept_until_so_many_days_after_it_have_ended() {
        for now in ["2026-03-31T00:00:00Z", "2026-03-31T23:59:59.999999Z", "2026-03-31T02:00:00+02:00"] {
            assert_eq!(before(at(now), 2), Some(at("2026-03-29T00:00:00Z")), "{now}: the day of summer time is a day");
        }
        assert_eq!(before(at("2026-03-31T00:00:00Z"), 0), None);
        // At the ends of time nothing overflows.
        assert!(before(Timestamp::from_micros(i64::MIN), u32::MAX).is_some());
        assert!(before(Timestamp::from_micros(i64::MAX), u32::MAX).is_some());
    }

    #[test]
    fn what_a_tenant_has_of_its_own_counts_for_it_alone() {
        let usual = Retention { calls_days: 30, personal_days: 7, ..Retention::default() };
        let own = TenantRetention { calls_days: Some(0), personal_days: Some(90), ..TenantRetention::default() };
        let (keeper, other) = ("keeper".parse().unwrap(), "other".parse().unwrap());
        let horizons = Horizons::of(usual, [(keeper, own)], at("2026-06-30T12:00:00Z"));
        let keeper: TenantName = "keeper".parse().unwrap();
        assert_eq!(horizons.of_tenant(&keeper).before(DataClass::Calls), None);
        assert_eq!(horizons.of_tenant(&keeper).before(DataClass::Personal), Some(at("2026-04-01T00:00:00Z")));
        assert_eq!(horizons.of_tenant(&other).before(DataClass::Calls), Some(at("2026-05-31T00:00:00Z")));
        assert_eq!(
            horizons.of_tenant(&other).before(DataClass::EmergencyCalls),
            None,
            "evidence has a time of its own"
        );
        assert_eq!(horizons.latest_of_calls(), Some(at("2026-05-31T00:00:00Z")));
    }

    #[test]
    fn what_is_over_within_a_time_is_named_and_what_is_for_ever_is_not() {
        let kept = Retention { calls_days: 2, personal_days: 3, waiting_events_days: 1, ..Retention::default() };
        let within = |seconds| kept.over_within(Duration::from_secs(seconds)).collect::<Vec<_>>();
        assert_eq!(within(172_799), []);
        assert_eq!(within(172_800), [("calls_days", 2)]);
        assert_eq!(within(u64::MAX), [("calls_days", 2), ("personal_days", 3)], "events that wait are of no call");
    }

    #[test]
    fn what_is_removed_whole_is_not_blanked_first() {
        let both = Retention { calls_days: 30, personal_days: 7, ..Retention::default() };
        let now = at("2026-06-30T12:00:00Z");
        let range = Horizon::of(both, now).range(DataClass::Personal);
        assert_eq!(range, Some((Some(at("2026-05-31T00:00:00Z")), at("2026-06-23T00:00:00Z"))));
        let shorter = Retention { calls_days: 7, personal_days: 30, ..Retention::default() };
        assert_eq!(Horizon::of(shorter, now).range(DataClass::Personal), None);
    }

    proptest! {
        #[test]
        fn nothing_is_over_before_its_days_have_passed(now in any::<i64>(), age in 0_i64..4_000, days in 1_u32..4_000) {
            let now = Timestamp::from_micros(now.clamp(-60_000_000_000_000_000, 253_000_000_000_000_000));
            let received = Timestamp::from_micros(now.as_micros().saturating_sub(age.saturating_mul(DAY_MICROS)));
            let over = before(now, days).is_some_and(|before| received < before);
            // Its own day is not counted, and the day's end is waited for.
            prop_assert_eq!(over, age > i64::from(days));
        }
    }
}
