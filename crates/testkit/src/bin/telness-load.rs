//! Drives `POST /v1/calls` and tells calls a second, latencies and the server's processor time a call.
#![allow(clippy::print_stdout, reason = "its figures are its output")]

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use telness_testkit::load::{
    BesidePgbench, Comparison, Fault, Load, Once, Overload, beside_pgbench, call_requests, compare, cpu_time, drain,
    drive, overload, request, start_up,
};

#[derive(Parser)]
#[command(about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Work,
}

#[derive(Subcommand)]
enum Work {
    /// Load a service that runs.
    Drive(Drive),
    /// Compare the service with and without durability with a bare handler, turn by turn.
    Compare(Compare),
    /// Compare the service on Postgres with pgbench's single-row inserts, turn by turn.
    Postgres(BesideArguments),
    /// How long calls that wait in the journal take into SQLite and into Postgres.
    Drain(OnceArguments),
    /// How soon a node with many numbers and rates answers after its start, with its database down.
    Start(OnceArguments),
    /// Emergency calls on the high listener, at rest and while the low workflow is offered ten times its limit.
    Overload(OverloadArguments),
}

#[derive(clap::Args)]
struct Drive {
    /// Where the service listens.
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: SocketAddr,
    /// The path to post to.
    #[arg(long, default_value = "/v1/calls")]
    path: String,
    /// A file with the body to post; different mobile calls of some 400 bytes if there is none.
    #[arg(long)]
    body: Option<PathBuf>,
    /// Kept-alive connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How long, in seconds.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Requests a second; each counts from when it was due. Without it, as many as the connections give.
    #[arg(long)]
    rate: Option<f64>,
    /// The service's process, to tell its processor time.
    #[arg(long)]
    pid: Option<u32>,
}

#[derive(clap::Args)]
struct Compare {
    /// The service's binary.
    #[arg(long)]
    telness: PathBuf,
    /// The bare handler's binary.
    #[arg(long)]
    bare: PathBuf,
    /// Where to put the data folders: on a real disk.
    #[arg(long)]
    data_in: PathBuf,
    /// Kept-alive connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How long each leg is measured, in seconds.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How often the legs take turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The processor for the server; pin this command to another one.
    #[arg(long, default_value_t = 0)]
    server_core: u32,
    /// A setting of every telness leg, as NAME=VALUE.
    #[arg(long = "set", value_parser = setting)]
    settings: Vec<(String, String)>,
}

#[derive(clap::Args)]
struct OverloadArguments {
    /// The service's binary.
    #[arg(long)]
    telness: PathBuf,
    /// Where to put the data folders: on a real disk, and emptied before.
    #[arg(long)]
    data_in: PathBuf,
    /// Both workflows in one process.
    #[arg(long)]
    one_process: bool,
    /// The bare handler's binary, which is flooded in the place of the low workflow's process.
    #[arg(long, conflicts_with = "one_process")]
    bare: Option<PathBuf>,
    /// What goes wrong besides.
    #[arg(long, value_enum, default_value_t = Fault::None)]
    fault: Fault,
    /// The low workflow's limit of calls in hand.
    #[arg(long, default_value_t = 64)]
    limit: usize,
    /// Emergency calls a second.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// How long the rest is measured, in seconds.
    #[arg(long, default_value_t = 20.0)]
    rest_seconds: f64,
    /// How long the overload is measured, in seconds.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
    /// A setting of every process, as NAME=VALUE.
    #[arg(long = "set", value_parser = setting)]
    settings: Vec<(String, String)>,
}

#[derive(clap::Args)]
struct BesideArguments {
    /// The service's binary.
    #[arg(long)]
    telness: PathBuf,
    /// Where to put the data folders: on a real disk.
    #[arg(long)]
    data_in: PathBuf,
    /// Kept-alive connections.
    #[arg(long, default_value_t = 128)]
    connections: usize,
    /// How long each leg is measured, in seconds.
    #[arg(long, default_value_t = 8.0)]
    seconds: f64,
    /// How often the legs take turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A setting of every telness leg, as NAME=VALUE.
    #[arg(long = "set", value_parser = setting)]
    settings: Vec<(String, String)>,
}

#[derive(clap::Args)]
struct OnceArguments {
    /// The service's binary.
    #[arg(long)]
    telness: PathBuf,
    /// Where to put the data folders: on a real disk.
    #[arg(long)]
    data_in: PathBuf,
    /// How many calls, or numbers and rates.
    #[arg(long, default_value_t = 1_000_000)]
    count: u64,
}

impl OnceArguments {
    fn ready(self) -> io::Result<Once> {
        std::fs::create_dir_all(&self.data_in)?;
        Ok(Once { telness: self.telness, data_in: self.data_in, count: self.count })
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Work::Drive(arguments) => run_drive(&arguments),
        Work::Compare(arguments) => run_compare(arguments),
        Work::Postgres(arguments) => run_postgres(arguments),
        Work::Drain(arguments) => run_drain(arguments),
        Work::Start(arguments) => run_start(arguments),
        Work::Overload(arguments) => run_overload(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run_overload(arguments: OverloadArguments) -> io::Result<()> {
    let overloaded = overload(&Overload {
        telness: arguments.telness,
        data_in: arguments.data_in,
        one_process: arguments.one_process,
        bare: arguments.bare,
        fault: arguments.fault,
        calls_in_flight_max: arguments.limit,
        rate: arguments.rate,
        rest: Duration::from_secs_f64(arguments.rest_seconds),
        length: Duration::from_secs_f64(arguments.seconds),
        settings: arguments.settings,
    })?;
    println!("{overloaded}");
    if overloaded.routed == overloaded.sent() { Ok(()) } else { Err(io::Error::other("emergency calls were lost")) }
}

fn run_drive(arguments: &Drive) -> io::Result<()> {
    let body = arguments.body.as_ref().map(std::fs::read_to_string).transpose()?;
    let path = &arguments.path;
    let load = Load {
        address: arguments.address,
        requests: body.map_or_else(|| call_requests(path), |body| vec![request(path, &body)]),
        connections: arguments.connections,
        duration: Duration::from_secs_f64(arguments.seconds),
        rate: arguments.rate,
    };
    let before = arguments.pid.map(cpu_time).transpose()?;
    let outcome = drive(&load)?;
    println!("calls/s      {:.0}", outcome.rate());
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        println!("{name:12} {:.3} ms", outcome.latencies.within(share).as_secs_f64() * 1e3);
    }
    if let (Some(pid), Some(before)) = (arguments.pid, before) {
        let calls = u32::try_from(outcome.latencies.total()).unwrap_or(u32::MAX).max(1);
        let used = cpu_time(pid)?.saturating_sub(before);
        println!("CPU a call   {:.1} µs", used.as_secs_f64() * 1e6 / f64::from(calls));
    }
    println!("answer       {} bytes, head and all", outcome.answer_bytes);
    println!("refused      {}", outcome.failed);
    if let Some(answer) = outcome.first_failure {
        println!("the first refusal:\n{answer}");
    }
    Ok(())
}

fn run_compare(arguments: Compare) -> io::Result<()> {
    std::fs::create_dir_all(&arguments.data_in)?;
    let comparison = Comparison {
        telness: arguments.telness,
        bare: arguments.bare,
        data_in: arguments.data_in,
        connections: arguments.connections,
        leg: Duration::from_secs_f64(arguments.seconds),
        rounds: arguments.rounds,
        server_core: arguments.server_core,
        settings: arguments.settings,
    };
    println!("{}", compare(&comparison)?);
    Ok(())
}

fn run_postgres(arguments: BesideArguments) -> io::Result<()> {
    std::fs::create_dir_all(&arguments.data_in)?;
    let what = BesidePgbench {
        telness: arguments.telness,
        data_in: arguments.data_in,
        connections: arguments.connections,
        leg: Duration::from_secs_f64(arguments.seconds),
        rounds: arguments.rounds,
        settings: arguments.settings,
    };
    println!("{}", beside_pgbench(&what)?);
    Ok(())
}

fn run_drain(arguments: OnceArguments) -> io::Result<()> {
    println!("{}", drain(&arguments.ready()?)?);
    Ok(())
}

fn run_start(arguments: OnceArguments) -> io::Result<()> {
    println!("{}", start_up(&arguments.ready()?)?);
    Ok(())
}
