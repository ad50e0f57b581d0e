//! The first whole path on the real process, as a newcomer walks it: a call in, a routed and recorded answer out,
//! and all of it there after the process was killed; and what happens when the disk takes no more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

use std::time::Duration;

use serde_json::{Value, json};
use telness_testkit::{Client, Service, ServiceOptions, eventually};

/// How long anything may take that is not at once.
const PATIENCE: Duration = Duration::from_secs(60);

fn options(folder: &tempfile::TempDir) -> ServiceOptions {
    ServiceOptions::new(env!("CARGO_BIN_EXE_telness"), folder.path()).set("log.filter", "warn")
}

/// The call of the README.
fn readme_call() -> Value {
    json!({ "from": "+46846500401", "to": "070-174 06 05", "type": "pbx", "trace": true })
}

fn post(client: &mut Client, body: &Value) -> Value {
    let response = client.post("/v1/calls", body).unwrap();
    assert!(response.is_success(), "{}: {}", response.status, response.text());
    response.json()
}

/// Reads something that the store may still have to be told of.
fn get(client: &mut Client, path: &str) -> Value {
    let found = eventually(PATIENCE, || client.get(path).ok().filter(telness_testkit::Response::is_success));
    found.unwrap_or_else(|| panic!("{path} cannot be read: {}", client.get(path).unwrap().text())).json()
}

fn id_of(answer: &Value) -> &str {
    answer["id"].as_str().unwrap()
}

#[test]
fn n1_a_call_and_its_trace_are_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(&options(&folder));
    let answer = post(&mut service.client(), &readme_call());
    assert_eq!(answer["action"], "route", "{answer}");
    assert_eq!((&answer["workflow"], &answer["class"]), (&json!("low"), &json!("normal")));
    assert!(answer["steps"][0]["targets"][0]["uri"].as_str().unwrap().starts_with("sip"), "{answer}");
    assert_eq!(answer["recorded"], "journaled");
    service.kill();
    service.restart();
    let mut client = service.client();
    let call = get(&mut client, &format!("/v1/calls/{}", id_of(&answer)));
    assert_eq!((&call["steps"], &call["action"]), (&answer["steps"], &answer["action"]), "{call}");
    let trace = get(&mut client, &format!("/v1/calls/{}/trace", id_of(&answer)));
    assert_eq!(trace["trace"], answer["trace"], "that is not the trace that was answered");
    let page = get(&mut client, "/v1/calls?limit=10");
    assert_eq!(page["calls"].as_array().unwrap().len(), 1, "{page}");
}

#[test]
fn n6_events_are_taken_before_their_call_doubled_and_out_of_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(&options(&folder));
    let keyed = |client: &mut Client| {
        let response = client.post_with("/v1/calls", &[("idempotency-key", "early")], &readme_call()).unwrap();
        assert!(response.is_success(), "{}", response.text());
        response.json()
    };
    // The id of a keyed call is known before the call: by the server's key, which outlives everything else here.
    let id = id_of(&keyed(&mut service.client())).to_owned();
    service.kill();
    for entry in std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        if entry.is_dir() {
            std::fs::remove_dir_all(entry).unwrap();
        } else if name.contains("sqlite") {
            std::fs::remove_file(entry).unwrap();
        }
    }
    service.restart();
    let mut client = service.client();
    let report = |client: &mut Client, name: &str, kind: &str, at: &str| {
        let event = json!({ "event_id": name, "leg": "1.1", "kind": kind, "occurred_at": at });
        let response = client.post(&format!("/v1/calls/{id}/events"), &event).unwrap();
        assert!(response.is_success(), "{}: {}", response.status, response.text());
    };
    report(&mut client, "e3", "ended", "2026-11-23T08:01:05Z");
    report(&mut client, "e2", "answered", "2026-11-23T08:00:05Z");
    report(&mut client, "e2", "answered", "2026-11-23T08:00:05Z");
    assert_eq!(id_of(&keyed(&mut client)), id);
    report(&mut client, "e1", "ringing", "2026-11-23T08:00:01Z");
    let call = get(&mut client, &format!("/v1/calls/{id}"));
    assert_eq!(call["events"].as_array().unwrap().len(), 3, "{call}");
    assert_eq!((&call["detail"]["state"], &call["detail"]["talk_ms"]), (&json!("ended"), &json!(60_000)), "{call}");
}

#[test]
fn n5_a_key_is_one_call_before_and_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(&options(&folder));
    let send = |service: &Service, body: &Value| {
        service.client().post_with("/v1/calls", &[("idempotency-key", "k1")], body).unwrap()
    };
    let first = send(&service, &readme_call()).json();
    assert_eq!(id_of(&send(&service, &readme_call()).json()), id_of(&first));
    service.kill();
    service.restart();
    let again = send(&service, &readme_call()).json();
    assert_eq!((id_of(&again), &again["steps"]), (id_of(&first), &first["steps"]));
    let other = send(&service, &json!({ "from": "+46846500401", "to": "08-465 004 02", "type": "pbx" }));
    assert_eq!(other.status, 409, "{}", other.text());
    assert_eq!(other.json()["reason"]["name"], "idempotency_conflict");
}

#[test]
fn e3_emergency_spellings_are_answered_by_the_high_workflow() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(&options(&folder));
    let mut client = service.client();
    for to in ["112", "1-1-2", "tel:112", "sip:112@core.example;user=phone", "urn:service:sos", "+46112"] {
        // What is wrong beside the destination is told and passed over (E8).
        let answer = post(&mut client, &json!({ "to": to, "type": "fax", "from": 7, "privacy": "withheld" }));
        assert_eq!((&answer["class"], &answer["workflow"]), (&json!("emergency"), &json!("high")), "{to}: {answer}");
        assert_eq!(answer["action"], "route", "{to}: {answer}");
        assert!(answer["steps"].as_array().unwrap().len() >= 2, "{to}: a next route is missing: {answer}");
        let call = get(&mut client, &format!("/v1/calls/{}", id_of(&answer)));
        assert_eq!(call["class"], "emergency", "{call}");
    }
    let answer = post(&mut client, &json!({ "to": "070-174 11 21", "from": "+46701740605" }));
    assert_eq!(answer["class"], "normal", "a number that begins or ends like one is none: {answer}");
}

#[test]
fn n4_a_full_disk_refuses_normal_calls_answers_emergency_calls_and_heals_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(&options(&folder).survives_file_size_limit());
    let mut client = service.client();
    let before = post(&mut client, &readme_call());
    service.limit_file_size(Some(0));
    for _ in 0..5 {
        let refused = client.post("/v1/calls", &readme_call()).unwrap();
        assert_eq!(refused.status, 503, "acknowledged what it cannot keep: {}", refused.text());
        assert_eq!(refused.json()["reason"]["name"], "record_not_kept", "{}", refused.text());
        assert!(refused.text().contains("Idempotency-Key"), "that it may be kept yet is told: {}", refused.text());
    }
    let emergency = post(&mut client, &json!({ "to": "112", "from": "+46701740605" }));
    assert_eq!((&emergency["class"], &emergency["recorded"]), (&json!("emergency"), &json!("deferred")));
    service.limit_file_size(None);
    let healed = eventually(PATIENCE, || {
        client.post("/v1/calls", &readme_call()).ok().filter(telness_testkit::Response::is_success)
    });
    let after = healed.unwrap_or_else(|| panic!("it does not heal:\n{}", service.log())).json();
    // The emergency call's record waited in memory and is written with the first group that the disk takes.
    let all = eventually(PATIENCE, || {
        let page = get(&mut client, "/v1/calls?limit=50");
        let ids: Vec<&str> = page["calls"].as_array()?.iter().map(id_of).collect();
        [&before, &emergency, &after].iter().all(|answer| ids.contains(&id_of(answer))).then_some(ids.len())
    });
    assert_eq!(all, Some(3), "a refused call is in the log, or one that was answered is not:\n{}", service.log());
}
