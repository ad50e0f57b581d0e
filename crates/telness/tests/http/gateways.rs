//! Gateways and incidents over HTTP: whose they are to read, and that what is told is as documented.

use serde_json::json;

use crate::directory::{Keyed, refused};
use crate::operations::conforms;

#[test]
fn p1_the_operator_reads_the_gateways_and_a_tenant_does_not() {
    let keyed = Keyed::start();
    refused(&keyed.nordtel().get("/v1/gateways").unwrap(), 403, "operator_needed");
    refused(&keyed.served.client().get("/v1/gateways").unwrap(), 401, "unauthenticated");
    let mut operator = keyed.operator();
    let listed = telness_testkit::eventually(crate::served::PATIENCE, || {
        let list = operator.get("/v1/gateways").unwrap().json();
        Some(list).filter(|list| list["gateways"].as_array().is_some_and(|all| !all.is_empty()))
    });
    let listed = listed.expect("the node has no gateways of its plan");
    let document = operator.get("/openapi.json").unwrap().json();
    let schema = &document["paths"]["/v1/gateways"]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
    conforms(&document, schema, &listed, "/v1/gateways");
    let emergency: Vec<_> =
        listed["gateways"].as_array().unwrap().iter().filter(|one| one["emergency"] == json!(true)).collect();
    assert!(emergency.len() >= 2 && emergency.iter().all(|one| one["probed"] == json!(true)), "{listed}");
    // Those of the example are addresses of nobody: that they are silent tells nothing of them.
    assert!(emergency.iter().all(|one| one["state"] == json!("unknown")), "{listed}");
}

#[test]
fn p1_the_operator_reads_the_incidents_and_a_tenant_does_not() {
    let keyed = Keyed::start();
    refused(&keyed.nordtel().get("/v1/incidents").unwrap(), 403, "operator_needed");
    refused(&keyed.served.client().get("/v1/incidents").unwrap(), 401, "unauthenticated");
    let listed = keyed.operator().get("/v1/incidents").unwrap();
    assert_eq!((listed.status, listed.json()), (200, json!({ "incidents": [] })));
}
