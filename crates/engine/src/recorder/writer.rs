//! The thread that writes the journal in groups: while one group is on its way to the disk, the next gathers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use telness_store::{Journal, JournalError, Position};

use super::Shared;
use super::lane::{Bell, Offer};
use crate::clock::Clock;

/// How long the writer sleeps when nothing rings, so that pruning goes on without calls.
const IDLE: Duration = Duration::from_millis(500);

/// How long a record that nobody waits for may wait for others to share its sync: an emergency call's is durable
/// within this and one sync.
const DEFERRED_MAX: Duration = Duration::from_millis(5);

/// How long a group may gather while more and more comes.
const GATHER_MAX: Duration = Duration::from_millis(2);

/// How long it waits before it tries again after a failure, whoever waits: a disk that refuses is not asked without
/// end, and a call that comes meanwhile waits no longer than this to be refused.
const AFTER_FAILURE: Duration = Duration::from_millis(50);

/// How often shipped segments are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) journal: Journal,
    pub(super) clock: Clock,
    pub(super) batch_max: usize,
    /// The most records of the next group: fewer after each failure, since a part may fit where all do not.
    pub(super) group_max: usize,
    /// When that was last done; not by the clock of the calls, which can be set back.
    pub(super) pruned_at: Option<Instant>,
    /// Whether the last group failed, so that only changes are logged.
    pub(super) failing: bool,
}

/// The records of one group: first those of the high lane.
#[derive(Default)]
struct Group {
    offers: Vec<Offer>,
    of_high: usize,
}

impl Writer {
    /// Writes until the bell is closed and both lanes are empty, or the time to stop is over.
    pub(super) fn run(mut self) {
        let _watch = DeathWatch(Arc::clone(&self.shared));
        self.shared.bell.answer_here();
        let mut group = Group::default();
        while self.turn(&mut group) {}
    }

    /// Writes one group, or sleeps if there is none; tells whether there is anything left to do.
    fn turn(&mut self, group: &mut Group) -> bool {
        let closed = self.shared.bell.is_closed();
        // Under load too, or a busy node would fill its disk with what was shipped long ago.
        self.prune();
        self.let_gather();
        self.take(group);
        if group.offers.is_empty() {
            if !closed {
                self.shared.bell.sleep(IDLE, || self.waiting() > 0);
            }
            return !closed;
        }
        if self.write(group).is_err() {
            if closed && self.is_too_late() {
                self.give_up();
                return false;
            }
            Bell::pause(AFTER_FAILURE);
        }
        true
    }

    fn is_too_late(&self) -> bool {
        self.shared.stop.borrow().by.is_none_or(|by| crate::clock::monotonic() >= by)
    }

    /// The node stops with records that the journal does not take: their calls were answered, so it is said how many.
    fn give_up(&self) {
        let records = self.waiting();
        self.shared.metrics.records_dropped.inc_by(u64::try_from(records).unwrap_or(u64::MAX));
        tracing::error!(records, "stopping with records that the journal does not take; they are lost");
    }

    /// Lets records that nobody waits for gather a little, so that they share a sync.
    fn let_gather(&self) {
        if self.waiting() > 0 {
            self.shared.bell.sleep_unless_watched(DEFERRED_MAX, || self.is_watched());
        }
    }

    fn is_watched(&self) -> bool {
        self.shared.high.is_watched() || self.shared.low.is_watched()
    }

    /// Takes what came while the last group was on its way, and what comes while the processor is given to those
    /// who make records: where they share one, a group is all that they have in hand, and half as many syncs do.
    /// Where they do not, this takes no time. To wait by the clock was measured, and made it slower.
    fn take(&self, group: &mut Group) {
        let began = crate::clock::monotonic();
        let mut waiting = self.waiting();
        while waiting > 0 && waiting < self.group_max && began.elapsed() < GATHER_MAX {
            std::thread::yield_now();
            let now = self.waiting();
            if now == waiting {
                break;
            }
            waiting = now;
        }
        group.of_high = self.shared.high.take(&mut group.offers, self.group_max);
        let room = self.group_max.saturating_sub(group.of_high);
        self.shared.low.take(&mut group.offers, room);
    }

    /// Records that wait in both lanes.
    fn waiting(&self) -> usize {
        self.shared.high.len().saturating_add(self.shared.low.len())
    }

    /// Writes one group and tells whoever waits. On failure, the records that nobody waits for go back.
    fn write(&mut self, group: &mut Group) -> Result<(), JournalError> {
        let started = crate::clock::monotonic();
        let entries: Vec<Vec<u8>> = group.offers.iter_mut().map(|offer| std::mem::take(&mut offer.entry)).collect();
        // What the store has makes room, and it may have come further since the last failure.
        self.journal.note_shipped(self.shared.shipped.borrow().position);
        let outcome = self.journal.append(&entries);
        self.shared.metrics.journal_batch(entries.len(), started.elapsed(), outcome.is_ok());
        self.report(outcome.as_ref().err());
        match outcome {
            Ok(position) => {
                // As one, for whoever sees that a record is settled reads where it stands.
                self.shared.end.send_modify(|end| {
                    self.settle(group);
                    *end = position;
                });
                self.tell(group, position);
                Ok(())
            }
            Err(error) => {
                self.refuse(group, entries, &error);
                Err(error)
            }
        }
    }

    /// Tells whoever waits that the group is durable. Who waits for the store hears of it from there, and is not woken
    /// for this.
    fn tell(&self, group: &mut Group, position: Position) {
        let mut commits = Vec::new();
        for Offer { waiter, commit, .. } in group.offers.drain(..) {
            // Who gave up waiting needs no answer; the record is kept all the same.
            let _ = waiter.map(|waiter| waiter.send(Ok(position)));
            commits.extend(commit);
        }
        if !commits.is_empty() {
            self.shared.commits.await_at(position, commits);
            self.shared.hurry.notify_one();
        }
    }

    /// Counts what nobody waited for, for readers who are to find it.
    fn settle(&self, group: &Group) {
        let (high, low) = group.offers.split_at_checked(group.of_high).unwrap_or((&group.offers, &[]));
        for (lane, offers) in [(&self.shared.high, high), (&self.shared.low, low)] {
            let deferred = offers.iter().filter(|offer| offer.waiter.is_none()).count();
            lane.settle(u64::try_from(deferred).unwrap_or(u64::MAX));
        }
    }

    fn report(&mut self, failure: Option<&JournalError>) {
        match failure {
            Some(error) if !self.failing => tracing::error!(%error, "the journal takes no records"),
            None if self.failing => tracing::info!("the journal takes records again"),
            _ => {}
        }
        self.failing = failure.is_some();
        self.group_max =
            if self.failing { self.group_max / 2 } else { self.group_max.saturating_mul(2) }.clamp(1, self.batch_max);
    }

    /// Tells everybody who waits, in the group or for the next one, that the journal refuses, and puts the others
    /// back where they were: those of a long failure must leave no caller without an answer.
    fn refuse(&self, group: &mut Group, entries: Vec<Vec<u8>>, error: &JournalError) {
        let why: Arc<str> = Arc::from(error.to_string());
        let (mut high, mut low) = (Vec::new(), Vec::new());
        for (place, (offer, entry)) in group.offers.drain(..).zip(entries).enumerate() {
            match offer.waiter {
                Some(waiter) => drop(waiter.send(Err(Arc::clone(&why)))),
                None if place < group.of_high => high.push(Offer::unwatched(entry)),
                None => low.push(Offer::unwatched(entry)),
            }
        }
        for (lane, kept) in [(&self.shared.high, high), (&self.shared.low, low)] {
            lane.put_back(kept);
            lane.refuse_watched(&why);
        }
    }

    /// Deletes what was shipped long enough ago, every few seconds.
    fn prune(&mut self) {
        if self.pruned_at.is_some_and(|at| at.elapsed() < PRUNE_EVERY) {
            return;
        }
        self.pruned_at = Some(crate::clock::monotonic());
        let now_s = u64::try_from(self.clock.now().as_micros()).unwrap_or(0) / 1_000_000;
        let shipped = self.shared.shipped.borrow().position;
        if let Err(error) = self.journal.prune(shipped, now_s) {
            tracing::warn!(%error, "shipped segments of the journal could not be deleted");
        }
        self.shared.metrics.journal_bytes.set(i64::try_from(self.journal.bytes()).unwrap_or(i64::MAX));
        self.shared.metrics.journal_waiting.set(i64::try_from(self.waiting()).unwrap_or(i64::MAX));
    }
}

/// Tells the node when the writer dies by a defect, so that it says that it is not ready and is restarted.
struct DeathWatch(Arc<Shared>);

impl Drop for DeathWatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.writer_died.store(true, Ordering::SeqCst);
            tracing::error!("the journal's writer died; the node is not ready until it is started again");
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test")]
mod tests {
    use telness_core::time::Timestamp;
    use telness_store::{JournalId, JournalOptions};

    use super::*;
    use crate::recorder::Shipped;
    use crate::telemetry::Metrics;

    fn writer(folder: &std::path::Path, options: JournalOptions) -> Writer {
        let journal = Journal::open(folder, options, JournalId([1; 16])).unwrap();
        let shared = Arc::new(Shared::new(1_000, journal.end(), Arc::new(Metrics::new())));
        let clock = Clock::manual(Timestamp::from_micros(0));
        Writer { shared, journal, clock, batch_max: 8, group_max: 8, pruned_at: None, failing: false }
    }

    #[test]
    fn n4_what_was_shipped_is_deleted_under_unbroken_load_too() {
        prunes_under_load((0..50).map(|turn| turn * 10));
    }

    #[test]
    fn s6_a_clock_that_is_set_back_does_not_end_the_deleting() {
        prunes_under_load((0..50).map(|turn| 1_000_000 - turn * 3_600));
    }

    /// Takes a turn at each of the times, in seconds, with all shipped that was written before.
    fn prunes_under_load(times: impl Iterator<Item = i64>) {
        let folder = tempfile::tempdir().unwrap();
        let small = JournalOptions { segment_bytes_max: 1, bytes_max: 1 << 30, keep_shipped: Duration::ZERO };
        let mut writer = writer(folder.path(), small);
        let (shared, clock) = (Arc::clone(&writer.shared), writer.clock.clone());
        let offers: Vec<_> = (0..1_000).map(|_| Offer::watched(vec![7; 100])).collect();
        let outcomes: Vec<_> = offers.into_iter().map(|(offer, outcome)| (shared.low.offer(offer), outcome)).collect();
        for second in times {
            clock.set(Timestamp::from_micros(second * 1_000_000));
            shared.shipped.send_replace(Shipped { position: *shared.end.borrow(), ..Shipped::default() });
            writer.pruned_at = None;
            assert!(writer.turn(&mut Group::default()));
        }
        assert!(shared.low.len() > 0, "the load had a break");
        let segments = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name());
        let segments = segments.filter(|name| name.to_str().unwrap().ends_with(".sqlite")).count();
        assert!(segments <= 3, "{segments} segments of one group each are there, all but one of them shipped");
        drop(outcomes);
    }

    #[test]
    fn n4_whoever_waits_is_refused_at_once_behind_any_number_of_deferred_records() {
        let folder = tempfile::tempdir().unwrap();
        let full = JournalOptions { segment_bytes_max: 1 << 20, bytes_max: 1, keep_shipped: Duration::ZERO };
        let mut writer = writer(folder.path(), full);
        let shared = Arc::clone(&writer.shared);
        for lane in [&shared.high, &shared.low] {
            (0..20).for_each(|_| lane.offer(Offer::unwatched(vec![7; 100])).unwrap());
        }
        for _ in 0..3 {
            let (offer, mut outcome) = Offer::watched(vec![7; 100]);
            shared.low.offer(offer).unwrap();
            let began = crate::clock::monotonic();
            assert!(writer.turn(&mut Group::default()));
            assert!(matches!(outcome.try_recv(), Ok(Err(_))), "the caller waits on");
            assert!(began.elapsed() >= AFTER_FAILURE, "what failed is tried again at once");
            assert_eq!((shared.high.len(), shared.low.len()), (20, 20), "a record went astray");
        }
    }

    #[test]
    fn n4_a_group_that_is_too_large_for_what_room_there_is_goes_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let small = JournalOptions { segment_bytes_max: 1, bytes_max: 200 << 10, keep_shipped: Duration::ZERO };
        let mut writer = writer(folder.path(), small);
        let shared = Arc::clone(&writer.shared);
        (0..8).for_each(|_| shared.high.offer(Offer::unwatched(vec![7; 50 << 10])).unwrap());
        for _ in 0..20 {
            shared.shipped.send_replace(Shipped { position: *shared.end.borrow(), ..Shipped::default() });
            if shared.high.len() > 0 {
                assert!(writer.turn(&mut Group::default()));
            }
        }
        assert_eq!(shared.high.len(), 0, "records wait for ever");
    }

    /// A reader looks without pause while groups are written that take a while to count.
    #[test]
    fn n1_whoever_sees_a_deferred_record_settled_sees_where_it_stands() {
        const GROUPS: u64 = 100;
        let folder = tempfile::tempdir().unwrap();
        let large = JournalOptions { segment_bytes_max: 1 << 30, bytes_max: 1 << 30, keep_shipped: Duration::ZERO };
        let mut writer = writer(folder.path(), large);
        (writer.batch_max, writer.group_max) = (1_000, 1_000);
        let shared = Arc::clone(&writer.shared);
        let (settled, stood) = std::sync::mpsc::sync_channel(0);
        let reader = Arc::clone(&shared);
        let reading = std::thread::spawn(move || {
            for group in 1..=GROUPS {
                while !reader.high.has_settled(group) {}
                let end = *reader.end.borrow();
                settled.send(end).unwrap();
            }
        });
        for group in 0..GROUPS {
            (0..900).for_each(|_| shared.low.offer(Offer::unwatched(vec![7])).unwrap());
            shared.high.offer(Offer::unwatched(vec![7])).unwrap();
            assert!(writer.turn(&mut Group::default()));
            assert_eq!(
                stood.recv().unwrap(),
                writer.journal.end(),
                "group {group}: a record is settled before its end"
            );
        }
        reading.join().unwrap();
    }
}
