//! The HTTP edge over a real node in this process, on a port of its own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use telness_core::class::Workflow;
use telness_core::directory::{NumberEntry, NumberState, Tenant};
use telness_core::names::TenantName;
use telness_core::time::Timestamp;
use telness_engine::Node;
use telness_engine::billing::{close, closing};
use telness_engine::clock::Clock;
use telness_engine::config::{Flag, Inputs, Settings, load};
use telness_engine::supervise::Supervisor;
use telness_store::billing::Billing;
use telness_store::control::{Edit, Expect};
use telness_testkit::Client;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// How long a test waits for what should come at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) node: Option<Node>,
    runtime: Runtime,
    stop: CancellationToken,
    edge: Supervisor,
    _folder: tempfile::TempDir,
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With settings by name, such as `http.connections_max`.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::changed(settings, |_| {})
    }

    /// Its listener is the high workflow's.
    pub(crate) fn high(settings: &[(&str, &str)]) -> Self {
        Self::of(Workflow::High, settings, |_| {})
    }

    pub(crate) fn changed(settings: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(Workflow::Low, settings, change)
    }

    fn of(workflow: Workflow, settings: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let flag = |(name, text): &(&str, &str)| Flag {
            flag: "--set".to_owned(),
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        };
        let data = ("data", folder.path().to_str().unwrap());
        let flags = settings.iter().chain([&data]).map(flag).collect();
        let mut settings = load(&Inputs { flags, ..Inputs::default() }).unwrap().settings;
        change(&mut settings);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, edge) = (CancellationToken::new(), Supervisor::new());
        let (node, address) = runtime.block_on(async {
            let node = Node::start(&settings, Clock::system()).unwrap();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let (engine, limits, stop) = (Arc::clone(&node.engine), settings.http.clone(), stop.clone());
            edge.task(
                "the HTTP edge",
                async move { telness::http::serve(listener, workflow, engine, &limits, stop).await },
            );
            (node, address)
        });
        Self { address, node: Some(node), runtime, stop, edge, _folder: folder }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Closes the billing files as if it were three days later, so that calls count of which nothing was reported.
    pub(crate) fn close_billing(&self) {
        let engine = &self.node.as_ref().unwrap().engine;
        // What was acknowledged is in the store before a list is answered.
        assert!(self.client().get("/v1/calls").unwrap().is_success());
        let settings = load(&Inputs::default()).unwrap().settings.billing;
        let days = Duration::from_secs(3 * 86_400);
        let later = Clock::system().now().as_micros() + i64::try_from(days.as_micros()).unwrap();
        let closing = closing(settings, Timestamp::from_micros(later));
        self.runtime.block_on(close(&Billing::of(engine.control()), closing)).unwrap();
    }

    /// A connection of bytes.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// What comes back for bytes when nothing follows them, until the service closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // The service may close before it has read all: what it answered is what counts.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        read_to_end(&mut stream)
    }

    /// Tells the service to stop, without waiting for that.
    pub(crate) fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the edge has ended.
    pub(crate) fn stopped(&self) {
        self.stop.cancel();
        let ended = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.edge.drain()).await });
        ended.expect("the edge does not end");
    }

    /// Puts a number in the store's inventory that nobody is to be reached by.
    pub(crate) fn put_in_quarantine(&self, number: &str) {
        let control = self.node.as_ref().unwrap().engine.control().clone();
        let edit = Edit { author: "anna".to_owned(), comment: String::new(), at: Clock::system().now() };
        let name: TenantName = "granen".parse().unwrap();
        let tenant = Tenant {
            name: name.clone(),
            suspended: false,
            calls_per_s_max: None,
            outside_line_prefixes: Vec::new(),
            retention: Default::default(),
        };
        let state = NumberState::Quarantined;
        let entry = NumberEntry { number: number.parse().unwrap(), state, tenant: name, user: None, cutover: None };
        self.runtime.block_on(async {
            control.put(&edit, tenant, Expect::Absent).await.unwrap();
            control.put(&edit, entry, Expect::Absent).await.unwrap();
        });
    }

    /// How many calls are recorded.
    pub(crate) fn recorded(&self) -> usize {
        self.client().get("/v1/calls?limit=1000").unwrap().json()["calls"].as_array().unwrap().len()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stopped();
            self.node.take().unwrap().stop();
        }
    }
}

/// All that comes until the other end closes, or breaks off.
pub(crate) fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
