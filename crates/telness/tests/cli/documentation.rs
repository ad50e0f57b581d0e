//! `docs/cli.md` lists what there is: every command, flag and exit code.

use telness::cli::{Exit, command};

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md")).unwrap()
}

/// Every command with its path, such as `plan check`.
fn commands(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
    for sub in command.get_subcommands() {
        let path = format!("{path} {}", sub.get_name());
        commands(sub, &path, found);
        found.push((path, sub.clone()));
    }
}

#[test]
fn every_command_and_flag_is_in_the_documentation() {
    let page = page();
    let mut found = Vec::new();
    commands(&command(), "telness", &mut found);
    assert!(found.len() > 10);
    for (path, command) in found {
        assert!(page.contains(&path), "`{path}` is not in docs/cli.md");
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("--{flag}")), "`--{flag}` of `{path}` is not in docs/cli.md");
        }
    }
}

#[test]
fn every_exit_code_is_in_the_documentation() {
    for exit in Exit::ALL {
        let row = format!("| {} | {} |", exit.code(), exit.meaning());
        assert!(page().contains(&row), "{row}");
    }
}
