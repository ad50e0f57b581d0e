//! The `telness` binary: parses its arguments, runs, and ends with an exit code.

use std::process::ExitCode;

/// The C library's took 13 % of a call's processor time, this takes some 3 % (`perf` beside `scripts/load`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    telness::cli::run(std::env::args_os())
}
