//! `telness billing`: closed beside a running service, listed, exported the same again, and verified.

use std::time::Duration;

use serde_json::{Value, json};
use telness_testkit::{Postgres, eventually};

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
    let none = run_in(&folder, &["billing", "verify"]);
    assert_eq!((none.code(), none.err().contains("no billing file was ever closed")), (1, true), "{}", none.err());
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
    assert_eq!(run_in(&folder, &["billing", "verify", "--tenant", tenant]).code(), 0);
    for asked in ["verify", "list"] {
        let typo = run_in(&folder, &["billing", asked, "--tenant", "nordtell"]);
        assert_eq!((typo.code(), typo.err().contains("no billing file of nordtell")), (1, true), "{}", typo.err());
    }
    let again = close(&folder);
    // Only the turn of the hour would close another, of no records.
    assert!(again["files"].as_array().unwrap().iter().all(|file| file["records"] == 0), "{again}");
    let since = run_in(&folder, &[&["billing", "close", "--since", "2026-01-01T00:00:00Z"][..], &SETTLED].concat());
    assert!(since.out().starts_with("0 records made of 1 calls"), "{}", since.out());
}

#[test]
fn n7_what_is_left_out_of_billing_is_said_by_the_exit_code_and_by_metrics() {
    let (folder, postgres) = (folder(), Postgres::start());
    let database = postgres.database();
    let url = format!("store.url={}", postgres.url(&database));
    let on = ["--set", "store.tls=off", "--set", &url, "--set", "billing.settle_s=0"];
    assert_eq!(run_in(&folder, &[&["migrate", "up"], &on[..4]].concat()).code(), 0);
    let service = Service::start(&folder, &[&on[..], &["--set", "billing.close_every_s=1"]].concat());
    ended_call(&service);
    let shows = |line: &str| {
        eventually(Duration::from_secs(30), || service.ask("GET /metrics", "").contains(line).then_some(()))
            .unwrap_or_else(|| panic!("{line}: {}", service.ask("GET /metrics", "")));
    };
    let close = || run_in(&folder, &[&["billing", "close", "--since", "2026-01-01T00:00:00Z"], &on[..]].concat());
    shows("telness_billing_records_total 1\n");
    let done = close();
    assert_eq!(done.code(), 0, "{}", done.out());
    // As an import leaves it that was killed, and had brought calls of this hour.
    postgres.sql(&database, "INSERT INTO billing_holds SELECT DISTINCT journal FROM billing_marks");
    let held = close();
    assert_eq!((held.code(), held.out().contains("1 hours of calls wait for an import")), (1, true), "{}", held.out());
    shows("telness_billing_held_hours 1\n");
    postgres.sql(&database, "DELETE FROM billing_holds");
    assert_eq!(close().code(), 0);
    shows("telness_billing_held_hours 0\n");
    // One record that is damaged: the log says of which call, and it is not silent.
    postgres.sql(&database, "UPDATE billing_records SET jsonl = 'x' || jsonl");
    let damaged = close();
    assert_eq!((damaged.code(), damaged.out().contains("1 calls cannot be read")), (1, true), "{}", damaged.out());
    assert!(damaged.err().contains("a record for billing cannot be read"), "{}", damaged.err());
    shows("telness_billing_failing 1\n");
}
