//! The command line, by running the real binary: answers, exit codes, and what happens when things are wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::panic,
    missing_docs,
    reason = "a test"
)]

#[path = "cli/billing.rs"]
mod billing;
#[path = "cli/decks.rs"]
mod decks;
#[path = "cli/directory.rs"]
mod directory;
#[path = "cli/documentation.rs"]
mod documentation;
#[path = "cli/exports.rs"]
mod exports;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/nodes.rs"]
mod nodes;
#[path = "cli/numbers.rs"]
mod numbers;
#[path = "cli/plans.rs"]
mod plans;
#[path = "cli/records.rs"]
mod records;
#[path = "cli/serving.rs"]
mod serving;
#[path = "cli/settings.rs"]
mod settings;
#[path = "cli/upkeep.rs"]
mod upkeep;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use telness_testkit::{tied, without_settings};
use tempfile::TempDir;

/// Numbers reserved for fiction in Sweden.
const CALLER: &str = "+46846500401";
const CALLED: &str = "+46701740605";

/// The binary in a folder of its own, with nothing of ours in the environment.
fn telness(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = tied(env!("CARGO_BIN_EXE_telness"));
    command.current_dir(folder.path()).args(arguments).stdin(Stdio::null());
    without_settings(&mut command);
    command
}

/// Runs it to its end.
fn run(arguments: &[&str]) -> Ran {
    run_in(&folder(), arguments)
}

fn run_in(folder: &TempDir, arguments: &[&str]) -> Ran {
    Ran(telness(folder, arguments).output().unwrap())
}

/// Runs it with this on its standard input.
fn run_with(arguments: &[&str], input: &[u8]) -> Ran {
    run_in_with(&folder(), arguments, input)
}

fn run_in_with(folder: &TempDir, arguments: &[&str], input: &[u8]) -> Ran {
    let mut command = telness(folder, arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    Ran(output)
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// What a run came to.
struct Ran(Output);

impl Ran {
    fn code(&self) -> i32 {
        assert!(!self.err().contains("panicked"), "{}", self.err());
        self.0.status.code().expect("it ended by itself")
    }

    fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    fn err(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error} in {}{}", self.out(), self.err()))
    }
}

#[test]
fn a_wrong_command_line_is_told_on_standard_error_with_code_2() {
    for arguments in [&[][..], &["fly"], &["route"], &["number"], &["records", "no-uuid"], &["keys", "new"]] {
        let ran = run(arguments);
        assert_eq!(ran.code(), 2, "{arguments:?}");
        assert!(ran.out().is_empty() && ran.err().contains("--help"), "{arguments:?}: {}", ran.err());
    }
}

#[test]
fn with_json_a_wrong_command_line_is_told_in_json() {
    let wrong: [&[&str]; 5] =
        [&["--json"], &["fly", "--json"], &["--json", "number"], &["records", "--csv", "--json"], &["route", "--json"]];
    for arguments in wrong {
        let ran = run(arguments);
        assert_eq!(ran.code(), 2, "{arguments:?}");
        let told: Value = serde_json::from_str(&ran.err()).unwrap_or_else(|why| panic!("{why} in {}", ran.err()));
        assert_eq!(told["error"]["exit_code"], 2);
        assert!(told["error"]["message"].as_str().unwrap().contains("--help"), "{told}");
        assert!(ran.out().is_empty());
    }
    assert!(run(&["--help", "--json"]).out().contains("Exit codes:"));
}

#[test]
fn help_and_version_are_answers() {
    let help = run(&["--help"]);
    assert_eq!(help.code(), 0);
    assert!(help.out().contains("Exit codes:"));
    assert_eq!(run(&["--version"]).out(), format!("telness {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = run(&["completions", shell]);
        assert_eq!(ran.code(), 0);
        assert!(ran.out().contains("records"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    for arguments in [&["explain"][..], &["completions", "bash"], &["plan", "schema"], &["--help"]] {
        let folder = folder();
        let mut child = telness(&folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran(child.wait_with_output().unwrap());
        assert_eq!((ran.code(), ran.err()), (0, String::new()), "{arguments:?}");
    }
}

#[test]
fn output_to_a_pipe_has_no_colour() {
    for arguments in [&["explain"][..], &["route", "--to", CALLED], &["doctor"], &["--help"], &["fly"]] {
        let ran = run(arguments);
        assert!(!ran.out().contains('\u{1b}') && !ran.err().contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn every_reason_is_explained_by_code_and_by_name() {
    let list = run(&["--json", "explain"]).json();
    assert_eq!(list.as_array().unwrap().len(), telness_core::reason::Reason::ALL.len());
    for reason in telness_core::reason::Reason::ALL {
        assert!(run(&["explain"]).out().contains(reason.name()));
        let by_code = run(&["explain", &reason.code().to_string(), "--json"]).json();
        assert_eq!(by_code, run(&["explain", reason.name(), "--json"]).json());
        assert_eq!(by_code["name"], reason.name());
    }
    assert_eq!(run(&["explain", "nonsense"]).code(), 1);
}

#[test]
fn a_new_key_is_another_each_time_and_its_hash_is_what_the_file_takes() {
    let (one, other) =
        (run(&["keys", "new", "--tenant", "t", "--json"]).json(), run(&["keys", "new", "--tenant", "t"]));
    let key = one["key"].as_str().unwrap();
    assert!(key.starts_with("telness_key_") && key.len() == 12 + 64);
    assert!(!other.out().contains(key));
    let toml = &other.out()[other.out().find("[[keys]]").unwrap()..];
    let folder = folder();
    std::fs::write(folder.path().join("keys.toml"), toml).unwrap();
    let config = run_in(&folder, &["config", "--config", "keys.toml", "--json"]);
    assert_eq!(config.json()["settings"]["keys"]["value"], "1 hidden");
    assert_eq!(run(&["keys", "new", "--tenant", "Not A Name"]).code(), 2);
}
