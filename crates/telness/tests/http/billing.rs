//! Billing files over HTTP: whose they are, in what form, and that they are the same each time.

use serde_json::{Value, json};
use telness_engine::auth::KeyText;
use telness_engine::config::{KeyHolder, KeySetting};

use crate::served::Served;

#[test]
fn a_file_is_issued_the_same_again_in_both_forms() {
    let served = Served::start();
    let mut client = served.client();
    let empty = client.get("/v1/billing-files").unwrap().json();
    assert_eq!(empty, json!({ "files": [], "next": null }));
    assert_eq!(client.get("/v1/billing-files/1").unwrap().status, 404);
    let call = json!({"from": "=1+1", "to": "+46701740605", "type": "pbx"});
    let id = client.post("/v1/calls", &call).unwrap().json()["id"].as_str().unwrap().to_owned();
    served.close_billing();
    let listed = client.get("/v1/billing-files?limit=1").unwrap().json();
    assert_eq!((&listed["files"][0]["records"], &listed["next"]), (&json!(1), &Value::Null));
    assert_eq!(client.get("/v1/billing-files?after=1").unwrap().json()["files"], json!([]));
    let first = client.get("/v1/billing-files/1").unwrap();
    assert_eq!(first.header("content-type"), Some("application/x-ndjson"));
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(tag.trim_matches('"'), listed["files"][0]["jsonl_sha256"].as_str().unwrap());
    let text = first.text();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&lines[0]["line"], &lines[1]["call_id"], &lines[2]["line"]),
        (&"head".into(), &id.into(), &"end".into())
    );
    assert_eq!((&lines[1]["state"], &lines[1]["from_sent"]), (&"unreported".into(), &"=1+1".into()));
    assert_eq!(client.get("/v1/billing-files/1").unwrap().text(), text);
    let known = client.request("GET", "/v1/billing-files/1", &[("If-None-Match", &tag)], b"").unwrap();
    assert_eq!((known.status, known.text().len()), (304, 0));
    let csv = client.get("/v1/billing-files/1?format=csv").unwrap();
    assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
    assert!(csv.text().contains(",\"'=1+1\","), "{}", csv.text());
    assert_ne!(csv.header("etag"), Some(tag.as_str()));
    for wrong in ["/v1/billing-files/01", "/v1/billing-files/x", "/v1/billing-files/2", "/v1/billing-files/-1"] {
        assert_eq!(client.get(wrong).unwrap().status, 404, "{wrong}");
    }
    assert_eq!(client.get("/v1/billing-files/1?format=xml").unwrap().status, 422);
    assert_eq!(client.get("/v1/billing-files?limit=0").unwrap().status, 422);
}

#[test]
fn p1_a_tenant_gets_its_own_files_and_no_others() {
    let key = KeyText::fresh().unwrap();
    let served = Served::changed(&[], |settings| {
        settings.keys =
            vec![KeySetting { holder: KeyHolder::Tenant("nobody-of-the-plan".parse().unwrap()), sha256: key.sha256() }];
    });
    let mut client = served.client();
    client.post("/v1/calls", &json!({"to": "+46701740605", "type": "pbx"})).unwrap();
    served.close_billing();
    assert_eq!(client.get("/v1/billing-files").unwrap().json()["files"].as_array().unwrap().len(), 1);
    let mut other = served.client().with_header("authorization", &format!("Bearer {}", key.reveal()));
    for path in ["/v1/billing-files", "/v1/billing-files/1"] {
        assert_eq!(other.get(path).unwrap().status, 401, "{path}");
    }
}
