//! How many calls a second each tenant may make, exact under any number of threads (GCRA, as ATM networks have it).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use telness_core::names::TenantName;
use telness_core::plan::Plan;

use crate::clock::monotonic;

const SECOND_NS: u64 = 1_000_000_000;

/// A tenant's rate: so many a second, and as many at once after a second without any.
#[derive(Debug)]
struct Rate {
    calls_per_s_max: u32,
    since: Instant,
    /// When the next call would come if all came evenly, in nanoseconds since then.
    next_ns: AtomicU64,
}

impl Rate {
    fn new(calls_per_s_max: u32, now: Instant) -> Self {
        Self { calls_per_s_max, since: now, next_ns: AtomicU64::new(0) }
    }

    /// Takes a call, or tells how long from now one could be taken.
    fn take(&self, now: Instant) -> Result<(), Duration> {
        let now = u64::try_from(now.saturating_duration_since(self.since).as_nanos()).unwrap_or(u64::MAX);
        let each = SECOND_NS.checked_div(self.calls_per_s_max.into()).unwrap_or(SECOND_NS);
        let latest = now.saturating_add(SECOND_NS);
        let after = |next: u64| {
            let after = next.max(now).saturating_add(each);
            (after <= latest).then_some(after)
        };
        let taken = self.next_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after);
        taken.map(drop).map_err(|next| Duration::from_nanos(next.saturating_add(each).saturating_sub(latest)))
    }
}

/// The rates of the tenants that have one.
#[derive(Debug, Default)]
pub(super) struct Rates(RwLock<BTreeMap<TenantName, Arc<Rate>>>);

impl Rates {
    /// Takes a call of a tenant, or tells the limit and how long from now it has room for one.
    pub(super) fn take(&self, tenant: &TenantName, plan: &Plan) -> Result<(), (u32, Duration)> {
        let Some(limit) = plan.tenants.get(tenant).and_then(|tenant| tenant.calls_per_s_max) else { return Ok(()) };
        let now = monotonic();
        self.rate(tenant, limit, plan, now).take(now).map_err(|wait| (limit, wait))
    }

    fn rate(&self, tenant: &TenantName, limit: u32, plan: &Plan, now: Instant) -> Arc<Rate> {
        let fits = |rate: &&Arc<Rate>| rate.calls_per_s_max == limit;
        if let Some(rate) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(tenant).filter(fits) {
            return Arc::clone(rate);
        }
        let mut rates = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(rate) = rates.get(tenant).filter(fits) {
            return Arc::clone(rate);
        }
        // Of tenants that the plan has no more nothing is kept.
        rates.retain(|tenant, _| plan.tenants.contains_key(tenant));
        let rate = Arc::new(Rate::new(limit, now));
        rates.insert(tenant.clone(), Arc::clone(&rate));
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p5_a_rate_is_exact_under_contention() {
        let now = monotonic();
        let rate = Rate::new(1000, now);
        let taken = |at: Duration| -> usize {
            let now = now + at;
            std::thread::scope(|scope| {
                let count = || (0..1000).filter(|_| rate.take(now).is_ok()).count();
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            })
        };
        assert_eq!(taken(Duration::ZERO), 1000, "a second's worth at once");
        assert_eq!(taken(Duration::ZERO), 0);
        assert_eq!(taken(Duration::from_millis(100)), 100);
        assert_eq!(taken(Duration::from_secs(3600)), 1000, "what was not used is not saved up");
    }

    #[test]
    fn whoever_waits_as_long_as_it_was_told_is_taken() {
        let now = monotonic();
        let rate = Rate::new(3, now);
        (0..3).for_each(|_| assert!(rate.take(now).is_ok()));
        let wait = rate.take(now).unwrap_err();
        assert!(wait > Duration::from_millis(333) && wait < Duration::from_millis(334), "{wait:?}");
        assert!(rate.take(now + wait - Duration::from_nanos(1)).is_err());
        assert!(rate.take(now + wait).is_ok());
    }
}
