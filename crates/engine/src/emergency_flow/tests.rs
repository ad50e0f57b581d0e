//! A node whose plan was emptied past every check: what it says to emergency calls, and of itself.

use std::sync::Arc;
use std::time::Duration;

use telness_core::call::Draft;
use telness_core::class::{Callback, Place, Workflow};
use telness_core::emergency::recognise;
use telness_core::last_resort::LastResort;
use telness_core::plan::{EmergencyTable, Plan};
use telness_core::reason::Reason;
use telness_core::standing::Refusal;
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
        assert!(matches!(&refused, CallError::NoEmergencyRoute { why } if why == NOWHERE), "{refused}");
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
    let keyed = || Draft { idempotency_key: Some("one".into()), ..draft("112") };
    let answer = engine.handle_call(&LOCAL, keyed()).await.unwrap();
    assert_eq!(answer.record.personal.steps[0].targets[0].trunk.as_str(), LAST_RESORT_TRUNK);
    let told = "telness_emergency_last_resort_total{how=\"alone\"} 1\n";
    assert!(engine.metrics_text().contains(told));
    assert!(engine.handle_call(&LOCAL, keyed()).await.unwrap().replayed, "asked again, it is one call");
    engine.try_emergency().await;
    assert!(engine.emergency_readiness().ready);
    assert!(engine.metrics_text().contains(told));
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

#[tokio::test(flavor = "multi_thread")]
async fn e17_each_trouble_is_an_incident_of_its_own_and_where_all_is_well_there_is_none() {
    let (_folder, node) = started("");
    let engine = Arc::clone(&node.engine);
    engine.try_emergency().await;
    let before = Counted { lost: 2, last_resort: 2 };
    let kinds = |silent, lost, last_resort| {
        let seen = engine.seen(silent, Counted { lost, last_resort }, before);
        assert_eq!(seen.lost, lost);
        seen.trouble.into_keys().collect::<Vec<_>>()
    };
    assert!(kinds(false, 2, 2).is_empty());
    assert_eq!(kinds(false, 3, 2), [IncidentKind::EmergencyCallsLost]);
    assert_eq!(kinds(false, 2, 3), [IncidentKind::LastResortUsed]);
    assert_eq!(kinds(true, 2, 2), [IncidentKind::EmergencySilence]);
    empty(&engine);
    engine.try_emergency().await;
    assert_eq!(kinds(false, 2, 2), [IncidentKind::NoEmergencyRoute]);
    tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn e17_that_no_emergency_call_comes_any_more_is_seen_and_that_they_come_again_too() {
    let (_folder, node) = started("");
    let engine = Arc::clone(&node.engine);
    assert!(!engine.look_at_silence(monotonic(), false), "where none ever came there is no silence");
    let mut last = monotonic();
    for _ in 0..200 {
        last += Duration::from_secs(1);
        engine.emergency.silence.call(last);
    }
    assert!(!engine.look_at_silence(last, true));
    let later = last + Duration::from_secs(3600);
    for was in [false, true] {
        assert!(engine.look_at_silence(later, was));
    }
    engine.emergency.silence.call(later);
    assert!(!engine.look_at_silence(later, true));
    tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn e17_a_synthetic_call_is_due_each_minute_and_with_each_plan() {
    let (_folder, node) = started("");
    let (plan, now) = (Arc::clone(&node.engine.snapshot.current().plan), monotonic());
    let other = Arc::new((*plan).clone());
    let last = (now, Arc::clone(&plan));
    assert!(is_due(None, now, &plan));
    assert!(!is_due(Some(&last), now + Duration::from_secs(59), &plan));
    assert!(is_due(Some(&last), now + Duration::from_secs(60), &plan));
    assert!(is_due(Some(&last), now, &other));
    tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn e16_whatever_keeps_an_emergency_call_from_its_way_sends_it_elsewhere_and_is_counted() {
    let (_folder, node) = started("");
    let engine = Arc::clone(&node.engine);
    let recognised = |to: &str| recognise(to, &Place::region("SE".parse().unwrap()));
    let emergency = Classified { class: Class::Emergency, emergency: recognised("112"), callback: None };
    let test = Classified { class: Class::Background, emergency: recognised("urn:service:test.sos"), callback: None };
    let callback = Classified::called_back(Callback::Assumed);
    let became = |classified, error| engine.answered_emergency(classified, Err(error)).unwrap_err();
    let defect = || CallError::Internal("a defect".to_owned());
    let lost = |count: u64| {
        let told = format!("telness_emergency_calls_lost_total{{why=\"unrouted\"}} {count}\n");
        assert!(engine.metrics_text().contains(&told), "{}", engine.metrics_text());
    };
    for other in [test, callback] {
        assert!(matches!(became(other, defect()), CallError::Internal(_)), "{other:?}");
    }
    assert_eq!(engine.emergency.silence.since(monotonic()), None, "nobody called for help");
    lost(0);
    let refused = became(emergency, CallError::Refused(Refusal { denials: Vec::new(), faults: Vec::new() }));
    assert!(matches!(refused, CallError::Refused(_)), "who may not call from there is told so");
    assert!(engine.emergency.silence.since(monotonic()).is_some(), "and yet somebody called");
    lost(0);
    for error in [defect(), CallError::NoEmergencyRoute { why: "a defect".to_owned() }] {
        let told = became(emergency, error);
        assert!(matches!(&told, CallError::NoEmergencyRoute { why } if why == "a defect"), "{told}");
    }
    lost(2);
    tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
}
