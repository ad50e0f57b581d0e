//! `telness billing`: closed beside a running service, listed, exported the same again, and verified.

use std::time::Duration;

use serde_json::{Value, json};
use telness_testkit::eventually;

use super::serving::Service;
use super::{folder, run_in};

const SETTLED: [&str; 2] = ["--set", "billing.settle_s=0"];

/// Makes a call that has ended, and gives its id and the tenant's name.
fn ended_call(service: &Service) -> String {
    let body = r#"{"from": "+46846500401", "to": "070-174 06 05", "type": "pbx"}"#;
    let answer = service.ask("POST /v1/calls", body);
    let call: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    let id = call["id"].as_str().unwrap().to_owned();
    for (kind, second) in [("answered", "10"), ("ended", "14")] {
        let event = json!({"leg": "1.1", "kind": kind, "occurred_at": format!("2026-09-21T14:13:{second}.5Z")});
        let taken = service.ask(&format!("POST /v1/calls/{id}/events"), &event.to_string());
        assert!(taken.starts_with("HTTP/1.1 2"), "{taken}");
    }
    id
}

fn close(folder: &tempfile::TempDir) -> Value {
    let ran = run_in(folder, &[&["billing", "close", "--json"][..], &SETTLED].concat());
    assert_eq!(ran.code(), 0, "{}", ran.err());
    ran.json()
}

#[test]
fn n7_a_file_is_closed_once_and_exported_the_same_again() {
    let folder = folder();
    assert_eq!(run_in(&folder, &["billing", "list"]).code(), 3, "there is no store yet");
    let service = Service::start(&folder, &[]);
    let id = ended_call(&service);
    let closed = eventually(Duration::from_secs(20), || {
        Some(close(&folder)).filter(|closed| closed["files"][0]["records"] == 1)
    });
    let file = closed.expect("the call is in no file")["files"][0].clone();
    assert_eq!((&file["sequence"], &file["talk_ms"]), (&json!(1), &json!(4_000)));
    let tenant = file["tenant"].as_str().unwrap();
    let listed = run_in(&folder, &["billing", "list", "--tenant", tenant]);
    assert!(listed.out().contains("1 records, 0 corrections"), "{}", listed.out());
    let export = || run_in(&folder, &["billing", "export", tenant, "1", "--format", "csv"]).out();
    let first = export();
    assert!(first.contains(&id) && first.starts_with("line,v,record_id,"), "{first}");
    assert_eq!(export(), first);
    assert_eq!(run_in(&folder, &["billing", "export", tenant, "99"]).code(), 1);
    let verified = run_in(&folder, &["billing", "verify"]);
    assert_eq!(verified.code(), 0, "{}", verified.out());
    let again = close(&folder);
    // Only the turn of the hour would close another, of no records.
    assert!(again["files"].as_array().unwrap().iter().all(|file| file["records"] == 0), "{again}");
    let since = run_in(&folder, &[&["billing", "close", "--since", "2026-01-01T00:00:00Z"][..], &SETTLED].concat());
    assert!(since.out().starts_with("0 records made of 1 calls"), "{}", since.out());
}
