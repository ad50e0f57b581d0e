//! What is malformed, oversized, cut short, nested deep or contradictory gets a problem document and leaves nothing,
//! unless it is an emergency call.

use std::io::Write as _;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use telness_testkit::Response;

use crate::served::{Served, read_to_end};

pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

pub(crate) fn post(served: &Served, headers: &[(&str, &str)], body: &[u8]) -> Response {
    // The test kit adds a content type of its own to a body, so the bytes are written here.
    let mut bytes =
        format!("POST /v1/calls HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    headers.iter().for_each(|(name, value)| bytes.push_str(&format!("{name}: {value}\r\n")));
    bytes.push_str("\r\n");
    parse(&served.raw(&[bytes.as_bytes(), body].concat()))
}

pub(crate) fn parse(answer: &str) -> Response {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Response { status, headers: lines.map(header).collect(), body: body.as_bytes().to_vec() }
}

/// It is a problem document, and says of itself what the status line says.
fn problem(response: &Response, what: &str) -> Value {
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{what}: {}", response.text());
    let document = response.json();
    assert_eq!(document["status"], response.status, "{what}");
    let name = document["reason"]["name"].as_str().unwrap();
    assert_eq!(document["type"], format!("urn:telness:reason:{name}"), "{what}");
    let id = response.header("x-request-id").unwrap();
    assert_eq!(document["instance"], format!("urn:telness:request:{id}"), "{what}");
    document
}

#[test]
fn every_bad_body_has_its_problem_and_leaves_nothing_behind() {
    let served = Served::start();
    let deep = format!("{{\"to\":\"0701740605\",\"metadata\":{}1{}}}", "[".repeat(30_000), "]".repeat(30_000));
    let long = format!("{{\"to\":\"{}\"}}", "1".repeat(300));
    let cases: Vec<(&[u8], u16, &str, &[&str])> = vec![
        (b"", 400, "request_unreadable", &[""]),
        (b"{", 400, "request_unreadable", &[""]),
        (b"{\"to\":\"0701740605\"", 400, "request_unreadable", &[""]),
        (b"[]", 400, "request_unreadable", &[""]),
        (b"\"112\"", 400, "request_unreadable", &[""]),
        (b"{\"to\":\"0701740605\"} x", 400, "request_unreadable", &[""]),
        (b"{\"to\":\"0701740605\",\"metadata\":{\"a\":\"\xff\"}}", 400, "request_unreadable", &[""]),
        (b"{\"to\":\"0701740605\",\"to\":\"0701740606\"}", 400, "request_unreadable", &["to"]),
        (deep.as_bytes(), 422, "field_invalid", &["metadata"]),
        (long.as_bytes(), 413, "request_too_large", &["to"]),
        (b"{}", 422, "field_missing", &["to"]),
        (b"{\"to\":[]}", 422, "field_invalid", &["to"]),
        (b"{\"to\":\"07\"}", 422, "number_invalid", &["to"]),
        (b"{\"to\":\"0701740605\",\"colour\":1}", 422, "field_unknown", &["colour"]),
        (b"{\"to\":\"0701740605\",\"location\":{\"latitude\":59}}", 422, "field_missing", &["location.longitude"]),
        (b"{\"to\":\"x\",\"from\":1,\"type\":\"fax\"}", 422, "field_invalid", &["from", "type", "to"]),
        (b"{\"to\":\"0701740605\",\"from\":\"\\ud800\",\"trace\":1}", 400, "request_unreadable", &["from", "trace"]),
        (b"{\"to\":\"0701740605\",\"from\":7,}", 400, "request_unreadable", &[""]),
        (b"{\"to\":\"0701740605\n\"}", 400, "request_unreadable", &["to"]),
        (b"{\"to\":\"112\\ud835\"}", 400, "request_unreadable", &["to"]),
        (b"{\"to\":112", 400, "request_unreadable", &[""]),
    ];
    for (body, status, reason, fields) in cases {
        let what = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let response = post(&served, &[JSON], body);
        let document = problem(&response, &what);
        assert_eq!(
            (response.status, document["reason"]["name"].as_str()),
            (status, Some(reason)),
            "{what}: {document}"
        );
        let errors = document["errors"].as_array().unwrap();
        let found: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(found, fields, "{what}");
    }
    assert_eq!(served.recorded(), 0);
}

#[test]
fn a_wrong_head_has_its_problem_too() {
    let served = Served::start();
    let good = b"{\"to\":\"+46701740605\",\"from\":\"+46846500401\"}";
    let cases: [(&[(&str, &str)], u16, &str); 6] = [
        (&[], 415, "media_type_unsupported"),
        (&[("content-type", "text/plain")], 415, "media_type_unsupported"),
        (&[("content-type", "application/json; charset=latin1")], 415, "media_type_unsupported"),
        (&[JSON, JSON], 415, "media_type_unsupported"),
        (&[JSON, ("idempotency-key", "")], 422, "field_invalid"),
        (&[JSON, ("authorization", "Basic abc")], 401, "unauthenticated"),
    ];
    for (headers, status, reason) in cases {
        let response = post(&served, headers, good);
        assert_eq!(problem(&response, reason)["reason"]["name"], reason);
        assert_eq!(response.status, status);
        assert_eq!(response.header("www-authenticate").is_some(), status == 401);
    }
    let key = "k".repeat(256);
    assert_eq!(post(&served, &[JSON, ("idempotency-key", &key)], good).status, 422);
    assert_eq!(served.recorded(), 0);
}

#[test]
fn too_large_is_refused_declared_or_not() {
    let served = Served::with(&[("http.body_bytes_max", "1024")]);
    let declared = served.raw(b"POST /v1/calls HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n{");
    assert_eq!(problem(&parse(&declared), "declared")["reason"]["name"], "request_too_large");
    let chunk = format!("400\r\n{}\r\n", " ".repeat(1024));
    let head = "POST /v1/calls HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunked = served.raw(format!("{head}{chunk}{chunk}0\r\n\r\n").as_bytes());
    assert!(chunked.starts_with("HTTP/1.1 413 "), "{chunked}");
    assert_eq!(served.recorded(), 0);
}

#[test]
fn what_is_no_http_gets_no_more_than_a_status() {
    let served = Served::start();
    let long_line = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000));
    let many = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(1000));
    let cases: [&[u8]; 8] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /v1/calls HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/calls HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"POST /v1/calls HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"to\":",
        long_line.as_bytes(),
        many.as_bytes(),
    ];
    for bytes in cases {
        let answer = served.raw(bytes);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(served.client().get("/healthz").unwrap().status, 200);
    assert_eq!(served.recorded(), 0);
}

#[test]
fn wrong_paths_and_methods_say_so() {
    let served = Served::start();
    let mut client = served.client();
    for path in
        ["/", "/v1", "/v1/calls/", "/v2/calls", "/docs/../x", "/docs/none.js", "/v1/calls/x/trace", "/v1/calls/%ff"]
    {
        let response = client.get(path).unwrap();
        assert_eq!(
            (response.status, &problem(&response, path)["reason"]["name"]),
            (404, &"not_found".into()),
            "{path}"
        );
    }
    let response = client.request("DELETE", "/v1/calls", &[], b"").unwrap();
    assert_eq!(problem(&response, "DELETE")["reason"]["name"], "method_not_allowed");
    let mut allowed: Vec<&str> = response.header("allow").unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!((response.status, allowed), (405, vec!["GET", "HEAD", "POST"]));
    let unknown = client.get("/v1/calls/019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11").unwrap();
    assert_eq!(problem(&unknown, "unknown")["reason"]["name"], "not_found");
    let wrong = client.get("/v1/calls?limit=0&colour=1").unwrap();
    assert_eq!(problem(&wrong, "query")["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn any_bytes_as_a_body_are_no_fault_of_ours() {
    let served = Served::start();
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let jsonlike = r#"\{("(to|from|type|metadata|location|trace|diversions)":("[+0-9a-z\\"]{0,12}"|[0-9e.]{1,6}|\[\]|null|\{\}),?){0,6}\}?"#;
    let body = prop_oneof![bytes, jsonlike.prop_map(String::into_bytes)];
    let path = prop_oneof![Just("/v1/calls"), Just("/v1/calls/019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11/events")];
    let client = std::cell::RefCell::new(served.client());
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(path, body), |(path, body)| {
        let response = client.borrow_mut().request("POST", path, &[], &body).unwrap();
        prop_assert!(response.status < 500, "{} for {:?}", response.status, String::from_utf8_lossy(&body));
        prop_assert!(response.status < 300 || response.header("content-type") == Some("application/problem+json"));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn the_fuzzers_corpus_is_no_fault_of_ours() {
    let served = Served::start();
    let mut client = served.client();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/request");
    let mut files = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let body = std::fs::read(&path).unwrap();
        telness::http::read_bodies(&body);
        let response = client.request("POST", "/v1/calls", &[], &body).unwrap();
        assert!(response.status < 500, "{}: {}", path.display(), response.text());
        files += 1;
    }
    assert!(files >= 20, "the corpus is gone: {files} files");
}

#[test]
fn every_refused_request_for_a_call_is_counted() {
    let served = Served::with(&[("http.body_bytes_max", "1024"), ("http.request_ms_max", "200")]);
    let head = "POST /v1/calls HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    served.raw(format!("{head}content-length: 2000\r\n\r\n{}", " ".repeat(2000)).as_bytes());
    served.raw(format!("{head}content-length: 20\r\n\r\n{{").as_bytes());
    let mut slow = served.connect();
    slow.write_all(format!("{head}content-length: 20\r\n\r\n{{").as_bytes()).unwrap();
    read_to_end(&mut slow);
    let metrics = served.client().get("/metrics").unwrap().text();
    for reason in ["request_too_large", "request_unreadable", "request_timeout"] {
        let counted = metrics.lines().any(|line| {
            line.starts_with("telness_calls_total{")
                && line.contains(&format!("reason=\"{reason}\""))
                && line.ends_with(" 1")
        });
        assert!(counted, "{reason}: {metrics}");
    }
}
