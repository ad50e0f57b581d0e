//! An emergency call is taken by its destination alone, whatever stands beside it and wherever the request ends (E8).

use std::io::Write as _;

use serde_json::Value;
use telness_testkit::Response;

use crate::bad_input::{JSON, parse, post};
use crate::served::{PATIENCE, Served, read_to_end};

/// It was carried as an emergency call; gives its notes as `field: reason`.
fn carried(response: &Response, what: &str) -> Vec<String> {
    assert_eq!(response.status, 201, "{what}: {}", response.text());
    let answer = response.json();
    assert_eq!((&answer["class"], &answer["action"]), (&"emergency".into(), &"route".into()), "{what}");
    let note =
        |note: &Value| format!("{}: {}", note["field"].as_str().unwrap(), note["reason"]["name"].as_str().unwrap());
    answer["notes"].as_array().unwrap().iter().map(note).collect()
}

#[test]
fn e8_the_destination_alone_is_enough() {
    let served = Served::start();
    let bodies: [&[u8]; 9] = [
        b"{\"to\":\"112\"}",
        b"{\"to\":112}",
        b"{\"to\":\"112\",\"from\":7,\"type\":\"fax\",\"privacy\":{},\"colour\":1,\"trace\":\"x\"}",
        b"{\"to\":\"112\",\"location\":{\"latitude\":1e999,\"longitude\":\"east\"}}",
        b"{\"metadata\":{\"name\":\"\xc5sa\"},\"to\":\"112\"}",
        b"{\"metadata\":[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]],\"to\":\"112\"}",
        b"{\"from\":\"\\udead\",\"to\":\"112\"}",
        b"{\"to\":\"112\",\"to\":\"112\"}",
        b"{\"to\":\"112\",\"diversions\":[1,2,{\"by\":3}],\"sip_call_id\":\"a b\"}",
    ];
    for body in bodies {
        let what = String::from_utf8_lossy(body);
        let response = post(&served, &[("idempotency-key", "\u{e5}")], body);
        let notes = carried(&response, &what);
        assert!(notes.contains(&"Content-Type: media_type_unsupported".to_owned()), "{what}: {notes:?}");
    }
    // Nor does a key that is wrong, from a network on the list, stop it (E7).
    let denied = post(&served, &[JSON, ("authorization", "Bearer wrong")], b"{\"to\":\"112\"}");
    assert_eq!(denied.status, 201, "{}", denied.text());
    // Their records do not hold the answers up; they follow.
    let all = telness_testkit::eventually(PATIENCE, || (served.recorded() == bodies.len() + 1).then_some(()));
    assert!(all.is_some(), "only {} are recorded", served.recorded());
}

#[test]
fn e5_nothing_beside_the_destination_makes_an_emergency_call_or_makes_it_less() {
    let served = Served::start();
    let says_so = [
        JSON,
        ("priority", "emergency"),
        ("resource-priority", "esnet.0"),
        ("x-emergency", "true"),
        ("x-telness-class", "emergency"),
        ("x-telness-workflow", "high"),
    ];
    let other = br#"{"from":"+46846500401","to":"+46846500402","type":"pbx",
        "metadata":{"class":"emergency","priority":"emergency","service":"urn:service:sos","to":"112"}}"#;
    let answer = post(&served, &says_so, other);
    assert_eq!((answer.status, &answer.json()["class"]), (201, &"normal".into()), "{}", answer.text());
    let with_class = br#"{"from":"+46846500401","to":"+46846500402","type":"pbx","class":"emergency"}"#;
    assert_eq!(post(&served, &says_so, with_class).status, 422, "there is no such field");

    let less = [JSON, ("priority", "non-urgent"), ("x-telness-class", "background"), ("x-telness-workflow", "low")];
    let body = br#"{"to":"112","class":"background","metadata":{"class":"normal","priority":"non-urgent"}}"#;
    carried(&post(&served, &less, body), "an emergency call that is said to be none");
}

#[test]
fn e10_what_was_sent_of_a_place_is_kept_and_what_was_used_is_marked() {
    let served = Served::start();
    let pidf = "<presence><Point srsName=\"urn:ogc:def:crs:EPSG::4326\"><pos>59.33 18.06</pos></Point></presence>";
    let sent = serde_json::json!({
        "to": "112", "location": { "pidf_lo": pidf, "latitude": "north", "longitude": 18.06, "site": "nowhere" }
    });
    let response = post(&served, &[JSON], sent.to_string().as_bytes());
    assert_eq!(carried(&response, "a bad location"), ["location.latitude: field_invalid"]);
    let answer = response.json();
    let used = &answer["location_used"];
    assert_eq!((&used["source"], &used["default"]), (&"region".into(), &true.into()), "the example has no areas");
    assert_eq!(used["passed_over"], serde_json::json!(["pidf_lo", "site"]));
    assert_eq!(used["routes_of"], "region");
    let target = &answer["steps"][0]["targets"][0];
    assert_eq!(
        (&target["response_ms"], &target["setup_ms"], &target["ring_ms"]),
        (&2000.into(), &8000.into(), &Value::Null)
    );
    let path = format!("/v1/calls/{}", answer["id"].as_str().unwrap());
    let record = telness_testkit::eventually(PATIENCE, || {
        let found = served.client().get(&path).ok().filter(|found| found.status == 200)?;
        Some(found.json())
    });
    let record = record.unwrap();
    assert_eq!(record["location_used"], *used);
    let kept = &record["location"];
    assert_eq!((&kept["pidf_lo"], &kept["pidf_lo_read"]["latitude"]), (&pidf.into(), &59.33.into()));
    let as_sent: Value = serde_json::from_str(kept["sent"].as_str().unwrap()).unwrap();
    assert_eq!(as_sent, sent["location"]);
    let metrics = served.client().get("/metrics").unwrap().text();
    for line in [
        "telness_emergency_located_total{source=\"region\",default=\"true\"} 1",
        "telness_emergency_routes_total{routes_of=\"region\"} 1",
        "telness_emergency_locations_sent_total 1",
        "telness_emergency_locations_bad_total 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    // Of any other call it is a fault like each other.
    let other = sent.to_string().replace("112", "+46846500401");
    assert_eq!(post(&served, &[JSON], other.as_bytes()).status, 422);
}

#[test]
fn e8_what_is_wrong_with_the_destination_itself_does_not_lose_it() {
    let served = Served::start();
    let many: String = (0..129).map(|at| format!("\"a{at}\":1,")).collect();
    let parameters = "a".repeat(250);
    let cases = [
        (format!("{{{many}\"to\":\"112\"}}"), "a0: field_unknown"),
        (format!("{{\"to\":\"112{}\"}}", " ".repeat(260)), "to: request_too_large"),
        (format!("{{\"to\":\"sip:112@example.net;user=phone;x={parameters}\"}}"), "to: request_too_large"),
        ("{\"to\":\"112\n\"}".to_owned(), "to: request_unreadable"),
        ("{\"to\":\"\t112\"}".to_owned(), "to: request_unreadable"),
        (r#"{"to":"sip:112@x\ud800.example"}"#.to_owned(), "to: request_unreadable"),
        (r#"{"to":"0701740605","to":"112"}"#.to_owned(), "to: request_unreadable"),
        (r#"{"to":"112","to":"0701740605"}"#.to_owned(), "to: request_unreadable"),
        (r#"{"to":{},"to":112}"#.to_owned(), "to: request_unreadable"),
    ];
    for (body, note) in &cases {
        let notes = carried(&post(&served, &[JSON], body.as_bytes()), body);
        assert!(notes.iter().any(|one| one == note), "{body}: {notes:?}");
    }
    assert_eq!(carried(&post(&served, &[JSON], br#"{"to":null,"to":"112"}"#), "null"), [""; 0]);
    // Of a text that is too long the record keeps what a number may have.
    let records = telness_testkit::eventually(PATIENCE, || {
        let calls = served.client().get("/v1/calls").unwrap().json()["calls"].as_array().unwrap().clone();
        (calls.len() == cases.len() + 1).then_some(calls)
    });
    for call in records.expect("all are recorded") {
        let sent = call["to"]["sent"].as_str().unwrap();
        assert!(sent.len() <= 256 && sent.contains("112"), "{sent}");
    }
}

#[test]
fn e2_a_destination_that_is_too_long_is_classed_whole() {
    let served = Served::start();
    // Cut anywhere after the third digit it would read as 112.
    let body = format!("{{\"to\":\"112{}0701740605\"}}", " ".repeat(300));
    let response = post(&served, &[JSON], body.as_bytes());
    assert_eq!((response.status, served.recorded()), (413, 0), "{}", response.text());
}

#[test]
fn e8_a_body_that_breaks_off_after_its_destination_is_carried() {
    let served = Served::start();
    let bodies: [&[u8]; 9] = [
        br#"{"to":"112",}"#,
        br#"{"to":"112","location":{"municipality":0180}}"#,
        br#"{"to":"112","location":{"latitude":NaN}}"#,
        br#"{"to":"112","from":+4670}"#,
        br#"{"to":"112","from":"+46"#,
        br#"{"to":"112"}x"#,
        b"{\"to\":\"112\"}\0",
        br#"{"to":"112" "from":"+46846500401"}"#,
        br#"{"to":"0701740605","to":"112","x":}"#,
    ];
    for body in bodies {
        let what = String::from_utf8_lossy(body);
        let notes = carried(&post(&served, &[JSON], body), &what);
        assert!(notes.contains(&": request_unreadable".to_owned()), "{what}: {notes:?}");
    }
}

#[test]
fn e8_a_body_that_does_not_arrive_whole_is_carried_by_what_arrived() {
    let served = Served::with(&[("http.request_ms_max", "200"), ("http.body_bytes_max", "1024")]);
    let head = "POST /v1/calls HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let long = " ".repeat(2000);
    let cases = [
        (format!("{head}content-length: 500\r\n\r\n{{\"to\":\"112\",\"from\":\"+46"), ": request_unreadable"),
        (format!("{head}transfer-encoding: chunked\r\n\r\nc\r\n{{\"to\":\"112\"}}\r\n"), ": request_unreadable"),
        (format!("{head}content-length: 2100\r\n\r\n{{\"to\":\"112\",\"from\":\"{long}"), ": request_too_large"),
    ];
    for (bytes, note) in &cases {
        assert_eq!(carried(&parse(&served.raw(bytes.as_bytes())), bytes), [*note], "{bytes}");
    }
    // One that stays away is waited for, and then the call is carried.
    let mut slow = served.connect();
    slow.write_all(cases[0].0.as_bytes()).unwrap();
    assert_eq!(carried(&parse(&read_to_end(&mut slow)), "slow"), [": request_timeout"]);
}
