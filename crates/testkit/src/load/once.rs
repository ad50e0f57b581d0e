//! What is measured once: how long a million waiting calls take into a store, and how soon a node that was restarted
//! with a million numbers and rates answers its first call while its database is down.

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::driver::{Load, drive};
use super::process::{cpu_time, on_database};
use crate::postgres::Postgres;
use crate::service::{Service, ServiceOptions};
use crate::wait::{eventually, now};

/// How long a million of anything may take.
const PATIENCE: Duration = Duration::from_secs(1_200);
/// How long calls are driven before it is looked whether there are enough.
const LEG: Duration = Duration::from_secs(5);

/// What to measure with.
#[derive(Clone, Debug)]
pub struct Once {
    /// The service's binary.
    pub telness: PathBuf,
    /// Where the data folders are made: a real disk, or durability costs nothing.
    pub data_in: PathBuf,
    /// How many: calls, or numbers and rates.
    pub count: u64,
}

/// Lets calls wait in the journal and measures how long they take into a store: SQLite's file, and a Postgres on the
/// same processors.
///
/// # Errors
/// When a program cannot be started or the calls do not arrive.
pub fn drain(what: &Once) -> io::Result<impl fmt::Display + use<>> {
    let postgres = Postgres::start_in(tempfile::Builder::new().tempdir_in(&what.data_in)?.keep(), &ROOM);
    let url = with_schema(what, &postgres)?;
    let mut lines = Vec::new();
    for (name, url) in [("SQLite", None), ("Postgres", Some(url.as_str()))] {
        let folder = tempfile::tempdir_in(&what.data_in)?;
        let options = options(what, folder.path(), url).set("journal.bytes_max", "20000000000");
        let service = Service::start(&options.clone().set("shipper.enabled", "false"));
        let mut waiting = 0;
        while waiting < what.count {
            let requests = super::call_requests("/v1/calls");
            let load = Load { address: service.address(), requests, connections: 64, duration: LEG, rate: None };
            let outcome = drive(&load)?;
            if let Some(answer) = outcome.first_failure {
                return Err(io::Error::other(format!("a call was refused: {answer}")));
            }
            waiting += outcome.latencies.total();
        }
        drop(service);
        let service = Service::start(&options);
        let (began, cpu, in_postgres) = (now(), cpu_time(service.pid())?, postgres.cpu());
        let backlog = || service.client().get("/readyz").ok()?.json()["backlog_records"].as_u64();
        let drained = eventually(PATIENCE, || backlog().filter(|waits| *waits == 0));
        drained.ok_or_else(|| io::Error::other(format!("the calls do not arrive:\n{}", service.log())))?;
        let took = began.elapsed().as_secs_f64();
        let calls = f64::from(u32::try_from(waiting).unwrap_or(u32::MAX));
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / calls;
        lines.push(format!(
            "{name:9} {waiting} calls in {took:.1} s, {:.0}/s; CPU a call {:.1} µs in the service, {:.1} in Postgres",
            calls / took,
            each(cpu_time(service.pid())?.saturating_sub(cpu)),
            each(postgres.cpu().saturating_sub(in_postgres)),
        ));
    }
    Ok(lines.join("\n"))
}

/// Puts numbers of a thousand users and a rate deck into a Postgres, has a node take them over, stops both, and
/// measures from the node's next start to its first answer to a call.
///
/// # Errors
/// When a program cannot be started or refuses.
pub fn start_up(what: &Once) -> io::Result<impl fmt::Display + use<>> {
    let mut postgres = Postgres::start_in(tempfile::Builder::new().tempdir_in(&what.data_in)?.keep(), &ROOM);
    let url = with_schema(what, &postgres)?;
    let folder = tempfile::tempdir_in(&what.data_in)?;
    let run = |arguments: &[&str]| on_database(&what.telness, &url, arguments);
    run(&["tenants", "put", "nordtel"])?;
    let file = |name: &str| folder.path().join(name);
    lines(&file("users"), 1_000, |at| format!(r#"{{"tenant":"nordtel","name":"u{at}"}}"#))?;
    // There are no million numbers that are kept free: 999 is no country's code.
    lines(&file("numbers"), what.count, |at| {
        let user = at % 1_000;
        format!(r#"{{"number":"+99970{at:07}","state":"assigned","tenant":"nordtel","user":"u{user}"}}"#)
    })?;
    let row = |at: u64| match at {
        0 => "prefix,price,connection_fee,first_s,next_s".to_owned(),
        at => format!("99946{at:07},0.{:04},0,60,1", at % 10_000),
    };
    lines(&file("deck.csv"), what.count + 1, row)?;
    for kind in ["users", "numbers"] {
        run(&[kind, "put", "--file", &file(kind).to_string_lossy()])?;
    }
    run(&["decks", "load", &file("deck.csv").to_string_lossy(), "--trunk", "carrier-north", "--currency", "SEK"])?;
    let options = options(what, &folder.path().join("data"), Some(&url));
    let mut service = Service::start(&options);
    let snapshot = service.data().join("snapshot");
    // What is being written has a name of its own.
    let is_whole = |file: &std::fs::DirEntry| !file.file_name().to_string_lossy().ends_with("writing");
    let largest = || {
        let files = std::fs::read_dir(&snapshot).ok()?.filter_map(Result::ok).filter(is_whole);
        files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).max()
    };
    let kept = || largest().filter(|bytes| *bytes > what.count * 20);
    if eventually(PATIENCE, kept).is_none() {
        return Err(io::Error::other(format!("no snapshot is written:\n{}", service.log())));
    }
    service.ask_to_stop();
    service.stopped();
    drop(service);
    postgres.stop();
    let bytes = largest().unwrap_or_default();
    let (took, memory) = first_answer(&options)?;
    Ok(format!(
        "{} numbers and as many rates, a snapshot of {} MB, the database down: the first answer {} ms after the start; \
         {} MB resident",
        what.count,
        bytes / 1_000_000,
        took.as_millis(),
        memory / 1_000_000
    ))
}

const ROOM: [(&str, &str); 3] = [("shared_buffers", "512MB"), ("max_wal_size", "4GB"), ("checkpoint_timeout", "15min")];

/// From a node's start to its first answer to a call, and what it holds of the memory then.
fn first_answer(options: &ServiceOptions) -> io::Result<(Duration, u64)> {
    let began: Instant = now();
    let service = Service::start(options);
    let call = serde_json::json!({ "from": "+46701740605", "to": "+46701740610", "type": "mobile" });
    let answer = service.client().post("/v1/calls", &call)?;
    let took = began.elapsed();
    if !answer.is_success() {
        return Err(io::Error::other(answer.text()));
    }
    let pages = std::fs::read_to_string(format!("/proc/{}/statm", service.pid()))?;
    let pages: u64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or_default();
    Ok((took, pages * 4096))
}

fn options(what: &Once, data: &std::path::Path, url: Option<&str>) -> ServiceOptions {
    let options = ServiceOptions::new(&what.telness, data).set("log.filter", "warn");
    match url {
        Some(url) => options.set("store.url", url).set("store.tls", "off"),
        None => options,
    }
}

fn with_schema(what: &Once, postgres: &Postgres) -> io::Result<String> {
    let url = postgres.url(&postgres.database());
    on_database(&what.telness, &url, &["migrate", "up"])?;
    Ok(url)
}

fn lines(path: &std::path::Path, count: u64, line: impl Fn(u64) -> String) -> io::Result<()> {
    let mut file = io::BufWriter::new(std::fs::File::create(path)?);
    (0..count).try_for_each(|at| writeln!(file, "{}", line(at)))?;
    file.flush()
}
