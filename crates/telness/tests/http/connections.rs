//! Connections: slow ones, too many, pipelined ones, and those that are open when the service stops.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::served::{Served, read_to_end};

const BODY: &str = "{\"to\":\"+46701740605\",\"from\":\"+46846500401\"}";

fn head(extra: &str) -> String {
    let length = BODY.len();
    format!(
        "POST /v1/calls HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{extra}\r\n"
    )
}

/// Reads until `text` has come so often.
fn read_until(stream: &mut TcpStream, text: &str, times: usize) -> String {
    let mut all = String::new();
    let mut buffer = [0; 4096];
    while all.matches(text).count() < times {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "it ended after {all}");
        all.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    all
}

#[test]
fn who_sends_a_byte_at_a_time_is_cut_off() {
    let served = Served::with(&[("http.header_read_ms_max", "200")]);
    let mut slow = served.connect();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: ").unwrap();
    // It keeps on sending, one header byte at a time, until the service closes.
    let cut_off = telness_testkit::eventually(crate::served::PATIENCE, || slow.write_all(b"x").err());
    assert!(cut_off.is_some(), "it may send for ever");
}

#[test]
fn a_connection_without_a_request_is_closed_after_a_while_and_not_before_its_answer() {
    let served = Served::with(&[("http.idle_ms_max", "200")]);
    let mut stream = served.connect();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    // The answer, and then the end, without a word from the client.
    assert!(read_to_end(&mut stream).contains("\"ok\""));
}

#[test]
fn the_limits_of_a_head_are_settings() {
    let served = Served::with(&[("http.header_lines_max", "16"), ("http.head_bytes_max", "8192")]);
    let answer = |extra: &str| {
        let mut stream = served.connect();
        stream
            .write_all(format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{extra}\r\n").as_bytes())
            .unwrap();
        read_to_end(&mut stream)
    };
    assert!(answer(&"a: b\r\n".repeat(14)).starts_with("HTTP/1.1 200 "));
    assert!(answer(&"a: b\r\n".repeat(15)).starts_with("HTTP/1.1 431 "));
    assert!(answer(&format!("a: {}\r\n", "b".repeat(9_000))).starts_with("HTTP/1.1 431 "));
}

#[test]
fn a_head_may_be_as_large_as_the_limit_and_not_a_byte_more() {
    let served = Served::with(&[("http.head_bytes_max", "32768")]);
    let empty = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\na: \r\n\r\n".len();
    let status = |bytes: usize| {
        let value = "b".repeat(bytes - empty);
        served.raw(format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\na: {value}\r\n\r\n").as_bytes())
            [9..12]
            .to_owned()
    };
    assert_eq!(status(32_768), "200");
    for bytes in [32_769, 33_000, 40_000, 60_000, 100_000] {
        assert_eq!(status(bytes), "431", "{bytes} bytes");
    }
    let uri = served.raw(format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(60_000)).as_bytes());
    assert!(uri.starts_with("HTTP/1.1 431 "), "{uri}");
    let served = Served::with(&[("http.head_bytes_max", "131072")]);
    let uri = served.raw(format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000)).as_bytes());
    assert!(uri.starts_with("HTTP/1.1 414 "), "{uri}");
}

#[test]
fn who_sends_more_than_is_read_has_its_answer_all_the_same() {
    let served = Served::start();
    let large = " ".repeat(2 << 20);
    let body = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n{large}", large.len());
    for (line, status, reason) in [
        ("POST /v1/calls", "413", "request_too_large"),
        ("POST /v1/calls/019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11/events", "413", "request_too_large"),
        ("POST /v1/none", "404", "not_found"),
        ("PUT /v1/calls", "405", "method_not_allowed"),
    ] {
        for _ in 0..5 {
            // All is sent before anything is read, as many clients do.
            let mut stream = served.connect();
            stream.write_all(format!("{line} HTTP/1.1\r\nhost: x\r\n{body}").as_bytes()).unwrap();
            let answer = read_to_end(&mut stream);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.contains(reason), "{line}: {answer}");
        }
    }
    let mut head = served.connect();
    head.write_all(format!("GET /healthz HTTP/1.1\r\nhost: x\r\na: {large}\r\n\r\n").as_bytes()).unwrap();
    assert!(read_to_end(&mut head).starts_with("HTTP/1.1 431 "));
}

#[test]
fn an_event_that_says_it_is_too_large_is_refused_before_it_comes() {
    let served = Served::start();
    let mut stream = served.connect();
    let path = "/v1/calls/019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11/events";
    let head = "host: x\r\ncontent-type: application/json\r\ncontent-length: 2097152\r\nexpect: 100-continue";
    stream.write_all(format!("POST {path} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).unwrap();
    let answer = read_to_end(&mut stream);
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("request_too_large"), "{answer}");
}

#[test]
fn a_body_that_does_not_come_is_a_problem() {
    let served = Served::with(&[("http.request_ms_max", "200")]);
    let mut slow = served.connect();
    slow.write_all(head("").as_bytes()).unwrap();
    slow.write_all(&BODY.as_bytes()[..5]).unwrap();
    let answer = read_to_end(&mut slow);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
    assert_eq!(served.recorded(), 0);
}

#[test]
fn requests_one_behind_the_other_are_answered_in_order() {
    let served = Served::start();
    let mut stream = served.connect();
    let one = |id: usize| format!("{}{BODY}", head(&format!("x-request-id: r{id}\r\n")));
    let all: String = (0..20).map(one).collect();
    stream.write_all(all.as_bytes()).unwrap();
    let answers = read_until(&mut stream, "\"received_at\"", 20);
    let places: Vec<usize> = (0..20).map(|id| answers.find(&format!("x-request-id: r{id}\r\n")).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(served.recorded(), 20);
}

#[test]
fn an_idle_connection_makes_room_for_a_call() {
    let served = Served::with(&[("http.connections_max", "2")]);
    let mut idle: Vec<TcpStream> = (0..2).map(|_| served.connect()).collect();
    for stream in &mut idle {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        read_until(stream, "\"ok\"", 1);
    }
    assert_eq!(served.client().get("/healthz").unwrap().status, 200);
}

#[test]
fn a_half_sent_head_makes_room_too() {
    let served = Served::with(&[("http.connections_max", "2"), ("http.header_read_ms_max", "3600000")]);
    let held: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut stream = served.connect();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nho").unwrap();
            stream
        })
        .collect();
    assert_eq!(served.client().get("/healthz").unwrap().status, 200);
    drop(held);
}

#[test]
fn a_request_in_hand_is_not_cut_off_to_make_room() {
    let served = Served::with(&[("http.connections_max", "1")]);
    let mut busy = served.connect();
    busy.write_all(head("expect: 100-continue\r\n").as_bytes()).unwrap();
    read_until(&mut busy, "100 Continue", 1);
    let mut waiting = served.connect();
    waiting.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    busy.write_all(BODY.as_bytes()).unwrap();
    assert!(read_to_end(&mut busy).starts_with("HTTP/1.1 201 "));
    read_until(&mut waiting, "\"ok\"", 1);
}

#[test]
fn a_request_in_hand_at_the_stop_is_answered() {
    let served = Served::start();
    let mut idle = served.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    read_until(&mut idle, "\"ok\"", 1);
    let mut busy = served.connect();
    busy.write_all(head("expect: 100-continue\r\n").as_bytes()).unwrap();
    read_until(&mut busy, "100 Continue", 1);
    served.begin_stop();
    // The idle connection ends at once; then no more are taken.
    assert_eq!(read_to_end(&mut idle), "");
    let refused = telness_testkit::eventually(crate::served::PATIENCE, || TcpStream::connect(served.address).err());
    assert!(refused.is_some(), "new connections are still taken");
    busy.write_all(BODY.as_bytes()).unwrap();
    let answer = read_to_end(&mut busy);
    assert!(answer.starts_with("HTTP/1.1 201 ") && answer.contains("connection: close"), "{answer}");
    served.stopped();
}

#[test]
fn who_sends_too_much_at_the_stop_has_its_answer_all_the_same() {
    let served = Served::start();
    let mut idle = served.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    read_until(&mut idle, "\"ok\"", 1);
    let large = " ".repeat(2 << 20);
    let mut sending: Vec<TcpStream> = (0..5).map(|_| served.connect()).collect();
    for stream in &mut sending {
        let head = "content-type: application/json\r\nexpect: 100-continue";
        let head = format!("POST /v1/calls HTTP/1.1\r\nhost: x\r\n{head}\r\ncontent-length: {}\r\n\r\n", large.len());
        stream.write_all(head.as_bytes()).unwrap();
        read_until(stream, "100 Continue", 1);
    }
    served.begin_stop();
    assert_eq!(read_to_end(&mut idle), "");
    for mut stream in sending {
        let mut pieces = large.as_bytes().chunks(128 << 10);
        stream.write_all(pieces.next().unwrap()).unwrap();
        // Its answer has come, and it goes on sending: what it does not know of must not become an error.
        assert!(stream.peek(&mut [0]).unwrap() > 0);
        pieces.for_each(|piece| stream.write_all(piece).unwrap());
        let answer = read_to_end(&mut stream);
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("request_too_large"), "{answer}");
    }
    served.stopped();
}

#[test]
fn e14_a_stop_that_is_announced_takes_calls_on_and_sends_each_client_elsewhere() {
    let served = Served::start();
    let mut kept_open = served.client();
    let call = serde_json::json!({ "to": "112" });
    assert_eq!(kept_open.post("/v1/calls", &call).unwrap().header("connection"), None);
    served.node.as_ref().unwrap().engine.begin_stop();
    assert_eq!(served.client().get("/readyz").unwrap().status, 503);
    // One that is open and one that is new: both are answered, and told not to come again.
    for mut client in [kept_open, served.client()] {
        let answer = client.post("/v1/calls", &call).unwrap();
        assert_eq!((answer.status, answer.header("connection")), (201, Some("close")), "{}", answer.text());
    }
    served.stopped();
}

#[test]
fn the_stop_has_an_end_whatever_a_client_does() {
    let served = Served::with(&[("http.drain_ms_max", "100")]);
    let mut busy = served.connect();
    busy.write_all(head("expect: 100-continue\r\n").as_bytes()).unwrap();
    read_until(&mut busy, "100 Continue", 1);
    served.stopped();
    assert_eq!(read_to_end(&mut busy), "");
}
