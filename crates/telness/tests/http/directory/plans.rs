//! Plans over HTTP: published when they are good, gone back to, and in service without a restart.

use serde_json::json;
use telness_engine::plan_flow::EXAMPLE_PLAN;
use telness_testkit::{Client, Response, eventually};

use super::{Keyed, done, put_with, refused};
use crate::served::PATIENCE;

const PATH: &str = "/v1/plans/published";

fn publish(client: &mut Client, headers: &[(&str, &str)], text: &str) -> Response {
    let headers: Vec<_> = headers.iter().copied().chain([("content-type", "application/yaml")]).collect();
    client.request("PUT", PATH, &headers, text.as_bytes()).unwrap()
}

/// Which revision decides calls now, once it is this one.
fn serves(client: &mut Client, revision: u64) {
    let served = eventually(PATIENCE, || {
        let ready = client.get("/readyz").unwrap().json();
        (ready["plan_revision"] == revision && ready["plan_from"] == "store").then_some(())
    });
    assert!(served.is_some(), "revision {revision} is not in service: {}", client.get("/readyz").unwrap().text());
}

#[test]
fn c1_a_plan_is_published_and_any_revision_comes_back() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    refused(&operator.get(PATH).unwrap(), 404, "not_found");
    let first = publish(&mut operator, &[("if-none-match", "*")], EXAMPLE_PLAN);
    let first_tag = done(&first);
    serves(&mut operator, 1);
    let again = format!("{EXAMPLE_PLAN}\n# with a comment\n");
    refused(&publish(&mut operator, &[("if-none-match", "*")], &again), 412, "precondition_failed");
    let second = publish(&mut operator, &[("if-match", &first_tag)], &again);
    let second_tag = done(&second);
    assert_eq!((&second.json()["revision"], &second.json()["author"]), (&json!(2), &json!("anna")));
    serves(&mut operator, 2);
    let back = json!({"revision": 1});
    let late = put_with(&mut operator, PATH, &[("if-match", &first_tag)], &back);
    refused(&late, 412, "precondition_failed");
    assert_eq!(late.header("etag"), Some(second_tag.as_str()));
    let path = format!("{PATH}?comment=it%20fails");
    done(&put_with(&mut operator, &path, &[("if-match", &second_tag)], &back));
    serves(&mut operator, 1);
    let published = operator.get(PATH).unwrap().json();
    assert_eq!((&published["revision"], &published["comment"]), (&json!(1), &json!("it fails")));
    assert_eq!(operator.get("/v1/plans/2").unwrap().json()["text"], again);
    let listed = operator.get("/v1/plans?limit=1").unwrap().json();
    assert_eq!((&listed["items"][0]["revision"], &listed["next"]), (&json!(2), &json!("2")));
    let rest = operator.get("/v1/plans?limit=1&cursor=2").unwrap().json();
    assert_eq!((&rest["items"][0]["revision"], &rest["next"]), (&json!(1), &json!(null)));
    let missing = put_with(&mut operator, PATH, &[], &json!({"revision": 9}));
    refused(&missing, 404, "not_found");
    for wrong in [json!({"revision": 0}), json!({"revision": "1"}), json!({"revision": -1})] {
        assert_eq!(refused(&put_with(&mut operator, PATH, &[], &wrong), 422, "field_invalid"), ["revision"]);
    }
    refused(&put_with(&mut operator, PATH, &[], &json!({})), 422, "field_missing");
}

#[test]
fn c1_what_the_check_of_a_plan_warns_of_is_in_the_answer_to_who_publishes_it() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    let good = publish(&mut operator, &[], EXAMPLE_PLAN);
    done(&good);
    assert_eq!(good.json()["warnings"], json!([]));
    let abroad = EXAMPLE_PLAN.replace("\nsites:\n", "\nsites:\n  - { name: rome, tenant: nordtel, region: IT }\n");
    let published = publish(&mut operator, &[], &abroad);
    done(&published);
    let answer = published.json();
    let warning = &answer["warnings"][0];
    assert_eq!((&answer["revision"], &warning["code"]), (&json!(2), &json!("emergency_elsewhere")));
    assert_eq!(
        (&warning["path"], warning["line"].as_u64().is_some_and(|line| line > 1)),
        (&json!("/sites/0/region"), true)
    );
    let back = put_with(&mut operator, PATH, &[], &json!({"revision": 2}));
    assert_eq!(back.json()["warnings"], answer["warnings"]);
    assert!(
        operator.get(PATH).unwrap().json().get("warnings").is_none(),
        "what is published is not checked to be read"
    );
}

#[test]
fn s3_a_plan_with_faults_changes_nothing_and_each_fault_is_told_by_its_line() {
    let keyed = Keyed::with(&[("http.bulk_bytes_max", "131072")]);
    let mut operator = keyed.operator();
    done(&publish(&mut operator, &[], EXAMPLE_PLAN));
    serves(&mut operator, 1);
    let before = operator.get(PATH).unwrap().json();
    let misspelt = EXAMPLE_PLAN.replace("default_tenant: nordtel", "default_tenant: nobody\ncolour: red");
    let faults = refused(&publish(&mut operator, &[], &misspelt), 422, "plan_faulty");
    assert!(faults.len() >= 2 && faults.iter().all(|at| at.contains(':')), "{faults:?}");
    let doubled = format!("{EXAMPLE_PLAN}\n{EXAMPLE_PLAN}");
    for faulty in ["", "{}", "\u{0}", "a: [", doubled.as_str()] {
        refused(&publish(&mut operator, &[], faulty), 422, "plan_faulty");
    }
    let not_utf8 = operator.request("PUT", PATH, &[("content-type", "text/yaml")], b"\xff\xfe").unwrap();
    refused(&not_utf8, 422, "plan_faulty");
    let huge = format!("{EXAMPLE_PLAN}\n{}", "# x\n".repeat(100_000));
    refused(&publish(&mut operator, &[], &huge), 413, "request_too_large");
    assert_eq!(operator.get(PATH).unwrap().json(), before);
    assert_eq!(operator.get("/v1/plans").unwrap().json()["items"].as_array().unwrap().len(), 1);
    let ready = operator.get("/readyz").unwrap().json();
    assert_eq!((&ready["plan_revision"], &ready["faults"]), (&json!(1), &json!([])));
}
