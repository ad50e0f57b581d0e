//! What is believed of one gateway, by what was seen of it in a row.

use std::time::{Duration, Instant};

/// So many failed probes in a row take a gateway down, and so many good ones bring it back.
const DOWN_AFTER: u32 = 3;
const UP_AFTER: u32 = 2;

/// So many failed calls in a row take a gateway down.
const CALLS_DOWN_AFTER: u32 = 10;
/// How long it is left alone then. If the next call fails as well, twice as long, and so on.
const PAUSE_FIRST: Duration = Duration::from_secs(30);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// What probes tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Probed {
    /// It never answered.
    #[default]
    Unknown,
    Up,
    Down,
}

/// What is believed of a gateway.
#[derive(Clone, Debug, Default)]
pub struct Belief {
    pub(super) probed: Probed,
    last_probe_was_good: bool,
    probes_in_a_row: u32,
    calls_failed: u32,
    /// A tenant of those calls, and whether there was another.
    failed_for: Option<u64>,
    of_several: bool,
    pause: Duration,
    paused_until: Option<Instant>,
}

impl Belief {
    /// Takes in the result of a probe.
    pub fn probe(&mut self, good: bool) {
        let same = self.last_probe_was_good == good;
        self.probes_in_a_row = if same { self.probes_in_a_row.saturating_add(1) } else { 1 };
        self.last_probe_was_good = good;
        self.probed = match (self.probed, good) {
            (Probed::Unknown, true) => Probed::Up,
            (Probed::Up, false) if self.probes_in_a_row >= DOWN_AFTER => Probed::Down,
            (Probed::Down, true) if self.probes_in_a_row >= UP_AFTER => Probed::Up,
            (before, _) => before,
        };
    }

    /// Takes in what became of a call of a tenant. Where several tenants share a gateway, it takes the calls of two of
    /// them to bring it down.
    pub fn call(&mut self, good: bool, tenant: u64, shared: bool, now: Instant) {
        if good {
            self.calls_failed = 0;
            (self.failed_for, self.of_several) = (None, false);
            (self.pause, self.paused_until) = (Duration::ZERO, None);
            return;
        }
        if self.is_paused(now) {
            // Of a call that began before.
            return;
        }
        self.calls_failed = self.calls_failed.saturating_add(1);
        self.of_several |= self.failed_for.is_some_and(|before| before != tenant);
        self.failed_for.get_or_insert(tenant);
        if self.calls_failed >= CALLS_DOWN_AFTER && (self.of_several || !shared) {
            self.pause = self.pause.saturating_mul(2).clamp(PAUSE_FIRST, PAUSE_MAX);
            self.paused_until = now.checked_add(self.pause);
        }
    }

    /// Whether calls are kept from it for a while, because those before failed.
    #[must_use]
    pub fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }

    /// Whether the next probe may change what is believed.
    pub(super) fn is_in_doubt(&self) -> bool {
        matches!((self.probed, self.last_probe_was_good), (Probed::Up, false) | (Probed::Down, true))
    }

    /// Calls that failed in a row.
    #[must_use]
    pub const fn calls_failed(&self) -> u32 {
        self.calls_failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        crate::clock::monotonic()
    }

    #[test]
    fn three_failed_probes_take_a_gateway_down_and_two_good_ones_bring_it_back() {
        let mut belief = Belief::default();
        let mut after = |probes: &[bool]| {
            probes.iter().for_each(|good| belief.probe(*good));
            belief.probed
        };
        assert_eq!(after(&[true, false, false, true, false, false]), Probed::Up);
        assert_eq!(after(&[false]), Probed::Down);
        assert_eq!(after(&[true, false, true]), Probed::Down);
        assert_eq!(after(&[true]), Probed::Up);
    }

    #[test]
    fn silence_tells_nothing_of_a_gateway_that_never_answered() {
        let mut belief = Belief::default();
        (0..100).for_each(|_| belief.probe(false));
        assert_eq!(belief.probed, Probed::Unknown);
    }

    #[test]
    fn ten_failed_calls_in_a_row_leave_it_alone_for_longer_and_longer() {
        let (mut belief, mut now) = (Belief::default(), start());
        (0..9).for_each(|_| belief.call(false, 1, false, now));
        belief.call(true, 1, false, now);
        (0..9).for_each(|_| belief.call(false, 1, false, now));
        assert!(!belief.is_paused(now));
        for pause in [30, 60, 120, 240, 300, 300] {
            belief.call(false, 1, false, now);
            assert!(belief.is_paused(now + Duration::from_secs(pause - 1)));
            now += Duration::from_secs(pause);
            assert!(!belief.is_paused(now), "{pause}");
        }
        belief.call(true, 1, false, now);
        belief.call(false, 1, false, now);
        assert!(!belief.is_paused(now));
    }

    #[test]
    fn p1_a_tenant_alone_takes_no_gateway_from_others() {
        let (mut belief, now) = (Belief::default(), start());
        (0..1000).for_each(|_| belief.call(false, 1, true, now));
        assert!(!belief.is_paused(now));
        belief.call(false, 2, true, now);
        assert!(belief.is_paused(now));
    }
}
