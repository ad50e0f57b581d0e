//! The recorder over a store that does not take what it is given, or loses it.
#![allow(clippy::arithmetic_side_effects, reason = "a test")]

mod refused;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::CallRecord;
use telness_core::time::Timestamp;
use telness_store::{
    CallQuery, Journal, JournalId, JournalOptions, Page, Pending, Position, Shipment, Store, StoreError, StoredCall,
    Written,
};

use super::shipper::RETRY_MIN;
use super::*;
use crate::clock::{Clock, monotonic};

/// What a store does with a shipment, told how often it was asked.
type Write = Box<dyn Fn(usize, &Shipment) -> Option<Result<Written, StoreError>> + Send + Sync>;

/// A store that takes records, refuses them, or never answers.
struct Stubborn {
    write: Write,
    asked: Mutex<usize>,
    stored: Stored,
}

/// How far the store has come, for a test to set back.
type Stored = Arc<Mutex<Option<Position>>>;

impl Store for Stubborn {
    fn ship(&self, shipment: Shipment) -> Pending<'_, Written> {
        let mut asked = self.asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *asked += 1;
        let found = *self.stored.lock().unwrap();
        if found < shipment.after {
            return Box::pin(async move { Err(StoreError::SetBack { found }) });
        }
        let answer = (self.write)(*asked, &shipment);
        if let Some(Ok(_)) = answer {
            *self.stored.lock().unwrap() = Some(shipment.upto);
        }
        Box::pin(async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }

    fn position(&self, _: JournalId) -> Pending<'_, Option<Position>> {
        let stored = *self.stored.lock().unwrap();
        Box::pin(async move { Ok(stored) })
    }

    fn call<'a>(&'a self, _: &'a TenantName, _: CallId) -> Pending<'a, Option<StoredCall>> {
        Box::pin(async { refused() })
    }

    fn calls<'a>(&'a self, _: &'a TenantName, _: &'a CallQuery) -> Pending<'a, Page> {
        Box::pin(async { refused() })
    }

    fn contradictions<'a>(&'a self, _: &'a TenantName, _: CallId) -> Pending<'a, Vec<CallRecord>> {
        Box::pin(async { refused() })
    }

    /// It is there, whatever it thinks of records.
    fn check(&self) -> Pending<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

fn refused<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("locked".to_owned()))
}

struct Bench {
    recorder: Recorder,
    threads: RecorderThreads,
    metrics: Arc<Metrics>,
    stored: Stored,
}

/// The journal that some 100 KB fill, with the store after it.
fn options() -> JournalOptions {
    JournalOptions { segment_bytes_max: 64 << 20, bytes_max: 200 << 10, keep_shipped: Duration::from_secs(1_000) }
}

fn start(folder: &Path, write: Write) -> Bench {
    start_with(folder, write, |_| ())
}

/// On a store that has the journal up to a position.
fn start_on(folder: &Path, write: Write, stored: Option<Position>) -> Bench {
    begun(folder, write, stored, |_| ())
}

fn start_with(folder: &Path, write: Write, set: impl Fn(&mut Settings)) -> Bench {
    begun(folder, write, None, set)
}

fn begun(folder: &Path, write: Write, stored: Option<Position>, set: impl Fn(&mut Settings)) -> Bench {
    let mut settings = Settings::defaults();
    settings.journal.bytes_max = options().bytes_max;
    settings.shipper.retry_max = Duration::from_secs(3_600);
    settings.store.commit_wait_max = Duration::from_millis(250);
    set(&mut settings);
    let options = JournalOptions { bytes_max: settings.journal.bytes_max, ..options() };
    let journal = Journal::open(folder, options, JournalId([1; 16])).unwrap();
    let stored = Arc::new(Mutex::new(stored));
    let store = Arc::new(Stubborn { write, asked: Mutex::new(0), stored: Arc::clone(&stored) });
    let (metrics, clock) = (Arc::new(Metrics::new()), Clock::manual(Timestamp::from_micros(0)));
    let (recorder, threads) = Recorder::start(journal, store, &settings, Arc::clone(&metrics), clock).unwrap();
    Bench { recorder, threads, metrics, stored }
}

/// Bytes that do not pack.
fn entry(kind: u8) -> Vec<u8> {
    let mut state = 7_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::once(kind).chain(std::iter::repeat_with(&mut noise).take(20_000)).collect()
}

const NORMAL: u8 = 1;
const EMERGENCY: u8 = 2;

/// Fills the journal, then has it given records that it cannot take.
async fn fill(recorder: &Recorder, deferred: usize) {
    while recorder.record(Workflow::Low, Durability::Journal, entry(NORMAL)).await.is_ok() {}
    for _ in 0..deferred {
        let _ = recorder.defer(Workflow::High, entry(EMERGENCY));
    }
}

async fn stop(threads: RecorderThreads, within: Duration) -> bool {
    tokio::task::spawn_blocking(move || threads.stop(monotonic() + within)).await.unwrap()
}

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn n1_a_stop_writes_deferred_records_once_the_store_has_made_room() {
    let folder = tempfile::tempdir().unwrap();
    // Refuses until the node stops, and a few times more.
    let stopped_at = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&stopped_at);
    let write = move |asked, _: &Shipment| match *seen.lock().unwrap() {
        Some(stopped_at) if asked > stopped_at => Some(Ok(Written::default())),
        _ => Some(refused()),
    };
    let Bench { recorder, threads, metrics, .. } = start(folder.path(), Box::new(write));
    fill(&recorder, 5).await;
    *stopped_at.lock().unwrap() = Some(12);
    assert!(stop(threads, PATIENCE).await);
    assert_eq!(metrics.records_dropped.get(), 0);
    drop(recorder);
    let mut reader = Journal::open(folder.path(), options(), JournalId([1; 16])).unwrap().reader();
    let kept = reader.after(Position::default(), 1_000).unwrap();
    assert_eq!(kept.iter().filter(|(_, entry)| entry[0] == EMERGENCY).count(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn n4_what_a_stop_has_to_give_up_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { recorder, threads, metrics, .. } = start(folder.path(), Box::new(|_, _| Some(refused())));
    fill(&recorder, 700).await;
    let _ = recorder.defer(Workflow::Low, entry(NORMAL));
    stop(threads, Duration::from_millis(200)).await;
    assert_eq!(metrics.records_dropped.get(), 701);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_ends_in_its_time_whatever_the_store_does() {
    let never: fn(usize, &Shipment) -> Option<Result<Written, StoreError>> = |_, _| None;
    let refuses: fn(usize, &Shipment) -> Option<Result<Written, StoreError>> = |_, _| Some(refused());
    for write in [never, refuses] {
        let folder = tempfile::tempdir().unwrap();
        let Bench { recorder, threads, .. } = start(folder.path(), Box::new(write));
        recorder.record(Workflow::Low, Durability::Journal, entry(NORMAL)).await.unwrap();
        let began = monotonic();
        assert!(!stop(threads, Duration::from_millis(300)).await);
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipper_that_died_leaves_the_store_for_one_that_may_be_busy() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { recorder, threads, .. } = start(folder.path(), Box::new(|_, _| panic!("a defect")));
    recorder.record(Workflow::Low, Durability::Journal, entry(NORMAL)).await.unwrap();
    assert!(!stop(threads, RETRY_MIN * 3).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_a_defect_in_a_shipment_ends_that_and_not_the_shipping() {
    let folder = tempfile::tempdir().unwrap();
    let write = |asked, _: &Shipment| {
        assert!(asked > 2, "a defect");
        Some(Ok(Written::default()))
    };
    let Bench { recorder, threads, .. } = start(folder.path(), Box::new(write));
    recorder.record(Workflow::Low, Durability::Journal, entry(NORMAL)).await.unwrap();
    let mut shipped = recorder.shared.shipped.subscribe();
    let failed = shipped.wait_for(|shipped| shipped.failing.is_some());
    drop(timeout(PATIENCE, failed).await.unwrap().unwrap());
    recorder.caught_up(PATIENCE).await.unwrap();
    assert!(stop(threads, PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn n3_a_store_that_is_too_slow_for_a_whole_batch_is_given_parts_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let all_there = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&all_there);
    let write = move |_, shipment: &Shipment| {
        let before = shipment.after.map_or(1 << 32, |after| after.0);
        let in_time = seen.load(Ordering::SeqCst) && shipment.upto.0 - before <= 2;
        Some(if in_time { Ok(Written::default()) } else { refused() })
    };
    let Bench { recorder, threads, .. } =
        start_with(folder.path(), Box::new(write), |settings| settings.shipper.retry_max = RETRY_MIN);
    for _ in 0..9 {
        recorder.record(Workflow::Low, Durability::Journal, b"small".to_vec()).await.unwrap();
    }
    all_there.store(true, Ordering::SeqCst);
    recorder.caught_up(PATIENCE).await.unwrap();
    assert!(stop(threads, PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_stop_is_counted_from_its_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { recorder, threads, .. } = start(folder.path(), Box::new(|_, _| None));
    recorder.record(Workflow::Low, Durability::Journal, entry(NORMAL)).await.unwrap();
    let by = recorder.begin_stop(monotonic());
    assert_eq!(recorder.begin_stop(monotonic() + PATIENCE), by);
    assert!(!timeout(PATIENCE / 2, stop(threads, PATIENCE)).await.unwrap());
}

const TAKES: fn(usize, &Shipment) -> Option<Result<Written, StoreError>> = |_, _| Some(Ok(Written::default()));

/// Has three records shipped, each in a commit of its own; where they end.
async fn ship_three(recorder: &Recorder) -> Vec<Position> {
    let mut ends = Vec::new();
    for _ in 0..3 {
        recorder.record(Workflow::Low, Durability::Journal, entry(NORMAL)).await.unwrap();
        recorder.caught_up(PATIENCE).await.unwrap();
        ends.push(recorder.end());
    }
    ends
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_a_store_that_lost_its_last_commits_is_shipped_them_again() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { recorder, threads, metrics, stored } = start(folder.path(), Box::new(TAKES));
    let ends = ship_three(&recorder).await;
    assert_eq!(*stored.lock().unwrap(), ends.last().copied());
    // A standby takes over that has the first commit alone.
    *stored.lock().unwrap() = Some(ends[0]);
    recorder.record(Workflow::Low, Durability::Journal, entry(NORMAL)).await.unwrap();
    recorder.caught_up(PATIENCE).await.unwrap();
    assert_eq!(*stored.lock().unwrap(), Some(recorder.end()));
    assert_eq!(metrics.store_set_back.get(), 1);
    assert!(stop(threads, PATIENCE).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_a_store_that_was_set_back_is_found_out_by_a_node_without_calls() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { recorder, threads, metrics, stored } = start(folder.path(), Box::new(TAKES));
    for found in [|ends: &[Position]| Some(ends[0]), |_: &[Position]| None] {
        let found = found(&ship_three(&recorder).await);
        let (before, mut shipped) = (metrics.store_set_back.get(), recorder.shared.shipped.subscribe());
        *stored.lock().unwrap() = found;
        let all_again = || metrics.store_set_back.get() > before && *stored.lock().unwrap() == Some(recorder.end());
        drop(timeout(PATIENCE, shipped.wait_for(|_| all_again())).await.unwrap().unwrap());
    }
    assert_eq!(metrics.store_set_back.get(), 2);
    assert!(stop(threads, PATIENCE).await);
}

/// Its disk may go with it.
#[tokio::test(flavor = "multi_thread")]
async fn n1_a_node_that_stops_leaves_nothing_that_the_store_lost() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { recorder, threads, metrics, stored } = start(folder.path(), Box::new(TAKES));
    let ends = ship_three(&recorder).await;
    *stored.lock().unwrap() = Some(ends[0]);
    assert!(stop(threads, PATIENCE).await);
    assert_eq!((*stored.lock().unwrap(), metrics.store_set_back.get()), (ends.last().copied(), 1));
}

/// As each call with a key does that this node has not heard of: it asks whether the store has all from before the start.
#[tokio::test(flavor = "multi_thread")]
async fn n3_whoever_waits_for_what_the_store_has_keeps_no_records_from_gathering() {
    let folder = tempfile::tempdir().unwrap();
    let commits = Arc::new(Mutex::new(0));
    let count = Arc::clone(&commits);
    let write = move |_, _: &Shipment| {
        *count.lock().unwrap() += 1;
        Some(Ok(Written::default()))
    };
    let Bench { recorder, .. } =
        start_with(folder.path(), Box::new(write), |settings| settings.journal.bytes_max = 1 << 30);
    ship_three(&recorder).await;
    let (began, before, by) = (monotonic(), *commits.lock().unwrap(), recorder.end());
    for _ in 0..200 {
        recorder.shipped_to(by).await;
        recorder.record(Workflow::Low, Durability::Journal, b"small".to_vec()).await.unwrap();
    }
    let (commits, took) = (*commits.lock().unwrap() - before, began.elapsed());
    let gathered = usize::try_from(took.as_millis()).unwrap() / 50 + 2;
    assert!(commits <= gathered, "{commits} commits of 200 records within {took:?}");
}

/// As the look-up of the database's name may, which nothing can end.
#[allow(clippy::disallowed_methods, reason = "it is something that blocks that is tried")]
#[tokio::test(flavor = "multi_thread")]
async fn s1_a_stop_ends_in_its_time_whatever_blocks_in_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = Arc::new(Notify::new());
    let told = Arc::clone(&blocks);
    let write = move |_, _: &Shipment| {
        drop(tokio::task::spawn_blocking(|| std::thread::sleep(PATIENCE)));
        told.notify_one();
        None
    };
    let Bench { recorder, threads, .. } = start(folder.path(), Box::new(write));
    recorder.record(Workflow::Low, Durability::Journal, entry(NORMAL)).await.unwrap();
    timeout(PATIENCE, blocks.notified()).await.unwrap();
    let began = monotonic();
    assert!(!stop(threads, Duration::from_secs(1)).await);
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_nobody_waits_for_a_shipper_that_does_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { recorder, metrics, .. } = start_with(folder.path(), Box::new(TAKES), |settings| {
        settings.shipper.enabled = false;
        (settings.journal.wait_max, settings.store.commit_wait_max) = (PATIENCE * 60, PATIENCE * 60);
    });
    let recorded = recorder.record(Workflow::Low, Durability::Database, b"small".to_vec());
    let proof = timeout(PATIENCE / 4, recorded).await.expect("it is waited for").unwrap();
    assert_eq!((proof.as_str(), metrics.commits_late.get()), ("journaled", 1));
}

/// Where a segment's file was is a folder, which opens and cannot be read.
#[test]
fn n1_what_the_disk_does_not_give_of_the_journal_is_waited_for_and_then_passed_over() {
    for (segment, patience, passes) in [(1, Duration::ZERO, true), (3, Duration::ZERO, true), (1, PATIENCE * 60, false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let options = JournalOptions { segment_bytes_max: 1, bytes_max: 1 << 30, ..options() };
        let mut journal = Journal::open(folder.path(), options, JournalId([1; 16])).unwrap();
        for _ in 0..3 {
            journal.append(&[entry(NORMAL)]).unwrap();
        }
        let file = folder.path().join(format!("segment-000000000{segment}.sqlite"));
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();

        let (metrics, stored) = (Arc::new(Metrics::new()), Stored::default());
        let shared = Arc::new(Shared::new(9, journal.end(), Arc::clone(&metrics)));
        let store = Arc::new(Stubborn { write: Box::new(TAKES), asked: Mutex::new(0), stored: Arc::clone(&stored) });
        let settings = Settings::defaults().shipper;
        let mut shipper = shipper::Shipper::new(Arc::clone(&shared), journal.reader(), store, settings);
        shipper.disk_patience = patience;
        // The time of the stop is over after some attempts.
        shared.begin_stop(monotonic() + RETRY_MIN * 10);
        shared.stop.send_modify(|stop| stop.writer_ended = true);
        assert_eq!(shipper.run(&OwnRuntime::new().unwrap()), passes);
        // One was in the segment; what is in the others is no record, and set aside.
        assert_eq!(metrics.records_unreadable.get(), if passes { 1 } else { 0 });
        assert_eq!(metrics.records_set_aside.get(), if passes { 2 } else { 0 });
        assert_eq!(stored.lock().unwrap().is_some(), passes);
        // Whoever waits until all is there does not wait for what is lost.
        assert_eq!(shared.shipped.borrow().position == journal.end(), passes, "segment {segment}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_an_answer_that_is_to_wait_for_the_store_says_where_its_record_is() {
    type Does = fn(usize, &Shipment) -> Option<Result<Written, StoreError>>;
    let takes: Does = |_, _| Some(Ok(Written::default()));
    let never: Does = |_, _| None;
    let refuses: Does = |_, _| Some(refused());
    for (write, word, late) in [(takes, "committed", 0), (never, "journaled", 1), (refuses, "journaled", 1)] {
        let folder = tempfile::tempdir().unwrap();
        let Bench { recorder, metrics, .. } = start(folder.path(), Box::new(write));
        let proof = recorder.record(Workflow::Low, Durability::Database, b"small".to_vec()).await.unwrap();
        assert_eq!((proof.as_str(), metrics.commits_late.get()), (word, late));
    }
}

#[allow(clippy::disallowed_methods, reason = "it is a slow store that is tried")]
#[tokio::test(flavor = "multi_thread")]
async fn n1_a_commit_may_be_waited_for_longer_than_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let (journal_max, commit_takes) = (Duration::from_millis(500), Duration::from_millis(700));
    let slow = move |_, _: &Shipment| {
        std::thread::sleep(commit_takes);
        Some(Ok(Written::default()))
    };
    let Bench { recorder, .. } = start_with(folder.path(), Box::new(slow), |settings| {
        (settings.journal.wait_max, settings.store.commit_wait_max) = (journal_max, PATIENCE);
    });
    let proof = recorder.record(Workflow::Low, Durability::Database, b"small".to_vec()).await.unwrap();
    assert_eq!(proof.as_str(), "committed");
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_what_the_journal_refuses_does_not_wait_for_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { recorder, metrics, .. } =
        start_with(folder.path(), Box::new(|_, _| None), |settings| settings.store.commit_wait_max = PATIENCE * 60);
    fill(&recorder, 0).await;
    let refused = recorder.record(Workflow::Low, Durability::Database, entry(NORMAL)).await;
    assert!(matches!(refused, Err(NotKept::Refused(_))), "{refused:?}");
    assert_eq!(metrics.commits_late.get(), 0);
}
