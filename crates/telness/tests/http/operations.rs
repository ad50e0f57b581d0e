//! The operations: what they answer, and that the document says so.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use telness_engine::auth::KeyText;
use telness_engine::config::{KeyHolder, KeySetting};

use crate::served::{PATIENCE, Served};

fn call() -> Value {
    json!({"from": "+46846500401", "to": "+46701740605", "type": "pbx"})
}

#[test]
fn every_operation_of_the_document_is_served() {
    let served = Served::start();
    let mut client = served.client();
    let document = client.get("/openapi.json").unwrap().json();
    let committed = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json")).unwrap();
    assert!(document == serde_json::from_slice::<Value>(&committed).unwrap(), "docs/openapi.json is stale");
    let id = client.post("/v1/calls", &call()).unwrap().json()["id"].as_str().unwrap().to_owned();
    served.close_billing();
    let ready = || client.get("/readyz/emergency").unwrap().is_success().then_some(());
    assert!(telness_testkit::eventually(PATIENCE, ready).is_some(), "no emergency call was tried");
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            // What is edited depends on what is there: `directory::access` tries each of those.
            if operation["tags"][0] == "directory" {
                continue;
            }
            let path = path.replace("{id}", &id).replace("{file}", "start.js").replace("{sequence}", "1");
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            let schema = schema.as_str().map(|name| name.trim_start_matches("#/components/schemas/"));
            let body = schema.map(|name| document["components"]["schemas"][name]["example"].to_string());
            let body = body.unwrap_or_default();
            let response = client.request(&method.to_uppercase(), &path, &[], body.as_bytes()).unwrap();
            let status = response.status.to_string();
            assert!(response.is_success(), "{method} {path}: {}", response.text());
            let documented = &operation["responses"][&status]["content"];
            let media_type = response.header("content-type").unwrap().split(';').next().unwrap();
            let kinds: BTreeSet<&str> =
                documented.as_object().unwrap().keys().map(|kind| kind.split(';').next().unwrap()).collect();
            assert!(
                kinds.contains(media_type) || path.starts_with("/docs/"),
                "{path}: {media_type} is not in {kinds:?}"
            );
        }
    }
}

#[test]
fn an_answer_has_all_that_the_document_requires() {
    let served = Served::start();
    let mut client = served.client();
    let document = client.get("/openapi.json").unwrap().json();
    let mut body = call();
    body["trace"] = json!(true);
    let answer = client.post("/v1/calls", &body).unwrap();
    assert_eq!(
        answer.header("location"),
        Some(format!("/v1/calls/{}", answer.json()["id"].as_str().unwrap()).as_str())
    );
    conforms(&document, &document["components"]["schemas"]["CallAnswer"], &answer.json(), "CallAnswer");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let event = json!({"leg": "1.1", "kind": "failed", "cause": {"sip": 486, "q850": 17}});
    let taken = client.post(&format!("/v1/calls/{id}/events"), &event).unwrap();
    assert_eq!(taken.status, 202);
    conforms(&document, &document["components"]["schemas"]["EventTaken"], &taken.json(), "EventTaken");
    for (path, schema) in [
        (format!("/v1/calls/{id}"), "CallRecord"),
        (format!("/v1/calls/{id}/trace"), "CallTrace"),
        ("/v1/calls".to_owned(), "CallPage"),
        ("/readyz".to_owned(), "Readiness"),
        ("/healthz".to_owned(), "Health"),
    ] {
        let found = client.get(&path).unwrap().json();
        conforms(&document, &document["components"]["schemas"][schema], &found, schema);
    }
    let problem = client.post("/v1/calls", &json!({"to": 1, "x": 1})).unwrap().json();
    conforms(&document, &document["components"]["schemas"]["Problem"], &problem, "Problem");
    let read = client.get(&format!("/v1/calls/{id}")).unwrap().json();
    assert_eq!(read["detail"]["cause"], json!({"sip": 486, "q850": 17}), "{read}");
    assert_eq!(read["events"][0]["event_id"], taken.json()["event_id"]);
}

/// A small check of a value against a schema: types, required and unknown properties, and words.
pub(crate) fn conforms(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches("#/components/schemas/");
        return conforms(document, &document["components"]["schemas"][name], value, at);
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all.iter().for_each(|one| conforms(document, one, value, at));
    }
    if let Some(some) = schema["oneOf"].as_array() {
        let other = some.iter().find(|one| (one["type"] == "null") == value.is_null());
        return conforms(document, other.unwrap_or(&Value::Null), value, at);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types = &schema["type"];
    let allowed = types.is_null() || types == kind || types.as_array().is_some_and(|all| all.contains(&json!(kind)));
    assert!(allowed, "{at} is {kind}, documented as {types}");
    if let (Some(words), false) = (schema["enum"].as_array(), value.is_null()) {
        assert!(words.contains(value), "{at} is {value}, documented as {words:?}");
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(required.as_str().unwrap()).is_some(), "{at} has no {required}: {value}");
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(inner) = value.get(name) {
            conforms(document, property, inner, &format!("{at}.{name}"));
        }
    }
    for inner in value.as_array().into_iter().flatten() {
        conforms(document, &schema["items"], inner, &format!("{at}[]"));
    }
}

#[test]
fn a_repeated_key_is_answered_as_before() {
    let served = Served::start();
    let mut client = served.client();
    let key = [("idempotency-key", "k-1"), ("x-request-id", "mine-1")];
    let first = client.post_with("/v1/calls", &key, &call()).unwrap();
    let again = client.post_with("/v1/calls", &key, &call()).unwrap();
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    assert_eq!((&first.body, first.header("x-request-id")), (&again.body, Some("mine-1")));
    let other = client.post_with("/v1/calls", &key, &json!({"to": "1177"})).unwrap();
    assert_eq!((other.status, &other.json()["reason"]["name"]), (409, &json!("idempotency_conflict")));
    assert_eq!(served.recorded(), 1);
}

#[test]
fn a_rejected_call_is_a_call() {
    let served = Served::start();
    let answer = served.client().post("/v1/calls", &json!({"from": "+46701740605", "to": "+46846500415"})).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let decision = answer.json();
    assert_eq!((&decision["action"], &decision["steps"]), (&json!("reject"), &json!([])));
    assert_eq!(decision["reason"]["name"], "number_not_assigned");
    assert_eq!((&decision["reason"]["sip_status"], &decision["reason"]["q850"]), (&json!(404), &json!(1)));
    assert_eq!(served.recorded(), 1);
}

#[test]
fn s2_an_answer_says_how_old_the_stores_directory_is_and_a_trace_which_one_it_was() {
    let served = Served::with(&[("store.poll_ms", "10")]);
    let mut client = served.client();
    let answer = client.post("/v1/calls", &call()).unwrap();
    assert_eq!(answer.header("telness-snapshot-age"), None, "nothing of it is the store's");
    let ready = client.get("/readyz").unwrap().json();
    assert_eq!((&ready["plan_from"], &ready["faults"]), (&json!("example"), &json!([])));
    served.put_in_quarantine("+46701740699");
    let to_nobody = json!({"from": "+46846500401", "to": "+46701740699", "type": "pbx"});
    let refused = telness_testkit::eventually(PATIENCE, || {
        let answer = client.post("/v1/calls", &to_nobody).unwrap();
        Some(answer).filter(|answer| answer.json()["reason"]["name"] == "number_not_assigned")
    });
    let answer = refused.expect("the number is not in service");
    assert!(answer.header("telness-snapshot-age").unwrap().parse::<u64>().unwrap() < 60);
    assert!(client.get("/readyz").unwrap().json()["snapshot_age_s"].as_u64().unwrap() < 60);
    let path = format!("/v1/calls/{}/trace", answer.json()["id"].as_str().unwrap());
    let trace = client.get(&path).unwrap().json()["trace"].take();
    assert_eq!((&trace["directory"], &trace["versions"]["directory"]), (&json!("quarantine"), &json!(2)));
}

#[test]
fn p1_a_key_proves_a_tenant_and_no_other_key_does() {
    let key = KeyText::fresh().unwrap();
    let setting =
        |tenant: &str| KeySetting { holder: KeyHolder::Tenant(tenant.parse().unwrap()), sha256: key.sha256() };
    let plan = telness_engine::plan_flow::load(None).unwrap();
    let tenant = plan.tenants.keys().next().unwrap().as_str().to_owned();
    let served = Served::changed(&[], |settings| settings.keys.push(setting(&tenant)));
    let mut keyed = served.client().with_header("authorization", &format!("Bearer {}", key.reveal()));
    let answer = keyed.post("/v1/calls", &call()).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let path = format!("/v1/calls/{}", answer.json()["id"].as_str().unwrap());
    assert_eq!(keyed.get(&path).unwrap().status, 200);
    let mut wrong = served.client().with_header("authorization", "Bearer telness_key_wrong");
    for response in
        [wrong.post("/v1/calls", &call()).unwrap(), wrong.get(&path).unwrap(), wrong.get("/v1/calls").unwrap()]
    {
        assert_eq!(response.status, 401);
        assert_eq!(response.header("www-authenticate"), Some("Bearer realm=\"telness\""));
        assert!(!response.text().contains(key.reveal()));
    }
}

#[test]
fn pages_and_csv_have_each_call_once() {
    let served = Served::start();
    std::thread::scope(|scope| {
        for caller in 0..8 {
            let served = &served;
            scope.spawn(move || {
                let mut client = served.client();
                for _ in 0..50 {
                    let from = format!("+4684650040{caller}");
                    let body = json!({"from": from, "to": "070-174 06 05", "metadata": {"note": "=1+1"}});
                    assert_eq!(client.post("/v1/calls", &body).unwrap().status, 201);
                }
            });
        }
    });
    let mut client = served.client();
    let mut ids = BTreeSet::new();
    let mut path = "/v1/calls?limit=150".to_owned();
    let mut pages = 0;
    loop {
        let response = client.get(&path).unwrap();
        let page = response.json();
        ids.extend(page["calls"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/calls?limit=150&cursor={next}");
        assert_eq!(response.header("link"), Some(format!("<{path}>; rel=\"next\"").as_str()));
    }
    assert_eq!((ids.len(), pages), (400, 3));
    let csv = client.request("GET", "/v1/calls?limit=1000", &[("accept", "text/csv")], b"").unwrap();
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let text = csv.text();
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 401);
    let columns = lines[0].split(',').count();
    assert!(lines.iter().all(|line| line.split(',').count() == columns), "{}", lines[1]);
    let listed: BTreeSet<&str> = lines[1..].iter().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(listed, ids.iter().map(String::as_str).collect());
    let of_one = client.get("/v1/calls?limit=1000&from=%2B46846500403&to=0701740605&action=route").unwrap().json();
    assert_eq!(of_one["calls"].as_array().unwrap().len(), 50);
}

#[test]
fn the_page_of_the_documentation_asks_no_other_host() {
    let served = Served::start();
    let mut client = served.client();
    let page = client.get("/docs").unwrap();
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'self'"));
    let text = page.text();
    let sources: Vec<&str> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|mark| text.match_indices(mark).map(|(at, _)| &text[at + mark.len()..]))
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(sources.len() >= 4);
    for source in sources.into_iter().filter(|source| *source != "data:,") {
        let response = client.get(source).unwrap();
        assert_eq!(response.status, 200, "{source}");
        let gzipped = response.body.starts_with(&[0x1f, 0x8b]);
        assert_eq!(response.header("content-encoding") == Some("gzip"), gzipped, "{source}");
    }
    assert!(!text.contains("<script>") && !text.contains("style="), "the policy forbids what stands in the page");
}

#[test]
fn health_and_metrics_tell_what_they_should() {
    let served = Served::start();
    let mut client = served.client();
    assert_eq!(client.get("/healthz").unwrap().json(), json!({"status": "ok"}));
    let head = served.raw(b"HEAD /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    client.post("/v1/calls", &call()).unwrap();
    let metrics = client.get("/metrics").unwrap();
    assert_eq!(metrics.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(
        metrics.text().ends_with("# EOF\n") && metrics.text().contains("telness_calls_total{"),
        "{}",
        metrics.text()
    );
    assert!(!metrics.text().contains("+467"), "a number is in the metrics");
    let ready = client.get("/readyz").unwrap();
    assert_eq!((ready.status, &ready.json()["ready"]), (200, &json!(true)));
    served.node.as_ref().unwrap().engine.begin_stop();
    let stopping = client.get("/readyz").unwrap();
    assert_eq!((stopping.status, &stopping.json()["ready"]), (503, &json!(false)));
    // E16: the network upstream is to try elsewhere by then.
    let stopping = client.get("/readyz/emergency").unwrap();
    assert_eq!((stopping.status, &stopping.json()["ready"]), (503, &json!(false)));
    assert_eq!(client.post("/v1/calls", &call()).unwrap().status, 201, "a node that will stop still carries calls");
}

#[test]
fn what_was_answered_is_found_at_once_whether_or_not_its_record_was_waited_for() {
    let served = Served::start();
    let mut client = served.client();
    for to in ["112", "1177", "+46701740605"].iter().cycle().take(60) {
        let answer = client.post("/v1/calls", &json!({ "to": to, "from": "+46701740606" })).unwrap().json();
        let id = answer["id"].as_str().unwrap();
        let read = client.get(&format!("/v1/calls/{id}")).unwrap();
        assert_eq!(read.status, 200, "{to} was answered {} and is not there: {}", answer["recorded"], read.text());
        let page = client.get("/v1/calls?limit=1").unwrap().json();
        assert_eq!(page["calls"][0]["id"], answer["id"], "{to} is not the newest of the list: {page}");
    }
}
