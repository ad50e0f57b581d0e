//! Hours of calls that are yet to be billed, which pruning passes over: what it removes is never billed.
//!
//! They are asked for after the calls were read that are to go. Whoever brought one of those has marked its hour with it,
//! so the hour is among them, or the call was looked at meanwhile. Where nobody ever made records, nothing is kept back.

use std::collections::BTreeSet;

use telness_core::time::Timestamp;

use super::hours::hour_of;

/// Hours of a tenant, from one to another: those of which something is not looked at yet, or is not final yet. Either
/// database takes the parameters as they are written here.
pub(crate) const UNBILLED_HOURS: &str = "SELECT hour FROM (
        SELECT m.hour FROM billing_marks m LEFT JOIN billing_seen s
            ON s.tenant = m.tenant AND s.hour = m.hour AND s.journal = m.journal
            WHERE m.tenant = $1 AND m.hour >= $2 AND m.hour <= $3 AND (s.count IS NULL OR s.count <> m.count)
        UNION SELECT hour FROM billing_hours WHERE tenant = $1 AND hour >= $2 AND hour <= $3 AND due_at IS NOT NULL
    ) AS found WHERE EXISTS (SELECT 1 FROM billing_hours) OR EXISTS (SELECT 1 FROM billing_tenants)";

/// The hours that the first and the last of some calls are in.
pub(crate) fn hours_between(calls: impl Iterator<Item = Timestamp> + Clone) -> Option<(Timestamp, Timestamp)> {
    Some((hour_of(calls.clone().min()?), hour_of(calls.max()?)))
}

/// Whether a call is in one of these hours.
pub(crate) fn is_unbilled(received_at: Timestamp, hours: &BTreeSet<Timestamp>) -> bool {
    hours.contains(&hour_of(received_at))
}
