//! A SIP listener as it is met: asked by our own client and by others, wrongly, in pieces, and by too many at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use telness_core::class::Workflow;
use telness_core::plan::Transport;
use telness_engine::Unready;
use telness_engine::config::{Settings, SipSettings};
use telness_engine::sip::{Asked, Client, Request, TlsRoots, read_response};
use telness_engine::supervise::Supervisor;
use telness_engine::telemetry::Metrics;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::answer::reply;
use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A listener that is ready until it is told otherwise.
struct Listener {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    usable: Arc<AtomicBool>,
    edge: Supervisor,
}

impl Listener {
    async fn start(change: impl FnOnce(&mut SipSettings)) -> Self {
        let (metrics, edge) = (Arc::new(Metrics::new()), Supervisor::new());
        let usable = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&usable);
        let unready = move || (!asked.load(Ordering::SeqCst)).then_some(Unready::NoEmergencyRoute);
        let answerer = Answerer::new(Workflow::High, Arc::clone(&metrics), unready);
        let sockets = open("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (address, stop, mut limits) = (sockets.address, edge.stopping(), Settings::defaults().sip);
        change(&mut limits);
        edge.task("the SIP edge", async move { serve(sockets, answerer, &limits, &stop).await });
        Self { address, metrics, usable, edge }
    }

    async fn ask(&self, transport: Transport) -> Asked {
        Client::new(PATIENCE, TlsRoots::default()).ask(&self.address.to_string(), transport).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn counts(&self, line: &str) {
        let metrics = self.metrics.render();
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

fn request(method: &str) -> String {
    format!(
        "{method} sip:192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKa1;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:sbc@192.0.2.1>;tag=a\r\nTo: <sip:192.0.2.10>\r\nCall-ID: c1\r\nCSeq: 7 {method}\r\n\
         User-Agent: a switch with a name that is about as long as theirs are\r\nContent-Length: 0\r\n\r\n"
    )
}

/// What comes back for a datagram.
async fn heard(socket: &UdpSocket) -> String {
    let mut buffer = vec![0; 4096];
    let bytes = timeout(PATIENCE, socket.recv(&mut buffer)).await.expect("nothing came back").unwrap();
    String::from_utf8(buffer[..bytes].to_vec()).unwrap()
}

/// What comes on a connection until it is closed.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut text)).await.expect("it is not closed").unwrap();
    text
}

#[tokio::test]
async fn e16_options_fails_while_no_emergency_route_is_usable_and_says_nothing_of_coming_back() {
    let listener = Listener::start(|_| {}).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for (usable, status) in [(true, 200), (false, 503), (true, 200)] {
        listener.usable.store(usable, Ordering::SeqCst);
        for transport in [Transport::Udp, Transport::Tcp] {
            assert_eq!(listener.ask(transport).await, Asked::Answered(status), "{transport:?}");
        }
        socket.send_to(request("OPTIONS").as_bytes(), listener.address).await.unwrap();
        let text = heard(&socket).await;
        assert_eq!(read_response(text.as_bytes()), Some(status));
        assert!(!text.contains("Retry-After"), "{text}");
        let says =
            if usable { "\r\nAllow: OPTIONS\r\nAccept: " } else { "\r\nWarning: 399 telness \"no emergency route is" };
        assert!(text.contains(says), "{text}");
    }
    listener.counts("telness_sip_answers_total{workflow=\"high\",method=\"OPTIONS\",status=\"503\"} 3\n");
    listener.edge.drain().await;
    let gone = listener.ask(Transport::Udp).await;
    assert!(matches!(gone, Asked::Refused(_)), "{gone:?}");
}

#[test]
fn each_request_has_the_answer_that_rfc_3261_has_for_it() {
    let status = |text: &str| reply(&Request::read(text.as_bytes()).unwrap().0, || None).map(|reply| reply.status);
    let changed = |from: &str, to: &str| {
        let well = request("OPTIONS");
        assert!(well.contains(from), "{from}");
        status(&well.replacen(from, to, 1))
    };
    for (method, expected) in [
        ("OPTIONS", Some(200)),
        ("ACK", None),
        ("CANCEL", Some(481)),
        ("INVITE", Some(405)),
        ("BYE", Some(405)),
        ("REGISTER", Some(405)),
        ("options", Some(501)),
        ("NEWMETHOD", Some(501)),
    ] {
        assert_eq!(status(&request(method)), expected, "{method}");
    }
    for (from, to, expected) in [
        ("Max-Forwards: 70", "Max-Forwards: 0", 200),
        ("sip:192.0.2.10 SIP", "SIPS:anybody@elsewhere.example SIP", 200),
        ("sip:192.0.2.10 SIP", "tel:+46846500401 SIP", 200),
        ("sip:192.0.2.10 SIP", "http://192.0.2.10/ SIP", 416),
        ("sip:192.0.2.10 SIP", "nonsense SIP", 416),
        ("Max-Forwards:", "Require: 100rel, path\r\nMax-Forwards:", 420),
        ("SIP/2.0\r", "SIP/7.0\r", 505),
        ("Length: 0", "Length: 70000", 513),
        ("Length: 0", "Length: x", 400),
        ("7 OPTIONS", "7 INVITE", 400),
    ] {
        assert_eq!(changed(from, to), Some(expected), "{to}");
    }
    let wrong_ack = request("ACK").replace("Length: 0", "Length: x");
    assert_eq!(status(&wrong_ack), None, "nobody answers an ACK, a wrong one least of all");
    let refused = reply(&Request::read(request("INVITE").as_bytes()).unwrap().0, || None).unwrap();
    assert_eq!(refused.headers, [("Allow", "OPTIONS".to_owned())]);
}

#[test]
fn s3_the_fuzzers_corpus_is_read_and_each_answer_is_one_response() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sip");
    let (mut answers, mut responses) = (0, 0);
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        responses += usize::from(read_response(&bytes).is_some());
        let Some(answer) = answer_to(&bytes, "198.51.100.7:40001".parse().unwrap(), None) else { continue };
        assert!(answer.starts_with("SIP/2.0 ") && answer.ends_with("\r\n\r\n"), "{path:?}: {answer}");
        assert_eq!(answer.matches("\r\n\r\n").count(), 1, "{path:?}: {answer}");
        assert!(!answer.replace("\r\n", "").contains(['\r', '\n', '\0']), "{path:?}: {answer}");
        answers += 1;
    }
    assert!(answers >= 20 && responses >= 2, "the corpus is gone: {answers} answers, {responses} responses");
}

#[tokio::test]
async fn a_response_to_a_datagram_goes_where_its_request_came_from_or_to_the_port_that_it_names() {
    let listener = Listener::start(|_| {}).await;
    let (asks, hears) = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
    asks.send_to(request("OPTIONS").as_bytes(), listener.address).await.unwrap();
    let port = asks.local_addr().unwrap().port();
    assert!(heard(&asks).await.contains(&format!(";branch=z9hG4bKa1;received=127.0.0.1;rport={port}\r\n")));
    let port = hears.local_addr().unwrap().port();
    let named = request("OPTIONS").replace(":5070;branch=z9hG4bKa1;rport", &format!(":{port};branch=z9hG4bKa1"));
    asks.send_to(named.as_bytes(), listener.address).await.unwrap();
    assert!(heard(&hears).await.contains(&format!("Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKa1\r\n")));
}

#[tokio::test]
async fn s4_no_datagram_keeps_the_next_one_from_its_answer() {
    let listener = Listener::start(|_| {}).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let response = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=b\r\nFrom: <sip:a>\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS";
    let large = format!("OPTIONS sip:a SIP/2.0\r\n{}", "v: SIP/2.0/UDP a\r\n".repeat(3000));
    let dropped = [b"\0".as_slice(), b"GET / HTTP/1.1\r\n\r\n", &[0xff; 1500], response.as_bytes(), large.as_bytes()];
    let cut = request("OPTIONS").replace("Length: 0", "Length: 10");
    for datagram in dropped.into_iter().chain([b"".as_slice(), b"\r\n\r\n", request("ACK").as_bytes(), cut.as_bytes()])
    {
        socket.send_to(datagram, listener.address).await.unwrap();
    }
    let text = heard(&socket).await;
    assert!(text.starts_with("SIP/2.0 400 Bad Request\r\n") && text.contains("its body is shorter"), "{text}");
    assert_eq!(listener.ask(Transport::Udp).await, Asked::Answered(200));
    listener.counts("telness_sip_dropped_total{workflow=\"high\",why=\"malformed\"} 5\n");
    listener.counts("telness_sip_dropped_total{workflow=\"high\",why=\"ack\"} 1\n");
}

#[tokio::test]
async fn a_connection_is_read_as_it_comes_and_answers_each_request_in_turn() {
    let listener = Listener::start(|_| {}).await;
    let mut stream = listener.connect().await;
    stream.set_nodelay(true).unwrap();
    let with_body = request("INVITE").replace("Length: 0", "Length: 5") + "v=0\r\n";
    let all = ["\r\n\r\n", &request("OPTIONS"), &with_body, "\r\n", &request("ACK"), &request("BYE")].concat();
    for piece in all.as_bytes().chunks(37) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    stream.shutdown().await.unwrap();
    let text = read_to_end(&mut stream).await;
    let answers: Vec<&str> = text.lines().filter(|line| line.starts_with("SIP/2.0")).collect();
    assert_eq!(
        answers,
        ["SIP/2.0 200 OK", "SIP/2.0 405 Method Not Allowed", "SIP/2.0 405 Method Not Allowed"],
        "{text}"
    );
}

#[tokio::test]
async fn a_connection_ends_where_the_next_request_cannot_be_found() {
    let listener = Listener::start(|_| {}).await;
    let wrong = request("OPTIONS").replace("Length: 0", "Length: x");
    let too_large = request("OPTIONS").replace("Length: 0", "Length: 70000") + &"x".repeat(70_000);
    for (sent, answered) in [
        (wrong + &request("OPTIONS"), "SIP/2.0 400 Bad Request\r\n"),
        (too_large, "SIP/2.0 513 Message Too Large\r\n"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), ""),
        ("x".repeat(9000), ""),
    ] {
        let mut stream = listener.connect().await;
        // It may be closed before all is written.
        let _ = stream.write_all(sent.as_bytes()).await;
        let mut text = String::new();
        let read = timeout(PATIENCE, stream.read_to_string(&mut text)).await;
        assert!(read.is_ok(), "it is not closed");
        assert!(text.starts_with(answered) && text.matches("SIP/2.0 ").count() <= 1, "{answered}: {text}");
        assert_eq!(text.is_empty(), answered.is_empty(), "{text}");
    }
    assert_eq!(listener.ask(Transport::Tcp).await, Asked::Answered(200));
}

#[tokio::test]
async fn whoever_is_idle_or_slow_is_let_go() {
    let listener = Listener::start(|limits| limits.idle_max = Duration::from_millis(50)).await;
    assert_eq!(read_to_end(&mut listener.connect().await).await, "");
    let listener = Listener::start(|limits| limits.message_max = Duration::from_millis(50)).await;
    let mut slow = listener.connect().await;
    slow.write_all(b"OPTIONS").await.unwrap();
    assert_eq!(read_to_end(&mut slow).await, "");
}

#[tokio::test]
async fn connections_that_are_only_open_keep_nobody_out() {
    let listener = Listener::start(|limits| limits.connections_max = 2).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(listener.connect().await);
        assert_eq!(listener.ask(Transport::Tcp).await, Asked::Answered(200));
    }
    listener.edge.drain().await;
    for stream in &mut open {
        assert_eq!(read_to_end(stream).await, "", "a stop ends them");
    }
}

#[tokio::test]
async fn connections_that_send_a_message_without_an_end_keep_nobody_out() {
    let slow = |limits: &mut SipSettings| {
        (limits.connections_max, limits.message_max) = (2, Duration::from_secs(3_600));
    };
    let listener = Listener::start(slow).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut stream = listener.connect().await;
        stream.write_all(b"OPTIONS sip:a SIP/2.0\r\n").await.unwrap();
        open.push(stream);
    }
    assert_eq!(listener.ask(Transport::Tcp).await, Asked::Answered(200));
}
