//! A count of calls in hand with a limit, exact under any number of threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts calls in hand.
#[derive(Debug)]
pub struct InFlight {
    now: Arc<AtomicUsize>,
    max: usize,
}

/// One place of an [`InFlight`], given back when it is dropped.
#[derive(Debug)]
pub struct Ticket(Arc<AtomicUsize>);

impl InFlight {
    /// None in hand, and at most `max`.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { now: Arc::new(AtomicUsize::new(0)), max }
    }

    /// How many there may be.
    #[must_use]
    pub const fn max(&self) -> usize {
        self.max
    }

    /// Takes a place, if one is free.
    #[must_use]
    pub fn enter(&self) -> Option<Ticket> {
        let more = |now: usize| (now < self.max).then(|| now.saturating_add(1));
        self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Ticket(Arc::clone(&self.now)))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::InFlight;

    #[test]
    fn a_dropped_ticket_makes_room() {
        let in_flight = InFlight::new(2);
        let first = in_flight.enter();
        let second = in_flight.enter();
        assert!(first.is_some() && second.is_some());
        assert!(in_flight.enter().is_none());
        drop(first);
        assert!(in_flight.enter().is_some());
    }

    #[test]
    fn the_limit_is_exact_under_contention() {
        let in_flight = InFlight::new(100);
        let taken: usize = std::thread::scope(|scope| {
            let count = || std::iter::from_fn(|| in_flight.enter()).map(std::mem::forget).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 100);
    }
}
