//! `telness records prune` and `telness records check`, by the real binary beside a service and after one.

use serde_json::{Value, json};
use telness_core::record::CallRecord;
use telness_store::{Entry, JournalId, Position, SqliteStore, Store as _};

use super::serving::Service;
use super::{CALLED, CALLER, folder, run, run_in};

/// Makes a call, or reports an event; gives what was answered.
fn ask(service: &Service, line: &str, body: &str) -> Value {
    let answer = service.ask(line, body);
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Ships a call of an old day, made of one that was recorded.
fn ship_old(folder: &tempfile::TempDir, recorded: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let old = uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
    runtime.block_on(async {
        let store = SqliteStore::open(&telness_engine::store_file(&folder.path().join("telness-data"))).unwrap();
        let tenant = "nordtel".parse().unwrap();
        let call = store.call(&tenant, recorded.parse().unwrap()).await.unwrap().unwrap();
        let mut record = CallRecord { routing: call.routing, personal: call.personal };
        record.routing.call_id = telness_core::call::CallId(old);
        record.routing.received_at = "2024-06-09T08:00:00Z".parse().unwrap();
        let entry = Entry::decode(&Entry::encode_call(&record).unwrap()).unwrap();
        store.write(JournalId([7; 16]), Position(1), vec![entry]).await.unwrap();
    });
    old.to_string()
}

#[test]
fn what_is_over_is_counted_then_removed_beside_a_service_and_the_rest_reads_as_before() {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    let call = format!(r#"{{"from": "{CALLER}", "to": "{CALLED}", "type": "pbx"}}"#);
    let id = ask(&service, "POST /v1/calls", &call)["id"].as_str().unwrap().to_owned();
    // An old call, by a record that a node with a slow clock might have shipped.
    assert_eq!(run_in(&folder, &["records", &id]).code(), 0);
    let old = ship_old(&folder, &id);
    let nothing = run_in(&folder, &["records", "prune"]);
    assert_eq!((nothing.code(), nothing.out().starts_with("nothing is over")), (0, true), "{}", nothing.err());
    let personal = ["records", "prune", "--json", "--set", "retention.personal_days=30"];
    let dry = run_in(&folder, &[&personal[..], &["--dry-run"]].concat());
    assert_eq!(dry.code(), 0, "{}", dry.err());
    let expected = json!([{"tenant": "nordtel", "class": "personal", "records": 1}]);
    assert_eq!((&dry.json()["pruned"], &dry.json()["dry_run"]), (&expected, &json!(true)));
    assert_eq!(run_in(&folder, &personal).json()["pruned"], expected);
    assert_eq!(run_in(&folder, &personal).json()["pruned"], json!([]));
    // Every reader shows what is left.
    let shown = run_in(&folder, &["records", &old, "--json"]);
    assert_eq!((&shown.json()["pruned"], &shown.json()["to"]), (&json!(true), &json!({"sent": ""})), "{}", shown.out());
    assert!(run_in(&folder, &["records", &old, "--trace"]).out().contains("(pruned)"));
    assert!(run_in(&folder, &["records"]).out().contains("(pruned) -> (pruned)"));
    assert_eq!(run_in(&folder, &["records", "--csv"]).out().lines().count(), 3);
    for path in [format!("GET /v1/calls/{old}"), format!("GET /v1/calls/{old}/trace"), "GET /v1/calls".to_owned()] {
        let answer = service.ask(&path, "");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    let calls = ["records", "prune", "--set", "retention.calls_days=30"];
    let text = run_in(&folder, &calls).out();
    assert!(text.contains("nordtel") && text.contains("calls"), "{text}");
    assert_eq!(run_in(&folder, &["records", &old]).code(), 1);
    assert_eq!(run_in(&folder, &["records", &id]).code(), 0, "what is not over stays");
}

#[test]
fn n7_what_is_yet_to_be_billed_is_kept_and_told() {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    let call = format!(r#"{{"from": "{CALLER}", "to": "{CALLED}", "type": "pbx"}}"#);
    let id = ask(&service, "POST /v1/calls", &call)["id"].as_str().unwrap().to_owned();
    assert_eq!(run_in(&folder, &["records", &id]).code(), 0);
    // Records for billing are made here; the old call comes after the last time.
    assert_eq!(run_in(&folder, &["billing", "close"]).code(), 0);
    let old = ship_old(&folder, &id);
    let prune = ["records", "prune", "--set", "retention.calls_days=30"];
    let expected = json!([{"tenant": "nordtel", "class": "calls", "records": 1}]);
    for more in [&["--json", "--dry-run"][..], &["--json"]] {
        let kept = run_in(&folder, &[&prune[..], more].concat());
        assert_eq!(kept.code(), 1, "{}", kept.err());
        assert_eq!((&kept.json()["unbilled"], &kept.json()["pruned"]), (&expected, &json!([])));
    }
    let told = run_in(&folder, &prune).out();
    assert!(told.contains("yet to be billed") && told.contains("telness billing close"), "{told}");
    assert_eq!(run_in(&folder, &["billing", "close", "--json"]).json()["records"], 1);
    let pruned = run_in(&folder, &[&prune[..], &["--json"]].concat());
    assert_eq!((pruned.code(), &pruned.json()["pruned"]), (0, &expected), "{}", pruned.err());
    assert_eq!(run_in(&folder, &["records", &old]).code(), 1);
    let again = ship_old(&folder, &id);
    assert_eq!(run_in(&folder, &[&prune[..], &["--unbilled"]].concat()).code(), 0);
    assert_eq!(run_in(&folder, &["records", &again]).code(), 1, "whoever says so has it removed without a record");
    // What would be removed before it could be billed is refused with the settings.
    let short = ["records", "prune", "--set", "retention.personal_days=2"];
    let refused = run_in(&folder, &short);
    assert_eq!((refused.code(), refused.err().contains("billing.open_s_max")), (2, true), "{}", refused.err());
    assert_eq!(run_in(&folder, &[&short[..], &["--set", "billing.open_s_max=172799"]].concat()).code(), 0);
}

#[test]
fn n7_the_check_is_a_gate_and_says_what_to_do() {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    let call = format!(r#"{{"from": "{CALLER}", "to": "{CALLED}", "type": "pbx"}}"#);
    let id = ask(&service, "POST /v1/calls", &call)["id"].as_str().unwrap().to_owned();
    assert_eq!(run_in(&folder, &["records", &id]).code(), 0);
    let fine = run_in(&folder, &["records", "check"]);
    assert_eq!(
        (fine.code(), fine.out()),
        (0, "1 calls were looked at: all fits together\n".to_owned()),
        "{}",
        fine.err()
    );
    let late = run_in(&folder, &["records", "check", "--grace-s", "0", "--json"]);
    assert_eq!((late.code(), &late.json()["counts"]), (1, &json!({"no_outcome": 1})), "{}", late.err());
    assert_eq!(late.json()["findings"][0]["call_id"], id);
    assert_eq!(run_in(&folder, &["records", "check", "--grace-s", "0", "--severity", "error"]).code(), 0);
    let event = |leg: &str, kind: &str| format!(r#"{{"event_id": "e-{kind}", "leg": "{leg}", "kind": "{kind}"}}"#);
    ask(&service, &format!("POST /v1/calls/{id}/events"), &event("9.9", "answered"));
    ask(&service, &format!("POST /v1/calls/{id}/events"), &event("1.1", "answered"));
    let nowhere = "019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11";
    ask(&service, &format!("POST /v1/calls/{nowhere}/events"), &event("1.1", "ringing"));
    // A reader of the API waits for the store, so all of it is there afterwards.
    let answer = service.ask("GET /v1/reconciliation?grace_s=0&limit=1", "");
    let page: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(page["findings"].as_array().unwrap().len(), 3, "those of one call are not parted: {page}");
    let next = page["next"].as_str().unwrap();
    let answer = service.ask(&format!("GET /v1/reconciliation?grace_s=0&cursor={next}"), "");
    let page: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&page["counts"], &page["next"]), (&json!({"outcome_without_decision": 1}), &Value::Null), "{page}");
    let all = run_in(&folder, &["records", "check", "--grace-s", "0", "--limit", "1", "--json"]);
    let counts = json!({
        "no_outcome": 1, "contradictory_event": 1, "leg_not_offered": 1, "outcome_without_decision": 1,
    });
    assert_eq!(all.json()["counts"], counts, "{}", all.out());
    assert_eq!(all.json()["findings"].as_array().unwrap().len(), 1, "all are counted, and so many are listed");
    let text = run_in(&folder, &["records", "check", "--grace-s", "0"]).out();
    assert!(text.contains("leg_not_offered  9.9") && text.contains("have the switch name legs"), "{text}");
}

#[test]
fn what_is_not_there_or_wrong_is_said() {
    assert_eq!(run(&["records", "check"]).code(), 3);
    let nothing = run(&["records", "prune", "--json"]);
    assert_eq!((nothing.code(), &nothing.json()["pruned"]), (0, &json!([])), "{}", nothing.err());
    for wrong in [["--kind", "x"], ["--severity", "x"], ["--since", "x"], ["--grace-s", "-1"]] {
        assert_eq!(run(&["records", "check", wrong[0], wrong[1]]).code(), 2, "{wrong:?}");
    }
    let down = "store.url=postgres://nobody@127.0.0.1:1/none";
    let ran = run(&["records", "prune", "--set", down, "--set", "store.tls=off", "--set", "store.connect_ms_max=200"]);
    assert_eq!(ran.code(), 3, "{}", ran.err());
}
