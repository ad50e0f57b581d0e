//! Emergency calls at a steady rate on the high workflow's listener, at rest and then while the low workflow is offered
//! ten times what it takes, and something else goes wrong besides.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use clap::ValueEnum;

use super::driver::{Load, Outcome, drive};
use super::process::on_database;
use super::{call_requests, request};
use crate::client::Client;
use crate::postgres::Postgres;
use crate::service::{Service, ServiceOptions};

/// How many times its limit the low workflow is offered.
const TIMES: usize = 10;

/// Connections of the emergency calls: they keep a connection open and send one call after the other, as a switch does.
const EMERGENCY_CONNECTIONS: usize = 16;

/// What goes wrong beside the overload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Nothing.
    None,
    /// The low workflow's process stands still (SIGSTOP).
    Stopped,
    /// The low workflow's process is killed.
    Killed,
    /// No write of either process succeeds: the journal's disk is full.
    DiskFull,
    /// The Postgres of both processes stands still: its connections stay open, and nobody answers.
    PostgresHung,
}

/// What to drive.
#[derive(Clone, Debug)]
pub struct Overload {
    /// The service's binary.
    pub telness: PathBuf,
    /// Where the data folders are made.
    pub data_in: PathBuf,
    /// Whether both workflows are in one process.
    pub one_process: bool,
    /// What is flooded in the place of the low workflow's process, if something is: what the machine itself makes of it.
    pub bare: Option<PathBuf>,
    /// What goes wrong besides.
    pub fault: Fault,
    /// The limit of the low workflow.
    pub calls_in_flight_max: usize,
    /// Emergency calls a second.
    pub rate: f64,
    /// How long the rest is measured.
    pub rest: Duration,
    /// How long the overload is measured.
    pub length: Duration,
    /// Settings of every process, by name.
    pub settings: Vec<(String, String)>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Overloaded {
    /// Emergency calls at rest.
    pub at_rest: Outcome,
    /// Emergency calls during the overload.
    pub during: Outcome,
    /// Emergency calls that the service says it gave a route, of both.
    pub routed: u64,
    /// Calls of the low workflow that were taken and that were refused; none if its connections broke, as they do when its
    /// process is killed or stands still.
    pub low: Option<(u64, u64)>,
}

impl Overloaded {
    /// Emergency calls that were sent.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        let (rest, during) = (&self.at_rest, &self.during);
        rest.latencies.total() + rest.failed + during.latencies.total() + during.failed
    }
}

impl fmt::Display for Overloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, outcome) in [("at rest", &self.at_rest), ("overload", &self.during)] {
            let [middle, p99, p999] = [0.5, 0.99, 0.999].map(|share| outcome.latencies.within(share));
            let (answered, failed) = (outcome.latencies.total(), outcome.failed);
            writeln!(f, "{name}: {answered} answered, {failed} failed; p50 {middle:?}, p99 {p99:?}, p99.9 {p999:?}")?;
        }
        writeln!(f, "emergency calls: {} sent, {} routed", self.sent(), self.routed)?;
        match self.low {
            Some((taken, refused)) => write!(f, "low workflow: {taken} taken, {refused} refused"),
            None => f.write_str("low workflow: its connections broke"),
        }
    }
}

/// Drives both workflows.
///
/// # Errors
/// When a connection to the high workflow breaks.
pub fn overload(overload: &Overload) -> io::Result<Overloaded> {
    let postgres = (overload.fault == Fault::PostgresHung).then(Postgres::start);
    let url = postgres.as_ref().map(|postgres| postgres.url(&postgres.database()));
    url.iter().try_for_each(|url| on_database(&overload.telness, url, &["migrate", "up"]))?;
    let options = |name: &str| options(overload, name, url.as_deref());
    let (high, mut other) = if overload.one_process {
        (Service::start(&options("both").set("workflow.high.listen", "127.0.0.1:0")), None)
    } else {
        let start = |workflow| Service::start(&options(workflow).argument("--workflow").argument(workflow));
        let low = match &overload.bare {
            Some(bare) => Service::start(&ServiceOptions::new(bare, overload.data_in.join("bare"))),
            None => start("low"),
        };
        (start("high"), Some(low))
    };
    let mut emergency = Load {
        address: high.address_of_high().unwrap_or_else(|| high.address()),
        requests: vec![request("/v1/calls", r#"{"from":"+46846500401","to":"112","type":"pbx"}"#)],
        connections: EMERGENCY_CONNECTIONS,
        duration: overload.rest,
        rate: Some(overload.rate),
    };
    let at_rest = drive(&emergency)?;
    emergency.duration = overload.length;
    let flood = Load {
        address: other.as_ref().unwrap_or(&high).address(),
        requests: call_requests("/v1/calls"),
        connections: overload.calls_in_flight_max * TIMES,
        duration: overload.length,
        rate: None,
    };
    let flooding = std::thread::spawn(move || {
        run_when_idle()?;
        drive(&flood)
    });
    match (overload.fault, &mut other) {
        (Fault::None, _) => {}
        (Fault::Stopped, Some(low)) => low.signal("STOP"),
        (Fault::Killed, Some(low)) => low.kill(),
        (Fault::DiskFull, low) => {
            [Some(&high), low.as_ref()].into_iter().flatten().for_each(|service| service.limit_file_size(Some(0)));
        }
        (Fault::PostgresHung, _) => postgres.iter().for_each(Postgres::pause),
        (_, None) => return Err(io::Error::other("there is no other process that this could happen to")),
    }
    let during = drive(&emergency)?;
    if let (Fault::Stopped, Some(low)) = (overload.fault, &other) {
        low.signal("CONT");
    }
    postgres.iter().for_each(Postgres::go_on);
    let low = flooding.join().ok().and_then(Result::ok).map(|flood| (flood.latencies.total(), flood.failed));
    let routed = routed_emergencies(&mut Client::new(emergency.address))?;
    Ok(Overloaded { at_rest, during, routed, low })
}

/// Has this thread run only while no other wants its processor: the emergency calls' thread is not to wait for it, which
/// would be measured as if the service took so long.
fn run_when_idle() -> io::Result<()> {
    let me = std::fs::read_link("/proc/thread-self")?;
    let thread = me.file_name().unwrap_or_default();
    let done = Command::new("chrt").args(["--idle", "--pid", "0"]).arg(thread).status()?;
    if done.success() { Ok(()) } else { Err(io::Error::other("chrt cannot make the load's thread an idle one")) }
}

/// How a process is started, of this name and with this database.
fn options(overload: &Overload, name: &str, database: Option<&str>) -> ServiceOptions {
    let limit = overload.calls_in_flight_max.to_string();
    let options = ServiceOptions::new(&overload.telness, overload.data_in.join(name)).survives_file_size_limit();
    let options = options.set("workflow.low.calls_in_flight_max", &limit).set("log.filter", "error");
    let options = match database {
        Some(url) => options.set("store.url", url).set("store.tls", "off"),
        None => options,
    };
    overload.settings.iter().fold(options, |options, (name, value)| options.set(name, value))
}

/// How many emergency calls the service says it gave a route.
fn routed_emergencies(client: &mut Client) -> io::Result<u64> {
    let text = client.get("/metrics")?.text();
    let is_one = |line: &&str| {
        line.starts_with("telness_calls_total{") && line.contains(r#"class="emergency",outcome="Routed""#)
    };
    let count = |line: &str| line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok());
    Ok(text.lines().filter(is_one).filter_map(count).sum())
}
