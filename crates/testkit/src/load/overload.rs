//! Emergency calls at a steady rate on the high workflow's listener, at rest and then while the low workflow is offered
//! ten times what it takes, and something else goes wrong besides.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::driver::{Load, Outcome, drive};
use super::{call_requests, request};
use crate::client::Client;
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
    /// What goes wrong besides.
    pub fault: Fault,
    /// The limit of the low workflow.
    pub calls_in_flight_max: usize,
    /// Emergency calls a second.
    pub rate: f64,
    /// How long the rest is measured, and then the overload.
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
    /// Calls of the low workflow that were taken and that were refused; none if its process did not live to the end.
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
            None => f.write_str("low workflow: its process did not live to the end"),
        }
    }
}

/// Drives both workflows.
///
/// # Errors
/// When a connection to the high workflow breaks.
pub fn overload(overload: &Overload) -> io::Result<Overloaded> {
    let folder = |name: &str| overload.data_in.join(name);
    let options = |name: &str| {
        let limit = overload.calls_in_flight_max.to_string();
        let options = ServiceOptions::new(&overload.telness, folder(name)).survives_file_size_limit();
        let options = options.set("workflow.low.calls_in_flight_max", &limit).set("log.filter", "error");
        overload.settings.iter().fold(options, |options, (name, value)| options.set(name, value))
    };
    let (high, mut other) = if overload.one_process {
        (Service::start(&options("both").set("workflow.high.listen", "127.0.0.1:0")), None)
    } else {
        let start = |workflow| Service::start(&options(workflow).argument("--workflow").argument(workflow));
        (start("high"), Some(start("low")))
    };
    let emergency = Load {
        address: high.address_of_high().unwrap_or_else(|| high.address()),
        requests: vec![request("/v1/calls", r#"{"from":"+46846500401","to":"112","type":"pbx"}"#)],
        connections: EMERGENCY_CONNECTIONS,
        duration: overload.length,
        rate: Some(overload.rate),
    };
    let at_rest = drive(&emergency)?;
    let flood = Load {
        address: other.as_ref().unwrap_or(&high).address(),
        requests: call_requests("/v1/calls"),
        connections: overload.calls_in_flight_max * TIMES,
        duration: overload.length,
        rate: None,
    };
    let flooding = std::thread::spawn(move || drive(&flood));
    match (overload.fault, &mut other) {
        (Fault::None, _) => {}
        (Fault::Stopped, Some(low)) => low.signal("STOP"),
        (Fault::Killed, Some(low)) => low.kill(),
        (Fault::DiskFull, low) => {
            [Some(&high), low.as_ref()].into_iter().flatten().for_each(|service| service.limit_file_size(Some(0)));
        }
        (_, None) => return Err(io::Error::other("there is no other process that this could happen to")),
    }
    let during = drive(&emergency)?;
    if let (Fault::Stopped, Some(low)) = (overload.fault, &other) {
        low.signal("CONT");
    }
    let low = flooding.join().ok().and_then(Result::ok).map(|flood| (flood.latencies.total(), flood.failed));
    let routed = routed_emergencies(&mut Client::new(emergency.address))?;
    Ok(Overloaded { at_rest, during, routed, low })
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
