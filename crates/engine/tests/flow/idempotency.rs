//! The same key is the same call.

use std::collections::HashSet;
use std::future::Future as _;
use std::task::{Context, Waker};
use std::time::Duration;

use telness_core::reason::Reason;
use telness_core::record::CallRecord;
use telness_store::{CallQuery, Entry, JournalId, Position, SqliteStore, Store as _};

use crate::scene::{OFFICE, OTHER, Scene, draft, keyed};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn n5_the_same_key_at_the_same_moment_is_one_call() {
    let scene = Scene::new();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let engine = scene.engine();
        asked.spawn(async move { engine.handle_call(&OFFICE, keyed("+46701740605", "order 1")).await.unwrap() });
    }
    let answers = asked.join_all().await;
    let ids: HashSet<_> = answers.iter().map(|answer| answer.record.routing.call_id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    let page = scene.engine().list_calls(&OFFICE, &CallQuery { limit: 100, ..CallQuery::default() }).await.unwrap();
    assert_eq!(page.calls.len(), 1);
}

#[tokio::test]
async fn n5_another_body_under_the_same_key_conflicts() {
    let scene = Scene::new();
    scene.call(&OFFICE, keyed("+46701740605", "order 1")).await.unwrap();
    let other = scene.call(&OFFICE, keyed("+46701740606", "order 1")).await.unwrap_err();
    assert_eq!(other.reason(), Reason::IdempotencyConflict);
}

#[tokio::test]
async fn n5_the_first_answer_is_given_again_after_a_restart() {
    let mut scene = Scene::new();
    let first = scene.call(&OFFICE, keyed("+46701740605", "order 1")).await.unwrap();
    scene.restart().await;
    let again = scene.call(&OFFICE, keyed("+46701740605", "order 1")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.record, first.record);
    let other = scene.call(&OFFICE, keyed("+46701740606", "order 1")).await.unwrap_err();
    assert_eq!(other.reason(), Reason::IdempotencyConflict);
}

#[tokio::test]
async fn n5_keys_of_two_tenants_are_two_keys() {
    let scene = Scene::new();
    let acme = scene.call(&OFFICE, keyed("+46701740605", "order 1")).await.unwrap();
    let other = scene.call(&OTHER, keyed("+46701740605", "order 1")).await.unwrap();
    assert_ne!(acme.record.routing.call_id, other.record.routing.call_id);
}

#[tokio::test]
async fn n5_a_call_whose_asker_went_away_is_recorded_as_it_was_decided() {
    let scene = Scene::new();
    let mut orders = (0..50).map(|order| format!("order {order}"));
    let order = loop {
        let order = orders.next().expect("one of fifty requests is left before its answer");
        if abandon(&scene, &order).await {
            break order;
        }
    };
    let answer = scene.call(&OFFICE, keyed("+46701740605", &order)).await.unwrap();
    let stored = scene.engine().read_call(&OFFICE, answer.record.routing.call_id).await.unwrap();
    assert_eq!(stored.routing, answer.record.routing, "what was kept first is what is answered");
}

/// Asks, and goes away once the record is kept; whether it was gone before it had an answer.
async fn abandon(scene: &Scene, order: &str) -> bool {
    let kept_before = kept(scene).await;
    let engine = scene.engine();
    let mut asked = Box::pin(engine.handle_call(&OFFICE, keyed("+46701740605", order)));
    for _ in 0..100 {
        if asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return false;
        }
        let record_kept = async {
            while kept(scene).await == kept_before {
                tokio::task::yield_now().await;
            }
        };
        if tokio::time::timeout(Duration::from_millis(100), record_kept).await.is_ok() {
            return true;
        }
    }
    false
}

async fn kept(scene: &Scene) -> usize {
    scene.engine().list_calls(&OFFICE, &CallQuery { limit: 100, ..CallQuery::default() }).await.unwrap().calls.len()
}

#[tokio::test]
async fn n5_a_retry_beside_a_slow_first_request_is_the_same_call_and_stays_so() {
    let mut scene = Scene::new();
    let engine = scene.engine();
    let mut orders = (0..50).map(|order| format!("order {order}"));
    let (order, first) = loop {
        let order = orders.next().expect("one of fifty requests waits for the journal");
        let mut first = Box::pin(engine.handle_call(&OFFICE, keyed("+46701740605", &order)));
        if first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            break (order, first);
        }
    };
    let second = scene.call(&OFFICE, keyed("+46701740605", &order)).await.unwrap();
    assert!(second.record.routing.request_hash.is_some(), "what the request said is known whoever answered it");
    assert_eq!(first.await.unwrap().record, second.record);
    drop(engine);
    scene.restart().await;
    let again = scene.call(&OFFICE, keyed("+46701740605", &order)).await.unwrap();
    assert_eq!(again.record, second.record);
    let id = again.record.routing.call_id;
    let store = SqliteStore::open(&telness_engine::store_file(&scene.settings.data)).unwrap();
    let others = store.contradictions(&again.record.routing.tenant, id).await.unwrap();
    assert!(others.is_empty(), "one call has one record: {others:?}");
}

#[tokio::test]
async fn n5_a_record_that_does_not_know_its_request_conflicts_with_none() {
    let first = Scene::new();
    let answer = first.call(&OFFICE, keyed("+46701740605", "order 1")).await.unwrap();
    let mut record = CallRecord::clone(&answer.record);
    record.routing.request_hash = None;
    let entry = Entry::decode(&Entry::encode_call(&record).unwrap()).unwrap();
    let key = std::fs::read(first.settings.data.join("server.key")).unwrap();
    let mut second = Scene::new();
    second.stop().await;
    std::fs::write(second.settings.data.join("server.key"), key).unwrap();
    let store = SqliteStore::open(&telness_engine::store_file(&second.settings.data)).unwrap();
    store.write(JournalId([7; 16]), Position(1), vec![entry]).await.unwrap();
    drop(store);
    second.start();
    let again = second.call(&OFFICE, keyed("+46701740605", "order 1")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(*again.record, record);
}

/// The store has the first answer, and would give it: the id is the same, and so is the call.
#[tokio::test]
async fn s1_what_the_store_knows_of_a_key_is_asked_for_by_no_call_of_the_high_workflow() {
    let mut scene = Scene::new();
    let mut first = Vec::new();
    for to in ["112", "1177", "+46701740605"] {
        first.push((to, scene.call(&OFFICE, keyed(to, to)).await.unwrap().record.routing.call_id));
    }
    scene.restart().await;
    for (to, id) in first {
        let again = scene.call(&OFFICE, keyed(to, to)).await.unwrap();
        assert_eq!((again.record.routing.call_id, again.replayed), (id, to.starts_with('+')), "{to}");
    }
}

/// A database that hangs says nothing for long, not even that it is away.
#[tokio::test(flavor = "multi_thread")]
async fn s1_one_call_waits_for_a_store_that_hangs_and_the_others_with_keys_do_not() {
    const CALLS: u32 = 20;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://nobody@{}/none", silent.local_addr().unwrap());
    let scene = Scene::with(|settings| {
        settings.store.url = Some(url);
        settings.store.tls = telness_store::Tls::Off;
        settings.store.connect_max = Duration::from_secs(60);
    });
    let began = telness_engine::clock::monotonic();
    for order in 0..CALLS {
        scene.call(&OFFICE, keyed("+46701740605", &format!("order {order}"))).await.unwrap();
    }
    let waits = Duration::from_millis(250) * CALLS / 2;
    assert!(began.elapsed() < waits, "each of them waited: {:?}", began.elapsed());
}

#[tokio::test]
async fn a_redial_is_a_new_call() {
    let scene = Scene::new();
    let first = scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    let second = scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    assert_ne!(first.record.routing.call_id, second.record.routing.call_id);
}
