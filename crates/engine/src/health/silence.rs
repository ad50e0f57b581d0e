//! That no emergency call comes any more, where they come all the time: something before us may be broken while all that we
//! see is well (E17).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls of which the usual time between two is taken. With fewer there is no usual time.
const CALLS: usize = 128;
/// Where calls come less often than that on average, silence tells nothing.
const USUAL_MAX: Duration = Duration::from_secs(120);
/// Silence that is shorter is none.
const SILENCE_MIN: Duration = Duration::from_secs(60);

/// When the last emergency calls came.
#[derive(Debug)]
pub(crate) struct Silence {
    /// How many times the usual time between two calls is silence; never if zero.
    multiple: u32,
    calls: Mutex<VecDeque<Instant>>,
}

impl Silence {
    pub(crate) fn new(multiple: u32) -> Self {
        Self { multiple, calls: Mutex::new(VecDeque::with_capacity(CALLS)) }
    }

    /// An emergency call came.
    pub(crate) fn call(&self, now: Instant) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() >= CALLS {
            calls.pop_front();
        }
        calls.push_back(now);
    }

    /// For how long none has come, if one ever did.
    pub(crate) fn since(&self, now: Instant) -> Option<Duration> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.back().map(|last| now.saturating_duration_since(*last))
    }

    /// After how long without a call that is silence; none where it tells nothing.
    pub(crate) fn limit(&self) -> Option<Duration> {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, last) = (calls.front()?, calls.back()?);
        let between = u32::try_from(CALLS.saturating_sub(1)).ok()?;
        let usual = last.saturating_duration_since(*first).checked_div(between)?;
        let tells = self.multiple > 0 && calls.len() >= CALLS && usual <= USUAL_MAX;
        tells.then(|| usual.saturating_mul(self.multiple).max(SILENCE_MIN))
    }

    /// Whether there is silence.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        match (self.since(now), self.limit()) {
            (Some(since), Some(limit)) => since > limit,
            _ => false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test")]
mod tests {
    use super::*;

    /// Calls that came so far apart, and when the last one did.
    fn calls(silence: &Silence, many: usize, apart: Duration) -> Instant {
        let mut now = crate::clock::monotonic();
        for _ in 0..many {
            now += apart;
            silence.call(now);
        }
        now
    }

    #[test]
    fn e17_silence_is_a_multiple_of_the_usual_time_between_two_calls() {
        let silence = Silence::new(30);
        let last = calls(&silence, 1000, Duration::from_secs(10));
        assert!(!silence.is_silent(last + Duration::from_secs(300)));
        assert!(silence.is_silent(last + Duration::from_secs(301)));
        silence.call(last + Duration::from_secs(302));
        assert!(!silence.is_silent(last + Duration::from_secs(303)));
    }

    #[test]
    fn e17_where_calls_are_few_silence_tells_nothing() {
        let hour = Duration::from_secs(3600);
        for (many, apart) in [(CALLS - 1, Duration::from_secs(1)), (1000, Duration::from_secs(121)), (0, hour)] {
            let silence = Silence::new(30);
            let last = calls(&silence, many, apart);
            assert!(!silence.is_silent(last + hour * 24), "{many} calls");
        }
        let off = Silence::new(0);
        let last = calls(&off, 1000, Duration::from_secs(1));
        assert!(!off.is_silent(last + hour));
    }

    #[test]
    fn e17_a_burst_does_not_make_a_minute_silence() {
        let silence = Silence::new(30);
        let last = calls(&silence, 1000, Duration::from_millis(1));
        assert!(!silence.is_silent(last + Duration::from_secs(60)));
        assert!(silence.is_silent(last + Duration::from_secs(61)));
    }
}
