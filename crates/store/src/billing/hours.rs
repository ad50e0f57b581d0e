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
