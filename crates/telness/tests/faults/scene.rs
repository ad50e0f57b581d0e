//! The stage of a demonstration: a Postgres of its own, a network in between, nodes that share it, and switches that
//! ask them about calls and report events the whole time.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use telness_testkit::{Dice, Postgres, Proxy, Response, Service, ServiceOptions, eventually, without_settings};

use crate::acknowledged::callers::Callers;
use crate::acknowledged::ledger::{Ledger, Seen, decision};
use crate::acknowledged::{from_environment, verify};

/// Calls that are acknowledged while one fault is shown, in the short form. The long form is `scripts/test --faults`.
const CALLS: u64 = 1_200;

/// A fault is shown again after this part of the calls: several times, and a slow one not for hours.
const PART: u64 = 10;

/// How long a thing may take that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// One stage.
pub(crate) struct Scene {
    pub(crate) postgres: Postgres,
    pub(crate) proxy: Proxy,
    pub(crate) nodes: Vec<Service>,
    pub(crate) database: String,
    pub(crate) ledger: Ledger,
    callers: Vec<Callers>,
    pub(crate) dice: Dice,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// So many nodes on one database, whose settings are the usual ones and some of their own.
    pub(crate) fn new(nodes: usize, settings: &[(&str, &str)]) -> Self {
        Self::on(Postgres::start(), None, nodes, settings)
    }

    /// The same on a given server, and with the nodes' data in a given folder.
    pub(crate) fn on(postgres: Postgres, data: Option<&Path>, nodes: usize, settings: &[(&str, &str)]) -> Self {
        Self::prepared(postgres, data, (nodes, settings), |_, _, url| migrate(url))
    }

    /// The same, where somebody else makes the database ready: given the server, the database and its address.
    pub(crate) fn prepared(
        postgres: Postgres,
        data: Option<&Path>,
        (nodes, settings): (usize, &[(&str, &str)]),
        make_ready: impl FnOnce(&Postgres, &str, &str),
    ) -> Self {
        let proxy = Proxy::start(([127, 0, 0, 1], postgres.port()).into());
        let database = postgres.database();
        // By the name that its certificate is for.
        let url = format!("postgres://postgres@localhost:{}/{database}", proxy.address().port());
        make_ready(&postgres, &database, &url);
        let folder = tempfile::tempdir().unwrap();
        let mut started: Vec<Service> = Vec::new();
        for at in 0..nodes {
            let data = data.unwrap_or(folder.path()).join(format!("node-{at}"));
            if let Some(first) = started.first() {
                share_key(first.data(), &data);
            }
            let options = settings.iter().fold(options(&data, &url), |options, (name, value)| options.set(name, value));
            started.push(Service::start(&options));
        }
        let seed = from_environment("TELNESS_SEED", Dice::fresh_seed);
        println!("TELNESS_SEED={seed}");
        let (dice, ledger) = (Dice::seeded(seed), Ledger::default());
        Self { postgres, proxy, nodes: started, database, ledger, callers: Vec::new(), dice, _folder: folder }
    }

    /// Has the switches call every node, shows the fault over and over until there were calls enough, and holds the
    /// nodes to every acknowledgement. The stage is there yet, for whoever has more to look at.
    pub(crate) fn shows(mut self, mut fault: impl FnMut(&mut Self)) -> Self {
        let wanted = from_environment("TELNESS_FAULT_CALLS", || CALLS);
        self.begin_calls();
        while self.acknowledged() < wanted {
            fault(&mut self);
            self.calls(wanted / PART);
        }
        self.everything_is_there_once();
        self
    }

    fn begin_calls(&mut self) {
        for node in &self.nodes {
            self.callers.push(Callers::start(node, &self.ledger, &mut self.dice));
        }
        self.some_calls();
    }

    /// Ends the callers and has others begin, as they do after their node is gone.
    pub(crate) fn calls_again(&mut self) {
        self.end_calls();
        self.begin_calls();
    }

    /// Ends the callers, so that nobody calls.
    pub(crate) fn end_calls(&mut self) {
        for callers in self.callers.drain(..) {
            callers.end(&mut self.ledger);
        }
    }

    /// Calls that were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        let now: u64 = self.callers.iter().map(Callers::acknowledged).sum();
        now + self.ledger.calls() as u64
    }

    /// Waits until a hundred more calls were acknowledged: so calls go on.
    pub(crate) fn some_calls(&self) {
        self.calls(100);
    }

    fn calls(&self, more: u64) {
        let wanted = self.acknowledged() + more;
        let went_on = eventually(PATIENCE, || (self.acknowledged() >= wanted).then_some(()));
        assert!(went_on.is_some(), "no call is acknowledged any more:\n{}", self.nodes[0].log());
    }

    /// Asks the first node about a call, beside the switches; the ledger has the answer as it has theirs.
    pub(crate) fn ask(&mut self, call: &serde_json::Value) -> Option<Response> {
        let answer = self.nodes[0].client().post("/v1/calls", call).ok();
        let mut seen = Seen::default();
        match answer.as_ref().filter(|answer| answer.is_success()) {
            Some(answer) => seen.calls.push(decision(&answer.json())),
            None => seen.unanswered += 1,
        }
        self.ledger.add(seen);
        answer
    }

    /// Waits until every node says that its store takes nothing (false), or takes records again (true).
    pub(crate) fn store_is_ok(&self, ok: bool) {
        for node in &self.nodes {
            let told = || {
                let ready = node.client().get("/readyz").ok()?;
                assert_eq!(ready.status, 200, "a node is ready whatever its store does: {}", ready.text());
                (ready.json()["store_ok"] == ok).then_some(())
            };
            assert!(eventually(PATIENCE, told).is_some(), "store_ok does not become {ok}:\n{}", node.log());
        }
    }

    /// Ends the calls, waits until every backlog has drained, and compares what is kept with what was acknowledged.
    pub(crate) fn everything_is_there_once(&mut self) {
        self.end_calls();
        for node in &self.nodes {
            let drained = || {
                let ready = node.client().get("/readyz").ok()?.json();
                (ready["store_ok"] == true && ready["backlog_records"] == 0).then_some(())
            };
            assert!(eventually(PATIENCE, drained).is_some(), "the backlog does not drain:\n{}", node.log());
        }
        verify::everything(&self.nodes[0], &self.ledger);
        println!("{}", self.ledger.summary());
    }

    /// Waits until the database was seen to have a record that was acknowledged just now.
    pub(crate) fn backlog_has_drained(&self) {
        let list = || self.nodes[0].client().get("/v1/calls?limit=1").ok().filter(Response::is_success);
        assert!(eventually(PATIENCE, list).is_some(), "the database does not catch up:\n{}", self.nodes[0].log());
    }

    /// What a metric of a node stands at.
    pub(crate) fn metric(&self, node: usize, name: &str) -> f64 {
        let text = self.nodes[node].client().get("/metrics").unwrap().text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("there is no metric {name}")).parse().unwrap()
    }
}

fn options(data: &Path, url: &str) -> ServiceOptions {
    ServiceOptions::new(env!("CARGO_BIN_EXE_telness"), data)
        .set("store.url", url)
        .set("store.tls", "off")
        .set("store.connect_ms_max", "1000")
        .set("store.statement_ms_max", "1500")
        .set("store.tcp_user_ms_max", "2000")
        .set("shipper.retry_ms_max", "300")
        .set("shipper.batch_records_max", "300")
        .set("journal.segment_bytes_max", "1000000")
        .set("log.filter", "warn")
}

/// As an operator does.
pub(crate) fn migrate(url: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telness"));
    command.args(["migrate", "up", "--set", "store.tls=off", "--set", &format!("store.url={url}")]);
    without_settings(&mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Nodes of one database have one key: it makes a key's call the same on each (N5).
fn share_key(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::copy(from.join("server.key"), to.join("server.key")).unwrap();
}
