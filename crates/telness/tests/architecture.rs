//! Holds the code to what ARCHITECTURE.md says of it, as far as a machine can: who may import whom, which crate
//! may know what, how large a file may be, and how many crates the whole thing takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates of the whole workspace and all they stand on, tests and benches included. Raise it in the change that
/// needs a new crate, with the reason in its message: each one is built on two cores and trusted for ever.
const LOCKED_CRATES_MAX: usize = 313;

/// The longest file. Most have some 200 lines.
const FILE_LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every Rust file of the project below a folder, by its path from the root, with its text.
fn rust_files(below: &str) -> Vec<(String, String)> {
    let (root, mut found) = (root(), Vec::new());
    let mut folders = vec![root.join(below)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The lines of a file that are code, with their numbers from 1.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let comment = |line: &str| line.trim_start().starts_with("//");
    text.lines().enumerate().map(|(index, line)| (index + 1, line)).filter(move |(_, line)| !comment(line))
}

/// Where one of the words stands in the code below a folder, as a word of its own.
fn places_of(words: &[&str], below: &str) -> Vec<String> {
    let mut places = Vec::new();
    for (name, text) in rust_files(below) {
        for (number, line) in code_lines(&text) {
            let mut parts = line.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            if parts.any(|part| words.contains(&part)) {
                places.push(format!("{name}:{number}: {}", line.trim()));
            }
        }
    }
    places
}

/// The names of what a crate depends on, by section of its Cargo.toml.
fn dependencies(of: &str, section: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join("crates").join(of).join("Cargo.toml")).unwrap();
    let begin = format!("[{section}]");
    let lines = manifest.lines().skip_while(|line| *line != begin).skip(1).take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['.', '=', ' ']).next()).filter(|name| !name.is_empty());
    names.filter(|name| !name.starts_with('#')).map(str::to_owned).collect()
}

fn all_crates() -> Vec<String> {
    let entries = fs::read_dir(root().join("crates")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn crates_depend_downwards_only() {
    let below = |of: &str| -> &[&str] {
        match of {
            // What drives the real process shares no code with it, so testkit stands as low as core.
            "core" | "testkit" => &[],
            "numbers" | "store" => &["telness-core"],
            "engine" => &["telness-core", "telness-numbers", "telness-store"],
            "telness" => &["telness-core", "telness-numbers", "telness-store", "telness-engine"],
            other => panic!("say here what the new crate {other} may depend on"),
        }
    };
    for of in all_crates() {
        let own: BTreeSet<String> =
            dependencies(&of, "dependencies").into_iter().filter(|name| name.starts_with("telness-")).collect();
        let allowed: BTreeSet<String> = below(&of).iter().map(|name| (*name).to_owned()).collect();
        assert!(own.is_subset(&allowed), "{of} depends on {own:?}, and may on {allowed:?}");
    }
    assert!(dependencies("testkit", "dev-dependencies").iter().all(|name| !name.starts_with("telness")));
}

#[test]
fn each_crate_knows_only_what_its_room_allows() {
    let edges = ["axum", "hyper", "hyper-util", "http-body-util", "tower", "utoipa", "utoipa-axum", "clap"];
    let waits = ["tokio", "tokio-util", "futures-util", "tracing", "ring", "mio"];
    let rules: [(&str, Vec<&str>); 4] = [
        ("core", [&edges[..], &waits[..], &["rusqlite", "rlibphonenumber"]].concat()),
        ("numbers", [&edges[..], &waits[..], &["rusqlite"]].concat()),
        ("store", [&edges[..], &["rlibphonenumber"]].concat()),
        ("engine", [&edges[..], &["rusqlite", "rlibphonenumber"]].concat()),
    ];
    for (of, banned) in &rules {
        let has = dependencies(of, "dependencies");
        let wrong: Vec<_> = banned.iter().filter(|name| has.contains(**name)).collect();
        assert!(wrong.is_empty(), "{of} must not depend on {wrong:?}");
    }
    for of in all_crates() {
        let has = dependencies(&of, "dependencies");
        assert_eq!(has.contains("rusqlite"), of == "store", "only the store names rusqlite: {of}");
        assert_eq!(has.contains("rlibphonenumber"), of == "numbers", "only numbers names rlibphonenumber: {of}");
    }
}

#[test]
fn core_has_no_clock_no_randomness_and_no_io() {
    let words = ["SystemTime", "Instant", "TcpStream", "UdpSocket", "RandomState", "async", "await"];
    assert_eq!(places_of(&words, "crates/core/src"), Vec::<String>::new());
    let io = ["std::fs", "std::net::Tcp", "std::thread", "std::process", "std::env", "Timestamp::now", "Zoned::now"];
    for (name, text) in rust_files("crates/core/src") {
        for (number, line) in code_lines(&text) {
            let wrong = io.iter().find(|word| line.contains(**word));
            assert!(wrong.is_none(), "{name}:{number}: core must not use {wrong:?}: {line}");
        }
    }
}

#[test]
fn inside_the_engine_imports_go_down_only() {
    const FLOOR: [&str; 4] = ["clock", "config", "supervise", "telemetry"];
    const ROOMS: [&str; 7] = ["auth", "health", "incidents", "lookup", "recorder", "snapshot", "workflow"];
    // What calls fail by, what names are derived from, and what gateways are asked in: rooms and flows share them.
    const BESIDE: [&str; 3] = ["error", "identity", "sip"];
    for (name, text) in rust_files("crates/engine/src") {
        let within = name.strip_prefix("crates/engine/src/").unwrap();
        let room = within.split(['/', '.']).next().unwrap();
        let allowed: Vec<&str> = match room {
            _ if FLOOR.contains(&room) => FLOOR.to_vec(),
            _ if ROOMS.contains(&room) => [&FLOOR[..], &ROOMS[..], &BESIDE[..]].concat(),
            _ => continue,
        };
        for (number, line) in code_lines(&text) {
            for path in line.split("crate::").skip(1) {
                let to = path.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap();
                assert!(allowed.contains(&to), "{name}:{number}: `{room}` must not use `{to}`: {}", line.trim());
            }
        }
    }
}

#[test]
fn only_the_store_knows_sql() {
    for below in ["crates/core/src", "crates/numbers/src", "crates/engine/src", "crates/telness/src"] {
        let places = places_of(&["rusqlite", "libsqlite3_sys"], below);
        assert!(places.is_empty(), "{places:?}");
    }
    for edge in ["crates/telness/src/http", "crates/telness/src/sip"] {
        let places = places_of(&["SELECT", "INSERT", "PRAGMA", "SqliteStore", "Journal"], edge);
        assert!(places.is_empty(), "an edge sees no SQL, store or journal: {places:?}");
    }
}

#[test]
fn edges_do_not_decide() {
    for (name, text) in ["http", "sip"].iter().flat_map(|edge| rust_files(&format!("crates/telness/src/{edge}"))) {
        for (number, line) in code_lines(&text) {
            let calls = ["decide(", "wanted(", "reserve(", "admit("].iter().find(|call| line.contains(**call));
            assert!(calls.is_none(), "{name}:{number}: that is the engine's to do: {}", line.trim());
        }
    }
}

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    let files: Vec<_> = ["crates", "fuzz"].into_iter().flat_map(rust_files).collect();
    assert!(files.len() > 50, "found only {} files", files.len());
    for (name, text) in &files {
        // A fuzz target has to begin with `#![no_main]`; what `include!` takes in cannot have `//!`.
        let includes = format!("include!(\"{}\")", name.rsplit('/').next().unwrap());
        let included = || files.iter().any(|(_, other)| other.contains(&includes));
        let says = text.starts_with("//! ")
            || (text.starts_with("#![") && text.contains("\n//! "))
            || (text.starts_with("// ") && included());
        assert!(says, "{name} does not begin with a `//!` sentence that says what it is for");
        // A table that a script wrote is as long as what it was written from, and nobody reads it line by line.
        if text.lines().take(5).any(|line| line.starts_with("//! Generated by") || line.starts_with("// Generated by"))
        {
            continue;
        }
        let lines = text.lines().count();
        assert!(lines <= FILE_LINES_MAX, "{name} has {lines} lines; split it, the limit is {FILE_LINES_MAX}");
    }
}

#[test]
fn no_module_is_a_drawer() {
    let drawers = ["utils", "util", "common", "helpers", "manager", "types", "traits", "misc"];
    for (name, _) in rust_files("crates") {
        let mut parts = name.split(['/', '.']);
        assert!(!parts.any(|part| drawers.contains(&part)), "{name}: name it after what it is for");
    }
}

#[test]
fn the_number_of_crates_only_grows_on_purpose() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let crates = lock.lines().filter(|line| *line == "[[package]]").count();
    assert!(crates <= LOCKED_CRATES_MAX, "{crates} crates are locked, the limit is {LOCKED_CRATES_MAX}");
    assert!(crates + 10 > LOCKED_CRATES_MAX, "only {crates} crates are locked: lower LOCKED_CRATES_MAX to that");
}

#[test]
fn crates_come_from_crates_io_alone() {
    for lock in ["Cargo.lock", "fuzz/Cargo.lock"] {
        let Ok(text) = fs::read_to_string(root().join(lock)) else { continue };
        for source in text.lines().filter_map(|line| line.strip_prefix("source = ")) {
            let expected = "\"registry+https://github.com/rust-lang/crates.io-index\"";
            assert_eq!(source, expected, "{lock}: builds elsewhere would not find it");
        }
    }
}
