//! The same load on a bare handler and on the service with and without its durability, turn by turn, so that a
//! busy minute of the machine falls on all of them.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::driver::{Load, Outcome, drive};
use super::process::cpu_time;
use crate::service::{Service, ServiceOptions};
use crate::wait::{eventually, now};

/// How long the store may take to catch up with the journal after a leg.
const CATCH_UP_MAX: Duration = Duration::from_secs(60);

/// How long each leg is driven before it is measured.
pub(super) const WARM_UP: Duration = Duration::from_millis(700);

/// What to compare, and for how long.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The service's binary.
    pub telness: PathBuf,
    /// The bare handler's binary.
    pub bare: PathBuf,
    /// Where the data folders are made: a real disk, or durability costs nothing.
    pub data_in: PathBuf,
    /// Connections at once.
    pub connections: usize,
    /// How long each leg is measured.
    pub leg: Duration,
    /// How often the legs take turns.
    pub rounds: usize,
    /// The processor that the server is pinned to.
    pub server_core: u32,
    /// Settings of every telness leg.
    pub settings: Vec<(String, String)>,
}

/// What a leg runs, with the settings that make it differ.
struct Leg {
    name: &'static str,
    bare: bool,
    settings: &'static [(&'static str, &'static str)],
    /// Whether the store is waited for.
    ships: bool,
}

const LEGS: [Leg; 4] = [
    Leg { name: "bare axum handler", bare: true, settings: &[], ships: false },
    Leg { name: "journal, before shipping", bare: false, settings: &[("shipper.enabled", "false")], ships: false },
    Leg { name: "journal and store", bare: false, settings: &[], ships: true },
    Leg {
        name: "no durability",
        bare: false,
        settings: &[("shipper.enabled", "false"), ("workflow.low.durability", "async")],
        ships: false,
    },
];

struct Measured {
    rate: f64,
    /// The rate at which records also reached the store.
    sustained: Option<f64>,
    percentiles: [Duration; 3],
    cpu_micros: f64,
    answer_bytes: usize,
}

/// Measures all legs in turn and gives a table of the medians.
///
/// # Errors
/// When a connection breaks or a figure cannot be read.
pub fn compare(comparison: &Comparison) -> io::Result<impl fmt::Display + use<>> {
    let mut measured: [Vec<Measured>; LEGS.len()] = Default::default();
    for _round in 0..comparison.rounds {
        for (leg, results) in LEGS.iter().zip(&mut measured) {
            results.push(measure(comparison, leg)?);
        }
    }
    Ok(Table(measured))
}

fn measure(comparison: &Comparison, leg: &Leg) -> io::Result<Measured> {
    let folder = tempfile::tempdir_in(&comparison.data_in)?;
    let binary = if leg.bare { &comparison.bare } else { &comparison.telness };
    let mut options = ServiceOptions::new(binary, folder.path()).pinned_to(comparison.server_core);
    let common = comparison.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in common.chain(leg.settings.iter().copied()).filter(|_| !leg.bare) {
        options = options.set(name, value);
    }
    let service = Service::start(&options);
    let load = |duration| Load {
        address: service.address(),
        requests: super::call_requests("/v1/calls"),
        connections: comparison.connections,
        duration,
        rate: None,
    };
    let warm = drive(&load(WARM_UP))?;
    let before = cpu_time(service.pid())?;
    let began = now();
    let outcome = drive(&load(comparison.leg))?;
    let sustained = leg.ships.then(|| sustained(&service, &warm, &outcome, began)).transpose()?;
    let used = cpu_time(service.pid())?.saturating_sub(before);
    if let Some(answer) = &outcome.first_failure {
        return Err(io::Error::other(format!("{}: {} calls were refused: {answer}", leg.name, outcome.failed)));
    }
    let calls = u32::try_from(outcome.latencies.total()).unwrap_or(u32::MAX).max(1);
    Ok(Measured {
        rate: outcome.rate(),
        sustained,
        percentiles: [0.5, 0.99, 0.999].map(|share| outcome.latencies.within(share)),
        cpu_micros: used.as_secs_f64() * 1e6 / f64::from(calls),
        answer_bytes: outcome.answer_bytes,
    })
}

/// Waits until the store holds all calls; the rate at which it then kept up, counted from the load's begin.
pub(super) fn sustained(
    service: &Service,
    warm: &Outcome,
    outcome: &Outcome,
    began: std::time::Instant,
) -> io::Result<f64> {
    let all = warm.latencies.total() + outcome.latencies.total();
    let mut client = service.client();
    let shipped = move || {
        let text = client.get("/metrics").ok()?.text();
        let line = text.lines().find(|line| line.starts_with("telness_shipped_records_total "))?;
        line.rsplit(' ').next()?.parse::<u64>().ok().filter(|shipped| *shipped >= all)
    };
    eventually(CATCH_UP_MAX, shipped).ok_or_else(|| io::Error::other("the store does not catch up"))?;
    let calls = u32::try_from(outcome.latencies.total()).unwrap_or(u32::MAX);
    Ok(f64::from(calls) / began.elapsed().as_secs_f64())
}

struct Table([Vec<Measured>; LEGS.len()]);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads =
            ["calls/s", "of bare", "in store", "of bare", "p50 ms", "p99 ms", "p99.9", "CPU µs", "of bare", "bytes"];
        row(f, "medians of the rounds", &heads.map(str::to_owned))?;
        let bare = |pick: fn(&Measured) -> f64| median(&self.0[0], pick);
        for (leg, rounds) in LEGS.iter().zip(&self.0) {
            let rate = median(rounds, |round| round.rate);
            let kept = median(rounds, |round| round.sustained.unwrap_or(0.0));
            let ms = |place: usize| median(rounds, |round| round.percentiles[place].as_secs_f64() * 1e3);
            let cpu = median(rounds, |round| round.cpu_micros);
            let in_store = |text: String| if leg.ships { text } else { "-".to_owned() };
            let figures = [
                format!("{rate:.0}"),
                share(rate, bare(|round| round.rate)),
                in_store(format!("{kept:.0}")),
                in_store(share(kept, bare(|round| round.rate))),
                format!("{:.2}", ms(0)),
                format!("{:.2}", ms(1)),
                format!("{:.2}", ms(2)),
                format!("{cpu:.1}"),
                // The rate that the processor time allows: what is left of it when the machine is busy.
                share(bare(|round| round.cpu_micros), cpu),
                rounds.last().map_or(0, |round| round.answer_bytes).to_string(),
            ];
            row(f, leg.name, &figures)?;
        }
        for (leg, rounds) in LEGS.iter().zip(&self.0) {
            let rates: Vec<_> = rounds.iter().map(|round| format!("{:.0}", round.rate)).collect();
            writeln!(f, "{}: {} calls/s in turn", leg.name, rates.join(", "))?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, figures: &[String]) -> fmt::Result {
    write!(f, "{name:26}")?;
    figures.iter().try_for_each(|figure| write!(f, " {figure:>8}"))?;
    writeln!(f)
}

fn share(of: f64, whole: f64) -> String {
    format!("{:.0} %", 100.0 * of / whole)
}

pub(super) fn median<T>(rounds: &[T], pick: impl Fn(&T) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(pick).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
