//! The places of calls in hand: so many at once, in shares, with a short queue of those that wait for one.
//!
//! In the queue a call waits for `wait_max`. When the queue has not been empty for a while there are more calls than
//! places, not a burst: then whoever came last is served first, and nobody waits longer than a moment, since who waited
//! longest is who has most likely given up (adaptive LIFO, "Fail at Scale", ACM Queue 13(8), 2015).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::clock::monotonic;

/// How long the queue may be in use before that is no burst any more.
const BURST_MAX: Duration = Duration::from_millis(100);

/// How long a call waits then.
const CONGESTED_WAIT: Duration = Duration::from_millis(5);

/// What a call takes a place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// Most of the pool, and the queue.
    Main,
    /// What is kept for calls that may wait for better times.
    Background,
}

/// How large a pool is.
#[derive(Clone, Copy, Debug)]
pub(super) struct PoolLimits {
    /// Calls in hand at once.
    pub(super) all: usize,
    /// How many of them may be background calls; the others have the rest.
    pub(super) background: usize,
    /// Calls that wait for a place.
    pub(super) waiting: usize,
    /// How long.
    pub(super) wait_max: Duration,
}

/// Calls in hand, and those that wait to be.
#[derive(Debug)]
pub(super) struct Pool {
    limits: PoolLimits,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    main: usize,
    background: usize,
    waiting: VecDeque<oneshot::Sender<Ticket>>,
    /// When nobody last waited.
    empty_at: Instant,
}

/// A place in a pool, given back when it is dropped: to the call that waits for one, if there is.
#[derive(Debug)]
pub struct Ticket {
    pool: Arc<Pool>,
    share: Share,
}

impl Pool {
    pub(super) fn new(limits: PoolLimits) -> Arc<Self> {
        let state = State { main: 0, background: 0, waiting: VecDeque::new(), empty_at: monotonic() };
        Arc::new(Self { limits, state: Mutex::new(state) })
    }

    /// Takes a place that is free now, if nobody waits for it.
    pub(super) fn enter(self: &Arc<Self>, share: Share) -> Option<Ticket> {
        let mut state = self.lock();
        let free = state.waiting.is_empty() && state.take(share, &self.limits);
        free.then(|| self.ticket(share))
    }

    /// Takes a place of the main share, or waits for one, but not for long.
    pub(super) async fn enter_or_wait(self: &Arc<Self>) -> Option<Ticket> {
        let (told, patience) = {
            let mut state = self.lock();
            if state.waiting.is_empty() {
                state.empty_at = monotonic();
                if state.take(Share::Main, &self.limits) {
                    return Some(self.ticket(Share::Main));
                }
            }
            (state.join(self.limits.waiting)?, if state.is_congested() { CONGESTED_WAIT } else { self.limits.wait_max })
        };
        // Whoever is pushed out of the queue by others is told by the end of the channel.
        tokio::time::timeout(patience, told).await.ok()?.ok()
    }

    fn ticket(self: &Arc<Self>, share: Share) -> Ticket {
        Ticket { pool: Arc::clone(self), share }
    }

    /// Takes back a place, and gives it to who waits.
    fn leave(self: &Arc<Self>, share: Share) {
        let mut state = self.lock();
        let taken = state.of(share);
        *taken = taken.saturating_sub(1);
        while state.has_room(Share::Main, &self.limits) {
            let congested = state.is_congested();
            let next = if congested { state.waiting.pop_back() } else { state.waiting.pop_front() };
            let Some(next) = next else {
                state.empty_at = monotonic();
                return;
            };
            if next.is_closed() {
                continue;
            }
            state.main = state.main.saturating_add(1);
            drop(state);
            // Who gave up just now drops the ticket, which comes back here.
            drop(next.send(self.ticket(Share::Main)));
            return;
        }
    }

    /// A thread that died in here left counts that are right: they change last.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn of(&mut self, share: Share) -> &mut usize {
        match share {
            Share::Main => &mut self.main,
            Share::Background => &mut self.background,
        }
    }

    fn has_room(&mut self, share: Share, limits: &PoolLimits) -> bool {
        let of_share = match share {
            Share::Main => limits.all.saturating_sub(limits.background),
            Share::Background => limits.background,
        };
        *self.of(share) < of_share
    }

    fn take(&mut self, share: Share, limits: &PoolLimits) -> bool {
        let room = self.has_room(share, limits);
        if room {
            let taken = self.of(share);
            *taken = taken.saturating_add(1);
        }
        room
    }

    /// Joins the queue. In a full one whoever has waited longest makes room.
    fn join(&mut self, waiting_max: usize) -> Option<oneshot::Receiver<Ticket>> {
        if waiting_max == 0 {
            return None;
        }
        while self.waiting.len() >= waiting_max || self.waiting.front().is_some_and(oneshot::Sender::is_closed) {
            self.waiting.pop_front();
        }
        let (tells, told) = oneshot::channel();
        self.waiting.push_back(tells);
        Some(told)
    }

    fn is_congested(&self) -> bool {
        self.empty_at.elapsed() > BURST_MAX
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.pool.leave(self.share);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn pool(all: usize, background: usize, waiting: usize, wait_max: Duration) -> Arc<Pool> {
        Pool::new(PoolLimits { all, background, waiting, wait_max })
    }

    #[test]
    fn each_share_has_its_own_places_and_a_dropped_ticket_makes_room() {
        let pool = pool(10, 1, 0, LONG);
        let main: Vec<_> = std::iter::from_fn(|| pool.enter(Share::Main)).collect();
        assert_eq!(main.len(), 9);
        let background = pool.enter(Share::Background);
        assert!(background.is_some() && pool.enter(Share::Background).is_none());
        drop(main);
        assert!(pool.enter(Share::Background).is_none(), "a free place of the others is none of theirs");
        drop(background);
        assert!(pool.enter(Share::Background).is_some());
    }

    #[test]
    fn the_limit_is_exact_under_contention() {
        let pool = pool(100, 0, 0, LONG);
        let taken: usize = std::thread::scope(|scope| {
            let count = || std::iter::from_fn(|| pool.enter(Share::Main)).map(std::mem::forget).count();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(taken, 100);
    }

    /// Calls that wait, polled once so that they are in the queue in this order.
    fn waiting(pool: &Arc<Pool>, count: usize) -> Vec<tokio::task::JoinHandle<Option<Ticket>>> {
        let mut calls = Vec::new();
        for already in 0..count {
            let pool = Arc::clone(pool);
            let of_queue = Arc::clone(&pool);
            #[allow(clippy::disallowed_methods, reason = "a test that looks at each task's end")]
            calls.push(tokio::spawn(async move { pool.enter_or_wait().await }));
            while of_queue.lock().waiting.len() <= already {
                std::thread::yield_now();
            }
        }
        calls
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn in_a_burst_who_came_first_is_first() {
        let pool = pool(1, 0, 8, LONG);
        let only = pool.enter(Share::Main).unwrap();
        let mut calls = waiting(&pool, 2);
        drop(only);
        let first = calls.remove(0).await.unwrap();
        assert!(first.is_some() && !calls[0].is_finished());
        drop(first);
        assert!(calls.remove(0).await.unwrap().is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn under_congestion_who_came_last_is_first() {
        let pool = pool(1, 0, 8, LONG);
        let only = pool.enter(Share::Main).unwrap();
        let mut calls = waiting(&pool, 2);
        pool.lock().empty_at -= 2 * BURST_MAX;
        drop(only);
        let last = calls.remove(1).await.unwrap();
        assert!(last.is_some() && !calls[0].is_finished());
        drop(last);
        assert!(calls.remove(0).await.unwrap().is_some());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_queue_is_bounded_and_who_waited_longest_makes_room() {
        let pool = pool(1, 0, 2, LONG);
        let _only = pool.enter(Share::Main).unwrap();
        let mut calls = waiting(&pool, 2);
        let third = Arc::clone(&pool);
        #[allow(clippy::disallowed_methods, reason = "a test that looks at each task's end")]
        let third = tokio::spawn(async move { third.enter_or_wait().await });
        assert!(calls.remove(0).await.unwrap().is_none(), "the first is refused");
        assert!(!calls[0].is_finished() && !third.is_finished());
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_and_who_gave_up_loses_no_place() {
        let pool = pool(1, 0, 8, Duration::from_millis(20));
        let only = pool.enter(Share::Main).unwrap();
        assert!(pool.enter_or_wait().await.is_none());
        drop(only);
        let again = pool.enter_or_wait().await;
        assert!(again.is_some(), "the place went to somebody who was not there any more");
        drop(again);
        assert_eq!(pool.lock().main, 0);
    }
}
