//! The emergency service calls back who called it, through a whole node.

use std::time::Duration;

use telness_core::call::Draft;
use telness_core::class::{Callback, Class};
use telness_core::reason::Reason;
use telness_engine::Asker;

use crate::scene::{CARRIER, OFFICE, PLAN, Scene, draft};

/// The switch of the emergency service.
const SERVICE: Asker<'static> =
    Asker { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1)), ..OFFICE };
/// Anna's number, which a rule ends all calls to.
const ANNA: &str = "+46846500410";

/// A node with a trunk of the emergency service, at which Anna takes no calls and there is no place for one.
fn scene(window: Duration) -> Scene {
    let scene = Scene::with(|settings| {
        settings.callback_window = window;
        settings.high.calls_in_flight_max = 0;
    });
    let service =
        "trunks:\n  - { name: sos, emergency_service: true, gateways: [{ name: gw1, address: 198.51.100.1 }] }\n";
    let peer = "peers:\n  - { name: sos, networks: [198.51.100.0/28], trunk: sos, trusted: true }\n";
    let anna = "  - { name: anna, match: { called: [\"+46846500410\"] }, user: anna }\n";
    let away = "  - { name: away, match: { called: [\"+46846500410\"] }, reject: { reason: caller_blocked } }\n";
    assert!(PLAN.contains(anna), "the scene's plan has changed");
    let plan = PLAN.replace("trunks:\n", service).replace("peers:\n", peer).replace(anna, away);
    let file = scene.file("callbacks.yaml", &plan);
    scene.engine().reload_plan(Some(&file)).unwrap();
    scene
}

fn from_anna(to: &str) -> Draft {
    Draft { from: Some(ANNA.into()), ..draft(to) }
}

/// What becomes of a call to Anna: its class, by which trunk, and how it is known to be one back.
async fn to_anna(scene: &Scene, from: &Asker<'_>) -> (Class, Reason, Option<String>, Option<Callback>) {
    let record = scene.call(from, Draft { from: Some("112".into()), ..draft(ANNA) }).await.unwrap().record;
    let trunk = record.routing.trunk.as_ref().map(ToString::to_string);
    (record.routing.class, record.routing.reason, trunk, record.personal.trace.callback)
}

#[tokio::test]
async fn e15_the_emergency_service_reaches_who_called_it_past_whatever_keeps_others_away() {
    let scene = scene(Duration::from_secs(3600));
    let rings = |callback| (Class::Emergency, Reason::Routed, Some("office-pbx".to_owned()), Some(callback));
    // The node cannot say that she did not call before it was started.
    assert_eq!(to_anna(&scene, &SERVICE).await, rings(Callback::Assumed));
    let called = scene.call(&OFFICE, from_anna("112")).await.unwrap();
    assert_eq!(called.record.routing.class, Class::Emergency);
    assert_eq!(to_anna(&scene, &SERVICE).await, rings(Callback::Known));
    // Neither the number that is shown nor any other trunk makes a call back of it.
    let refused = (Class::Normal, Reason::CallerBlocked, None, None);
    assert_eq!(to_anna(&scene, &CARRIER).await, refused);
    assert_eq!(to_anna(&scene, &OFFICE).await, refused);
    let metrics = scene.engine().metrics_text();
    for line in ["{callback=\"known\"} 1", "{callback=\"assumed\"} 1"] {
        assert!(metrics.contains(&format!("telness_emergency_callbacks_total{line}")), "{metrics}");
    }
}

#[tokio::test]
async fn e15_after_the_window_it_is_a_call_like_any_other_where_no_other_node_may_know_more() {
    let scene = scene(Duration::from_millis(200));
    scene.call(&OFFICE, from_anna("112")).await.unwrap();
    let over = tokio::time::timeout(Duration::from_secs(20), async {
        while to_anna(&scene, &SERVICE).await.0 == Class::Emergency {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    over.await.expect("the window has no end");
    assert_eq!(to_anna(&scene, &SERVICE).await, (Class::Normal, Reason::CallerBlocked, None, None));
    scene.call(&OFFICE, from_anna("112")).await.unwrap();
    assert_eq!(to_anna(&scene, &SERVICE).await.3, Some(Callback::Known), "another call begins another window");
}

#[tokio::test]
async fn e15_what_the_emergency_service_calls_itself_is_of_its_own_class() {
    let scene = scene(Duration::from_secs(3600));
    let answer = scene.call(&SERVICE, draft("112")).await.unwrap();
    assert_eq!(answer.record.routing.class, Class::Emergency);
    assert_eq!(answer.record.personal.trace.callback, None);
    // What is no number is called back by nobody.
    assert!(scene.call(&SERVICE, draft("+461")).await.is_err());
}
