//! Hours of calls: what is marked when a call changes, and what is looked at as one.

use std::collections::BTreeSet;

use telness_core::names::TenantName;
use telness_core::time::Timestamp;

const HOUR_MICROS: i64 = 3_600_000_000;

/// Hours of tenants' calls, in an order that does not depend on the calls'.
#[derive(Debug, Default)]
pub(crate) struct Hours(BTreeSet<(TenantName, Timestamp)>);

impl Hours {
    /// Adds the hour of a call.
    pub(crate) fn add(&mut self, tenant: &TenantName, received_at: Timestamp) {
        self.0.insert((tenant.clone(), hour_of(received_at)));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(TenantName, Timestamp)> {
        self.0.iter()
    }
}

/// The beginning of the hour (UTC) that a time is in.
pub(super) fn hour_of(at: Timestamp) -> Timestamp {
    let micros = at.as_micros();
    Timestamp::from_micros(micros.saturating_sub(micros.rem_euclid(HOUR_MICROS)))
}

/// The beginning of an hour so many hours later, or before.
pub(super) fn hours_later(hour: Timestamp, hours: i64) -> Timestamp {
    Timestamp::from_micros(hour.as_micros().saturating_add(hours.saturating_mul(HOUR_MICROS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s6_hours_are_those_of_utc_whatever_the_local_time_does() {
        let hour = |at: &str| hour_of(at.parse().unwrap()).to_string();
        // In Stockholm the hour from 02:00 comes twice in this night, and is missing in the other.
        assert_eq!(hour("2026-10-25T02:59:59.999999+02:00"), "2026-10-25T00:00:00.000000Z");
        assert_eq!(hour("2026-10-25T02:00:00+01:00"), "2026-10-25T01:00:00.000000Z");
        assert_eq!(hour("2026-03-29T01:59:59+01:00"), "2026-03-29T00:00:00.000000Z");
        assert_eq!(hour("2026-03-29T03:00:00+02:00"), "2026-03-29T01:00:00.000000Z");
        assert_eq!(hour("1969-12-31T23:59:59Z"), "1969-12-31T23:00:00.000000Z");
        assert_eq!(hours_later(hour_of(Timestamp::from_micros(1)), -1).as_micros(), -HOUR_MICROS);
    }
}
