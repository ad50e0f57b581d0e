//! What is no request: unknown fields, wrong types, other encodings, huge bodies, paths that lead elsewhere.

use serde_json::json;

use super::{Keyed, done, put, put_berit, refused};

const BERIT: &str = "/v1/tenants/nordtel/users/berit";

#[test]
fn every_wrong_field_is_told_by_its_path_and_nothing_changes() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    put_berit(&mut operator);
    let before = operator.get(BERIT).unwrap().json();
    let wrong = json!({
        "name": "carl", "tenant": 7, "extension": "2a", "devices": [{"trunk": "T", "number": "201", "x": 1}, null],
        "preferences": {"do_not_disturb": "yes", "language": "Swedish!", "colour": 1}, "version": "17", "color": 1,
    });
    let fields = refused(&put(&mut operator, BERIT, &wrong), 422, "field_invalid");
    for field in [
        "name",
        "tenant",
        "extension",
        "devices[0].trunk",
        "devices[0].number",
        "devices[0].x",
        "devices[1]",
        "preferences.do_not_disturb",
        "preferences.language",
        "preferences.colour",
        "version",
        "color",
    ] {
        assert!(fields.iter().any(|found| found == field), "{field} is not among {fields:?}");
    }
    let of_number =
        |operator: &mut _, body| refused(&put(operator, "/v1/numbers/+46701740699", &body), 422, "field_invalid");
    let holder = json!({"state": "quarantined", "tenant": "nordtel", "user": "berit"});
    assert_eq!(of_number(&mut operator, holder), ["user"]);
    let cutover = json!({"state": "ported_in", "tenant": "nordtel", "user": "berit"});
    assert_eq!(of_number(&mut operator, cutover), ["cutover"]);
    let time = json!({"state": "ported_in", "tenant": "nordtel", "user": "berit", "cutover": "tomorrow"});
    assert_eq!(of_number(&mut operator, time), ["cutover"]);
    let missing = refused(&put(&mut operator, "/v1/numbers/+46701740699", &json!({})), 422, "field_missing");
    assert_eq!(missing, ["state", "tenant"]);
    let backwards = put(&mut operator, "/v1/blocks/+46701740600", &json!({"last": "+46701740500"}));
    assert_eq!(refused(&backwards, 422, "field_invalid"), ["last"]);
    let prefixes = json!({"outside_line_prefixes": ["0", "a", 9]});
    let fields = refused(&put(&mut operator, "/v1/tenants/nordtel", &prefixes), 422, "field_invalid");
    assert_eq!(fields, ["outside_line_prefixes[1]", "outside_line_prefixes[2]"]);
    assert_eq!(operator.get(BERIT).unwrap().json(), before);
}

#[test]
fn bodies_that_are_no_json_are_refused_as_such() {
    let keyed = Keyed::with(&[("http.bulk_bytes_max", "131072")]);
    let mut operator = keyed.operator();
    put_berit(&mut operator);
    let mut send = |kind: &str, body: &[u8]| operator.request("PUT", BERIT, &[("content-type", kind)], body).unwrap();
    let json = "application/json";
    let deep = format!("{}{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    for body in [&b"{"[..], b"[]", b"", b"\xff\xfe{}", b"{\"name\":\"\xff\"}", b"{} {}", b"nul"] {
        refused(&send(json, body), 400, "request_unreadable");
    }
    refused(&send(json, br#"{"extension":"201","extension":"202"}"#), 400, "request_unreadable");
    assert!(!send(json, deep.as_bytes()).is_success());
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=latin1"]
    {
        refused(&send(kind, b"{}"), 415, "media_type_unsupported");
    }
    let huge = format!("{{\"name\": \"{}\"}}", "x".repeat(70_000));
    refused(&operator.request("PUT", BERIT, &[], huge.as_bytes()).unwrap(), 413, "request_too_large");
    let huge = format!("{{\"items\": [{}]}}", "{},".repeat(100_000));
    let refusal = operator.request("POST", "/v1/tenants", &[], huge.as_bytes()).unwrap();
    refused(&refusal, 413, "request_too_large");
}

#[test]
fn a_tenant_s_own_times_outlive_billing_and_its_rate_is_a_number_of_calls() {
    let keyed = Keyed::with(&[("billing.open_s_max", "86400")]);
    let mut operator = keyed.operator();
    let kept = |days: u32| json!({"retention": {"personal_days": days}});
    let short = put(&mut operator, "/v1/tenants/nordtel", &kept(1));
    refused(&short, 422, "field_invalid");
    assert!(short.text().contains("billing.open_s_max (86400 s)"), "{}", short.text());
    let several = json!({"items": [{"name": "granen"}, {"name": "nordtel", "retention": {"calls_days": 1}}]});
    let several = operator.post("/v1/tenants", &several).unwrap();
    assert_eq!(refused(&several, 422, "field_invalid"), ["items[1]"]);
    done(&put(&mut operator, "/v1/tenants/nordtel", &kept(2)));
    for wrong in [json!(0), json!(1_000_001), json!("5"), json!(1.5), json!(-1)] {
        let refused_rate = put(&mut operator, "/v1/tenants/nordtel", &json!({"calls_per_s_max": wrong}));
        assert_eq!(refused(&refused_rate, 422, "field_invalid"), ["calls_per_s_max"], "{wrong}");
    }
    done(&put(&mut operator, "/v1/tenants/nordtel", &json!({"calls_per_s_max": 50})));
    assert_eq!(operator.get("/v1/tenants/nordtel").unwrap().json()["calls_per_s_max"], 50);
}

#[test]
fn a_path_names_what_there_can_be_in_one_way_and_leads_nowhere_else() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    put_berit(&mut operator);
    for escaped in ["/v1/numbers/%2B46701740699", "/v1/tenants/n%6Frdtel", "/v1/tenants/nordtel/users/b%65rit"] {
        assert_eq!(operator.get(escaped).unwrap().status, 200, "{escaped}");
    }
    for wrong in [
        "/v1/numbers/46701740699",
        "/v1/numbers/%2046701740699",
        "/v1/numbers/+4670-174-06-99",
        "/v1/numbers/0701740699",
        "/v1/numbers/+46701740699%00",
        "/v1/numbers/+4670174069999999999",
        "/v1/numbers/",
        "/v1/tenants/..%2F..%2Fetc%2Fpasswd",
        "/v1/tenants/%2e%2e",
        "/v1/tenants/../tenants",
        "/v1/tenants/Nordtel",
        "/v1/tenants/nordtel%2Fusers%2Fberit",
        "/v1/tenants/%FF",
        "/v1/tenants/nordtel'--",
        "/v1/tenants/nordtel/users/%24%7Bx%7D",
        "/v1/tenants/nordtel/users/berit/",
        "/v1/decks/carrier-north/rows/1",
        "/v1/plans/0x1",
        "/v1/plans/-1",
        "/v1/plans/99999999999999999999",
    ] {
        refused(&operator.get(wrong).unwrap(), 404, "not_found");
        let put = put(&mut operator, wrong, &json!({}));
        assert!([404, 405].contains(&put.status), "{wrong}: {}", put.text());
    }
    let long = format!("/v1/tenants/{}", "a".repeat(65));
    refused(&put(&mut operator, &long, &json!({})), 404, "not_found");
}

#[test]
fn queries_are_read_strictly() {
    let keyed = Keyed::start();
    let mut operator = keyed.operator();
    put_berit(&mut operator);
    for (path, fields) in [
        ("/v1/tenants?limit=0", &["limit"][..]),
        ("/v1/tenants?limit=1001", &["limit"]),
        ("/v1/tenants?limit=1&limit=2", &["limit"]),
        ("/v1/tenants?cursor=A%20B", &["cursor"]),
        ("/v1/numbers?cursor=%2B46&tenant=%27", &["tenant", "cursor"]),
        ("/v1/plans?cursor=x", &["cursor"]),
        ("/v1/changes?cursor=1&entity=x", &["entity", "cursor"]),
    ] {
        assert_eq!(refused(&operator.get(path).unwrap(), 422, "field_invalid"), fields, "{path}");
    }
    for path in ["/v1/tenants?tenant=nordtel", "/v1/tenants/nordtel?x=1", "/v1/tenants/nordtel?comment=x"] {
        refused(&operator.get(path).unwrap(), 422, "field_unknown");
    }
    let long = format!("/v1/tenants/nordtel?comment={}", "x".repeat(513));
    assert_eq!(refused(&put(&mut operator, &long, &json!({})), 422, "field_invalid"), ["comment"]);
    let control = put(&mut operator, "/v1/tenants/nordtel?comment=a%0ab", &json!({}));
    assert_eq!(refused(&control, 422, "field_invalid"), ["comment"]);
    done(&put(&mut operator, "/v1/tenants/nordtel?comment=a%20b", &json!({})));
}
