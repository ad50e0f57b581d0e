//! Rate decks over HTTP: whole or not at all, with the lines of what is wrong.

use std::io::Write as _;

use serde_json::json;
use telness_testkit::{Client, Response};

use super::{Keyed, delete, done, refused};
use crate::served::read_to_end;

pub(super) const DECK: &str = "prefix,price,connection_fee,first_s,next_s,origin,surcharge,valid_from,valid_until\r\n\
     4670,0.0125,0.5,60,1,,,,\r\n4670,0.01,0,60,1,4790,0.002,2026-12-01T00:00:00.000000Z,2027-12-01T00:00:00.000000Z\r\n\
     47,0.3,0,1,1,,,,\r\n";

const PATH: &str = "/v1/decks/carrier-north";

fn load(client: &mut Client, query: &str, headers: &[(&str, &str)], csv: &[u8]) -> Response {
    let headers: Vec<_> = headers.iter().copied().chain([("content-type", "text/csv")]).collect();
    client.request("PUT", &format!("{PATH}?{query}"), &headers, csv).unwrap()
}

#[test]
fn s3_a_deck_comes_into_force_whole_and_can_be_read_back_as_it_was_sent() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    let loaded = load(&mut operator, "currency=SEK&comment=december", &[("if-none-match", "*")], DECK.as_bytes());
    assert_eq!(loaded.status, 201, "{}", loaded.text());
    let tag = done(&loaded);
    assert_eq!((&loaded.json()["rows"], loaded.header("location")), (&json!(3), Some(PATH)));
    let deck = operator.get(PATH).unwrap();
    assert_eq!(
        (done(&deck), &deck.json()["comment"], &deck.json()["author"]),
        (tag.clone(), &json!("december"), &json!("anna"))
    );
    let csv = operator.request("GET", &format!("{PATH}/rows"), &[("accept", "text/csv")], b"").unwrap();
    assert_eq!(csv.text(), DECK);
    let first = operator.get(&format!("{PATH}/rows?limit=2")).unwrap().json();
    assert_eq!((&first["items"][0]["price"], &first["items"][1]["origin"]), (&json!("0.0125"), &json!("4790")));
    let next = format!("{PATH}/rows?limit=2&cursor={}", first["next"].as_str().unwrap());
    let second = operator.get(&next).unwrap().json();
    assert_eq!((&second["items"][0]["prefix"], &second["next"]), (&json!("47"), &json!(null)));
    refused(
        &load(&mut operator, "currency=SEK", &[("if-none-match", "*")], DECK.as_bytes()),
        412,
        "precondition_failed",
    );
    refused(
        &load(&mut operator, "currency=SEK", &[("if-match", "\"1\"")], DECK.as_bytes()),
        412,
        "precondition_failed",
    );
    assert_eq!(load(&mut operator, "currency=EUR", &[("if-match", &tag)], DECK.as_bytes()).status, 200);
    refused(&operator.get(&next).unwrap(), 409, "conflict");
    let listed = operator.get("/v1/decks").unwrap().json();
    assert_eq!((&listed["items"][0]["currency"], &listed["next"]), (&json!("EUR"), &json!(null)));
    assert_eq!(delete(&mut operator, PATH, &[]).status, 204);
    refused(&operator.get(&format!("{PATH}/rows")).unwrap(), 404, "not_found");
}

#[test]
fn s3_a_malformed_row_refuses_the_deck_with_its_line() {
    let keyed = Keyed::with(&[("http.deck_bytes_max", "65536")]);
    let mut operator = keyed.operator();
    done(&load(&mut operator, "currency=SEK", &[], DECK.as_bytes()));
    let before = operator.get(PATH).unwrap().json();
    let wrong = format!("{DECK}48,much,0,60,1,,,,\r\n49,0.1\r\n47,0.3,0,1,1,,,,\r\n");
    let fields = refused(&load(&mut operator, "currency=SEK", &[], wrong.as_bytes()), 422, "deck_faulty");
    assert_eq!(fields, ["lines[5].price", "lines[6]", "lines[7]"]);
    let header = DECK.replace("price", "prize");
    assert_eq!(refused(&load(&mut operator, "currency=SEK", &[], header.as_bytes()), 422, "deck_faulty"), ["lines[1]"]);
    refused(&load(&mut operator, "currency=SEK", &[], b""), 422, "deck_faulty");
    refused(&load(&mut operator, "currency=SEK", &[], &DECK.as_bytes()[..82]), 422, "deck_faulty");
    let row = "4670,0.0125,0.5,60,1,,,,\r\n";
    let huge = format!("{DECK}{}", row.repeat(10_000));
    refused(&load(&mut operator, "currency=SEK", &[], huge.as_bytes()), 413, "request_too_large");
    assert_eq!(refused(&load(&mut operator, "", &[], DECK.as_bytes()), 422, "field_missing"), ["currency"]);
    assert_eq!(refused(&load(&mut operator, "currency=kr", &[], DECK.as_bytes()), 422, "field_invalid"), ["currency"]);
    let as_json = operator.request("PUT", &format!("{PATH}?currency=SEK"), &[], b"{}").unwrap();
    refused(&as_json, 415, "media_type_unsupported");
    assert_eq!(operator.get(PATH).unwrap().json(), before);
}

#[test]
fn s3_a_deck_that_breaks_off_is_not_taken_to_be_whole() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    // The rows so far make a good deck, but the sender said that there are more bytes, and goes.
    let mut stream = keyed.served.connect();
    let head = format!(
        "PUT {PATH}?currency=SEK HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\ncontent-type: text/csv\r\n\
         content-length: {}\r\n\r\n{DECK}",
        keyed.operator,
        DECK.len() + 100
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let answer = read_to_end(&mut stream);
    assert!(!answer.starts_with("HTTP/1.1 2"), "{answer}");
    refused(&operator.get(PATH).unwrap(), 404, "not_found");
    done(&load(&mut operator, "currency=SEK", &[], DECK.as_bytes()));
}
