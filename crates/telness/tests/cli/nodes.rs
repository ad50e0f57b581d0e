//! `telness nodes`: who is there, and what it serves.

use telness_testkit::eventually;

use super::serving::Service;
use super::{folder, run_in};

#[test]
fn a_node_that_runs_is_there_and_one_that_is_forgotten_is_not() {
    let folder = folder();
    let none = run_in(&folder, &["nodes"]);
    assert_eq!(none.code(), 3, "{}", none.err());
    assert!(none.err().contains("the first start makes it"), "{}", none.err());
    let service = Service::start(&folder, &["--set", "node=north-1"]);
    let shown = eventually(std::time::Duration::from_secs(20), || {
        let ran = run_in(&folder, &["nodes", "--json"]);
        Some(ran).filter(|ran| ran.code() == 0 && ran.json()["nodes"][0].is_object())
    });
    let shown = shown.expect("the node does not say that it is there").json();
    let node = &shown["nodes"][0];
    assert_eq!((&node["name"], &node["alive"], &node["behind"]), (&"north-1".into(), &true.into(), &0.into()));
    assert_eq!((&node["plan_from"], &node["fault"]), (&"example".into(), &serde_json::Value::Null));
    assert_eq!(shown["store"], serde_json::json!({ "version": 0, "plan_revision": null }));
    let text = run_in(&folder, &["nodes"]).out();
    assert!(text.contains("north-1") && text.contains("no plan is published"), "{text}");
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
    assert_eq!(run_in(&folder, &["nodes", "forget", "north-1"]).code(), 0);
    assert_eq!(run_in(&folder, &["nodes", "forget", "north-1"]).code(), 1);
    assert_eq!(run_in(&folder, &["nodes", "--json"]).json()["nodes"], serde_json::json!([]));
}

#[test]
fn n5_a_key_file_that_is_none_is_told_at_the_start() {
    let folder = folder();
    std::fs::write(folder.path().join("cell.key"), "short").unwrap();
    let refused = run_in(&folder, &["serve", "--listen", "127.0.0.1:0", "--set", "identity.key_file=cell.key"]);
    assert_eq!(refused.code(), 7, "{}", refused.err());
    assert!(refused.err().contains("64 hexadecimal digits"), "{}", refused.err());
}

#[test]
fn e17_gateways_and_incidents_are_shown_on_the_machine_also_after_the_node_ended() {
    let folder = folder();
    let none = run_in(&folder, &["gateways"]);
    assert_eq!(none.code(), 3, "{}", none.err());
    assert!(none.err().contains("within seconds of its start"), "{}", none.err());
    let service = Service::start(&folder, &["--set", "node=north-1"]);
    let shown = eventually(std::time::Duration::from_secs(20), || {
        let ran = run_in(&folder, &["gateways", "--json"]);
        Some(ran).filter(|ran| ran.code() == 0 && ran.json()["gateways"][0].is_object())
    });
    let shown = shown.expect("the node does not tell of its gateways").json();
    assert_eq!((&shown["node"], &shown["blind"]), (&"north-1".into(), &false.into()));
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
    let text = run_in(&folder, &["gateways"]).out();
    let first = shown["gateways"][0]["trunk"].as_str().unwrap();
    assert!(text.contains("node north-1") && text.contains(first), "{text}");

    assert_eq!(run_in(&folder, &["incidents"]).out(), "there was no incident\n");
    let line = r#"{"v":1,"id":"1","kind":"last_resort_used","node":"north-1","scope":"calls of this node","opened_at":"2026-11-23T08:00:00Z","closed_at":null,"emergency_calls_failed":3}"#;
    std::fs::write(folder.path().join("telness-data/incidents.jsonl"), format!("{line}\n{{cut")).unwrap();
    let text = run_in(&folder, &["incidents", "--open"]).out();
    assert!(
        text.contains("last_resort_used") && text.contains("1 lines") && text.contains("calls of this node"),
        "{text}"
    );
    let json = run_in(&folder, &["incidents", "--json"]).json();
    assert_eq!((&json["incidents"][0]["emergency_calls_failed"], &json["unreadable"]), (&3.into(), &1.into()));
}
