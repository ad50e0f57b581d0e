//! The two workflows over HTTP: what the high one's listener sends away, and which rules are relaxed for an emergency.

use std::io::Write as _;
use std::sync::LazyLock;

use telness_engine::auth::KeyText;
use telness_engine::config::{KeyHolder, KeySetting, Settings};
use telness_testkit::{Client, Response};

use crate::bad_input::{JSON, parse, post};
use crate::served::{Served, read_to_end};

const LOW: &str = "http://low.example.net";

fn call(client: &mut Client, to: &str) -> Response {
    client.post("/v1/calls", &serde_json::json!({ "to": to })).unwrap()
}

fn sent_away(response: &Response, what: &str) {
    let document = response.json();
    assert_eq!((response.status, &document["reason"]["name"]), (421, &"misdirected".into()), "{what}: {document}");
    assert!(document["detail"].as_str().unwrap().contains(LOW), "{what}: {document}");
    assert_eq!(response.header("retry-after"), None, "it is never taken here: {what}");
}

#[test]
fn e12_the_high_listener_sends_away_what_is_not_its_own() {
    let served = Served::high(&[("workflow.low.url", LOW)]);
    let mut client = served.client();
    for to in ["070-174 06 05", "urn:service:test.sos", "nonsense", ""] {
        sent_away(&call(&mut client, to), to);
    }
    sent_away(&post(&served, &[JSON], b"{"), "half a body");
    // Whoever it is: to be told that a key is unknown is of no use here.
    let mut stranger = served.client().with_header("authorization", "Bearer wrong");
    sent_away(&call(&mut stranger, "070-174 06 05"), "a stranger");
    for path in ["/v1/calls", "/v1/users", "/openapi.json", "/docs", "/nowhere"] {
        sent_away(&client.get(path).unwrap(), path);
    }
    for (to, class) in [("112", "emergency"), ("1177", "vital")] {
        let answer = call(&mut client, to).json();
        assert_eq!((&answer["class"], &answer["action"]), (&class.into(), &"route".into()), "{answer}");
        let event = serde_json::json!({ "leg": "1.1", "kind": "ringing" });
        let path = format!("/v1/calls/{}/events", answer["id"].as_str().unwrap());
        assert!(client.post(&path, &event).unwrap().is_success());
    }
    for path in ["/healthz", "/readyz", "/readyz/emergency", "/metrics"] {
        assert!(client.get(path).unwrap().is_success(), "{path}");
    }
    let metrics = client.get("/metrics").unwrap().text();
    assert!(metrics.contains(r#"outcome="Refused",reason="misdirected"} 5"#), "they are counted: {metrics}");
}

static KEY_OF_OPERATOR: LazyLock<KeyText> = LazyLock::new(|| KeyText::fresh().unwrap());
static KEY_OF_ASLEEP: LazyLock<KeyText> = LazyLock::new(|| KeyText::fresh().unwrap());

fn key(key: &KeyText, holder: KeyHolder) -> KeySetting {
    KeySetting { holder, sha256: key.sha256() }
}

/// A service in which every row of the table can be made.
fn scene(row: &str, change: impl FnOnce(&mut Settings)) -> (Served, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let example = include_str!("../../../../examples/sweden.yaml");
    let limit =
        if row == "rate_limited" { "  - { name: nordtel, calls_per_s_max: 1 }\n" } else { "  - name: nordtel\n" };
    let example = example.replacen("  - name: nordtel\n", limit, 1);
    let plan = example.replacen("\ntenants:\n", "\ntenants:\n  - { name: asleep, suspended: true }\n", 1);
    let path = folder.path().join("plan.yaml");
    std::fs::write(&path, plan).unwrap();
    let served = Served::changed(&[("http.body_bytes_max", "1024")], |settings| {
        settings.plan = Some(path);
        settings.keys = vec![
            key(&KEY_OF_OPERATOR, KeyHolder::Operator("anna".parse().unwrap())),
            key(&KEY_OF_ASLEEP, KeyHolder::Tenant("asleep".parse().unwrap())),
        ];
        change(settings);
    });
    (served, folder)
}

/// A call to `to` with what the row says is wrong with it.
fn wrong(row: &str, to: &str) -> Response {
    let change = |settings: &mut Settings| match row {
        "request_timeout" => settings.http.request_max = std::time::Duration::from_millis(200),
        "overloaded" => (settings.low.calls_in_flight_max, settings.high.calls_in_flight_max) = (0, 0),
        "record_not_kept" => settings.journal.queue_records_max = 0,
        _ => {}
    };
    if row == "misdirected" {
        return call(&mut Served::high(&[]).client(), to);
    }
    let (served, _folder) = scene(row, change);
    let whole = format!("{{\"to\":\"{to}\"}}");
    let with = |field: &str| format!("{{\"to\":\"{to}\",{field}}}");
    let sent = |headers: &[(&str, &str)], body: &str| post(&served, headers, body.as_bytes());
    let with_key = |key: &str| sent(&[JSON, ("authorization", &format!("Bearer {key}"))], &whole);
    match row {
        "request_unreadable" => sent(&[JSON], &with("")),
        "request_too_large" => sent(&[JSON], &with(&format!("\"from\":\"{}\"", "1".repeat(2000)))),
        "request_timeout" => {
            let mut slow = served.connect();
            write!(slow, "POST /v1/calls HTTP/1.1\r\nhost: x\r\n{}: {}\r\ncontent-length: 99\r\n\r\n", JSON.0, JSON.1)
                .unwrap();
            slow.write_all(whole.as_bytes()).unwrap();
            parse(&read_to_end(&mut slow))
        }
        "media_type_unsupported" => sent(&[("content-type", "text/plain")], &whole),
        "field_unknown" => sent(&[JSON], &with("\"colour\":\"red\"")),
        "field_invalid" => sent(&[JSON], &with("\"type\":\"fax\"")),
        "unauthenticated" => with_key("of-nobody"),
        "operator_has_no_calls" => with_key(KEY_OF_OPERATOR.reveal()),
        "tenant_suspended" => with_key(KEY_OF_ASLEEP.reveal()),
        "idempotency_conflict" => {
            let first = sent(&[JSON, ("idempotency-key", "order-1")], "{\"to\":\"070-174 06 06\"}");
            assert!(first.is_success(), "{}", first.text());
            sent(&[JSON, ("idempotency-key", "order-1")], &whole)
        }
        "rate_limited" => {
            let mut calls = (0..100).map(|_| sent(&[JSON], "{\"to\":\"070-174 06 05\"}"));
            let refused =
                calls.find(|answer| !answer.is_success()).expect("a hundred calls are more than one a second");
            assert_eq!(refused.header("retry-after"), Some("1"));
            if to == "112" { sent(&[JSON], &whole) } else { refused }
        }
        "overloaded" | "record_not_kept" => sent(&[JSON], &whole),
        row => panic!("docs/workflows.md has a row that nobody tries: {row}"),
    }
}

/// The rows of the table of what is relaxed.
fn rows() -> Vec<[String; 3]> {
    let page = include_str!("../../../../docs/workflows.md");
    let table = page.split("| what is wrong |").nth(1).unwrap().split("\n\n").next().unwrap();
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
    };
    table.lines().skip(2).map(|line| cells(line).try_into().unwrap()).collect()
}

#[test]
fn e7_what_ends_a_normal_call_is_passed_over_for_an_emergency_as_the_table_says() {
    let rows = rows();
    assert!(rows.len() >= 14, "the table was not found: {rows:?}");
    for [reason, normal, emergency] in rows {
        let refused = wrong(&reason, "070-174 06 05");
        assert_eq!(refused.status.to_string(), normal, "{reason}: {}", refused.text());
        let document = refused.json();
        let told = [&document["reason"]["name"], &document["errors"][0]["reason"]["name"]];
        assert!(told.contains(&&reason.as_str().into()), "{reason}: {document}");
        let carried = wrong(&reason, "112");
        let answer = carried.json();
        assert_eq!((carried.status, &answer["action"]), (201, &"route".into()), "{reason}: {answer}");
        assert_eq!(answer["recorded"], "deferred", "{reason}: its answer does not wait");
        let notes = answer["notes"].as_array().unwrap();
        let noted = notes.iter().any(|note| note["reason"]["name"] == reason.as_str());
        assert_eq!(emergency, if noted { "carried, noted" } else { "carried" }, "{reason}: {answer}");
    }
}
