//! `telness records`: what was acknowledged is found, whether the service runs, stopped or was killed.

use serde_json::Value;
use telness_core::record::CallRecord;
use telness_store::{Entry, JournalId, Position, SqliteStore, Store as _};

use super::serving::Service;
use super::{CALLED, CALLER, folder, run, run_in};

const CALL: &str = r#"{"from": "+46846500401", "to": "070-174 06 05", "type": "pbx"}"#;

/// Makes a call and gives its id.
fn call(service: &Service) -> String {
    let answer = service.ask("POST /v1/calls", CALL);
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    body["id"].as_str().unwrap().to_owned()
}

#[test]
fn n2_a_call_is_found_while_the_service_runs_and_after_it_was_killed() {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    let id = call(&service);
    let running = run_in(&folder, &["records", &id, "--json"]);
    assert_eq!(running.code(), 0, "{}", running.err());
    assert_eq!(running.json()["id"], *id);
    let late = call(&service);
    service.signal("KILL");
    drop(service);
    let killed = run_in(&folder, &["records", &late]);
    assert_eq!(killed.code(), 0, "{}", killed.err());
    assert!(killed.out().contains(&late) && killed.out().contains(CALLED), "{}", killed.out());
    let trace = run_in(&folder, &["records", &late, "--trace"]);
    assert!(trace.out().contains("weighed") && trace.out().contains("drawn"));
    assert!(run_in(&folder, &["records", &late, "--trace", "--json"]).json()["trace"]["rules"].is_array());
}

#[test]
fn n1_what_only_the_journal_holds_is_shipped_first() {
    let folder = folder();
    let service = Service::start(&folder, &["--set", "shipper.enabled=false"]);
    let id = call(&service);
    service.signal("KILL");
    drop(service);
    let list = run_in(&folder, &["records", "--json"]).json();
    assert_eq!(list["calls"].as_array().unwrap().len(), 1, "{list}");
    assert_eq!(list["calls"][0]["id"], *id);
    assert_eq!(run_in(&folder, &["doctor", "--listen", "127.0.0.1:0"]).code(), 0);
}

#[test]
fn n7_another_record_of_a_call_is_shown_with_it() {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    let id = call(&service);
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
    let shown = |form: &[&str]| run_in(&folder, &[&["records", &id], form].concat()).out();
    assert!(!shown(&[]).contains("other ") && !shown(&["--json"]).contains("contradictions"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(&telness_engine::store_file(&folder.path().join("telness-data"))).unwrap();
        let tenant = "nordtel".parse().unwrap();
        let call = store.call(&tenant, id.parse().unwrap()).await.unwrap().unwrap();
        let mut other = CallRecord { routing: call.routing, personal: call.personal };
        other.routing.node = "node-other".parse().unwrap();
        let entry = Entry::decode(&Entry::encode_call(&other).unwrap()).unwrap();
        store.write(JournalId([7; 16]), Position(1), vec![entry]).await.unwrap();
    });
    let text = shown(&[]);
    assert!(text.lines().any(|line| line.starts_with("other ") && line.contains("node-other")), "{text}");
    let json: Value = serde_json::from_str(&shown(&["--json"])).unwrap();
    assert_eq!(json["contradictions"][0]["node"], "node-other", "{json}");
}

#[test]
fn records_are_filtered_like_the_api_does() {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    let id = call(&service);
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
    let found = |arguments: &[&str]| {
        let ran = run_in(&folder, &[&["records", "--json"], arguments].concat());
        assert_eq!(ran.code(), 0, "{arguments:?}: {}", ran.err());
        ran.json()["calls"].as_array().unwrap().len()
    };
    for arguments in [
        &["--class", "normal"][..],
        &["--action", "route", "--reason", "routed", "--state", "decided"],
        &["--from", "08-46500401", "--to", CALLED],
        &["--since", "2020-01-01T00:00:00Z", "--until", "2100-01-01T00:00:00Z", "--limit", "1"],
    ] {
        assert_eq!(found(arguments), 1, "{arguments:?}");
    }
    for arguments in [&["--class", "emergency"][..], &["--action", "reject"], &["--reason", "200"], &["--to", CALLER]] {
        assert_eq!(found(arguments), 0, "{arguments:?}");
    }
    let csv = run_in(&folder, &["records", "--csv"]).out();
    assert_eq!(csv.lines().count(), 2);
    assert!(csv.lines().nth(1).unwrap().contains(&id));
    let text = run_in(&folder, &["records"]).out();
    assert!(text.contains(&id) && text.contains(CALLED));
}

#[test]
fn what_is_not_there_is_said() {
    let nowhere = run(&["records"]);
    assert_eq!(nowhere.code(), 3);
    assert!(nowhere.err().contains("--data"), "{}", nowhere.err());
    let folder = folder();
    std::fs::create_dir(folder.path().join("telness-data")).unwrap();
    assert_eq!(run_in(&folder, &["records"]).out(), "no calls\n");
    assert_eq!(run_in(&folder, &["records", "--json"]).json()["calls"], serde_json::json!([]));
    let unknown = run_in(&folder, &["records", "019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11"]);
    assert_eq!(unknown.code(), 1, "{}", unknown.err());
    for wrong in [["--limit", "0"], ["--class", "x"], ["--reason", "x"], ["--after", "x"], ["--since", "x"]] {
        assert_eq!(run_in(&folder, &["records", wrong[0], wrong[1]]).code(), 2, "{wrong:?}");
    }
}
