//! Requests in each form that they may have, with each defect that RFC 4475 and 3261 tell of, and any bytes at all.

use super::super::head::{HEAD_BYTES_MAX, LINES_MAX};
use super::super::reply::{Reply, Tags};
use super::super::response;
use super::Unread::Cut;
use super::*;

const WELL: &str = "OPTIONS sip:telness@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa1;rport\r\n\
                    Via: SIP/2.0/TCP 192.0.2.2;branch=z9hG4bKb2\r\nMax-Forwards: 70\r\n\
                    From: \"Op; <x>\" <sip:sbc@192.0.2.1;tag=no>;tag=a\r\nTo: <sip:telness@192.0.2.10;tag=no>\r\n\
                    Call-ID: c1@192.0.2.1\r\nCSeq: 7 OPTIONS\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n";

fn from() -> SocketAddr {
    "198.51.100.7:40001".parse().unwrap()
}

fn well() -> Request {
    Request::read(WELL.as_bytes()).unwrap().0
}

fn changed(from: &str, to: &str) -> String {
    assert!(WELL.contains(from), "{from}");
    WELL.replacen(from, to, 1)
}

#[test]
fn a_request_is_read_in_each_form_that_it_may_have() {
    let well = well();
    assert_eq!((well.method.as_str(), well.fault, well.has_to_tag()), ("OPTIONS", None, false));
    assert_eq!(Request::read(WELL.as_bytes()).unwrap().1, WELL.len());
    let compact = WELL
        .replace("Via:", "v  :")
        .replace("From:", "F:")
        .replace("To:", "t:")
        .replace("Call-ID:", "I:")
        .replace("Content-Length: 0", "l:0");
    let folded = WELL.replace("Max-Forwards: 70", "Max-Forwards:\r\n 0070").replace("SIP/2.0\r", "sip/2.0\r");
    let after_blank = format!("\r\n\r\n{WELL}");
    let old = WELL.replace("Max-Forwards: 70\r\n", "");
    for form in [compact, folded, after_blank, old] {
        assert_eq!(Request::read(form.as_bytes()), Ok((well.clone(), form.len())), "{form}");
    }
    let with_body = format!("{}v=0\r\n", changed("Length: 0", "Length: 5"));
    assert_eq!(Request::read(with_body.as_bytes()), Ok((well, with_body.len())));
    let in_dialogue = Request::read(changed(";tag=no>\r", ";tag=no> ; Tag=b\r").as_bytes()).unwrap().0;
    assert!(in_dialogue.has_to_tag());
    let requiring = changed("Accept:", "Require: 100rel, path\r\nRequire: x\r\nAccept:");
    let requiring = Request::read(requiring.as_bytes()).unwrap().0;
    assert_eq!((requiring.requires, requiring.fault), (["100rel", "path", "x"].map(str::to_owned).to_vec(), None));
}

#[test]
fn every_beginning_of_a_request_is_cut_and_none_is_one() {
    for cut in 0..WELL.len() {
        assert_eq!(Request::read(&WELL.as_bytes()[..cut]), Err(Cut), "{cut}");
    }
}

#[test]
fn what_is_wrong_and_can_be_answered_is_told() {
    for (from, to) in [
        ("OPTIONS sip", "OPTIONS  sip"),
        ("OPTIONS sip", " OPTIONS sip"),
        ("SIP/2.0\r", "SIP/2.0 \r"),
        ("OPTIONS sip", "OPT{}NS sip"),
        ("192.0.2.10 SIP", "192.0.2.10; lr SIP"),
        ("Accept:", "Acc ept:"),
        ("Accept: a", "Accept a"),
        ("Via: SIP", " and on\r\nVia: SIP"),
        ("Max-Forwards: 70", "Max-Forwards: 256"),
        ("Max-Forwards: 70", "Max-Forwards: -1"),
        ("Max-Forwards: 70", "Max-Forwards: 70\r\nMax-Forwards: 70"),
        ("7 OPTIONS", "7 INVITE"),
        ("7 OPTIONS", "7 options"),
        ("7 OPTIONS", "2147483648 OPTIONS"),
        ("7 OPTIONS", "36893488147419103232 OPTIONS"),
        ("7 OPTIONS", "x OPTIONS"),
        ("7 OPTIONS", "7 OPTIONS\r\nCSeq: 8 OPTIONS"),
        ("Length: 0", "Length: -999"),
        ("Length: 0", "Length: 0\r\nContent-Length: 5"),
        ("Call-ID", "Call-ID: c2\r\nCall-ID"),
        ("\"Op; <x>\"", "\"Op; <x>"),
        ("10;tag=no>\r", "10;tag=no\r"),
        ("Accept:", "Require: a b\r\nAccept:"),
    ] {
        let wrong = changed(from, to);
        let fault = Request::read(wrong.as_bytes()).map(|(request, _)| request.fault);
        assert!(matches!(fault, Ok(Some(Fault::Malformed(_)))), "{wrong}: {fault:?}");
    }
    let mut latin = WELL.replace("Op;", "O#;").into_bytes();
    let at = latin.iter().position(|byte| *byte == b'#').unwrap();
    latin[at] = 0xe9;
    assert!(matches!(Request::read(&latin).unwrap().0.fault, Some(Fault::Malformed(_))));
    for (from, to, fault) in [
        ("SIP/2.0\r", "SIP/7.0\r", Fault::Version),
        ("Length: 0", "Length: 65537", Fault::TooLarge),
        ("Length: 0", "Length: 99999999999999999999", Fault::TooLarge),
    ] {
        let wrong = changed(from, to);
        assert_eq!(Request::read(wrong.as_bytes()).unwrap().0.fault, Some(fault), "{wrong}");
    }
}

#[test]
fn what_cannot_be_answered_is_no_request() {
    for (from, to) in [
        ("OPTIONS sip:telness@192.0.2.10 SIP/2.0", "SIP/2.0 200 OK"),
        ("OPTIONS sip:telness@192.0.2.10 SIP/2.0", "GET / HTTP/1.1"),
        ("OPTIONS sip:telness@192.0.2.10 SIP/2.0", "OPTIONS SIP/2.0"),
        ("SIP/2.0/UDP 192.0.2.1:5070", "nonsense"),
        ("From: ", "From: \r\nX: "),
        ("To: ", "X: "),
        ("Call-ID: ", "X: "),
        ("CSeq: ", "X: "),
        ("Accept: a", "Accept: \0a"),
        ("Accept: a", "Accept: \na"),
        ("Accept: a", "Accept: \ra"),
    ] {
        let wrong = changed(from, to);
        assert!(matches!(Request::read(wrong.as_bytes()), Err(Malformed(_))), "{wrong}");
    }
    let no_via = WELL.replace("Via:", "X:");
    assert_eq!(Request::read(no_via.as_bytes()), Err(Malformed("it has no Via")));
    let long = changed("application", &"x".repeat(HEAD_BYTES_MAX));
    assert_eq!(Request::read(long.as_bytes()), Err(Malformed("its head is too long")));
    let many = changed("Accept:", &"X: y\r\n".repeat(LINES_MAX + 1));
    assert_eq!(Request::read(many.as_bytes()), Err(Malformed("its head has too many lines")));
}

#[test]
fn a_response_repeats_what_names_its_request() {
    let (tags, reply) = (Tags::default(), Reply::new(200, "OK").with("Allow", "OPTIONS"));
    let text = reply.written(&well(), from(), &tags);
    let tag = text.lines().find_map(|line| line.strip_prefix("To: <sip:telness@192.0.2.10;tag=no>;tag=")).unwrap();
    assert_eq!(
        text,
        format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa1;received=198.51.100.7;rport=40001\r\n\
             Via: SIP/2.0/TCP 192.0.2.2;branch=z9hG4bKb2\r\nFrom: \"Op; <x>\" <sip:sbc@192.0.2.1;tag=no>;tag=a\r\n\
             To: <sip:telness@192.0.2.10;tag=no>;tag={tag}\r\nCall-ID: c1@192.0.2.1\r\nCSeq: 7 OPTIONS\r\nAllow: OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        )
    );
    assert_eq!(text, reply.written(&well(), from(), &tags), "one that is sent again is answered the same");
    assert_ne!(text, reply.written(&well(), from(), &Tags::default()), "the tag is this process's");
    let in_dialogue = Request::read(changed(";tag=no>\r", ";tag=no>;tag=b\r").as_bytes()).unwrap().0;
    assert!(reply.written(&in_dialogue, from(), &tags).contains("To: <sip:telness@192.0.2.10;tag=no>;tag=b\r\n"));
}

#[test]
fn a_datagram_is_never_answered_by_one_that_is_much_larger() {
    let small = "OPTIONS sip:a SIP/2.0\r\nv:SIP/2.0/UDP a\r\nf:<sip:a>\r\nt:<sip:a>\r\ni:1\r\nCSeq:1 OPTIONS\r\n\r\n";
    let request = Request::read(small.as_bytes()).unwrap().0;
    let reply = Reply::new(405, "Method Not Allowed").with("Allow", "OPTIONS").because(&"long ".repeat(40));
    let datagram = |request: &Request, bytes| reply.datagram(request, bytes, from(), &Tags::default());
    let in_short = datagram(&request, small.len()).unwrap();
    assert!(in_short.len() <= small.len() + 192 && in_short.contains("Allow") && !in_short.contains("Warning"));
    assert!(datagram(&request, 400).unwrap().contains("Warning"));
    // Each line of Via comes back with a longer name.
    let many = small.replace("f:", &format!("{}f:", "v:a\r\n".repeat(100)));
    let request = Request::read(many.as_bytes()).unwrap().0;
    assert_eq!((request.fault, datagram(&request, many.len())), (None, None));
}

proptest::proptest! {
    #[test]
    fn s3_no_bytes_of_whoever_asks_end_the_one_who_answers(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..512),
        at in 0..WELL.len(),
        cut in 0..64_usize,
    ) {
        let _ = Request::read(&bytes);
        let mut damaged = WELL.as_bytes()[..at].to_vec();
        damaged.extend_from_slice(&bytes);
        damaged.extend_from_slice(WELL.as_bytes().get(at + cut..).unwrap_or_default());
        let _ = Request::read(&damaged);
    }

    /// Whatever was put into a request in one place, its response is one, and its own; and no header more than is meant.
    #[test]
    fn p3_nothing_in_a_request_makes_another_header_of_its_response(
        put in "[ -~\r\n\t]{0,40}",
        at in 0..WELL.len(),
    ) {
        let (before, after) = WELL.split_at(at);
        let Ok((request, _)) = Request::read(format!("{before}{put}{after}").as_bytes()) else { return Ok(()) };
        let text = Reply::new(503, "Service Unavailable").because("of\r\nthis \"").written(&request, from(), &Tags::default());
        let lines = text.split("\r\n").count();
        proptest::prop_assert_eq!(lines, 1 + request.vias.len() + 4 + 1 + 1 + 2);
        proptest::prop_assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        if request.fault.is_none() && request.top().unwrap().branch.is_some() {
            let (response, bytes) = response::read(text.as_bytes()).unwrap();
            proptest::prop_assert_eq!((response.status, bytes), (503, text.len()));
            proptest::prop_assert_eq!(response.call_id, request.call_id);
        }
    }
}
