//! Who may do what: each operation by the operator, a tenant's key, another's, and without a key.

use serde_json::{Value, json};

use super::{Keyed, delete, done, put_berit, refused};
use crate::operations::conforms;
use crate::served::Served;

/// Everything that is there to be read, with whether it is nordtel's.
const READ: [(&str, bool); 15] = [
    ("/v1/tenants", true),
    ("/v1/tenants/nordtel", true),
    ("/v1/tenants/nordtel/users", true),
    ("/v1/tenants/nordtel/users/berit", true),
    ("/v1/blocks", true),
    ("/v1/blocks/+46701740600", true),
    ("/v1/numbers", true),
    ("/v1/numbers/+46701740699", true),
    ("/v1/plans", false),
    ("/v1/plans/1", false),
    ("/v1/plans/published", false),
    ("/v1/decks", false),
    ("/v1/decks/carrier-north", false),
    ("/v1/decks/carrier-north/rows", false),
    ("/v1/changes", false),
];

/// Everything that can be changed, with a good body.
fn edits() -> Vec<(&'static str, &'static str, &'static str, String)> {
    let json = "application/json";
    let items = |item: Value| json!({ "items": [item] }).to_string();
    let user = json!({"name": "berit"});
    let number = json!({"number": "+46701740699", "state": "assigned", "tenant": "nordtel", "user": "berit"});
    let block = json!({"first": "+46701740600", "last": "+46701740699", "tenant": "nordtel"});
    vec![
        ("PUT", "/v1/tenants/nordtel", json, json!({}).to_string()),
        ("POST", "/v1/tenants", json, items(json!({"name": "nordtel"}))),
        ("PUT", "/v1/tenants/nordtel/users/berit", json, json!({}).to_string()),
        ("POST", "/v1/tenants/nordtel/users", json, items(user)),
        ("PUT", "/v1/blocks/+46701740600", json, block.to_string()),
        ("POST", "/v1/blocks", json, items(block)),
        ("PUT", "/v1/numbers/+46701740699", json, number.to_string()),
        ("POST", "/v1/numbers", json, items(number)),
        ("PUT", "/v1/plans/published", "application/yaml", telness_engine::plan_flow::EXAMPLE_PLAN.to_owned()),
        ("PUT", "/v1/plans/published", json, json!({"revision": 1}).to_string()),
        ("PUT", "/v1/decks/carrier-north?currency=SEK", "text/csv", super::decks::DECK.to_owned()),
        ("DELETE", "/v1/numbers/+46701740699", json, String::new()),
        ("DELETE", "/v1/tenants/nordtel/users/berit", json, String::new()),
        ("DELETE", "/v1/blocks/+46701740600", json, String::new()),
        ("DELETE", "/v1/decks/carrier-north", json, String::new()),
        ("DELETE", "/v1/tenants/nordtel", json, String::new()),
    ]
}

#[test]
fn p1_the_operator_edits_and_a_tenants_key_reads_what_is_its_own() {
    let keyed = Keyed::start();
    let (mut operator, mut nordtel, mut granen) = (keyed.operator(), keyed.nordtel(), keyed.granen());
    let mut nobody = keyed.served.client();
    let mut wrong = keyed.served.client().with_header("authorization", "Bearer telness_key_wrong");
    for (method, path, kind, body) in edits() {
        if method == "DELETE" {
            // Reading comes between making and taking away.
            continue;
        }
        for (client, status, reason) in [
            (&mut nordtel, 403, "operator_needed"),
            (&mut granen, 403, "operator_needed"),
            (&mut nobody, 401, "unauthenticated"),
            (&mut wrong, 401, "unauthenticated"),
        ] {
            let response = client.request(method, path, &[("content-type", kind)], body.as_bytes()).unwrap();
            refused(&response, status, reason);
        }
        let response = operator.request(method, path, &[("content-type", kind)], body.as_bytes()).unwrap();
        assert!(!done(&response).is_empty(), "{method} {path} has no ETag");
    }
    for (path, is_nordtels) in READ {
        assert_eq!(operator.get(path).unwrap().status, 200, "{path}");
        refused(&nobody.get(path).unwrap(), 401, "unauthenticated");
        refused(&wrong.get(path).unwrap(), 401, "unauthenticated");
        if !is_nordtels {
            refused(&nordtel.get(path).unwrap(), 403, "operator_needed");
            continue;
        }
        assert_eq!(nordtel.get(path).unwrap().status, 200, "{path}");
        let others = granen.get(path).unwrap();
        if ["/v1/tenants", "/v1/blocks", "/v1/numbers"].contains(&path) {
            assert_eq!(others.json()["items"], json!([]), "{path}");
            let asked = granen.get(&format!("{path}{}", if path == "/v1/tenants" { "" } else { "?tenant=nordtel" }));
            assert_eq!(asked.unwrap().json()["items"], json!([]), "{path}");
        } else {
            // As if it were not there: the same as what is not.
            refused(&others, 404, "not_found");
        }
    }
    for (method, path, _, _) in edits().into_iter().filter(|(method, ..)| *method == "DELETE") {
        assert_eq!(method, "DELETE");
        refused(&delete(&mut nordtel, path, &[]), 403, "operator_needed");
        refused(&delete(&mut nobody, path, &[]), 401, "unauthenticated");
        assert_eq!(delete(&mut operator, path, &[]).status, 204, "{path}");
        refused(&delete(&mut operator, path, &[]), 404, "not_found");
        refused(&operator.get(path).unwrap(), 404, "not_found");
    }
    let changes = operator.get("/v1/changes?limit=1000").unwrap().json();
    assert!(changes["items"].as_array().unwrap().iter().all(|change| change["author"] == "anna"), "{changes}");
}

/// A path as the document has it, with the names of its parameters.
fn of_document(path: &str) -> String {
    let parts: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
    let names = [("nordtel", "{tenant}"), ("berit", "{user}"), ("carrier-north", "{trunk}"), ("1", "{revision}")];
    let named = |part: &&str| match names.iter().find(|(name, _)| name == part) {
        Some((_, parameter)) => (*parameter).to_owned(),
        None if part.starts_with('+') && path.contains("blocks") => "{first}".to_owned(),
        None if part.starts_with('+') => "{number}".to_owned(),
        None => (*part).to_owned(),
    };
    parts.iter().map(named).collect::<Vec<_>>().join("/")
}

#[test]
fn every_operation_of_the_document_is_among_those_tried() {
    let served = Served::start();
    let document = served.client().get("/openapi.json").unwrap().json();
    let edits = edits();
    let mut tried: Vec<(String, &str)> = READ.iter().map(|(path, _)| ("get".to_owned(), *path)).collect();
    tried.extend(edits.iter().map(|(method, path, ..)| (method.to_lowercase(), *path)));
    let tried: Vec<(String, String)> = tried.into_iter().map(|(method, path)| (method, of_document(path))).collect();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let of_directory = operation["tags"][0] == "directory";
            let is_tried = tried.contains(&(method.clone(), path.clone()));
            assert_eq!(of_directory, is_tried, "{method} {path}");
        }
    }
}

#[test]
fn what_is_answered_has_all_that_the_document_requires() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    let document = operator.get("/openapi.json").unwrap().json();
    let schema = |method: &str, path: &str, status: u16| {
        let answer = &document["paths"][of_document(path)][method]["responses"][status.to_string()];
        let schema = &answer["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} {status} is not documented");
        schema.clone()
    };
    for (method, path, kind, body) in edits().into_iter().filter(|(method, ..)| *method != "DELETE") {
        let response = operator.request(method, path, &[("content-type", kind)], body.as_bytes()).unwrap();
        let schema = schema(&method.to_lowercase(), path, response.status);
        conforms(&document, &schema, &response.json(), path);
    }
    for (path, _) in READ {
        let response = operator.get(path).unwrap();
        conforms(&document, &schema("get", path, response.status), &response.json(), path);
    }
}

#[test]
fn p5_without_any_key_whoever_is_on_this_machine_is_the_operator_and_no_page_of_elsewhere_is() {
    let served = Served::start();
    let mut client = served.client();
    put_berit(&mut client);
    let changes = client.get("/v1/changes").unwrap().json();
    assert_eq!(changes["items"][0]["author"], "loopback");
    let from =
        |head: &str| served.raw(format!("GET /v1/tenants HTTP/1.1\r\n{head}connection: close\r\n\r\n").as_bytes());
    assert!(from("host: localhost\r\n").starts_with("HTTP/1.1 200"));
    assert!(from("host: rebound.example\r\n").starts_with("HTTP/1.1 401"));
    assert!(from("host: localhost\r\norigin: https://page.example\r\n").starts_with("HTTP/1.1 401"));
    // A header that is there and wrong is no missing one.
    let mut wrong = served.client().with_header("authorization", "Bearer x");
    refused(&wrong.get("/v1/tenants").unwrap(), 401, "unauthenticated");
}

#[test]
fn p1_an_operators_key_has_no_calls() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    let call = json!({"from": "+46846500401", "to": "+46701740605", "type": "pbx"});
    refused(&operator.post("/v1/calls", &call).unwrap(), 403, "operator_has_no_calls");
    refused(&operator.get("/v1/calls").unwrap(), 403, "operator_has_no_calls");
    let emergency = operator.post("/v1/calls", &json!({"to": "112"})).unwrap();
    assert_eq!((emergency.status, &emergency.json()["action"]), (201, &json!("route")), "{}", emergency.text());
    let id = keyed.nordtel().post("/v1/calls", &call).unwrap().json()["id"].as_str().unwrap().to_owned();
    for path in [format!("/v1/calls/{id}"), format!("/v1/calls/{id}/trace"), "/v1/calls".to_owned()] {
        let read = operator.get(&format!("{path}?tenant=nordtel")).unwrap();
        assert!(read.status == 200 && read.text().contains(&id), "{path}: {}", read.text());
        let others = operator.get(&format!("{path}?tenant=granen")).unwrap();
        assert!(!others.text().contains(&id), "{path}: {}", others.text());
        assert_eq!(keyed.nordtel().get(&format!("{path}?tenant=nordtel")).unwrap().status, 200);
        let spied = keyed.granen().get(&format!("{path}?tenant=nordtel")).unwrap();
        refused(&spied, 403, "operator_needed");
        refused(&keyed.served.client().get(&format!("{path}?tenant=nordtel")).unwrap(), 401, "unauthenticated");
        assert_eq!(refused(&operator.get(&format!("{path}?tenant=A%20B")).unwrap(), 422, "field_invalid"), ["tenant"]);
    }
}
