//! Moves records from the journal to the store, in order, over and over until the store has them.

mod refused;

use std::sync::Arc;
use std::time::{Duration, Instant};

use telness_core::time::Timestamp;
use telness_store::{Entry, JournalError, JournalReader, Position, Shipment, Store, StoreError};

use self::refused::Refused;
#[cfg(test)]
pub(super) use self::refused::{ATTEMPTS, IN_A_ROW_MAX};
use super::Shared;
use super::aside::Aside;
use crate::clock::monotonic;
use crate::config::ShipperSettings;
use crate::supervise::{Died, OwnRuntime, guarded};

/// The first pause after a failure; it doubles up to the setting.
pub(super) const RETRY_MIN: Duration = Duration::from_millis(100);

/// How long records gather for one transaction of the store: it writes each page of its tables once for all of them.
const GATHER: Duration = Duration::from_millis(50);

/// How often the store is asked how far it has come while there is nothing to ship: one that was set back is to be found
/// out before the journal no longer has what it lost, and before the node is gone.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long the disk is asked again for what it does not give of the journal: it may be away, and come back. Then that
/// is passed over, for one bad sector must not hold up all that follows.
const DISK_PATIENCE: Duration = Duration::from_secs(600);

/// What is told when an attempt panicked.
const DEFECT: &str = "a defect of telness ended the attempt to write to it; the log has the panic: report it";

/// How far the store has come.
#[derive(Clone, Debug, Default)]
pub struct Shipped {
    /// The last record that the store holds.
    pub position: Position,
    /// Why the store takes nothing now.
    pub failing: Option<Arc<str>>,
    /// When the first record was received that is in the batch in hand.
    pub oldest_waiting: Option<Timestamp>,
}

pub(super) struct Shipper {
    shared: Arc<Shared>,
    reader: JournalReader,
    store: Arc<dyn Store>,
    /// How far the store was seen to have come, and when that was last.
    stored: Option<Position>,
    seen_at: Option<Instant>,
    /// Since when the disk does not give what is to be shipped next.
    unreadable_since: Option<Instant>,
    pub(super) disk_patience: Duration,
    /// What the store refuses though it takes others.
    refused: Refused,
    aside: Aside,
    /// What was set aside before this start and not offered since, the last first.
    to_offer: Vec<String>,
    /// The most records of the next batch: fewer after each failure, since a store that is slow may take a part in time.
    batch_max: usize,
    settings: ShipperSettings,
}

/// Sees that nobody waits for a shipper that ended, however it did.
struct NobodyWaits(Arc<Shared>);

impl Drop for NobodyWaits {
    fn drop(&mut self) {
        let position = self.0.shipped.borrow().position;
        self.0.commits.tell(position, true);
    }
}

impl Shipper {
    pub(super) fn new(
        shared: Arc<Shared>,
        reader: JournalReader,
        store: Arc<dyn Store>,
        settings: ShipperSettings,
    ) -> Self {
        let aside = Aside::new(reader.folder().join("aside"));
        Self {
            shared,
            reader,
            store,
            stored: None,
            seen_at: None,
            unreadable_since: None,
            disk_patience: DISK_PATIENCE,
            refused: Refused::default(),
            aside,
            to_offer: Vec::new(),
            batch_max: settings.batch_records_max,
            settings,
        }
    }

    /// Ships until the node stops and nothing is left, or its time is over. False if time ran out first: a write may
    /// still be in hand.
    pub(super) fn run(mut self, runtime: &OwnRuntime) -> bool {
        let _nobody_waits = NobodyWaits(Arc::clone(&self.shared));
        if !self.settings.enabled {
            tracing::warn!("shipper.enabled is false: records stay in the journal, and no answer waits for the store");
            return true;
        }
        runtime.block_on(self.ship_until_stopped()).unwrap_or(false)
    }

    async fn ship_until_stopped(&mut self) -> bool {
        let mut stops = self.shared.stop.subscribe();
        let time_over = async move {
            // The sender lives as long as the shipper does.
            let by = stops.wait_for(|stop| stop.by.is_some()).await.ok().and_then(|stop| stop.by);
            if let Some(by) = by {
                tokio::time::sleep_until(by.into()).await;
            }
        };
        tokio::select! {
            biased;
            () = self.ship() => true,
            () = time_over => {
                tracing::warn!("the time to stop is over before the store has all; the rest waits in the journal");
                false
            }
        }
    }

    async fn ship(&mut self) {
        let mut retry = RETRY_MIN;
        let mut begun = false;
        loop {
            // Asked before the journal is, or the last records could come in between.
            let last_turn = self.shared.stop.borrow().writer_ended;
            let step = guarded(async {
                if begun { self.ship_batch(last_turn).await } else { self.begin().await.map(|()| usize::MAX) }
            });
            let step = step.await.unwrap_or_else(|Died| Err(StoreError::Broken(DEFECT.to_owned())));
            self.report(step.as_ref().err());
            match step {
                Ok(0) if last_turn => return,
                Err(error) if self.set_aside_refused(&error).await => retry = RETRY_MIN,
                Err(error) => {
                    // Of what it will never take as a whole it may take what stands before the record at fault.
                    let lasting = matches!(error, StoreError::Broken(_));
                    self.batch_max = if lasting { 1 } else { (self.batch_max / 2).max(1) };
                    self.wait_to_retry(retry).await;
                    retry = retry.saturating_mul(2).min(self.settings.retry_max);
                }
                Ok(count) => {
                    (begun, retry) = (true, RETRY_MIN);
                    let more = self.batch_max / 4;
                    self.batch_max = self.batch_max.saturating_add(more.max(1)).min(self.settings.batch_records_max);
                    self.pause(count).await;
                }
            }
        }
    }

    /// Waits before what failed is tried again; not for long once the node stops.
    async fn wait_to_retry(&self, retry: Duration) {
        let mut stops = self.shared.stop.subscribe();
        if stops.borrow().by.is_some() {
            tokio::time::sleep(RETRY_MIN).await;
        } else {
            let _ = tokio::time::timeout(retry, stops.wait_for(|stop| stop.by.is_some())).await;
        }
    }

    /// Waits for something to ship or until it is time to look after the store, then lets records gather, unless a reader
    /// waits for them or no more come.
    async fn pause(&self, shipped_now: usize) {
        let mut stops = self.shared.stop.subscribe();
        let stopping = async { drop(stops.wait_for(|stop| stop.writer_ended).await) };
        let more = async {
            if shipped_now == 0 {
                let shipped = self.shared.shipped.borrow().position;
                let mut ends = self.shared.end.subscribe();
                let _ = tokio::time::timeout(LOOK_EVERY, ends.wait_for(|end| *end > shipped)).await;
            }
            if shipped_now < self.batch_max {
                let _ = tokio::time::timeout(GATHER, self.shared.hurry.notified()).await;
            }
        };
        tokio::select! {
            () = more => {}
            () = stopping => {}
        }
    }

    /// Asks the store how far this journal was shipped.
    async fn begin(&mut self) -> Result<(), StoreError> {
        let stored = match self.store.position(self.reader.id()).await {
            Ok(stored) => stored,
            Err(error) => {
                self.note_oldest();
                return Err(error);
            }
        };
        self.saw(stored);
        self.look_aside();
        let position = self.reader.resume(stored).map_err(|error| unavailable(&error))?;
        self.shared.note(|shipped| (shipped.position, shipped.oldest_waiting) = (position, None));
        Ok(())
    }

    /// As long as nobody knows what the store has, all that the journal holds may wait for it.
    fn note_oldest(&mut self) {
        let first = self.reader.after(Position::default(), 1).ok().and_then(|rows| rows.into_iter().next());
        let oldest = first.and_then(|(_, bytes)| Entry::decode(&bytes).ok()).map(|entry| entry.received_at());
        self.shared.shipped.send_modify(|shipped| shipped.oldest_waiting = oldest);
    }

    /// Ships one batch; tells how many records it had.
    async fn ship_batch(&mut self, last_turn: bool) -> Result<usize, StoreError> {
        let end = *self.shared.end.borrow();
        let rows = self.read_on().map_err(|error| unavailable(&error))?;
        let Some(upto) = rows.last().map(|(position, _)| *position) else {
            if self.shared.shipped.borrow().position < end {
                // What stood there is lost to damage, and nobody is to wait for it.
                self.shared.note(|shipped| shipped.position = end);
            }
            return self.look_after_the_store(last_turn).await;
        };
        let started = monotonic();
        self.refused.tries(&rows);
        let entries = rows.iter().filter_map(|(at, bytes)| self.read(*at, bytes).transpose());
        let entries: Vec<Entry> = entries.collect::<Result<_, _>>()?;
        let count = entries.len();
        let oldest = entries.first().map(Entry::received_at);
        // Nobody waits for this, and it would wake all who wait for the position.
        self.shared.shipped.send_if_modified(|shipped| {
            shipped.oldest_waiting = oldest;
            false
        });
        let shipment = Shipment { journal: self.reader.id(), after: self.stored, upto, entries };
        let written = match self.store.ship(shipment).await {
            Err(StoreError::SetBack { found }) => return Ok(self.go_back(found)),
            written => written?,
        };
        self.saw(Some(upto));
        self.refused.taken();
        self.shared.note(|shipped| (shipped.position, shipped.oldest_waiting) = (upto, None));
        self.shared.metrics.shipped_batch(count, written.events_beyond, started.elapsed());
        Ok(rows.len())
    }

    /// What the journal has behind what was shipped.
    fn read_on(&mut self) -> Result<Vec<(Position, Vec<u8>)>, JournalError> {
        let from = self.shared.shipped.borrow().position;
        let rows = self.reader.after(from, self.batch_max);
        self.shared.metrics.records_unreadable.inc_by(self.reader.take_lost());
        if matches!(rows, Err(JournalError::Unreadable { .. })) {
            let since = *self.unreadable_since.get_or_insert_with(monotonic);
            if since.elapsed() >= self.disk_patience {
                self.reader.pass_over_unreadable();
                self.unreadable_since = None;
            }
        } else {
            self.unreadable_since = None;
        }
        rows
    }

    /// Nothing is to be shipped: offers what was set aside, and asks the store every few seconds, and a last time, whether
    /// it still has what it took.
    async fn look_after_the_store(&mut self, last_turn: bool) -> Result<usize, StoreError> {
        if self.offer_again().await? {
            return Ok(usize::MAX);
        }
        if !last_turn && self.seen_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Ok(0);
        }
        let found = self.store.position(self.reader.id()).await?;
        if found < self.stored {
            return Ok(self.go_back(found));
        }
        self.saw(found);
        Ok(0)
    }

    fn saw(&mut self, stored: Option<Position>) {
        (self.stored, self.seen_at) = (stored, Some(monotonic()));
    }

    /// The store lost what it had taken: goes on from what it holds now. What the journal does not have any more is
    /// not to be had again.
    fn go_back(&mut self, found: Option<Position>) -> usize {
        let position = found.unwrap_or_default();
        tracing::error!(
            from = position.0,
            upto = self.stored.unwrap_or_default().0,
            "the store was set back and lost records that it had taken; what the journal still has of them is shipped again"
        );
        self.shared.metrics.store_set_back.inc();
        self.saw(found);
        self.shared.note(|shipped| shipped.position = position);
        // As many as may be: the next batch is to follow at once.
        usize::MAX
    }

    fn report(&self, failure: Option<&StoreError>) {
        let failing = self.shared.shipped.borrow().failing.is_some();
        if let Some(error) = failure {
            if !failing {
                tracing::error!(%error, "the store takes no records; they wait in the journal");
            }
            let why: Arc<str> = Arc::from(error.to_string());
            self.shared.note(|shipped| shipped.failing = Some(why));
        } else if failing {
            tracing::info!("the store takes records again");
            self.shared.note(|shipped| shipped.failing = None);
        }
        self.shared.metrics.store_failing.set(i64::from(failure.is_some()));
    }
}

fn unavailable(error: &impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("the journal cannot be read: {error}"))
}
