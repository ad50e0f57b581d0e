//! Versions, preconditions, several in one change, pages, and the log.

use std::sync::Barrier;

use serde_json::json;

use super::{Keyed, berit, delete, done, put, put_berit, put_with, refused};

const BERIT: &str = "/v1/tenants/nordtel/users/berit";

#[test]
fn of_two_writers_of_the_same_version_one_wins_and_the_other_is_told_which_is_there() {
    let keyed = Keyed::start();
    put_berit(&mut keyed.operator());
    for round in 0..10 {
        let read = keyed.operator().get(BERIT).unwrap();
        let tag = done(&read);
        assert_eq!(tag, format!("\"{}\"", read.json()["version"]));
        let barrier = Barrier::new(2);
        let answers: Vec<_> = std::thread::scope(|scope| {
            let write = |writer: u32| {
                let (keyed, barrier, tag) = (&keyed, &barrier, tag.as_str());
                scope.spawn(move || {
                    let mut client = keyed.operator();
                    let body = json!({"extension": format!("2{round}{writer}")});
                    barrier.wait();
                    put_with(&mut client, BERIT, &[("if-match", tag)], &body)
                })
            };
            let writers = [write(1), write(2)];
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
        let (won, lost) = if answers[0].status == 200 { (0, 1) } else { (1, 0) };
        refused(&answers[lost], 412, "precondition_failed");
        assert_eq!(answers[lost].header("etag"), answers[won].header("etag"), "what is there is told");
        let now = keyed.operator().get(BERIT).unwrap();
        assert_eq!(now.json()["extension"], answers[won].json()["extension"]);
    }
}

#[test]
fn what_has_to_be_there_is_there_or_nothing_changes() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    let path = "/v1/tenants/granen";
    refused(&put_with(&mut operator, path, &[("if-match", "*")], &json!({})), 412, "precondition_failed");
    refused(&put_with(&mut operator, path, &[("if-match", "\"1\"")], &json!({})), 412, "precondition_failed");
    let made = put_with(&mut operator, path, &[("if-none-match", "*")], &json!({}));
    assert_eq!((made.status, made.header("location")), (201, Some(path)));
    let again = put_with(&mut operator, path, &[("if-none-match", "*")], &json!({}));
    refused(&again, 412, "precondition_failed");
    assert_eq!(again.header("etag"), made.header("etag"));
    for no_version_of_it in ["W/\"1\"", "\"x\"", "1"] {
        let response = put_with(&mut operator, path, &[("if-match", no_version_of_it)], &json!({}));
        refused(&response, 412, "precondition_failed");
    }
    let both = [("if-match", "*"), ("if-none-match", "*")];
    assert_eq!(refused(&put_with(&mut operator, path, &both, &json!({})), 422, "field_invalid"), ["If-None-Match"]);
    // What was read can be put back as it is, and says itself what has to be there.
    let mut read = operator.get(path).unwrap().json();
    let changed = put(&mut operator, path, &read);
    assert_eq!(changed.status, 200);
    refused(&put(&mut operator, path, &read), 412, "precondition_failed");
    read["version"] = changed.json()["version"].clone();
    let tag = done(&changed);
    let other = put_with(&mut operator, path, &[("if-match", "\"1\"")], &read);
    assert_eq!(refused(&other, 422, "field_invalid"), ["version"]);
    assert_eq!(operator.request("GET", path, &[("if-none-match", &tag)], b"").unwrap().status, 304);
    refused(&delete(&mut operator, path, &[("if-match", "\"1\"")]), 412, "precondition_failed");
    assert_eq!(delete(&mut operator, path, &[("if-match", &tag)]).status, 204);
}

#[test]
fn what_others_need_or_have_is_a_conflict() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    put_berit(&mut operator);
    refused(&delete(&mut operator, BERIT, &[]), 409, "conflict");
    refused(&delete(&mut operator, "/v1/tenants/nordtel", &[]), 409, "conflict");
    refused(&put(&mut operator, "/v1/tenants/nordtel/users/carl", &berit()), 409, "conflict");
    refused(&put(&mut operator, "/v1/tenants/nobody/users/carl", &json!({})), 409, "conflict");
    let of_nobody = json!({"state": "assigned", "tenant": "nordtel", "user": "nobody"});
    refused(&put(&mut operator, "/v1/numbers/+46701740698", &of_nobody), 409, "conflict");
    done(&put(&mut operator, "/v1/blocks/+46701740600", &json!({"last": "+46701740699"})));
    let within = put(&mut operator, "/v1/blocks/+46701740650", &json!({"last": "+46701740750"}));
    refused(&within, 409, "conflict");
    refused(&operator.get("/v1/blocks/+46701740650").unwrap(), 404, "not_found");
}

#[test]
fn several_are_put_in_one_change_or_none_is() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    done(&put(&mut operator, "/v1/tenants/nordtel", &json!({})));
    let path = "/v1/tenants/nordtel/users";
    let user = |at: usize| json!({"name": format!("user-{at:04}"), "extension": format!("{}", 2000 + at)});
    let good = json!({"items": (0..2_000).map(user).collect::<Vec<_>>()});
    let answer = operator.post(&format!("{path}?comment=moved%20in"), &good).unwrap();
    done(&answer);
    assert_eq!(answer.json()["count"], 2_000);
    let bad = json!({"items": [
        {"name": "carl"}, {"name": "user-0001", "version": 1}, {"name": "dora"}, {"name": "user-0002", "version": 2}
    ]});
    let fields = refused(&operator.post(path, &bad).unwrap(), 412, "precondition_failed");
    assert_eq!(fields, ["items[1]"], "the other one is of that version");
    let wrong = json!({"items": [{"name": "carl"}, {"nme": "x"}, 7, {"name": "A B", "devices": [{"trunk": 1}]}]});
    let fields = refused(&operator.post(path, &wrong).unwrap(), 422, "field_missing");
    let expected = [
        "items[1].name",
        "items[1].nme",
        "items[2]",
        "items[3].name",
        "items[3].devices[0].trunk",
        "items[3].devices[0].number",
    ];
    assert_eq!(fields, expected);
    let twice = json!({"items": [{"name": "carl"}, {"name": "carl"}]});
    assert_eq!(refused(&operator.post(path, &twice).unwrap(), 422, "field_invalid"), ["items[1]"]);
    refused(&operator.post(path, &json!({"items": []})).unwrap(), 422, "field_invalid");
    for (header, tag) in [("If-Match", "\"17\""), ("If-None-Match", "*")] {
        let items = json!({"items": [{"name": "carl"}]}).to_string();
        let headers = [("Content-Type", "application/json"), (header, tag)];
        let answer = operator.request("POST", path, &headers, items.as_bytes()).unwrap();
        assert_eq!(refused(&answer, 422, "field_invalid"), [header], "passed over, it would promise what is not kept");
    }
    let others = json!({"items": [{"name": "carl", "tenant": "granen"}]});
    assert_eq!(refused(&operator.post(path, &others).unwrap(), 422, "field_invalid"), ["items[0].tenant"]);
    refused(&operator.get(&format!("{path}/carl")).unwrap(), 404, "not_found");
    let log = operator.get("/v1/changes?entity=user&limit=1000").unwrap().json();
    let log = log["items"].as_array().unwrap();
    assert_eq!((log.len(), &log[0]["place"], &log[0]["comment"]), (1000, &json!(1999), &json!("moved in")));
}

#[test]
fn pages_have_each_thing_once_and_only_the_tenants_own() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    for tenant in ["nordtel", "granen"] {
        done(&put(&mut operator, &format!("/v1/tenants/{tenant}"), &json!({})));
    }
    let numbers = (0..250).map(|at| {
        let tenant = if at % 2 == 0 { "nordtel" } else { "granen" };
        json!({"number": format!("+46701740{at:03}"), "state": "quarantined", "tenant": tenant})
    });
    done(&operator.post("/v1/numbers", &json!({"items": numbers.collect::<Vec<_>>()})).unwrap());
    for (mut client, filter, expected) in [
        (keyed.operator(), "", 250),
        (keyed.operator(), "&tenant=nordtel", 125),
        (keyed.nordtel(), "", 125),
        (keyed.granen(), "&tenant=granen", 125),
        (keyed.granen(), "&tenant=nordtel", 0),
    ] {
        let mut path = format!("/v1/numbers?limit=40{filter}");
        let mut seen = Vec::new();
        loop {
            let response = client.get(&path).unwrap();
            let page = response.json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|one| one["number"].to_string()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/v1/numbers?limit=40{filter}&cursor={next}");
            assert_eq!(response.header("link"), Some(format!("<{path}>; rel=\"next\"").as_str()));
        }
        assert_eq!(seen.len(), expected, "{filter}");
        assert!(seen.is_sorted() && seen.windows(2).all(|two| two[0] != two[1]));
    }
}

#[test]
fn the_log_says_who_changed_what_from_what_to_what_and_why() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    put_berit(&mut operator);
    let path = format!("{BERIT}?comment=hon%20%C3%A4r%20borta");
    let mut away = berit();
    away["preferences"] = json!({"do_not_disturb": true});
    done(&put(&mut operator, &path, &away));
    let log = operator.get("/v1/changes?tenant=nordtel&entity=user&key=nordtel/berit").unwrap().json();
    let [latest, first] = log["items"].as_array().unwrap().as_slice() else { panic!("{log}") };
    assert_eq!((&latest["author"], &latest["comment"]), (&json!("anna"), &json!("hon är borta")));
    assert_eq!(latest["before"]["preferences"]["do_not_disturb"], false);
    assert_eq!(latest["after"]["preferences"]["do_not_disturb"], true);
    assert_eq!((&first["before"], &first["comment"]), (&json!(null), &json!("")));
    let one = operator.get("/v1/changes?limit=1").unwrap().json();
    let rest = operator.get(&format!("/v1/changes?cursor={}", one["next"].as_str().unwrap())).unwrap().json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 3);
}
