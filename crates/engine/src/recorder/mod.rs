//! Puts calls and events in the journal before they are acknowledged, and moves them on to the store.
//!
//! **Invariant:** a [`Proof`] is made here and nowhere else, so an answer that was not recorded cannot be
//! written.

mod aside;
mod commits;
mod lane;
mod proof;
mod shipper;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use telness_core::class::Workflow;
use telness_core::time::Timestamp;
use telness_store::{Journal, JournalExtent, JournalReader, Position, Store};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::timeout;

pub use proof::Proof;
pub use shipper::Shipped;

use crate::config::{Durability, Settings};
use crate::supervise::OwnRuntime;
use crate::telemetry::Metrics;
use lane::{Lane, Offer, Outcome};

/// Why a record is not known to be durable. It must not be acknowledged.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotKept {
    /// The queue before the journal is full.
    #[error("{0} records wait for the journal, which is the limit")]
    QueueFull(usize),
    /// The journal refused.
    #[error("the journal did not take it: {0}")]
    Refused(Arc<str>),
    /// It took too long; it may become durable yet.
    #[error("the journal did not take it within {0} ms")]
    TooLate(u128),
    /// The recorder has stopped.
    #[error("the recorder has stopped")]
    Stopped,
}

/// What the writer, the shipper and those who wait for them share.
#[derive(Debug)]
pub(crate) struct Shared {
    high: Lane,
    low: Lane,
    bell: lane::Bell,
    /// Where the last durable record stands.
    end: watch::Sender<Position>,
    /// Rung by a reader that waits for the store: the shipper is not to let records gather.
    hurry: Notify,
    /// How far the store has come.
    shipped: watch::Sender<Shipped>,
    /// Whose answers wait for it.
    commits: commits::Commits,
    /// How far the stop has come.
    stop: watch::Sender<Stop>,
    metrics: Arc<Metrics>,
    /// Set when the writer ended by a defect: nothing is made durable any more.
    writer_died: AtomicBool,
}

impl Shared {
    fn new(queue_records_max: usize, end: Position, metrics: Arc<Metrics>) -> Self {
        Self {
            high: Lane::new(queue_records_max),
            low: Lane::new(queue_records_max),
            bell: lane::Bell::default(),
            end: watch::Sender::new(end),
            hurry: Notify::new(),
            shipped: watch::Sender::new(Shipped::default()),
            commits: commits::Commits::default(),
            stop: watch::Sender::new(Stop::default()),
            metrics,
            writer_died: AtomicBool::new(false),
        }
    }

    /// Notes what became of the shipping, and tells those who wait for it.
    fn note(&self, change: impl FnOnce(&mut Shipped)) {
        self.shipped.send_modify(change);
        let shipped = self.shipped.borrow();
        self.commits.tell(shipped.position, shipped.failing.is_some());
    }

    fn begin_stop(&self, by: Instant) -> Instant {
        let mut first = by;
        self.stop.send_modify(|stop| first = *stop.by.get_or_insert(by));
        first
    }
}

/// How far the stop has come.
#[derive(Clone, Copy, Debug, Default)]
struct Stop {
    /// By when all is to have ended, once the node stops.
    by: Option<Instant>,
    /// Nothing more is going to be written.
    writer_ended: bool,
}

/// Takes records. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder {
    shared: Arc<Shared>,
    wait_max: Duration,
    commit_wait_max: Duration,
    /// Counts what the journal holds, and reads none of it.
    extent: JournalExtent,
}

/// What waits in the journal for the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// How many records. Until the store has first told how far it came, all that the journal holds.
    pub records: u64,
    /// When the oldest of them was received, if they have waited for longer than a batch takes.
    pub oldest: Option<Timestamp>,
}

/// The threads behind a recorder, to be stopped in order: first the writer, then the shipper.
#[derive(Debug)]
pub struct RecorderThreads {
    shared: Arc<Shared>,
    writer: std::thread::JoinHandle<()>,
    shipper: std::thread::JoinHandle<bool>,
}

impl Recorder {
    /// Starts the writer of a journal and the shipper from it to a store.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(
        journal: Journal,
        store: Arc<dyn Store>,
        settings: &Settings,
        metrics: Arc<Metrics>,
        clock: crate::clock::Clock,
    ) -> std::io::Result<(Self, RecorderThreads)> {
        let reader: JournalReader = journal.reader();
        let extent = journal.extent();
        let shared = Arc::new(Shared::new(settings.journal.queue_records_max, journal.end(), metrics));
        // A runtime of its own, so that the store's answers do not stand in line behind calls.
        let runtime = OwnRuntime::new()?;
        let writer = writer::Writer {
            shared: Arc::clone(&shared),
            journal,
            clock,
            batch_max: settings.journal.batch_records_max,
            group_max: settings.journal.batch_records_max,
            pruned_at: None,
            failing: false,
        };
        let writer = crate::supervise::thread("journal-writer", move || writer.run())?;
        let shipper = shipper::Shipper::new(Arc::clone(&shared), reader, store, settings.shipper.clone());
        let shipper = crate::supervise::thread("shipper", move || shipper.run(&runtime))
            // The writer has the journal, and is not to keep it.
            .inspect_err(|_| shared.bell.close())?;
        let recorder = Self {
            shared: Arc::clone(&shared),
            wait_max: settings.journal.wait_max,
            commit_wait_max: settings.store.commit_wait_max,
            extent,
        };
        Ok((recorder, RecorderThreads { shared, writer, shipper }))
    }

    /// Records one entry's bytes. With [`Durability::Journal`] it returns when they are durable, with
    /// [`Durability::Database`] when the store has them too unless that takes too long, with [`Durability::Async`] at
    /// once.
    ///
    /// # Errors
    /// When the entry is not known to be durable and was to be.
    pub async fn record(&self, workflow: Workflow, durability: Durability, entry: Vec<u8>) -> Result<Proof, NotKept> {
        if durability == Durability::Async {
            return Ok(self.defer(workflow, entry));
        }
        let lane = self.lane(workflow);
        let (mut offer, outcome) = Offer::watched(entry);
        let commit = (durability == Durability::Database).then(|| offer.watch_commit());
        lane.offer(offer).map_err(|_| NotKept::QueueFull(lane.records_max()))?;
        self.shared.bell.ring();
        match commit {
            Some(commit) => self.committed(outcome, commit).await,
            None => self.journaled(outcome, self.wait_max).await.map(Proof::journaled),
        }
    }

    /// Waits until a record is durable in the journal.
    async fn journaled(&self, outcome: oneshot::Receiver<Outcome>, within: Duration) -> Result<Position, NotKept> {
        match timeout(within, outcome).await {
            Ok(Ok(written)) => written.map_err(NotKept::Refused),
            Ok(Err(_closed)) => Err(NotKept::Stopped),
            Err(_elapsed) => Err(NotKept::TooLate(self.wait_max.as_millis())),
        }
    }

    /// Waits for the store's commit; not for a store that fails or is late. The journal has the record before the store
    /// does, so it is asked only when there is no commit: whoever waits is woken once.
    async fn committed(
        &self,
        outcome: oneshot::Receiver<Outcome>,
        mut commit: oneshot::Receiver<bool>,
    ) -> Result<Proof, NotKept> {
        let began = crate::clock::monotonic();
        let left = |max: Duration| max.saturating_sub(began.elapsed());
        let mut told = timeout(self.commit_wait_max.min(self.wait_max), &mut commit).await;
        if told == Ok(Ok(true)) {
            return Ok(Proof::committed());
        }
        let position = self.journaled(outcome, left(self.wait_max)).await?;
        if told.is_err() {
            told = timeout(left(self.commit_wait_max), commit).await;
        }
        if told == Ok(Ok(true)) {
            return Ok(Proof::committed());
        }
        self.shared.metrics.commits_late.inc();
        Ok(Proof::journaled(position))
    }

    /// What waits for the store.
    #[must_use]
    pub fn backlog(&self) -> Backlog {
        let shipped = self.shared.shipped.borrow();
        Backlog { records: self.extent.count_after(shipped.position), oldest: shipped.oldest_waiting }
    }

    /// Records one entry's bytes without waiting, and never fails: what a full queue cannot take is counted and
    /// logged, and an alert is raised for it.
    #[must_use]
    pub fn defer(&self, workflow: Workflow, entry: Vec<u8>) -> Proof {
        if self.lane(workflow).offer(Offer::unwatched(entry)).is_err() {
            self.shared.metrics.records_dropped.inc();
            tracing::error!(workflow = workflow.as_str(), "a record found the journal's queue full and is not kept");
        }
        self.shared.bell.ring_softly();
        Proof::deferred()
    }

    fn lane(&self, workflow: Workflow) -> &Lane {
        match workflow {
            Workflow::High => &self.shared.high,
            Workflow::Low => &self.shared.low,
        }
    }

    /// Waits until the store holds all that was taken up to now, so that a reader finds what was answered: also a
    /// call whose answer did not wait for its record.
    ///
    /// # Errors
    /// How far the store is to come, when it does not catch up in time.
    pub async fn caught_up(&self, within: Duration) -> Result<(), Position> {
        let (shared, taken) = (&self.shared, (self.shared.high.deferred(), self.shared.low.deferred()));
        let durable = || shared.high.has_settled(taken.0) && shared.low.has_settled(taken.1);
        let mut end = shared.end.subscribe();
        let mut shipped = shared.shipped.subscribe();
        let reached = async {
            if !durable() {
                shared.bell.ring();
                // The sender lives as long as this recorder does.
                let _ = end.wait_for(|_| durable()).await;
            }
            let end = *end.borrow();
            if shipped.borrow().position < end {
                shared.hurry.notify_one();
                let _ = shipped.wait_for(|shipped| shipped.position >= end).await;
            }
        };
        timeout(within, reached).await.map_err(|_| self.end())
    }

    /// Waits until the store holds what stands up to `position`, however long that takes.
    pub(crate) async fn shipped_to(&self, position: Position) {
        let mut shipped = self.shared.shipped.subscribe();
        if shipped.borrow().position < position {
            self.shared.hurry.notify_one();
        }
        // The sender lives as long as this recorder does.
        let _ = shipped.wait_for(|shipped| shipped.position >= position).await;
    }

    /// How far the store has come, and whether it takes records now.
    #[must_use]
    pub fn shipped(&self) -> Shipped {
        self.shared.shipped.borrow().clone()
    }

    /// Whether the store took what it was given last.
    pub(crate) fn is_shipping(&self) -> bool {
        self.shared.shipped.borrow().failing.is_none()
    }

    /// Says that the node is about to stop and by when it is to have ended: what failed is tried more often from now
    /// on. Records are still taken. The first time that was said stays; it is the answer.
    pub(crate) fn begin_stop(&self, by: Instant) -> Instant {
        self.shared.begin_stop(by)
    }

    /// Whether the node is about to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.shared.stop.borrow().by.is_some()
    }

    /// Whether records are written; if not, only a restart helps.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        !self.shared.writer_died.load(Ordering::SeqCst)
    }

    /// Where the last durable record stands.
    #[must_use]
    pub fn end(&self) -> Position {
        *self.shared.end.borrow()
    }

    /// A proof for a call that the store gave back: it was committed there.
    #[must_use]
    pub(crate) const fn proof_of_stored(&self) -> Proof {
        Proof::committed()
    }
}

impl RecorderThreads {
    /// Takes no more records and writes those that wait, while the shipper ships; all of it ends at `by`, or at what
    /// was said before. False if time ran out first, or the shipper had died: a write may still be in hand.
    pub fn stop(self, by: Instant) -> bool {
        self.shared.begin_stop(by);
        self.shared.bell.close();
        if self.writer.join().is_err() {
            tracing::error!("the journal's writer had died");
        }
        self.shared.stop.send_modify(|stop| stop.writer_ended = true);
        self.shipper.join().unwrap_or_else(|_| {
            tracing::error!("the shipper had died");
            false
        })
    }
}
