//! A store that takes all records but some.

use telness_core::record::{CallEvent, EventKind};
use telness_store::Entry;

use super::super::shipper::{ATTEMPTS, IN_A_ROW_MAX};
use super::*;

/// What the store took of events, by their ids.
type Taken = Arc<Mutex<Vec<String>>>;

fn event(id: &str) -> Vec<u8> {
    let event = CallEvent {
        v: 1,
        event_id: id.parse().unwrap(),
        tenant: "nordtel".parse().unwrap(),
        call_id: CallId(uuid::Uuid::from_u128(7)),
        leg: "1.1".parse().unwrap(),
        kind: EventKind::Ringing,
        cause: None,
        occurred_at: Timestamp::from_micros(0),
        received_at: Timestamp::from_micros(0),
        node: "node-a".parse().unwrap(),
        sip_call_id: None,
    };
    Entry::Event(Box::new(event)).encode().unwrap()
}

fn ids(shipment: &Shipment) -> Vec<String> {
    let id = |entry: &Entry| match entry {
        Entry::Event(event) => event.event_id.to_string(),
        Entry::Call { .. } => "a call".to_owned(),
    };
    shipment.entries.iter().map(id).collect()
}

/// Takes what has none of the ids in it; a defect of ours or the store's own refusal is the same here.
fn all_but(refused: &'static [&'static str], taken: &Taken) -> Write {
    let taken = Arc::clone(taken);
    Box::new(move |_, shipment| {
        let ids = ids(shipment);
        if ids.iter().any(|id| refused.contains(&id.as_str())) {
            return Some(Err(StoreError::Broken("it is not to my liking".to_owned())));
        }
        taken.lock().unwrap().extend(ids);
        Some(Ok(Written::default()))
    })
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let held = timeout(PATIENCE, async {
        while !holds() {
            tokio::time::sleep(RETRY_MIN / 10).await;
        }
    });
    assert!(held.await.is_ok(), "not in time: {what}");
}

async fn record(recorder: &Recorder, ids: impl IntoIterator<Item = &str>) {
    for id in ids {
        recorder.record(Workflow::Low, Durability::Journal, event(id)).await.unwrap();
    }
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder.join("aside")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_a_record_that_the_store_never_takes_is_set_aside_and_offered_at_each_start() {
    let (folder, taken) = (tempfile::tempdir().unwrap(), Taken::default());
    let Bench { recorder, threads, metrics, stored } = start(folder.path(), all_but(&["bad"], &taken));
    record(&recorder, ["one", "two", "bad", "three", "four"]).await;
    recorder.caught_up(PATIENCE).await.unwrap();
    until("what follows is shipped", || taken.lock().unwrap().len() == 4).await;
    assert_eq!(*taken.lock().unwrap(), ["one", "two", "three", "four"]);
    assert_eq!((metrics.records_set_aside.get(), metrics.store_failing.get(), files(folder.path())), (1, 0, 1));
    assert!(stop(threads, PATIENCE).await);
    let end = *stored.lock().unwrap();

    // A store that does not know better yet, and one that does.
    for (refused, left) in [(&["bad"][..], 1), (&[], 0)] {
        let bench = start_on(folder.path(), all_but(refused, &taken), end);
        record(&bench.recorder, ["five"]).await;
        bench.recorder.caught_up(PATIENCE).await.unwrap();
        assert!(stop(bench.threads, PATIENCE).await);
        assert_eq!((bench.metrics.records_set_aside.get(), files(folder.path())), (left, left.try_into().unwrap()));
    }
    let times = |id| taken.lock().unwrap().iter().filter(|taken| *taken == id).count();
    assert_eq!(["one", "bad", "two"].map(times), [1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn s4_a_store_that_refuses_whatever_it_is_given_is_waited_for() {
    let (folder, taken) = (tempfile::tempdir().unwrap(), Taken::default());
    let refused = &["1", "2", "3", "4", "5"];
    let Bench { recorder, threads, metrics, .. } = start(folder.path(), all_but(refused, &taken));
    record(&recorder, refused.iter().copied().chain(["6"])).await;
    until("some are set aside", || metrics.records_set_aside.get() == i64::from(IN_A_ROW_MAX)).await;
    // It is tried more often from now on, until the time is over.
    assert!(!stop(threads, RETRY_MIN * ATTEMPTS * 4).await);
    assert_eq!(files(folder.path()), IN_A_ROW_MAX as usize);
    assert!(taken.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_s4_a_record_of_a_later_version_is_kept_for_that_one() {
    let (folder, taken) = (tempfile::tempdir().unwrap(), Taken::default());
    let Bench { recorder, threads, metrics, .. } = start(folder.path(), all_but(&[], &taken));
    let later = b"\xffwhat only a later telness can read".to_vec();
    recorder.record(Workflow::Low, Durability::Journal, later.clone()).await.unwrap();
    record(&recorder, ["one"]).await;
    recorder.caught_up(PATIENCE).await.unwrap();
    assert!(stop(threads, PATIENCE).await);
    assert_eq!((metrics.records_set_aside.get(), metrics.records_unreadable.get()), (1, 0));
    let file = std::fs::read_dir(folder.path().join("aside")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read(file).unwrap(), later);
    assert_eq!(*taken.lock().unwrap(), ["one"]);
}
