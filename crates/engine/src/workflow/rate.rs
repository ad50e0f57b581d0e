//! How many calls may be made in a time, exact under any number of threads (GCRA, as ATM networks have it).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::clock::monotonic;

/// So many calls in a time, and as many at once after such a time without any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) calls: u32,
    pub(super) per: Duration,
}

impl Limit {
    pub(super) const fn a_second(calls: u32) -> Self {
        Self { calls, per: Duration::from_secs(1) }
    }

    pub(super) const fn an_hour(calls: u32) -> Self {
        Self { calls, per: Duration::from_secs(3600) }
    }
}

/// The calls under one limit.
#[derive(Debug)]
struct Rate {
    limit: Limit,
    since: Instant,
    /// When the next call would come if all came evenly, in nanoseconds since then.
    next_ns: AtomicU64,
}

impl Rate {
    fn new(limit: Limit, now: Instant) -> Self {
        Self { limit, since: now, next_ns: AtomicU64::new(0) }
    }

    /// Takes a call, or tells how long from now one could be taken.
    fn take(&self, now: Instant) -> Result<(), Duration> {
        let now = nanoseconds(now.saturating_duration_since(self.since));
        let per = nanoseconds(self.limit.per);
        let each = per.checked_div(self.limit.calls.into()).unwrap_or(per);
        let latest = now.saturating_add(per);
        let after = |next: u64| {
            let after = next.max(now).saturating_add(each);
            (after <= latest).then_some(after)
        };
        let taken = self.next_ns.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after);
        taken.map(drop).map_err(|next| Duration::from_nanos(next.saturating_add(each).saturating_sub(latest)))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The rates of those that have a limit.
#[derive(Debug)]
pub(super) struct Rates<K>(RwLock<BTreeMap<K, Arc<Rate>>>);

impl<K> Default for Rates<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Ord + Clone> Rates<K> {
    /// Takes a call of whoever has this limit, or tells how long from now there is room for one. Of those that are no more
    /// in use nothing is kept.
    pub(super) fn take(&self, whose: &K, limit: Limit, is_in_use: impl Fn(&K) -> bool) -> Result<(), Duration> {
        let now = monotonic();
        self.rate(whose, limit, is_in_use, now).take(now)
    }

    fn rate(&self, whose: &K, limit: Limit, is_in_use: impl Fn(&K) -> bool, now: Instant) -> Arc<Rate> {
        let fits = |rate: &&Arc<Rate>| rate.limit == limit;
        if let Some(rate) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(whose).filter(fits) {
            return Arc::clone(rate);
        }
        let mut rates = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(rate) = rates.get(whose).filter(fits) {
            return Arc::clone(rate);
        }
        rates.retain(|whose, _| is_in_use(whose));
        let rate = Arc::new(Rate::new(limit, now));
        rates.insert(whose.clone(), Arc::clone(&rate));
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p5_a_rate_is_exact_under_contention() {
        let now = monotonic();
        let rate = Rate::new(Limit::a_second(1000), now);
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
        let rate = Rate::new(Limit::a_second(3), now);
        (0..3).for_each(|_| assert!(rate.take(now).is_ok()));
        let wait = rate.take(now).unwrap_err();
        assert!(wait > Duration::from_millis(333) && wait < Duration::from_millis(334), "{wait:?}");
        assert!(rate.take(now + wait - Duration::from_nanos(1)).is_err());
        assert!(rate.take(now + wait).is_ok());
    }

    #[test]
    fn an_hour_s_worth_is_taken_at_once_and_then_one_by_one() {
        let now = monotonic();
        let rate = Rate::new(Limit::an_hour(12), now);
        (0..12).for_each(|_| assert!(rate.take(now).is_ok()));
        assert_eq!(rate.take(now), Err(Duration::from_secs(300)));
        let later = now + Duration::from_secs(300);
        assert!(rate.take(later).is_ok() && rate.take(later).is_err());
    }
}
