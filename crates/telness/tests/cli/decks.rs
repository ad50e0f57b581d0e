//! `telness decks`: a deck comes into force whole or not at all, whatever the file is and however the load ends.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use telness_testkit::{Postgres, eventually};
use tempfile::TempDir;

use super::directory::{done, with_store};
use super::{Ran, folder, run_in, telness};

const HEADER: &str = "prefix,price,connection_fee,first_s,next_s\n";
const SOON: Duration = Duration::from_secs(30);

/// So many rows, none like another.
fn rows(count: u64) -> String {
    let rows = (0..count).map(|at| format!("{},0.01,0,60,1\n", 10_000_000 + at));
    [HEADER.to_owned()].into_iter().chain(rows).collect()
}

fn load(folder: &TempDir, text: impl AsRef<[u8]>, more: &[&str]) -> Ran {
    std::fs::write(folder.path().join("deck.csv"), text).unwrap();
    let arguments = [&["decks", "load", "deck.csv", "--trunk", "north", "--currency", "SEK"], more].concat();
    run_in(folder, &arguments)
}

/// The deck of north: its version and how many rows it has.
fn in_force(folder: &TempDir, settings: &[&str]) -> (Value, Value) {
    let shown = done(folder, &[&["decks", "show", "north", "--json"], settings].concat()).json();
    (shown["version"].clone(), shown["value"]["rows"].clone())
}

/// Begins a load whose rows come when the test says so, and waits until the store has the first of them.
fn begun(folder: &TempDir, settings: &[&str], count: u64) -> Child {
    let counter = || run_in(folder, &[&["nodes", "--json"], settings].concat()).json()["store"]["version"].clone();
    let before = counter();
    let arguments = [&["decks", "load", "-", "--trunk", "north", "--currency", "SEK"], settings].concat();
    let mut command = telness(folder, &arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(rows(count).as_bytes()).unwrap();
    eventually(SOON, || Some(()).filter(|()| counter() != before)).expect("the load begins");
    child
}

#[test]
fn a_deck_is_loaded_listed_shown_as_it_was_replaced_and_deleted() {
    let folder = with_store();
    // A mark at the beginning, line ends of Windows, quotes, and no end of the last line.
    let text = "\u{feff}prefix,price,connection_fee,first_s,next_s,origin,surcharge,valid_from,valid_until\r\n\
                \"+4670\", 0.0125 ,0.05,60,1,,,,\r\n\"4670\",0.02,0,1,1,47,0.1,2026-12-01,2027-01-01T00:00:00+01:00";
    let first = load(&folder, text, &["--comment", "December", "--author", "anna", "--rows", "2"]);
    assert_eq!(first.code(), 0, "{}{}", first.out(), first.err());
    assert_eq!(first.err(), "", "no progress where nobody looks");
    assert!(
        first.out().contains("2 rows in SEK") && first.out().contains("warning: no plan is published"),
        "{}",
        first.out()
    );
    let listed = done(&folder, &["decks", "list", "--json"]).json();
    let deck = &listed["items"][0]["value"];
    assert_eq!((&deck["trunk"], &deck["rows"], &deck["comment"]), (&json!("north"), &json!(2), &json!("December")));
    let shown = done(&folder, &["decks", "show", "north", "--rows"]).out();
    let expected = "prefix,price,connection_fee,first_s,next_s,origin,surcharge,valid_from,valid_until\n\
                    4670,0.0125,0.05,60,1,,,,\n\
                    4670,0.02,0,1,1,47,0.1,2026-12-01T00:00:00.000000Z,2026-12-31T23:00:00.000000Z\n";
    assert_eq!(shown, expected);
    let version = listed["items"][0]["version"].to_string();
    let again = load(&folder, &shown, &["--if-version", &version, "--json"]).json();
    assert_eq!((&again["rows"], &again["replaced"]["rows"]), (&json!(2), &json!(2)));
    assert_eq!(load(&folder, &shown, &["--if-version", &version]).code(), 1);
    assert_eq!(load(&folder, &shown, &["--if-absent"]).code(), 1);
    assert!(done(&folder, &["changes", "--kind", "deck"]).out().contains("anna  made deck north: December"));
    done(&folder, &["decks", "delete", "north"]);
    for arguments in [["decks", "delete", "north"], ["decks", "show", "north"]] {
        assert_eq!(run_in(&folder, &arguments).code(), 1);
    }
}

#[test]
fn s3_a_file_that_is_no_deck_is_refused_whole_with_its_lines() {
    let folder = with_store();
    assert_eq!(load(&folder, rows(3), &[]).code(), 0);
    let former = in_force(&folder, &[]);
    let faulty: [(String, u64); 7] = [
        (format!("{}46,free,0,60,1\n", rows(20_500)), 20_502),
        (format!("{}10000000,1,0,60,1", rows(3)), 5),
        (format!("{HEADER}46,4294.967296,0,60,1\n"), 2),
        (format!("{HEADER}46,-1,0,60,1\n"), 2),
        (format!("{}4", rows(2)), 4),
        (format!("{HEADER}46,\"1,0,60,1\n{}", "47,1,0,60,1\n".repeat(20_000)), 2),
        ("prefix;price;connection_fee;first_s;next_s\n".to_owned(), 1),
    ];
    for (text, line) in faulty {
        let told = load(&folder, &text, &["--json"]);
        assert_eq!(told.code(), 1, "{}", told.err());
        assert_eq!(
            (&told.json()["faults"][0]["line"], &told.json()["count"]),
            (&json!(line), &json!(1)),
            "{}",
            told.out()
        );
    }
    let text = load(&folder, "prefix,price,connection_fee,first_s,next_s\n46,free,0,60,x\n", &[]);
    assert!(text.out().contains("line 2, price: `free`") && text.out().contains("line 2, next_s"), "{}", text.out());
    assert!(text.out().ends_with("deck.csv is refused for 2 faults; nothing was changed\n"), "{}", text.out());
    assert_eq!(load(&folder, rows(3), &["--rows", "4"]).code(), 1);
    for (file, code) in [("no-such-file", 3), (".", 3)] {
        let ran = run_in(&folder, &["decks", "load", file, "--trunk", "north", "--currency", "SEK"]);
        assert_eq!(ran.code(), code, "{}", ran.err());
    }
    assert_eq!(run_in(&folder, &["decks", "load", "deck.csv", "--trunk", "north", "--currency", "kr"]).code(), 2);
    assert_eq!(in_force(&folder, &[]), former);
}

/// Killed in the middle, told by another load, cut off from its file: the former deck is in force throughout.
fn the_former_deck_outlives_a_load_that_fails(folder: &TempDir, settings: &[&str]) {
    assert_eq!(load(folder, rows(3), settings).code(), 0);
    let former = in_force(folder, settings);
    let mut killed = begun(folder, settings, 15_000);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(in_force(folder, settings), former);
    let late = begun(folder, settings, 15_000);
    assert_eq!(in_force(folder, settings), former);
    assert_eq!(load(folder, rows(4), settings).code(), 0, "another load does not wait for it");
    let next = in_force(folder, settings);
    let told = Ran(late.wait_with_output().unwrap());
    assert_eq!(told.code(), 1, "{}{}", told.out(), told.err());
    assert!(told.err().contains(&format!("its version is {}", next.0)), "{}", told.err());
    assert_eq!(in_force(folder, settings), next);
    assert_eq!(load(folder, rows(20_001), settings).code(), 0);
    assert_eq!(in_force(folder, settings).1, json!(20_001));
}

#[test]
fn n2_a_load_that_is_killed_or_late_changes_nothing() {
    the_former_deck_outlives_a_load_that_fails(&with_store(), &[]);
}

#[test]
fn n2_a_load_into_a_shared_database_that_is_killed_or_late_changes_nothing() {
    let (folder, postgres) = (folder(), Postgres::start());
    let url = format!("store.url={}", postgres.url(&postgres.database()));
    let settings = ["--set", &url, "--set", "store.tls=off"];
    let early = load(&folder, rows(3), &settings);
    assert_eq!(early.code(), 3, "{}", early.err());
    assert!(early.err().contains("telness migrate up"), "{}", early.err());
    done(&folder, &[&["migrate", "up"], &settings[..]].concat());
    the_former_deck_outlives_a_load_that_fails(&folder, &settings);
    done(&folder, &[&["tenants", "put", "nordtel"], &settings[..]].concat());
    let log = done(&folder, &[&["changes", "--json"], &settings[..]].concat()).json();
    assert_eq!(log["changes"][0]["key"], "nordtel");
}

#[test]
fn n4_a_store_that_may_not_grow_takes_no_deck_and_keeps_the_former_one() {
    let folder = with_store();
    assert_eq!(load(&folder, rows(3), &[]).code(), 0);
    let former = in_force(&folder, &[]);
    std::fs::write(folder.path().join("large.csv"), rows(60_000)).unwrap();
    // A file that may not grow fails as a full disk does; ignored, the signal that tells of it ends nobody.
    let script = "trap '' XFSZ; ulimit -f 2000; exec \"$0\" decks load large.csv --trunk north --currency SEK";
    let mut full = Command::new("bash");
    full.args(["-c", script, env!("CARGO_BIN_EXE_telness")]).current_dir(folder.path());
    telness_testkit::without_settings(&mut full);
    let ran = Ran(full.output().unwrap());
    assert!([3, 7].contains(&ran.code()), "{}{}", ran.out(), ran.err());
    assert_eq!(in_force(&folder, &[]), former);
    assert_eq!(load(&folder, rows(60_000), &[]).code(), 0, "with room it goes on by itself");
}

#[test]
fn on_a_terminal_a_line_shows_how_far_it_is() {
    let folder = with_store();
    std::fs::write(folder.path().join("deck.csv"), rows(30_000)).unwrap();
    // `script` gives the command a terminal of its own.
    let command = format!("{} decks load deck.csv --trunk north --currency SEK", env!("CARGO_BIN_EXE_telness"));
    let mut script = Command::new("script");
    telness_testkit::without_settings(&mut script);
    let output = File::create(folder.path().join("out")).unwrap();
    let status =
        script.args(["-qec", &command, "/dev/null"]).current_dir(folder.path()).stdout(output).status().unwrap();
    assert!(status.success());
    let shown = std::fs::read_to_string(folder.path().join("out")).unwrap();
    assert!(shown.contains(" rows, ") && shown.contains("/s [") && shown.contains("\r\u{1b}[K"), "{shown:?}");
    assert!(shown.contains("is in force: 30000 rows"), "{shown:?}");
}

/// Loads a million rows and tells what it took.
#[allow(clippy::print_stdout, reason = "a measurement tells what it measured")]
fn a_million_rows(name: &str, folder: &TempDir, settings: &[&str]) {
    let count = 1_000_000;
    // In no order, as carriers' decks are.
    let row = |at: u64| format!("{},0.{:04},0,60,1\n", 10_000_000 + at * 37 % 1_000_003, at % 10_000);
    let text: String = [HEADER.to_owned()].into_iter().chain((0..count).map(row)).collect();
    std::fs::write(folder.path().join("deck.csv"), text).unwrap();
    for what in ["into force", "in the place of that"] {
        let arguments = [&["decks", "load", "deck.csv", "--trunk", "north", "--currency", "SEK"], settings].concat();
        let begun = telness_testkit::now();
        let mut child = telness(folder, &arguments).stdout(Stdio::null()).spawn().unwrap();
        let (status, mut peak) = (format!("/proc/{}/status", child.id()), String::new());
        let ended = eventually(Duration::from_secs(600), || {
            let read = std::fs::read_to_string(&status).unwrap_or_default();
            if let Some(line) = read.lines().find(|line| line.starts_with("VmHWM:")) {
                line.clone_into(&mut peak);
            }
            child.try_wait().unwrap()
        });
        assert!(ended.expect("it ends").success());
        println!("{name}: a million rows {what} in {:?}, {peak}", begun.elapsed());
    }
    assert_eq!(in_force(folder, settings).1, json!(count));
}

#[test]
#[ignore = "a measurement: cargo test --profile quick -p telness --test cli -- --ignored --nocapture a_million"]
fn a_million_rows_in_one_command() {
    a_million_rows("SQLite", &with_store(), &[]);
    let (folder, postgres) = (folder(), Postgres::start());
    let url = format!("store.url={}", postgres.url(&postgres.database()));
    let settings = ["--set", &url, "--set", "store.tls=off"];
    done(&folder, &[&["migrate", "up"], &settings[..]].concat());
    a_million_rows("Postgres", &folder, &settings);
}
