//! Whether the threads of the low workflow keep up, and what part of its calls is refused while they do not.
//!
//! A request waits before anybody has read its first byte: in its socket, and in the line of tasks that a thread has to
//! run. Nobody can ask how long. But a timer waits in the same line, so how late one is run is how long requests wait.
//! As in CoDel, the least delay of an interval counts: a burst empties within it, and a line that stands does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::monotonic;
use crate::telemetry::Metrics;

/// How often the delay is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks of one interval.
const LOOKS: u32 = 10;

/// Intervals after which it is counted anew how many calls there were.
const COUNT_INTERVALS: u32 = 10;

/// All calls, in parts: what is refused at most leaves one in twenty, so that it is seen when there is room again.
const ALL: u32 = 1000;
const REFUSED_MAX: u32 = 950;

/// The longest that a caller is asked to stay away.
const RETRY_AFTER_S_MAX: u64 = 30;

/// How the low workflow copes.
#[derive(Debug)]
pub(super) struct Congestion {
    delay_max: Duration,
    /// How many of a thousand normal calls are refused now.
    refused: AtomicU32,
    /// Spreads the refusals evenly.
    turn: AtomicU32,
    offered: AtomicU64,
    taken: AtomicU64,
    retry_after_s: AtomicU64,
}

impl Congestion {
    pub(super) fn new(delay_max: Duration) -> Self {
        Self {
            delay_max,
            refused: AtomicU32::new(0),
            turn: AtomicU32::new(0),
            offered: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            retry_after_s: AtomicU64::new(1),
        }
    }

    /// Counts a call that asks to be taken.
    pub(super) fn offer(&self) {
        self.offered.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one that was.
    pub(super) fn take(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the threads do not keep up.
    pub(super) fn is_congested(&self) -> bool {
        self.refused.load(Ordering::Relaxed) > 0
    }

    /// Whether the next normal call is one of those that are refused.
    pub(super) fn refuses_next(&self) -> bool {
        let refused = self.refused.load(Ordering::Relaxed);
        // Adds up to a whole as often as calls are to be refused.
        refused > 0 && self.turn.fetch_add(refused, Ordering::Relaxed) % ALL >= ALL.saturating_sub(refused)
    }

    /// When to try again: if all who are refused stay away so long, what comes is what can be taken.
    pub(super) fn retry_after_s(&self) -> u64 {
        self.retry_after_s.load(Ordering::Relaxed)
    }

    /// Notes the least delay of an interval: while it is too long more are refused, and fewer as soon as it is not.
    pub(super) fn note(&self, delay: Duration) {
        let refused = self.refused.load(Ordering::Relaxed);
        let next = if delay > self.delay_max {
            refused.saturating_add(ALL.saturating_sub(refused) / 4).min(REFUSED_MAX)
        } else if refused > 10 {
            refused.saturating_sub(refused / 8).saturating_sub(1)
        } else {
            0
        };
        self.refused.store(next, Ordering::Relaxed);
        if (next > 0) != (refused > 0) {
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(
                delay_ms,
                refuses = next > 0,
                "the threads of the low workflow fall behind or keep up again"
            );
        }
    }

    /// Counts anew, and says for how long those who are refused are to stay away.
    pub(super) fn count_anew(&self) {
        let (offered, taken) = (self.offered.swap(0, Ordering::Relaxed), self.taken.swap(0, Ordering::Relaxed));
        let fits = offered.checked_div(taken.max(1)).unwrap_or(1).clamp(1, RETRY_AFTER_S_MAX);
        self.retry_after_s.store(fits, Ordering::Relaxed);
    }

    /// Watches the threads that this runs on until `stop`.
    pub(super) async fn watch(self: Arc<Self>, metrics: Arc<Metrics>, stop: CancellationToken) {
        loop {
            for _ in 0..COUNT_INTERVALS {
                let mut least = Duration::MAX;
                for _ in 0..LOOKS {
                    let due = monotonic().checked_add(LOOK_EVERY).unwrap_or_else(monotonic);
                    tokio::select! {
                        () = tokio::time::sleep_until(due.into()) => {}
                        () = stop.cancelled() => return,
                    }
                    least = least.min(due.elapsed());
                }
                metrics.low_delay_seconds.set(least.as_secs_f64());
                self.note(least);
            }
            self.count_anew();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: Duration = Duration::from_millis(51);
    const IN_TIME: Duration = Duration::from_millis(2);

    fn refused_of_a_thousand(congestion: &Congestion) -> usize {
        (0..1000).filter(|_| congestion.refuses_next()).count()
    }

    #[test]
    fn more_are_refused_while_threads_are_late_and_none_soon_after() {
        let congestion = Congestion::new(Duration::from_millis(50));
        assert_eq!(refused_of_a_thousand(&congestion), 0);
        congestion.note(LATE);
        assert!(congestion.is_congested());
        assert_eq!(refused_of_a_thousand(&congestion), 250);
        (0..50).for_each(|_| congestion.note(LATE));
        assert_eq!(refused_of_a_thousand(&congestion), 950, "some are always let in");
        let intervals = (1..100).find(|_| {
            congestion.note(IN_TIME);
            !congestion.is_congested()
        });
        assert!(intervals.is_some_and(|intervals| intervals <= 50), "{intervals:?} of 100 ms");
        assert_eq!(refused_of_a_thousand(&congestion), 0);
    }

    #[test]
    fn a_time_to_stay_away_is_what_makes_the_rest_fit() {
        let congestion = Congestion::new(Duration::from_millis(50));
        for (offered, taken, seconds) in [(0, 0, 1), (100, 100, 1), (1000, 100, 10), (1000, 0, 30), (150, 100, 1)] {
            (0..offered).for_each(|_| congestion.offer());
            (0..taken).for_each(|_| congestion.take());
            congestion.count_anew();
            assert_eq!(congestion.retry_after_s(), seconds, "{taken} of {offered}");
        }
    }

    #[tokio::test]
    async fn a_thread_that_is_kept_busy_is_seen_to_be_late() {
        let congestion = Arc::new(Congestion::new(Duration::from_millis(5)));
        let (metrics, stop) = (Arc::new(Metrics::new()), CancellationToken::new());
        let watch = Arc::clone(&congestion).watch(Arc::clone(&metrics), stop.clone());
        let busy = async {
            while !congestion.is_congested() {
                let until = monotonic() + Duration::from_millis(20);
                while monotonic() < until {}
                tokio::task::yield_now().await;
            }
            stop.cancel();
        };
        tokio::join!(watch, busy);
        assert!(metrics.low_delay_seconds.get() > 0.005);
    }
}
