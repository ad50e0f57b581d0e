//! The service put together: settings, logs, plan, node, listener; and taken apart in the other order.

use std::net::SocketAddr;

use serde_json::json;
use telness_core::class::Workflow;
use telness_engine::clock::Clock;
use telness_engine::config::{HttpSettings, Loaded, Settings, SipSettings};
use telness_engine::plan_flow::PlanError;
use telness_engine::supervise::Supervisor;
use telness_engine::telemetry::start_logs;
use telness_engine::{DataFolderError, Engine, Node, StartError};
use telness_store::JournalError;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::cli::{Exit, Failure, Output};
use crate::listeners::{self, Limits, Listening, Protocol, Runtimes};
use crate::open_files;
use crate::reload::Reload;

/// Serves until SIGTERM or SIGINT; then drains. A second signal ends at once.
///
/// # Errors
/// Why it did not start.
pub fn serve(loaded: &Loaded, out: &mut Output) -> Result<Exit, Failure> {
    let settings = &loaded.settings;
    refuse_public_without_keys(settings)?;
    // The last thing that ends: it writes what the others logged.
    let _logs = start_logs(&settings.log).map_err(Failure::cannot)?;
    log_settings(loaded);
    let runtimes = Runtimes::start(settings).map_err(Failure::cannot)?;
    let exit = runtimes.low.block_on(run(settings, &runtimes, out));
    runtimes.shutdown();
    exit
}

/// Whoever can reach the port could place calls (P5), so that needs keys. By SIP nobody can: whoever reaches it is told
/// whether the node is ready, as by `/readyz`.
fn refuse_public_without_keys(settings: &Settings) -> Result<(), Failure> {
    let mut public = settings.listeners().into_iter().filter(|(_, address)| !address.ip().is_loopback());
    let Some((workflow, address)) = public.next().filter(|_| settings.keys.is_empty()) else { return Ok(()) };
    let message = format!(
        "{address} can be reached from elsewhere, and there is no API key, so anybody could place calls. Either listen \
         on loopback ({} 127.0.0.1:{}), or make a key with `telness keys new --tenant NAME` and put what it \
         prints into {}",
        listeners::chosen_by(Protocol::Http, workflow),
        address.port(),
        settings.data.join("telness.toml").display(),
    );
    Err(Failure::new(Exit::PublicWithoutKeys, message))
}

fn log_settings(loaded: &Loaded) {
    let shown =
        |one: &telness_engine::config::Effective| format!("{}={:?} ({})", one.setting.name, one.shown, one.source);
    let settings: Vec<String> = loaded.effective.iter().map(shown).collect();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), settings = settings.join(", "), "starting");
}

async fn run(settings: &Settings, runtimes: &Runtimes, out: &mut Output) -> Result<Exit, Failure> {
    let mut signals = Signals::listen().map_err(Failure::cannot)?;
    let first_start = matches!(telness_engine::read_secret(settings), Ok(None));
    let node = Node::start(settings, Clock::system()).map_err(refused_start)?;
    let started = async {
        let open = listeners::open(settings, runtimes).await?;
        announce(settings, &node.engine, &open, first_start, out)?;
        Ok(open)
    };
    let exit = match started.await {
        Ok(open) => drain(&node, open, settings, &mut signals).await,
        Err(failure) => Err(failure),
    };
    if matches!(exit, Ok(Exit::Interrupted)) {
        // What was acknowledged is in the journal; the next start goes on from there.
        return exit;
    }
    let stopped = tokio::task::spawn_blocking(move || node.stop());
    tokio::select! {
        ended = stopped => ended.map_err(Failure::cannot)?,
        () = signals.stop() => return Ok(Exit::Interrupted),
    }
    tracing::info!("stopped");
    exit
}

/// Serves until the first signal, then waits for what is in hand, or for the second.
async fn drain(node: &Node, open: Vec<Listening>, settings: &Settings, signals: &mut Signals) -> Result<Exit, Failure> {
    let stop = CancellationToken::new();
    let edges = Supervisor::new();
    let served = CancellationToken::new();
    let limits = limits(settings, open.len());
    for listening in open {
        // One after the other, so that emergency calls are carried before the low workflow lets its flood in (S5).
        listening.serve(&node.engine, &limits, &edges, stop.clone(), &served).await;
    }
    let mut reload = Reload::new(&node.engine, settings.plan.clone());
    loop {
        tokio::select! {
            told = signals.next() => match told {
                Told::Stop => break,
                Told::Reload => reload.ask(),
            },
            () = reload.finish() => {}
            () = served.cancelled() => return Err(Failure::cannot("an edge died; the log says why")),
        }
    }
    tokio::select! {
        () = announce_stop(node, settings, &stop) => {}
        () = signals.stop() => return Ok(Exit::Interrupted),
    }
    tokio::select! {
        () = edges.drain() => Ok(Exit::Done),
        () = signals.stop() => Ok(Exit::Interrupted),
    }
}

/// The limits of each listener, with no more connections than there may be open files: a flood of them to one would else
/// take the other's, and those that records are written to.
fn limits(settings: &Settings, listeners: usize) -> Limits {
    let open_files = open_files::raise();
    let share = open_files::connections_of_each(open_files, listeners);
    let (http, sip) = (&settings.http, &settings.sip);
    let of_sip = if settings.sip_listeners().is_empty() { 0 } else { sip.connections_max };
    for (name, asked) in [("http.connections_max", http.connections_max), ("sip.connections_max", of_sip)] {
        if share < asked {
            tracing::warn!(open_files, connections_max = share, "fewer open files are allowed than {name} needs");
        }
    }
    Limits {
        http: HttpSettings { connections_max: http.connections_max.min(share), ..http.clone() },
        sip: SipSettings { connections_max: sip.connections_max.min(share), ..sip.clone() },
    }
}

/// Says that the node is about to stop, and takes no more connections once whoever spreads the traffic had the time to
/// see it.
async fn announce_stop(node: &Node, settings: &Settings, stop: &CancellationToken) {
    let http = &settings.http;
    node.engine.begin_stop();
    tracing::info!(announce = ?http.drain_announce, drain = ?http.drain_max, "stopping: not ready from now on");
    tokio::time::sleep(http.drain_announce).await;
    tracing::info!("stopping: no more connections are taken");
    stop.cancel();
}

/// What a signal asks for.
#[derive(PartialEq, Eq)]
enum Told {
    Stop,
    Reload,
}

/// What the system tells the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hang_up.recv() => Told::Reload,
        }
    }

    /// Waits for a signal to stop, and for no other.
    async fn stop(&mut self) {
        while self.next().await != Told::Stop {}
    }
}

/// Tells whoever started the service where it is: people in words, programs in one line of JSON.
fn announce(
    settings: &Settings,
    engine: &Engine,
    open: &[Listening],
    first_start: bool,
    out: &mut Output,
) -> Result<(), Failure> {
    let of = |protocol, workflow| {
        let is = |one: &&Listening| one.protocol() == protocol && one.workflow == workflow;
        open.iter().find(is).map(|one| one.address)
    };
    let url = |workflow| of(Protocol::Http, workflow).map(|address| format!("http://{address}"));
    let (low, high) = (url(Workflow::Low), url(Workflow::High));
    let (sip, sip_high) = (of(Protocol::Sip, Workflow::Low), of(Protocol::Sip, Workflow::High));
    let listening = low.as_ref().or(high.as_ref());
    // The high workflow's listener explains nothing.
    let docs = low.as_ref().map(|url| format!("{url}/docs"));
    let plan = engine.plan_in_words();
    let node = engine.readiness().node;
    let data = settings.data.display();
    let told = if out.is_json() {
        out.json(&json!({
            "listening": listening, "listening_high": high, "listening_sip": sip, "listening_sip_high": sip_high,
            "docs": docs, "data": settings.data, "plan": plan, "node": node, "version": env!("CARGO_PKG_VERSION"),
            "first_start": first_start,
        }))
    } else {
        let own = match (&low, &high) {
            (Some(_), Some(high)) => format!("\nEmergency and vital calls have {high} to themselves."),
            (None, _) => "\nIt takes emergency and vital calls alone. SIGTERM or ctrl-c stops it.".to_owned(),
            (Some(_), None) => String::new(),
        };
        let asked = |address: Option<SocketAddr>, whose: &str| {
            address.map(|address| format!("\n{address} says by SIP OPTIONS whether {whose} calls are to be sent here."))
        };
        let asked = [asked(sip, "other"), asked(sip_high, "emergency")].into_iter().flatten().collect::<String>();
        let url = listening.map_or("", String::as_str);
        out.line(format_args!(
            "telness listens on {url} as {node}; it keeps everything in {data}, by the plan {plan}{own}{asked}"
        ))
        .and_then(|()| if low.is_some() { explain(url, !settings.keys.is_empty(), out) } else { Ok(()) })
    };
    match told.and_then(|()| out.flush()) {
        // Nobody reads: a service goes on all the same.
        Ok(()) | Err(Failure::ReaderGone) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// Tells a person what to try first.
fn explain(url: &str, needs_key: bool, out: &mut Output) -> Result<(), Failure> {
    let key = if needs_key { " \\\n  -H 'authorization: Bearer KEY'" } else { "" };
    out.line(format_args!(
        "\nAsk it about a call:\n\n  curl -s {url}/v1/calls -H 'content-type: application/json'{key} \\\n  \
         -d '{{\"from\": \"+46846500401\", \"to\": \"+46701740610\", \"type\": \"pbx\"}}'\n"
    ))?;
    out.line(format_args!("The API is explained at {url}/docs; SIGTERM or ctrl-c stops it."))
}

fn refused_start(error: StartError) -> Failure {
    let exit = match &error {
        StartError::DataFolder(DataFolderError::InUse { .. }) | StartError::Journal(JournalError::Locked { .. }) => {
            Exit::InUse
        }
        StartError::DataFolder(DataFolderError::Damaged { .. }) => Exit::Damaged,
        StartError::Plan(PlanError::Faulty { .. }) => Exit::No,
        _ => Exit::Cannot,
    };
    Failure::new(exit, error)
}
