//! `telness plan` and `telness route`.

use serde_json::{Value, json};
use telness_testkit::eventually;

use super::directory::{done, with_store};
use super::serving::Service;
use super::{CALLED, CALLER, folder, run, run_in, run_with};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/sweden.yaml");

#[test]
fn a_good_plan_is_code_0() {
    let ran = run(&["plan", "check", EXAMPLE]);
    assert_eq!(ran.code(), 0, "{}", ran.out());
    assert!(ran.out().contains(" is good: "));
    let json = run(&["plan", "check", EXAMPLE, "--json"]).json();
    assert_eq!(json["good"], true);
    assert!(json["counts"]["rules"].as_u64().unwrap() > 0);
    let plan = std::fs::read(EXAMPLE).unwrap();
    assert_eq!(run_with(&["plan", "check", "-"], &plan).code(), 0);
}

#[test]
fn a_faulty_plan_is_code_1_with_every_line_and_a_caret() {
    let folder = folder();
    std::fs::write(folder.path().join("bad.yaml"), "default_regoin: SE\ntrunks: 7\n").unwrap();
    let ran = run_in(&folder, &["plan", "check", "bad.yaml"]);
    assert_eq!(ran.code(), 1);
    assert!(ran.out().contains("bad.yaml:1:1") && ran.out().contains("bad.yaml:2:"), "{}", ran.out());
    assert!(ran.out().contains("^^^"));
    let json = run_in(&folder, &["plan", "check", "bad.yaml", "--json"]);
    assert_eq!((json.code(), &json.json()["good"]), (1, &false.into()));
    assert!(json.json()["faults"].as_array().unwrap().iter().any(|fault| fault["line"] == 1));
    assert_eq!(run_in(&folder, &["route", "--to", CALLED, "--plan", "bad.yaml"]).code(), 1);
    assert_eq!(run_in(&folder, &["serve", "--plan", "bad.yaml"]).code(), 1);
    assert_eq!(run(&["plan", "check", "/nonexistent.yaml"]).code(), 3);
}

#[test]
fn the_schema_is_json() {
    assert_eq!(run(&["plan", "schema"]).json()["title"], "telness plan");
}

#[test]
fn c6_a_call_is_tried_with_its_trace() {
    let id = "019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11";
    let arguments = ["route", "--from", CALLER, "--to", "070-174 06 05", "--id", id, "--at", "2026-11-23T08:00:00Z"];
    let ran = run(&arguments);
    assert_eq!(ran.code(), 0, "{}{}", ran.out(), ran.err());
    for part in [id, "answer  route: routed", "step 1", "weighed", "kept", CALLED, "drawn"] {
        assert!(ran.out().contains(part), "{part} is not in {}", ran.out());
    }
    assert_eq!(run(&arguments).out(), ran.out(), "the same call gives the same answer");
    let json = run(&[&arguments[..], &["--json"]].concat()).json();
    assert_eq!(json["decision"]["action"], "route");
    assert_eq!(json["to"]["number"], CALLED);
    assert!(!json["decision"]["trace"]["rules"].as_array().unwrap().is_empty());
}

#[test]
fn e7_an_emergency_call_is_routed_whatever_is_wrong_with_it() {
    let ran = run(&["route", "--to", "112", "--from", "not a number", "--json"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert_eq!((&ran.json()["class"], &ran.json()["workflow"]), (&"emergency".into(), &"high".into()));
    assert!(ran.json()["decision"]["steps"].as_array().unwrap().len() >= 2, "two routes at least (E9)");
}

#[test]
fn e10_a_call_is_tried_from_a_site_a_nomadic_caller_and_a_location_by_value() {
    let folder = folder();
    let places = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/emergency-places.yaml");
    let tried = |to: &str, more: &[&str]| {
        let ran = run_in(&folder, &[&["route", "--plan", places, "--to", to, "--json"][..], more].concat());
        (ran.code(), ran.json())
    };
    let used = |more: &[&str]| {
        let (code, tried) = tried("112", more);
        assert_eq!(code, 0, "{tried}");
        (tried["decision"]["location_used"].clone(), tried["notes"].clone())
    };
    let (site, _) = used(&["--site", "granen-office"]);
    assert_eq!((&site["source"], &site["address"]), (&json!("site"), &json!("Exempelgatan 1, Stockholm")));
    let (nomadic, _) = used(&["--site", "granen-office", "--nomadic"]);
    assert_eq!(
        (&nomadic["nomadic"], &nomadic["default"], &nomadic["address"]),
        (&json!(true), &json!(true), &Value::Null)
    );
    std::fs::write(folder.path().join("place.xml"), "<p><civicAddress><A3>Stockholm</A3></civicAddress></p>").unwrap();
    let (by_value, notes) = used(&["--pidf-lo", "place.xml"]);
    assert_eq!((&by_value["source"], &by_value["area"]), (&json!("civic_address"), &json!("stockholm")));
    assert_eq!(notes, json!([]));
    // What cannot be read is a note of an emergency call, and refuses another, as if it were sent.
    std::fs::write(folder.path().join("broken.xml"), "<p").unwrap();
    let (broken, notes) = used(&["--pidf-lo", "broken.xml"]);
    assert_eq!((&broken["passed_over"], &notes[0]["field"]), (&json!(["pidf_lo"]), &json!("location.pidf_lo")));
    let (code, other) = tried(CALLED, &["--pidf-lo", "broken.xml"]);
    assert_eq!((code, &other["refused"]["faults"][0]["field"]), (1, &json!("location.pidf_lo")));
    std::fs::write(folder.path().join("large.xml"), " ".repeat(16_385)).unwrap();
    assert_eq!(run_in(&folder, &["route", "--to", "112", "--pidf-lo", "large.xml"]).code(), 2);
    assert_eq!(run_in(&folder, &["route", "--to", "112", "--pidf-lo", "none.xml"]).code(), 3);
}

#[test]
fn a_call_that_would_not_be_taken_is_code_1_and_says_why() {
    let ran = run(&["route", "--to", "12345678901234567", "--json"]);
    assert_eq!(ran.code(), 1);
    assert_eq!(ran.json()["refused"]["faults"][0]["reason"], "number_invalid");
    let stranger = run(&["route", "--to", CALLED, "--from-address", "198.51.100.250", "--without-key", "--json"]);
    assert_eq!(stranger.code(), 1);
    assert_eq!(stranger.json()["refused"]["denials"][0]["reason"], "peer_unknown");
    assert!(run(&["route", "--to", "12345678901234567"]).out().contains("refused; nothing would be recorded"));
}

#[test]
fn names_that_the_plan_does_not_have_are_told_with_those_it_has() {
    for arguments in [["--tenant", "nobody"], ["--peer", "nobody"]] {
        let ran = run(&["route", "--to", CALLED, arguments[0], arguments[1]]);
        assert_eq!(ran.code(), 2);
        assert!(ran.err().contains("it has "), "{}", ran.err());
    }
    assert_eq!(run(&["route", "--to", CALLED, "--type", "fax"]).code(), 2);
    assert_eq!(run(&["route", "--to", CALLED, "--at", "noon"]).code(), 2);
    assert_eq!(run(&["route", "--to", CALLED, "--metadata", "x"]).code(), 2);
}

#[test]
fn a_call_is_tried_as_every_peer_of_the_example() {
    let plan = telness_core::plan::read_plan(&std::fs::read(EXAMPLE).unwrap(), 1).unwrap();
    for peer in &plan.peers {
        let listener = peer.listener.as_deref().unwrap_or("http");
        let ran = run(&["route", "--to", "112", "--peer", peer.name.as_str(), "--listener", listener, "--json"]);
        assert_eq!(ran.code(), 0, "{}: {}{}", peer.name, ran.out(), ran.err());
        assert_eq!(ran.json()["asker"]["peer"], peer.name.as_str());
    }
}

#[test]
fn c1_a_plan_is_published_listed_shown_and_gone_back_to_and_a_faulty_one_is_refused() {
    let folder = with_store();
    assert_eq!(run_in(&folder, &["plan", "show"]).code(), 1, "none is published yet");
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    let first =
        done(&folder, &["plan", "publish", EXAMPLE, "--comment", "the first", "--author", "anna", "--json"]).json();
    assert_eq!((&first["published"]["revision"], &first["serving_a_file"]), (&json!(1), &json!([])));
    assert_eq!(done(&folder, &["plan", "show"]).out(), text);
    std::fs::write(folder.path().join("second.yaml"), format!("# the second\n{text}")).unwrap();
    let version = first["published"]["version"].to_string();
    assert_eq!(run_in(&folder, &["plan", "publish", "second.yaml", "--if-absent"]).code(), 1);
    done(&folder, &["plan", "publish", "second.yaml", "--if-version", &version]);
    let stale = run_in(&folder, &["plan", "publish", "second.yaml", "--if-version", &version]);
    assert_eq!(stale.code(), 1, "{}", stale.err());
    std::fs::write(folder.path().join("bad.yaml"), "trunks: 7\n").unwrap();
    let bad = run_in(&folder, &["plan", "publish", "bad.yaml"]);
    assert_eq!(bad.code(), 1);
    assert!(bad.out().contains("bad.yaml:1:9"), "{}", bad.out());
    assert_eq!(run_in(&folder, &["plan", "publish", "bad.yaml", "--json"]).json()["good"], false);
    assert_eq!(run_in(&folder, &["plan", "publish", "no-such-file"]).code(), 3);
    assert!(done(&folder, &["plan", "back", "1"]).out().starts_with("plan revision 1 is published: change 3\n"));
    assert_eq!(run_in(&folder, &["plan", "back", "9"]).code(), 1);
    let listed = done(&folder, &["plan", "list", "--limit", "1", "--json"]).json();
    assert_eq!((&listed["plans"][0]["revision"], &listed["published"]["revision"]), (&json!(2), &json!(1)));
    let rest = done(&folder, &["plan", "list", "--before", &listed["next"].to_string(), "--json"]).json();
    assert_eq!((&rest["plans"][0]["comment"], &rest["next"]), (&json!("the first"), &Value::Null));
    assert!(done(&folder, &["plan", "list"]).out().contains("the first  (published)"));
    assert_eq!(done(&folder, &["plan", "show", "2", "--json"]).json()["text"], format!("# the second\n{text}"));
}

#[test]
fn who_publishes_a_plan_is_told_what_its_check_warns_of() {
    let folder = with_store();
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    let (sites, site) = (
        "\nsites:\n",
        "\nsites:\n  - { name: rome, tenant: nordtel, region: IT }\n  - { name: bern, tenant: nordtel, region: CH }\n",
    );
    assert_eq!(text.matches(sites).count(), 1);
    std::fs::write(folder.path().join("abroad.yaml"), text.replace(sites, site)).unwrap();
    let expected = "warning[emergency_elsewhere]: 115: a call for help in IT";
    let first = done(&folder, &["plan", "publish", "abroad.yaml"]).out();
    assert!(first.contains(expected) && first.contains("--> abroad.yaml:"), "{first}");
    assert!(first.contains("plan revision 1 is published"), "{first}");
    let back = done(&folder, &["plan", "back", "1", "--json"]).json();
    assert_eq!(
        (&back["published"]["revision"], &back["warnings"][0]["code"]),
        (&json!(1), &json!("emergency_elsewhere"))
    );
    let good = done(&folder, &["plan", "publish", EXAMPLE, "--json"]).json();
    assert_eq!(good["warnings"], json!([]));
}

#[test]
fn who_publishes_a_plan_is_told_which_nodes_serve_a_file() {
    let folder = folder();
    let _service = Service::start(&folder, &["--plan", EXAMPLE, "--set", "node=north-1"]);
    let told = eventually(std::time::Duration::from_secs(20), || {
        let ran = run_in(&folder, &["plan", "publish", EXAMPLE]);
        Some(ran.out()).filter(|out| out.contains("warning"))
    });
    let told = told.expect("the node says that it serves a file");
    assert!(told.contains("warning: north-1 serves the plan of a file"), "{told}");
}
