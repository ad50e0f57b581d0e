//! Latencies in logarithmic buckets: under 2 % error from a nanosecond to hours, in 30 kB, with no sorting.

use std::time::Duration;

/// Buckets for each doubling.
const STEPS: u64 = 64;
const STEPS_LOG2: u32 = STEPS.trailing_zeros();

/// Counted latencies.
#[derive(Clone, Debug)]
pub struct Latencies {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        let doublings = u64::from(u64::BITS - STEPS_LOG2);
        Self { counts: vec![0; usize::try_from((doublings + 1) * STEPS).unwrap_or(0)], total: 0 }
    }
}

impl Latencies {
    /// Counts one.
    pub fn count(&mut self, latency: Duration) {
        let bucket = bucket_of(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// How many were counted.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The latency that `share` of all stay within, such as 0.99; the bucket's upper end.
    #[must_use]
    pub fn within(&self, share: f64) -> Duration {
        let mut below = 0_u64;
        for (bucket, count) in self.counts.iter().enumerate() {
            below += count;
            if *count > 0 && as_f64(below) >= share * as_f64(self.total) {
                return Duration::from_nanos(upper_end(bucket));
            }
        }
        Duration::ZERO
    }
}

#[allow(clippy::cast_precision_loss, reason = "a share of fewer than 2^53 calls")]
const fn as_f64(count: u64) -> f64 {
    count as f64
}

fn bucket_of(nanos: u64) -> usize {
    let doubling = nanos.checked_ilog2().unwrap_or(0).saturating_sub(STEPS_LOG2);
    // The first two rows of buckets are exact; above them each doubling has STEPS.
    let bucket = u64::from(doubling) * STEPS + (nanos >> doubling);
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

fn upper_end(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
    let doubling = (bucket / STEPS).saturating_sub(1);
    let step = bucket - doubling * STEPS;
    ((step + 1) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_latency_within_two_percent() {
        for nanos in (0..300).chain([1_000, 4_095, 4_096, 123_456, 9_999_999, 60_000_000_000, 1 << 52]) {
            let end = upper_end(bucket_of(nanos));
            assert!(end >= nanos && end - nanos <= nanos / 50, "{nanos} went to {end}");
        }
        assert!(bucket_of(u64::MAX) < Latencies::default().counts.len());
    }

    #[test]
    fn shares_are_of_the_sorted_latencies() {
        let mut latencies = Latencies::default();
        for micros in 1..=1000 {
            latencies.count(Duration::from_micros(micros));
        }
        for (share, micros) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = latencies.within(share).as_secs_f64() * 1e6;
            assert!((found / micros - 1.0).abs() < 0.02, "{share}: {found}");
        }
        assert_eq!(Latencies::default().within(0.5), Duration::ZERO);
    }
}
