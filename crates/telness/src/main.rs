//! The `telness` binary: parses its arguments, runs, and ends with an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    telness::cli::run(std::env::args_os())
}
