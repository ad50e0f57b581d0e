//! The service with its records in Postgres, beside `pgbench` that inserts the same rows one by one into the same
//! table, turn by turn: all of them on the same processors.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::compare::{WARM_UP, median, sustained};
use super::driver::{Load, drive};
use super::process::{cpu_time, on_database};
use crate::postgres::{Postgres, programs};
use crate::service::{Service, ServiceOptions};
use crate::wait::now;

/// Clients of pgbench; the best of them counts.
const CLIENTS: [usize; 3] = [8, 32, 64];
/// The service has so many times the connections as well, and the better of both counts: as for pgbench, what is best
/// depends on how much of a commit's wait others fill.
const MORE_CONNECTIONS: usize = 4;

/// What to measure, and for how long.
#[derive(Clone, Debug)]
pub struct BesidePgbench {
    /// The service's binary.
    pub telness: PathBuf,
    /// Where the data folders are made: a real disk, or durability costs nothing.
    pub data_in: PathBuf,
    /// Connections at once to the service; four times as many are tried besides.
    pub connections: usize,
    /// How long each leg is measured.
    pub leg: Duration,
    /// How often the legs take turns.
    pub rounds: usize,
    /// Settings of every telness leg.
    pub settings: Vec<(String, String)>,
}

/// One round's figures.
struct Round {
    pgbench: [f64; CLIENTS.len()],
    /// What Postgres takes for a row of the fastest pgbench.
    pgbench_cpu_micros: f64,
    journal: Kept,
    database: Kept,
}

/// One leg's figures of a round.
type Leg = fn(&Round) -> &Kept;

/// Calls a second that were answered and reached Postgres in the same time.
struct Kept {
    connections: usize,
    rate: f64,
    in_postgres: f64,
    percentiles: [Duration; 2],
    /// What a call takes of the processors in the service and in Postgres.
    cpu_micros: [f64; 2],
    /// What the personal part of its calls has in the mean.
    personal_bytes: usize,
}

/// Measures all legs in turn.
///
/// # Errors
/// When a program cannot be started, a call is refused or a figure cannot be read.
pub fn beside_pgbench(what: &BesidePgbench) -> io::Result<impl fmt::Display + use<>> {
    let folder = tempfile::Builder::new().prefix("telness-load-").tempdir_in("/var/tmp")?.keep();
    let room = [
        ("max_connections", "100"),
        ("shared_buffers", "512MB"),
        ("max_wal_size", "4GB"),
        ("checkpoint_timeout", "15min"),
    ];
    let postgres = Postgres::start_in(folder, &room);
    let mut rounds = Vec::new();
    for _ in 0..what.rounds {
        let journal = better(what, &postgres, "journal")?;
        let script = insert_script(journal.personal_bytes)?;
        let mut pgbench = [0.0; CLIENTS.len()];
        let (mut fastest, mut pgbench_cpu_micros) = (0.0, 0.0);
        for (rate, clients) in pgbench.iter_mut().zip(CLIENTS) {
            let used;
            (*rate, used) = on_a_fresh_database(what, &postgres, |database| {
                let before = postgres.cpu();
                let rate = single_inserts(&postgres, database, script.path(), clients, what.leg)?;
                Ok((rate, postgres.cpu().saturating_sub(before)))
            })?;
            if *rate > fastest {
                let rows = *rate * what.leg.as_secs_f64();
                (fastest, pgbench_cpu_micros) = (*rate, used.as_secs_f64() * 1e6 / rows);
            }
        }
        let committed = better(what, &postgres, "database")?;
        rounds.push(Round { pgbench, pgbench_cpu_micros, journal, database: committed });
    }
    Ok(Table(rounds))
}

/// The service with few and with many connections: whichever keeps more calls a second.
fn better(what: &BesidePgbench, postgres: &Postgres, durability: &str) -> io::Result<Kept> {
    let [few, many] = [what.connections, what.connections * MORE_CONNECTIONS].map(|connections| {
        on_a_fresh_database(what, postgres, |database| kept(what, postgres, database, durability, connections))
    });
    let (few, many) = (few?, many?);
    Ok(if many.in_postgres > few.in_postgres { many } else { few })
}

/// The service under load until all of it is in Postgres.
fn kept(
    what: &BesidePgbench,
    postgres: &Postgres,
    database: &str,
    durability: &str,
    connections: usize,
) -> io::Result<Kept> {
    let folder = tempfile::tempdir_in(&what.data_in)?;
    let mut options = ServiceOptions::new(&what.telness, folder.path())
        .set("store.url", &postgres.url(database))
        .set("store.tls", "off")
        .set("workflow.low.durability", durability);
    for (name, value) in &what.settings {
        options = options.set(name, value);
    }
    let service = Service::start(&options);
    let load = |duration| Load {
        address: service.address(),
        requests: super::call_requests("/v1/calls"),
        connections,
        duration,
        rate: None,
    };
    let warm = drive(&load(WARM_UP))?;
    let cpu = || io::Result::Ok([cpu_time(service.pid())?, postgres.cpu()]);
    let (before, began) = (cpu()?, now());
    let outcome = drive(&load(what.leg))?;
    let in_postgres = sustained(&service, &warm, &outcome, began)?;
    let after = cpu()?;
    let calls = f64::from(u32::try_from(outcome.latencies.total()).unwrap_or(u32::MAX).max(1));
    let cpu_micros = [0, 1].map(|at| after[at].saturating_sub(before[at]).as_secs_f64() * 1e6 / calls);
    if let Some(answer) = &outcome.first_failure {
        return Err(io::Error::other(format!("{} calls were refused: {answer}", outcome.failed)));
    }
    let rows: u64 = postgres.sql(database, "SELECT count(*) FROM calls").parse().unwrap_or(0);
    let posted = warm.latencies.total() + outcome.latencies.total();
    if rows != posted {
        return Err(io::Error::other(format!("{posted} calls were answered and {rows} are in Postgres")));
    }
    let percentiles = [0.5, 0.99].map(|share| outcome.latencies.within(share));
    let mean = postgres.sql(database, "SELECT avg(length(personal))::int FROM calls").parse().unwrap_or(0);
    Ok(Kept { connections, rate: outcome.rate(), in_postgres, percentiles, cpu_micros, personal_bytes: mean })
}

/// Runs a leg on a database of its own, so that none writes to tables that another has filled, and takes it away
/// afterwards: Postgres would vacuum it, and write its pages out, during the legs that follow.
fn on_a_fresh_database<T>(
    what: &BesidePgbench,
    postgres: &Postgres,
    leg: impl FnOnce(&str) -> io::Result<T>,
) -> io::Result<T> {
    let database = database_with_schema(what, postgres)?;
    let outcome = leg(&database);
    postgres.sql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)"));
    outcome
}

/// A fresh database with the schema, all of it on the disk.
fn database_with_schema(what: &BesidePgbench, postgres: &Postgres) -> io::Result<String> {
    let database = postgres.database();
    on_database(&what.telness, &postgres.url(&database), &["migrate", "up"])?;
    postgres.sql(&database, "SELECT make_day(current_date), make_day(current_date + 1)");
    postgres.sql(&database, "CHECKPOINT");
    Ok(database)
}

/// A row as the service writes it, with an id and a time of its own.
fn insert_script(personal_bytes: usize) -> io::Result<tempfile::NamedTempFile> {
    let file = tempfile::Builder::new().suffix(".sql").tempfile()?;
    let text = format!(
        "\\set n random(1, 100000000)\nINSERT INTO calls (tenant, call_id, received_at, class, action, reason, trunk, \
         caller_key, called_key, sip_call_id, v, node, workflow, kind, direction, peer, site, region, rule, \
         matched_prefix, gateway, plan_revision, request_hash, personal) VALUES ('nordtel', gen_random_uuid(), \
         clock_timestamp(), 'normal', 'route', 'routed', 'mobile-core', '\\x000102030405060708090a0b0c0d0e0f', \
         '\\x000102030405060708090a0b0c0d0e0f', 'a84b4c76e66710@pbx.example', 1, 'node-1', 'low', 'mobile', \
         'from_tenant', 'office-pbx', 'stockholm', 'SE', 'swedish-mobile', '467', 'cscf1', 1, :n, \
         '\\x{}');\n",
        "a7".repeat(personal_bytes)
    );
    std::fs::write(file.path(), text)?;
    Ok(file)
}

/// Transactions a second of pgbench with one row each, prepared.
fn single_inserts(
    postgres: &Postgres,
    database: &str,
    script: &std::path::Path,
    clients: usize,
    leg: Duration,
) -> io::Result<f64> {
    let mut pgbench = Command::new(programs().join("pgbench"));
    pgbench.args(["-n", "-M", "prepared", "-h", "127.0.0.1", "-U", "postgres", "-j", "2", "-c", &clients.to_string()]);
    pgbench.args(["-p", &postgres.port().to_string(), "-T", &leg.as_secs().max(1).to_string(), "-f"]);
    let output = pgbench.arg(script).arg(database).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| io::Error::other(format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr))))
}

struct Table(Vec<Round>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let best = |round: &Round| round.pgbench.iter().copied().fold(0.0, f64::max);
        let pgbench = median(&self.0, best);
        writeln!(f, "medians of {} rounds", self.0.len())?;
        for (at, clients) in CLIENTS.iter().enumerate() {
            let rate = median(&self.0, |round| round.pgbench.get(at).copied().unwrap_or(0.0));
            writeln!(f, "pgbench, single rows, {clients:2} clients {rate:8.0}/s")?;
        }
        let cpu = median(&self.0, |round| round.pgbench_cpu_micros);
        let bytes = self.0.first().map_or(0, |round| round.journal.personal_bytes);
        writeln!(f, "Postgres takes {cpu:.1} µs of CPU for a row of the fastest; the personal part has {bytes} bytes")?;
        let legs: [(&str, Leg); 2] = [("journal", |round| &round.journal), ("database", |round| &round.database)];
        for (name, leg) in legs {
            let ms = |at: usize| {
                median(&self.0, |round| leg(round).percentiles.get(at).copied().unwrap_or_default().as_secs_f64() * 1e3)
            };
            let (rate, kept) =
                (median(&self.0, |round| leg(round).rate), median(&self.0, |round| leg(round).in_postgres));
            // The better of two counts, which may be another in each round.
            let counts: BTreeSet<String> = self.0.iter().map(|round| leg(round).connections.to_string()).collect();
            let connections = counts.into_iter().collect::<Vec<_>>().join(" or ");
            let ratio = median(&self.0, |round| leg(round).in_postgres / best(round));
            writeln!(
                f,
                "telness, {name:8} {connections} connections, answered {rate:8.0}/s, in Postgres {kept:8.0}/s = {ratio:.2} of pgbench's best \
                 ({pgbench:.0}/s); p50 {:.2} ms, p99 {:.2} ms; CPU a call {:.1} µs in the service, {:.1} in Postgres",
                ms(0),
                ms(1),
                median(&self.0, |round| leg(round).cpu_micros[0]),
                median(&self.0, |round| leg(round).cpu_micros[1])
            )?;
        }
        Ok(())
    }
}
