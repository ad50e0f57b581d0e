//! A node whose store cannot be used: it starts, takes calls, says what is amiss, and ships when the store is right.

use std::time::Duration;

use telness_core::decide::Action;
use telness_core::reason::Reason;
use telness_store::CallQuery;

use super::scene::{OFFICE, Scene, draft};

#[tokio::test]
async fn s2_a_node_starts_without_its_store_and_ships_once_it_is_there() {
    let mut scene = Scene::new();
    let store = scene.settings.data.join("calls.sqlite");
    scene.stop().await;
    // Another file in its place, and not the same one written over: what is in SQLite's log would mend it.
    let damaged = scene.settings.data.join("damaged");
    std::fs::write(&damaged, [0x5a; 9000]).unwrap();
    for rest in ["calls.sqlite-wal", "calls.sqlite-shm"] {
        let _ = std::fs::remove_file(scene.settings.data.join(rest));
    }
    std::fs::rename(&damaged, &store).unwrap();
    scene.start();
    let answer = scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    assert_eq!(answer.record.routing.action, Action::Route);
    assert_eq!(answer.proof.as_str(), "journaled");
    let engine = scene.engine();
    let id = answer.record.routing.call_id;
    assert_eq!(engine.read_call(&OFFICE, id).await.unwrap_err().reason(), Reason::StoreUnavailable);
    let all = CallQuery { limit: 10, ..CallQuery::default() };
    assert_eq!(engine.list_calls(&OFFICE, &all).await.unwrap_err().reason(), Reason::StoreUnavailable);
    let readiness = engine.readiness();
    assert!(readiness.ready, "a node without its store takes calls");
    assert!(readiness.store_failing.is_some_and(|why| why.contains("not a database")));
    assert!(engine.metrics_text().contains("telness_store_failing 1\n"));
    std::fs::remove_file(&store).unwrap();
    let shipped = async {
        loop {
            match engine.read_call(&OFFICE, id).await {
                Ok(stored) => break stored,
                Err(error) => assert_eq!(error.reason(), Reason::StoreUnavailable),
            }
        }
    };
    let stored = tokio::time::timeout(Duration::from_secs(30), shipped).await.expect("the call is not shipped");
    assert_eq!(stored.routing, answer.record.routing);
    assert!(engine.readiness().store_failing.is_none());
    assert!(engine.metrics_text().contains("telness_store_failing 0\n"));
}
