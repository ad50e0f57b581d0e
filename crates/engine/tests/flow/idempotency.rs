//! The same key is the same call.

use std::collections::HashSet;
use std::future::Future as _;
use std::task::{Context, Waker};

use telness_core::reason::Reason;
use telness_store::CallQuery;

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
    let engine = scene.engine();
    {
        let mut abandoned = Box::pin(engine.handle_call(&OFFICE, keyed("+46701740605", "order 1")));
        let waker = Waker::noop();
        // The first look at the store waits; poll until the record is offered, then go away.
        for _ in 0..1000 {
            assert!(abandoned.as_mut().poll(&mut Context::from_waker(waker)).is_pending());
            tokio::task::yield_now().await;
            if scene.engine().readiness().ready && abandoned_offered(&scene).await {
                break;
            }
        }
    }
    let answer = scene.call(&OFFICE, keyed("+46701740605", "order 1")).await.unwrap();
    let page = scene.engine().list_calls(&OFFICE, &CallQuery { limit: 100, ..CallQuery::default() }).await.unwrap();
    assert_eq!(page.calls.len(), 1);
    assert_eq!(page.calls[0].routing, answer.record.routing);
}

async fn abandoned_offered(scene: &Scene) -> bool {
    scene.engine().list_calls(&OFFICE, &CallQuery { limit: 1, ..CallQuery::default() }).await.unwrap().calls.len() == 1
}

#[tokio::test]
async fn a_redial_is_a_new_call() {
    let scene = Scene::new();
    let first = scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    let second = scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    assert_ne!(first.record.routing.call_id, second.record.routing.call_id);
}
