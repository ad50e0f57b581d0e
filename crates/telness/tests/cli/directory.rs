//! `telness tenants|users|numbers|blocks|changes`: what is put is served by a running node, what is wrong is refused by
//! line and field, and the log has all of it.

use std::time::Duration;

use serde_json::{Value, json};
use telness_testkit::eventually;
use tempfile::TempDir;

use super::serving::Service;
use super::{Ran, folder, run_in, run_in_with};

/// A folder with a store and nobody who runs on it.
pub(crate) fn with_store() -> TempDir {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    let made = eventually(Duration::from_secs(20), || {
        Some(run_in(&folder, &["tenants", "list"])).filter(|ran| ran.code() == 0)
    });
    made.expect("the first start makes the store");
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
    folder
}

pub(crate) fn done(folder: &TempDir, arguments: &[&str]) -> Ran {
    let ran = run_in(folder, arguments);
    assert_eq!(ran.code(), 0, "{arguments:?}: {}{}", ran.out(), ran.err());
    ran
}

fn refused(folder: &TempDir, arguments: &[&str], why: &str) {
    let ran = run_in(folder, arguments);
    assert_eq!(ran.code(), 1, "{arguments:?}: {}", ran.err());
    assert!(ran.err().contains(why), "{arguments:?}: {}", ran.err());
}

/// A tenant, a user of it, and a block of ten numbers.
fn nordtel(folder: &TempDir) {
    done(folder, &["tenants", "put", "nordtel", "--outside-line-prefix", "0"]);
    done(
        folder,
        &["users", "put", "nordtel/anna", "--extension", "200", "--device", "pbx=ext:200", "--language", "sv"],
    );
    done(folder, &["blocks", "put", "+46846500400", "--last", "+46846500409", "--tenant", "nordtel"]);
}

#[test]
fn a_tenant_has_a_rate_and_times_of_its_own_and_none_by_which_its_calls_are_over_before_they_are_billed() {
    let folder = with_store();
    for days in ["--calls-days", "--emergency-calls-days", "--personal-days", "--emergency-personal-days"] {
        refused(&folder, &["tenants", "put", "nordtel", days, "2"], "no longer than billing.open_s_max (172800 s)");
    }
    done(&folder, &["tenants", "put", "nordtel", "--calls-days", "2", "--set", "billing.open_s_max=172799"]);
    done(&folder, &["tenants", "put", "nordtel", "--calls-days", "3", "--personal-days", "0"]);
    done(&folder, &["tenants", "put", "nordtel", "--calls-per-s-max", "50"]);
    let shown = done(&folder, &["tenants", "show", "nordtel", "--json"]).json();
    assert_eq!(
        shown["value"],
        json!({ "name": "nordtel", "suspended": false, "calls_per_s_max": 50, "outside_line_prefixes": [] })
    );
    assert_eq!(run_in(&folder, &["tenants", "put", "nordtel", "--calls-per-s-max", "0"]).code(), 2);
    // Events that wait for a call are of none that could be billed.
    done(&folder, &["tenants", "put", "nordtel", "--waiting-events-days", "1"]);
    std::fs::write(
        folder.path().join("tenants"),
        "{\"name\":\"a\"}\n{\"name\":\"b\",\"retention\":{\"calls_days\":1}}\n",
    )
    .unwrap();
    let ran = run_in(&folder, &["tenants", "put", "--file", "tenants"]);
    assert_eq!(
        (ran.code(), ran.out().contains("line 2: b: retention.calls_days of 1 is no longer")),
        (1, true),
        "{}",
        ran.out()
    );
}

#[test]
fn what_is_put_is_listed_shown_changed_as_expected_and_deleted() {
    let folder = with_store();
    nordtel(&folder);
    let number = "+46846500401";
    let put = ["numbers", "put", number, "--tenant", "nordtel", "--user", "anna", "--if-absent", "--json"];
    assert_eq!(done(&folder, &put).json(), json!({ "kind": "number", "key": number, "version": 4 }));
    refused(&folder, &put, "its version is 4");
    refused(&folder, &["users", "delete", "nordtel/anna"], "the user holds it");
    refused(&folder, &["tenants", "delete", "nordtel"], "needed by what it has");
    refused(&folder, &["users", "show", "nordtel/bertil"], "there is no user nordtel/bertil");
    refused(&folder, &["users", "put", "sydtel/bo"], "its tenant is not there");
    refused(&folder, &["blocks", "put", "+46846500405", "--last", "+46846500415"], "blocks do not overlap");
    refused(&folder, &["numbers", "put", number, "--tenant", "nordtel", "--state", "ported_in"], "needs its user");
    let user = done(&folder, &["users", "show", "nordtel/anna", "--json"]).json();
    let anna = json!({
        "name": "anna", "tenant": "nordtel", "extension": "200", "devices": [{ "trunk": "pbx", "number": "ext:200" }],
        "preferences": { "do_not_disturb": false, "language": "sv" },
    });
    assert_eq!(user, json!({ "value": anna, "version": 2 }));
    refused(&folder, &["users", "put", "nordtel/anna", "--if-version", "1"], "its version is 2");
    done(&folder, &["users", "put", "nordtel/anna", "--if-version", "2", "--do-not-disturb"]);
    let listed = done(&folder, &["users", "list", "--json"]).json();
    assert_eq!(listed["items"][0]["value"]["devices"], json!([]), "what is not said is not there any more");
    assert_eq!((&listed["items"][0]["version"], &listed["next"]), (&json!(5), &Value::Null));
    done(&folder, &["numbers", "delete", number, "--if-version", "4"]);
    for arguments in
        [["users", "delete", "nordtel/anna"], ["blocks", "delete", "+46846500400"], ["tenants", "delete", "nordtel"]]
    {
        done(&folder, &arguments);
        refused(&folder, &arguments, "there is none");
    }
    for wrong in [
        &["numbers", "put", "46846500401", "--tenant", "x"][..],
        &["users", "put", "anna"],
        &["blocks", "put", "+46846500400"],
        &["numbers", "put", number],
    ] {
        assert_eq!(run_in(&folder, wrong).code(), 2, "{wrong:?}");
    }
}

#[test]
fn lists_are_given_in_pages_and_whole_as_lines_that_can_be_put_again() {
    let folder = with_store();
    nordtel(&folder);
    let line = |last: u32| json!({ "number": format!("+4684650{last:04}"), "state": "assigned", "tenant": "nordtel", "user": "anna" });
    let lines: String = (0..250).map(|last| format!("{}\n", line(last))).collect();
    let ran = run_in_with(&folder, &["numbers", "put", "--file", "-"], lines.as_bytes());
    assert_eq!((ran.code(), ran.out()), (0, "250 numbers put in 1 change; the last change is 4\n".to_owned()));
    let first = done(&folder, &["numbers", "list", "--limit", "200", "--json"]).json();
    let next = first["next"].as_str().unwrap();
    assert_eq!((first["items"].as_array().unwrap().len(), next), (200, "+46846500199"));
    let rest = done(&folder, &["numbers", "list", "--after", next, "--tenant", "nordtel", "--json"]).json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (50, &Value::Null));
    assert_eq!(done(&folder, &["numbers", "list", "--tenant", "other", "--lines"]).out(), "");
    let all = done(&folder, &["numbers", "list", "--lines"]).out();
    assert_eq!(all.lines().count(), 250);
    std::fs::write(folder.path().join("all.jsonl"), &all).unwrap();
    done(&folder, &["numbers", "put", "--file", "all.jsonl"]);
    assert_eq!(done(&folder, &["numbers", "list", "--lines"]).out(), all);
}

#[test]
fn s3_of_a_file_with_faults_each_is_told_by_line_and_field_and_nothing_is_put() {
    let folder = with_store();
    nordtel(&folder);
    let good = r#"{"number":"+46846500401","state":"assigned","tenant":"nordtel","user":"anna"}"#;
    let unknown = r#"{"number":"+46846500402","state":"assigned","tenant":"nordtel","user":"bertil"}"#;
    let text = format!(
        "\u{feff}{good}\r\n\r\n{{\"number\":\"+46846500403\",\"state\":\"gone\"}}\n{good} {good}\nno JSON\n[]\n{}",
        "x".repeat(70_000)
    );
    std::fs::write(folder.path().join("faulty.jsonl"), &text).unwrap();
    let put = |file: &str| run_in(&folder, &["numbers", "put", "--file", file, "--json"]);
    let told = put("faulty.jsonl");
    assert_eq!(told.code(), 1);
    let faults = told.json()["faults"].as_array().unwrap().clone();
    let places: Vec<_> =
        faults.iter().map(|fault| (fault["line"].as_u64().unwrap(), fault["field"].as_str())).collect();
    assert_eq!(places, [(3, Some("state")), (4, None), (5, None), (6, None), (7, None)], "{faults:?}");
    assert!(!told.out().contains("line 1 column"), "{}", told.out());
    std::fs::write(folder.path().join("refused.jsonl"), format!("{good}\n{unknown}\n{good}")).unwrap();
    let twice = put("refused.jsonl").json();
    assert_eq!((&twice["faults"][0]["line"], &twice["count"]), (&json!(3), &json!(1)));
    assert!(twice["faults"][0]["message"].as_str().unwrap().ends_with("the first is on line 1"), "{twice}");
    std::fs::write(folder.path().join("refused.jsonl"), format!("{good}\n{unknown}")).unwrap();
    let refused = run_in(&folder, &["numbers", "put", "--file", "refused.jsonl"]);
    assert_eq!(refused.code(), 1);
    assert!(refused.out().starts_with("line 2: +46846500402: the tenant has no such user"), "{}", refused.out());
    assert!(refused.out().ends_with("nothing was changed\n"), "{}", refused.out());
    assert_eq!(put("no-such-file").code(), 3);
    assert_eq!(put(".").code(), 3, "a folder is no file");
    assert_eq!(done(&folder, &["numbers", "list", "--json"]).json()["items"], json!([]));
}

#[test]
fn a_long_file_is_put_in_parts_and_what_was_put_is_told_when_one_is_refused() {
    let folder = with_store();
    nordtel(&folder);
    let line = |at: u32, user: &str| {
        format!("{{\"number\":\"+9991{at:07}\",\"state\":\"assigned\",\"tenant\":\"nordtel\",\"user\":\"{user}\"}}\n")
    };
    let lines: String = (0..10_500).map(|at| line(at, if at == 10_400 { "bertil" } else { "anna" })).collect();
    let ran = run_in_with(&folder, &["numbers", "put", "--file", "-", "--json"], lines.as_bytes());
    assert_eq!(ran.code(), 1);
    let told = ran.json();
    assert_eq!(told["done"], json!({ "put": 10_000, "parts": 1, "through_line": 10_000, "version": 4 }));
    assert_eq!((&told["faults"][0]["line"], &told["count"]), (&json!(10_401), &json!(1)));
    assert_eq!(done(&folder, &["numbers", "list", "--lines"]).out().lines().count(), 10_000);
    let mended: String = (10_000..10_500).map(|at| line(at, "anna")).collect();
    assert_eq!(run_in_with(&folder, &["numbers", "put", "--file", "-", "--if-absent"], mended.as_bytes()).code(), 0);
}

#[test]
fn free_numbers_are_those_that_nobody_has_and_a_number_is_told_as_it_was_is_and_will_be() {
    let folder = with_store();
    nordtel(&folder);
    let put = |number: &str, more: &[&str]| {
        done(&folder, &[&["numbers", "put", number, "--tenant", "nordtel"], more].concat());
    };
    put("+46846500401", &["--user", "anna"]);
    put("+46846500402", &["--state", "quarantined", "--cutover", "2020-01-01T00:00:00Z"]);
    put("+46846500403", &["--state", "quarantined"]);
    put("+46846500404", &["--state", "ported_in", "--user", "anna", "--cutover", "2040-01-01T00:00:00Z"]);
    put("+46846500405", &["--state", "ported_out", "--user", "anna", "--cutover", "2040-01-01T00:00:00Z"]);
    let free =
        |more: &[&str]| run_in(&folder, &[&["numbers", "free", "--block", "+46846500400", "--json"], more].concat());
    let found = free(&["--count", "3"]).json();
    let expected = json!([
        { "number": "+46846500400", "version": null }, { "number": "+46846500402", "version": 5 },
        { "number": "+46846500406", "version": null },
    ]);
    assert_eq!(found["free"], expected);
    assert_eq!(free(&["--count", "10000"]).json()["free"].as_array().unwrap().len(), 6);
    put("+46846500402", &["--user", "anna", "--if-version", "5"]);
    assert_eq!(run_in(&folder, &["numbers", "free", "--block", "+46846500401"]).code(), 1, "it is no block");
    let standing = |number: &str, at: &str| {
        let told = done(&folder, &["numbers", "standing", number, "--at", at, "--json"]).json();
        (told["standing"].as_str().unwrap().to_owned(), told["holder"].as_str().map(str::to_owned))
    };
    let (past, next_year, later) = ("2020-06-01T00:00:00Z", "2039-01-01T00:00:00Z", "2041-01-01T00:00:00Z");
    let anna = Some("anna".to_owned());
    assert_eq!(standing("+46846500401", next_year), ("assigned".to_owned(), anna.clone()));
    assert_eq!(standing("+46846500401", past), ("free".to_owned(), None), "before anybody said anything of it");
    assert_eq!(standing("+46846500403", later), ("quarantined".to_owned(), None));
    assert_eq!(standing("+46846500404", next_year), ("awaited_from_elsewhere".to_owned(), None));
    assert_eq!(standing("+46846500404", later), ("ported_in".to_owned(), anna.clone()));
    assert_eq!(standing("+46846500405", next_year), ("leaving".to_owned(), anna));
    assert_eq!(standing("+46846500405", later), ("ported_out".to_owned(), None));
    assert_eq!(standing("+46846500499", later), ("not_ours".to_owned(), None));
    // What the log has of it, though it was changed since.
    let log = done(&folder, &["changes", "--kind", "number", "--key", "+46846500402", "--json"]).json();
    let then = log["changes"][1]["at"].as_str().unwrap();
    assert_eq!(standing("+46846500402", then), ("free".to_owned(), None), "its quarantine was over by then");
}

#[test]
fn the_log_says_who_changed_what_and_why_the_latest_first() {
    let folder = with_store();
    done(&folder, &["tenants", "put", "nordtel"]);
    done(&folder, &["tenants", "put", "nordtel", "--suspended", "--author", "anna", "--comment", "unpaid since May"]);
    done(&folder, &["tenants", "delete", "nordtel", "--author", "bo"]);
    let log = done(&folder, &["changes", "--limit", "2", "--json"]).json();
    let told =
        |at: usize| (&log["changes"][at]["version"], &log["changes"][at]["author"], &log["changes"][at]["comment"]);
    assert_eq!(told(0), (&json!(3), &json!("bo"), &json!("")));
    assert_eq!(told(1), (&json!(2), &json!("anna"), &json!("unpaid since May")));
    let rest = done(&folder, &["changes", "--before", log["next"].as_str().unwrap(), "--json"]).json();
    assert_eq!((rest["changes"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    assert!(!rest["changes"][0]["author"].as_str().unwrap().is_empty(), "whoever runs the command");
    let text = done(&folder, &["changes", "--tenant", "nordtel", "--kind", "tenant"]).out();
    assert!(
        text.contains("anna  changed tenant nordtel: unpaid since May\n          suspended: false -> true\n"),
        "{text}"
    );
    assert_eq!(done(&folder, &["changes", "--tenant", "other"]).out(), "");
    for wrong in [&["changes", "--key", "x"][..], &["changes", "--kind", "thing"], &["changes", "--before", "x"]] {
        assert_eq!(run_in(&folder, wrong).code(), 2, "{wrong:?}");
    }
}

#[test]
fn s2_a_running_node_serves_what_is_put_beside_it() {
    let folder = folder();
    let none = run_in(&folder, &["tenants", "put", "nordtel"]);
    assert_eq!(none.code(), 3);
    assert!(none.err().contains("the first start makes it"), "{}", none.err());
    let service = Service::start(&folder, &[]);
    eventually(Duration::from_secs(20), || Some(()).filter(|()| run_in(&folder, &["tenants", "list"]).code() == 0))
        .unwrap();
    done(&folder, &["tenants", "put", "nordtel"]);
    done(&folder, &["users", "put", "nordtel/anna", "--device", "kontor-pbx=ext:201"]);
    done(&folder, &["numbers", "put", "+46846500411", "--tenant", "nordtel", "--user", "anna"]);
    let served = eventually(Duration::from_secs(20), || {
        let nodes = run_in(&folder, &["nodes", "--json"]).json();
        Some(()).filter(|()| nodes["nodes"][0]["served_version"] == 3)
    });
    served.expect("the node follows");
    drop(service);
    done(&folder, &["numbers", "show", "+46846500411"]);
}
