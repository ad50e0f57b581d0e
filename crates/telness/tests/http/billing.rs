//! Billing files over HTTP: whose they are, in what form, and that they are the same each time.

use serde_json::{Value, json};
use telness_engine::auth::KeyText;
use telness_engine::config::{KeyHolder, KeySetting};
use telness_testkit::Client;

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
fn p1_the_operator_gets_the_files_of_whom_it_names_and_a_tenants_key_none() {
    let holders: [KeyHolder; 2] =
        [KeyHolder::Operator("anna".parse().unwrap()), KeyHolder::Tenant("nordtel".parse().unwrap())];
    let keys = holders.map(|holder| (holder, KeyText::fresh().unwrap()));
    let served = Served::changed(&[], |settings| {
        settings.keys =
            keys.iter().map(|(holder, key)| KeySetting { holder: holder.clone(), sha256: key.sha256() }).collect();
    });
    let [mut operator, mut nordtel] = keys
        .each_ref()
        .map(|(_, key)| served.client().with_header("authorization", &format!("Bearer {}", key.reveal())));
    let mut without = served.client();
    without.post("/v1/calls", &json!({"to": "+46701740605", "type": "pbx"})).unwrap();
    served.close_billing();
    for (tenant, count) in [("?tenant=nordtel", 1), ("", 1), ("?tenant=granen", 0)] {
        let files = operator.get(&format!("/v1/billing-files{tenant}")).unwrap().json();
        assert_eq!(files["files"].as_array().unwrap().len(), count, "{tenant}");
    }
    assert_eq!(operator.get("/v1/billing-files/1?tenant=nordtel").unwrap().status, 200);
    assert_eq!(operator.get("/v1/billing-files/1?tenant=granen").unwrap().status, 404);
    // They have what carriers take, and being on a network that is trusted proves nobody.
    for path in ["/v1/billing-files", "/v1/billing-files/1", "/v1/billing-files/1?tenant=nordtel"] {
        assert_eq!(nordtel.get(path).unwrap().status, 403, "{path}");
        assert_eq!(without.get(path).unwrap().status, 401, "{path}");
    }
}

#[test]
fn p1_the_operator_sees_what_does_not_fit_of_whom_it_names_and_a_tenant_its_own() {
    let holders: [KeyHolder; 3] = [
        KeyHolder::Operator("anna".parse().unwrap()),
        KeyHolder::Tenant("nordtel".parse().unwrap()),
        KeyHolder::Tenant("granen".parse().unwrap()),
    ];
    let keys = holders.map(|holder| (holder, KeyText::fresh().unwrap()));
    let served = Served::changed(&[], |settings| {
        settings.keys =
            keys.iter().map(|(holder, key)| KeySetting { holder: holder.clone(), sha256: key.sha256() }).collect();
    });
    let [mut operator, mut nordtel, mut granen] = keys
        .each_ref()
        .map(|(_, key)| served.client().with_header("authorization", &format!("Bearer {}", key.reveal())));
    nordtel.post("/v1/calls", &json!({"to": "+46701740605", "type": "pbx"})).unwrap();
    let found = |client: &mut Client, tenant: &str| {
        let page = client.get(&format!("/v1/reconciliation?grace_s=0{tenant}")).unwrap();
        (page.status, page.json()["findings"].as_array().map(Vec::len))
    };
    assert_eq!(found(&mut operator, "&tenant=nordtel"), (200, Some(1)));
    assert_eq!(found(&mut nordtel, ""), (200, Some(1)));
    assert_eq!(found(&mut granen, ""), (200, Some(0)));
    assert_eq!(found(&mut granen, "&tenant=nordtel").0, 403);
    assert_eq!(found(&mut operator, "").0, 403, "whose?");
}
