//! A node whose plan was emptied past every check: what it says to emergency calls, and of itself.

use std::sync::Arc;
use std::time::Duration;

use telness_core::call::Draft;
use telness_core::class::Workflow;
use telness_core::last_resort::LastResort;
use telness_core::plan::{EmergencyTable, Plan};
use telness_core::reason::Reason;
use telness_core::world::Health;

use super::*;
use crate::auth::Asker;
use crate::config::Settings;
use crate::node::Node;
use crate::readiness::Unready;

const LOCAL: Asker<'static> = Asker {
    listener: "http",
    workflow: Workflow::Low,
    address: std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
    key: None,
};

fn draft(to: &str) -> Draft {
    Draft { from: Some("+46846500401".into()), ..Draft::to(to) }
}

fn started(last_resort: &str) -> (tempfile::TempDir, Node) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        data: folder.path().join("data"),
        last_resort: LastResort::parse(last_resort).unwrap(),
        ..Settings::defaults()
    };
    (folder, Node::start(&settings, crate::clock::Clock::system()).unwrap())
}

/// Takes every emergency route out of what is in service, as no plan that is checked can.
fn empty(engine: &Engine) {
    {
        let mut made_of = engine.snapshot.made_of();
        let plan = &made_of.compiled.world.plan;
        let emptied = Plan { emergency: EmergencyTable::default(), ..(**plan).clone() };
        made_of.compiled.world.plan = Arc::new(emptied);
    }
    engine.snapshot.change_health(|| Some(Health::default()));
}

#[tokio::test(flavor = "multi_thread")]
async fn e16_without_a_way_an_emergency_call_is_told_so_at_once_and_the_emergency_readiness_fails() {
    let (_folder, node) = started("");
    let engine = Arc::clone(&node.engine);
    engine.try_emergency().await;
    let ready = engine.emergency_readiness();
    assert!(ready.ready && ready.places >= 2 && ready.places_failed == 0, "{ready:?}");
    assert_eq!([Workflow::High, Workflow::Low].map(|workflow| engine.unready(workflow)), [None, None]);
    assert!(engine.handle_call(&LOCAL, draft("112")).await.is_ok());

    empty(&engine);
    for to in ["112", "urn:service:sos.police"] {
        let began = monotonic();
        let refused = engine.handle_call(&LOCAL, draft(to)).await.unwrap_err();
        assert!(matches!(refused, CallError::NoEmergencyRoute { .. }), "{refused}");
        assert_eq!((refused.reason(), refused.reason().page().http), (Reason::NoEmergencyRoute, 503));
        assert!(began.elapsed() < Duration::from_secs(1));
    }
    engine.try_emergency().await;
    let dead = engine.emergency_readiness();
    assert!(!dead.ready && dead.places_failed == dead.places, "{dead:?}");
    assert!(engine.readiness().ready, "other calls are none the worse for it");
    let unready = || [Workflow::High, Workflow::Low].map(|workflow| engine.unready(workflow));
    assert_eq!(unready(), [Some(Unready::NoEmergencyRoute), None]);
    assert!(engine.handle_call(&LOCAL, draft("+46701740605")).await.is_ok());
    let metrics = engine.metrics_text();
    for told in [
        "telness_emergency_calls_lost_total{why=\"unrouted\"} 2\n",
        "telness_emergency_ready 0\n",
        "class=\"emergency\",outcome=\"Refused\",reason=\"no_emergency_route\"} 2\n",
    ] {
        assert!(metrics.contains(told), "{told} is not in\n{metrics}");
    }
    engine.begin_stop();
    assert_eq!(unready(), [Some(Unready::Stopping); 2]);
    tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn e17_an_emptied_table_leaves_the_last_resort_and_that_is_counted() {
    let (_folder, node) = started("198.51.100.9:5060");
    let engine = Arc::clone(&node.engine);
    empty(&engine);
    let answer = engine.handle_call(&LOCAL, draft("112")).await.unwrap();
    assert_eq!(answer.record.personal.steps[0].targets[0].trunk.as_str(), LAST_RESORT_TRUNK);
    engine.try_emergency().await;
    assert!(engine.emergency_readiness().ready);
    assert!(engine.metrics_text().contains("telness_emergency_last_resort_total{how=\"alone\"} 1\n"));
    tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn e17_synthetic_calls_are_tried_from_each_kind_of_place_and_recorded_nowhere() {
    let (_folder, node) = started("");
    let engine = Arc::clone(&node.engine);
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !engine.emergency_readiness().ready {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "the node tries none by itself");
    let metrics = engine.metrics_text();
    assert!(metrics.contains("telness_synthetic_decisions_total{ok=\"false\"} 0\n"), "{metrics}");
    assert!(!metrics.contains("class=\"emergency\""), "one was counted as a call:\n{metrics}");
    assert_eq!(engine.recorder.backlog().records, 0, "one was recorded");
    tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
}
