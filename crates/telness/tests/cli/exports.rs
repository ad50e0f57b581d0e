//! `telness export` and `telness import`: a trial moves to another folder and to Postgres, and is the same there.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use telness_core::directory::{NumberEntry, Tenant, User};
use telness_core::time::Timestamp;
use telness_store::SqliteStore;
use telness_store::control::{Control, Edit, Expect};
use telness_testkit::{Dice, Postgres, eventually, pause};
use tempfile::TempDir;

use super::serving::Service;
use super::{CALLED, CALLER, Ran, folder, run_in, run_with, telness};

const PLAN: &str = include_str!("../../../../examples/sweden.yaml");
/// A number that the plan knows nothing of.
const HELD: &str = "+46701740650";
const DATA: &str = "telness-data";

/// A folder where a service took calls, and somebody edited: a user of the store holds a number.
fn trial(calls: usize) -> TempDir {
    let folder = folder();
    let service = Service::start(&folder, &[]);
    for number in 0..calls {
        let body = format!(r#"{{"from": "{CALLER}", "to": "{CALLED}", "metadata": {{"number": "{number}"}}}}"#);
        let answer = service.ask("POST /v1/calls", &body);
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    }
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
    edit(&folder);
    folder
}

fn edit(folder: &TempDir) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(&telness_engine::store_file(&folder.path().join(DATA))).unwrap();
        let control = Control::of_sqlite(Arc::new(store));
        let at = Timestamp::from_micros(1_795_478_400_000_000);
        let edit = Edit { author: "anna".to_owned(), comment: "trial".to_owned(), at };
        let tenant: Tenant = serde_json::from_str(r#"{"name": "nordtel"}"#).unwrap();
        control.put(&edit, tenant, Expect::Any).await.unwrap();
        let user: User = serde_json::from_str(
            r#"{"name": "berit", "tenant": "nordtel", "devices": [{"trunk": "mobile-core", "number": "+46701740606"}]}"#,
        )
        .unwrap();
        control.put(&edit, user, Expect::Any).await.unwrap();
        let number = serde_json::json!({ "number": HELD, "state": "assigned", "tenant": "nordtel", "user": "berit" });
        control.put::<NumberEntry>(&edit, serde_json::from_value(number).unwrap(), Expect::Any).await.unwrap();
        control.publish_plan(&edit, PLAN, Expect::Any).await.unwrap();
    });
}

/// Has a node serve what its store holds, and stop: its snapshot is what `route` goes by.
fn served(folder: &TempDir, more: &[&str]) {
    let service = Service::start(folder, more);
    let done = || {
        let shown = run_in(folder, &[&["nodes", "--json"], more].concat()).json();
        let node = shown["nodes"].as_array()?.iter().find(|node| node["name"] == service.announced["node"])?.clone();
        (node["plan_from"] == "store" && node["behind"] == 0).then_some(())
    };
    assert!(eventually(Duration::from_secs(30), done).is_some(), "{}", run_in(folder, &["nodes"]).out());
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
}

/// What the node of a folder would do with a call.
fn routed(folder: &TempDir) -> Value {
    let id = "019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11";
    let at = "2026-11-23T08:00:00Z";
    let call = ["route", "--json", "--from", CALLER, "--to", HELD, "--id", id, "--at", at];
    run_in(folder, &call).json()
}

fn copy_key(from: &TempDir, to: &TempDir) {
    std::fs::create_dir_all(to.path().join(DATA)).unwrap();
    std::fs::copy(from.path().join(DATA).join("server.key"), to.path().join(DATA).join("server.key")).unwrap();
}

fn exported(folder: &TempDir, name: &str, more: &[&str]) -> Vec<u8> {
    let ran = run_in(folder, &[&["export", name, "--json"], more].concat());
    assert_eq!(ran.code(), 0, "{}", ran.err());
    std::fs::read(folder.path().join(name)).unwrap()
}

/// The records of a file, without the line that says when it was made.
fn told(folder: &TempDir, file: &str) -> Value {
    let ran = run_in(folder, &["import", file, "--check", "--json"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    ran.json()["export"]["counts"].clone()
}

fn import(folder: &TempDir, file: &[u8], more: &[&str]) -> Ran {
    std::fs::write(folder.path().join("file"), file).unwrap();
    run_in(folder, &[&["import", "file", "--json"], more].concat())
}

#[test]
fn a_trial_moves_to_postgres_and_answers_a_call_the_same_way() {
    let laptop = trial(5);
    served(&laptop, &[]);
    let file = exported(&laptop, "trial", &[]);
    let postgres = Postgres::start();
    let url = format!("store.url={}", postgres.url(&postgres.database()));
    let production = folder();
    let settings = ["--set", "store.tls=off", "--set", &url];
    let not_migrated = import(&production, &file, &settings);
    assert_eq!(not_migrated.code(), 3, "{}", not_migrated.err());
    assert!(not_migrated.err().contains("telness migrate up"), "{}", not_migrated.err());
    assert_eq!(run_in(&production, &[&["migrate", "up"], &settings[..]].concat()).code(), 0);
    let no_key = import(&production, &file, &settings);
    assert_eq!(no_key.code(), 1, "{}", no_key.err());
    assert!(no_key.err().contains("server.key"), "{}", no_key.err());
    copy_key(&laptop, &production);
    let done = import(&production, &file, &settings);
    assert_eq!(done.code(), 0, "{}", done.err());
    assert_eq!(done.json()["applied"]["already"], false);
    assert_eq!(import(&production, &file, &settings).json()["applied"]["already"], true);
    served(&production, &settings);
    let (here, there) = (routed(&laptop), routed(&production));
    assert!(here.to_string().contains("46701740606"), "the user's device is called: {here}");
    assert_eq!(here, there);
    let records = |folder: &TempDir, more: &[&str]| {
        run_in(folder, &[&["records", "--json", "--tenant", "nordtel", "--to", CALLED], more].concat()).json()
    };
    let found = records(&production, &[&settings[..], &["--region", "SE"]].concat());
    assert_eq!(found["calls"].as_array().unwrap().len(), 5, "numbers are found under the same key: {found}");
    let back = folder();
    exported(&production, "back", &settings);
    assert_eq!(told(&production, "back"), told(&laptop, "trial"));
    copy_key(&laptop, &back);
    let file = std::fs::read(production.path().join("back")).unwrap();
    assert_eq!(import(&back, &file, &[]).code(), 0);
    served(&back, &[]);
    assert_eq!(routed(&back), here);
}

#[test]
fn n5_another_servers_key_is_refused_and_the_consequence_told() {
    let from = trial(1);
    let file = exported(&from, "trial", &[]);
    let other = folder();
    let service = Service::start(&other, &[]);
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
    let refused = import(&other, &file, &[]);
    assert_eq!(refused.code(), 1, "{}", refused.err());
    for part in ["another server's key", "--other-key", "Idempotency-Key"] {
        assert!(refused.err().contains(part), "{}", refused.err());
    }
    assert_eq!(import(&other, &file, &["--other-key"]).code(), 0);
}

#[test]
fn n2_an_import_that_is_killed_is_begun_again_and_all_is_there_once() {
    let from = trial(400);
    exported(&from, "trial", &[]);
    let file = std::fs::read(from.path().join("trial")).unwrap();
    let wanted = told(&from, "trial");
    let mut dice = Dice::seeded(Dice::fresh_seed());
    let mut killed = 0;
    for _ in 0..6 {
        let into = folder();
        copy_key(&from, &into);
        std::fs::write(into.path().join("file"), &file).unwrap();
        for _ in 0..3 {
            let mut child =
                telness(&into, &["import", "file"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            pause(Duration::from_millis(dice.below(250)));
            let _ = child.kill();
            killed += u32::from(child.wait().unwrap().code().is_none());
        }
        let again = import(&into, &file, &[]);
        assert_eq!(again.code(), 0, "{}", again.err());
        exported(&into, "after", &[]);
        assert_eq!(told(&into, "after"), wanted);
    }
    assert!(killed > 0, "none was killed while it worked");
}

#[test]
fn an_export_beside_a_service_and_through_a_pipe_is_whole() {
    let from = trial(3);
    let service = Service::start(&from, &[]);
    let beside = exported(&from, "beside", &[]);
    let piped = run_in(&from, &["export", "-"]);
    assert_eq!(piped.code(), 0, "{}", piped.err());
    let looked = run_with(&["import", "-", "--check", "--json"], &piped.0.stdout);
    assert_eq!(looked.code(), 0, "{}", looked.err());
    assert_eq!(looked.json()["export"]["counts"], told(&from, "beside"));
    let again = run_in(&from, &["export", "beside"]);
    assert_eq!((again.code(), again.err().contains("there already")), (3, true), "{}", again.err());
    service.signal("TERM");
    assert_eq!(service.wait().0, Some(0));
    let cut = import(&folder(), &beside[..beside.len() - 9], &["--other-key"]);
    assert_eq!((cut.code(), cut.err().contains("cut short")), (1, true), "{}", cut.err());
    let occupied = import(&from, &beside, &[]);
    assert_eq!((occupied.code(), occupied.err().contains("--merge")), (1, true), "{}", occupied.err());
    let merged = import(&from, &beside, &["--merge"]);
    assert_eq!(merged.code(), 0, "{}", merged.err());
    assert_eq!(merged.json()["applied"]["added"], 0, "{}", merged.out());
    let mode = std::os::unix::fs::PermissionsExt::mode(&from.path().join("beside").metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "it is its owner's alone (P2)");
}
