//! The bounded queues before the journal, one for each workflow, and the bell that wakes the writer.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use telness_store::Position;
use tokio::sync::oneshot;

/// What the writer tells of one record.
pub(super) type Outcome = Result<Position, Arc<str>>;

/// A record that waits to be written, and who waits for it.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) entry: Vec<u8>,
    pub(super) waiter: Option<oneshot::Sender<Outcome>>,
    /// Told whether the store has the record, once it is durable in the journal and as [`Commits`](super::commits) says.
    pub(super) commit: Option<oneshot::Sender<bool>>,
}

impl Offer {
    /// A record that nobody waits for.
    pub(super) const fn unwatched(entry: Vec<u8>) -> Self {
        Self { entry, waiter: None, commit: None }
    }

    /// A record, and what will be told of it.
    pub(super) fn watched(entry: Vec<u8>) -> (Self, oneshot::Receiver<Outcome>) {
        let (waiter, outcome) = oneshot::channel();
        (Self { entry, waiter: Some(waiter), commit: None }, outcome)
    }

    /// What the store will tell of it.
    pub(super) fn watch_commit(&mut self) -> oneshot::Receiver<bool> {
        let (commit, told) = oneshot::channel();
        self.commit = Some(commit);
        told
    }
}

/// A bounded queue of records.
#[derive(Debug)]
pub(super) struct Lane {
    waiting: Mutex<VecDeque<Offer>>,
    /// How many of them somebody waits for.
    watched: AtomicUsize,
    /// Records that nobody waits for which were ever offered, and those of them that are durable. They become so in
    /// order.
    deferred: AtomicU64,
    settled: AtomicU64,
    records_max: usize,
}

/// The queue is full; nothing was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneFull;

impl Lane {
    pub(super) const fn new(records_max: usize) -> Self {
        Self {
            waiting: Mutex::new(VecDeque::new()),
            watched: AtomicUsize::new(0),
            deferred: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            records_max,
        }
    }

    pub(super) const fn records_max(&self) -> usize {
        self.records_max
    }

    pub(super) fn offer(&self, offer: Offer) -> Result<(), LaneFull> {
        let mut waiting = self.lock();
        if waiting.len() >= self.records_max {
            return Err(LaneFull);
        }
        if offer.waiter.is_some() {
            self.watched.fetch_add(1, Ordering::SeqCst);
        } else {
            self.deferred.fetch_add(1, Ordering::SeqCst);
        }
        waiting.push_back(offer);
        Ok(())
    }

    /// Moves up to `max` records to the end of `batch`; tells how many.
    pub(super) fn take(&self, batch: &mut Vec<Offer>, max: usize) -> usize {
        let mut waiting = self.lock();
        let count = waiting.len().min(max);
        let before = batch.len();
        batch.extend(waiting.drain(..count));
        let watched = batch.iter().skip(before).filter(|offer| offer.waiter.is_some()).count();
        self.watched.fetch_sub(watched, Ordering::SeqCst);
        count
    }

    /// Takes out the records that somebody waits for and tells each why it is not kept.
    pub(super) fn refuse_watched(&self, why: &Arc<str>) {
        if !self.is_watched() {
            return;
        }
        let mut waiting = self.lock();
        let (watched, others): (Vec<_>, _) = waiting.drain(..).partition(|offer| offer.waiter.is_some());
        *waiting = others.into();
        self.watched.fetch_sub(watched.len(), Ordering::SeqCst);
        drop(waiting);
        for waiter in watched.into_iter().filter_map(|offer| offer.waiter) {
            // Who gave up waiting needs no answer.
            let _ = waiter.send(Err(Arc::clone(why)));
        }
    }

    /// Puts records that nobody waits for back at the front, in their order, to be tried again.
    pub(super) fn put_back(&self, offers: Vec<Offer>) {
        let mut waiting = self.lock();
        for offer in offers.into_iter().rev() {
            waiting.push_front(offer);
        }
    }

    /// How many records that nobody waits for were offered so far.
    pub(super) fn deferred(&self) -> u64 {
        self.deferred.load(Ordering::SeqCst)
    }

    /// Notes that so many more of them are durable.
    pub(super) fn settle(&self, records: u64) {
        self.settled.fetch_add(records, Ordering::SeqCst);
    }

    /// Whether so many of them, from the first on, are durable.
    pub(super) fn has_settled(&self, deferred: u64) -> bool {
        self.settled.load(Ordering::SeqCst) >= deferred
    }

    /// Whether somebody waits for one of them.
    pub(super) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::SeqCst) > 0
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// A thread that died in here left a queue that is still a queue.
    fn lock(&self) -> MutexGuard<'_, VecDeque<Offer>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the writer, asleep, is to be woken for.
const NOTHING: u8 = 0;
const WATCHED: u8 = 1;
const ANYTHING: u8 = 2;

/// Wakes the writer when there is something to write, and tells it when there will be no more.
#[derive(Debug, Default)]
pub(super) struct Bell {
    writer: OnceLock<Thread>,
    wakes_for: AtomicU8,
    closed: AtomicBool,
}

impl Bell {
    /// Makes the calling thread the one that is woken.
    pub(super) fn answer_here(&self) {
        // A second writer is never started; were one, it would wake by its time-out.
        let _ = self.writer.set(std::thread::current());
    }

    /// Wakes the writer for a record that somebody waits for. To wake it costs microseconds of both threads, so it
    /// is done once a group.
    pub(super) fn ring(&self) {
        if self.wakes_for.load(Ordering::SeqCst) >= WATCHED {
            self.wake();
        }
    }

    /// Wakes the writer for a record that nobody waits for, unless it is letting such records gather.
    pub(super) fn ring_softly(&self) {
        if self.wakes_for.load(Ordering::SeqCst) >= ANYTHING {
            self.wake();
        }
    }

    fn wake(&self) {
        self.wakes_for.store(NOTHING, Ordering::SeqCst);
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.wake();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Sleeps until there is anything, at most so long; not at all if `ready` says that there is something.
    pub(super) fn sleep(&self, at_most: Duration, ready: impl FnOnce() -> bool) {
        self.sleep_for(ANYTHING, at_most, ready);
    }

    /// Sleeps until there is a record that somebody waits for, at most so long.
    pub(super) fn sleep_unless_watched(&self, at_most: Duration, ready: impl FnOnce() -> bool) {
        self.sleep_for(WATCHED, at_most, ready);
    }

    /// Sleeps, whatever there is, so that what just failed is not tried without end.
    pub(super) fn pause(length: Duration) {
        let began = crate::clock::monotonic();
        while let Some(left) = length.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
    }

    /// What it listens for is said before it looks a last time, so that nothing comes unheard in between.
    fn sleep_for(&self, what: u8, at_most: Duration, ready: impl FnOnce() -> bool) {
        self.wakes_for.store(what, Ordering::SeqCst);
        if !ready() && !self.is_closed() {
            std::thread::park_timeout(at_most);
        }
        self.wakes_for.store(NOTHING, Ordering::SeqCst);
    }
}
