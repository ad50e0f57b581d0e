//! Waiting for a condition, never for a time: a test that sleeps is either slow or wrong on a busy machine.

use std::time::{Duration, Instant};

/// How long one look at a condition is apart from the next.
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

/// The monotonic clock, for tests and load.
#[allow(clippy::disallowed_methods, reason = "the engine's clock is the engine's; nothing here imports it")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Lets others run for a moment, for what has to happen at an arbitrary instant, as a kill does.
#[allow(clippy::disallowed_methods, reason = "the one place: everything else waits by `eventually`")]
pub fn pause(moment: Duration) {
    std::thread::sleep(moment);
}

/// Looks again and again until `condition` gives something; `None` when it has not within `at_most`.
pub fn eventually<T>(at_most: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let began = now();
    loop {
        if let Some(found) = condition() {
            return Some(found);
        }
        if began.elapsed() >= at_most {
            return None;
        }
        pause(BETWEEN_LOOKS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_the_condition_gives() {
        let mut looks = 0;
        let found = eventually(Duration::from_secs(5), || {
            looks += 1;
            (looks == 3).then_some("there")
        });
        assert_eq!((found, looks), (Some("there"), 3));
    }

    #[test]
    fn gives_up_after_a_last_look() {
        let mut looked = false;
        assert_eq!(
            eventually(Duration::ZERO, || -> Option<()> {
                looked = true;
                None
            }),
            None
        );
        assert!(looked);
    }
}
