//! A node on a temporary folder with a plan of two tenants, and the askers that call it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use telness_core::call::Draft;
use telness_core::class::Workflow;
use telness_engine::clock::Clock;
use telness_engine::config::{KeyHolder, KeySetting, Settings};
use telness_engine::{Answer, Asker, CallError, DataFolderError, Engine, Node, StartError};
use tempfile::TempDir;

pub(crate) const PLAN: &str = include_str!("plan.yaml");

/// A trusted switch of the tenant acme, at an office with the outside-line prefix 9.
pub(crate) const OFFICE: Asker<'static> = asker([10, 0, 0, 1]);
/// A trusted application of acme's whose calls can wait.
pub(crate) const DIALLER: Asker<'static> = asker([10, 10, 0, 1]);
/// A peer that needs a key, but for emergency calls.
pub(crate) const STREET: Asker<'static> = asker([192, 0, 2, 7]);
/// A peer that needs a key, for emergency calls too.
pub(crate) const CLOSED: Asker<'static> = asker([192, 0, 2, 200]);
/// A trusted switch of the suspended tenant.
pub(crate) const SUSPENDED: Asker<'static> = asker([10, 9, 0, 1]);
/// A trusted switch of the tenant other.
pub(crate) const OTHER: Asker<'static> = asker([10, 8, 0, 1]);
/// A carrier, whose numbers come with 88 before them.
pub(crate) const CARRIER: Asker<'static> = asker([203, 0, 113, 1]);
/// An address of nobody.
pub(crate) const NOBODY: Asker<'static> = asker([198, 51, 100, 99]);

const fn asker(address: [u8; 4]) -> Asker<'static> {
    let [a, b, c, d] = address;
    let address = IpAddr::V4(std::net::Ipv4Addr::new(a, b, c, d));
    Asker { listener: "http", workflow: Workflow::Low, address, key: None }
}

pub(crate) struct Scene {
    pub(crate) node: Option<Node>,
    folder: TempDir,
    pub(crate) settings: Settings,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A node whose clock stands.
    pub(crate) fn at(clock: Clock) -> Self {
        let mut scene = Self::prepared(|_| {});
        scene.node = Some(Node::start(&scene.settings, clock).unwrap());
        scene
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut scene = Self::prepared(change);
        scene.start();
        scene
    }

    fn prepared(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = TempDir::new().unwrap();
        let mut settings = Settings { data: folder.path().join("data"), ..Settings::defaults() };
        settings.keys = vec![KeySetting { holder: KeyHolder::Tenant("acme".parse().unwrap()), sha256: KEY_SHA256 }];
        let plan = folder.path().join("plan.yaml");
        std::fs::write(&plan, PLAN).unwrap();
        settings.plan = Some(plan);
        change(&mut settings);
        Self { node: None, folder, settings }
    }

    pub(crate) fn start(&mut self) {
        self.node = Some(Node::start(&self.settings, Clock::system()).unwrap());
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.node.as_ref().unwrap().engine)
    }

    /// Stops the node in order and starts it again on the same folder.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start();
    }

    pub(crate) async fn stop(&mut self) {
        let node = self.node.take().unwrap();
        tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
    }

    /// Starts once the node before has let go of the folder, which it keeps while a write to a database is in hand.
    pub(crate) async fn start_when_free(&mut self) {
        let started = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                match Node::start(&self.settings, Clock::system()) {
                    Err(StartError::DataFolder(DataFolderError::InUse { .. })) => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    started => break started.unwrap(),
                }
            }
        });
        self.node = Some(started.await.expect("the folder stays in use"));
    }

    /// The node's own secret, as a file that others can be given.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.settings.data.join("server.key")
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, within: Duration, is_so: impl Fn(&Engine) -> bool) {
        let engine = self.engine();
        let waited = tokio::time::timeout(within, async {
            while !is_so(&engine) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(waited.await.is_ok(), "{what}: {:?}", engine.readiness());
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path: &Path = self.folder.path();
        let path = path.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) async fn call(&self, asker: &Asker<'_>, draft: Draft) -> Result<Answer, CallError> {
        self.engine().handle_call(asker, draft).await
    }
}

/// The API key of acme, as a caller sends it.
pub(crate) const KEY: &str = "telness_key_of_the_tests";

/// Its SHA-256.
pub(crate) const KEY_SHA256: [u8; 32] = [
    0x03, 0x30, 0x71, 0x14, 0xd6, 0xa8, 0x26, 0x55, 0xe2, 0xc4, 0x13, 0x9f, 0x60, 0x40, 0x2a, 0xac, 0x1b, 0x24, 0x3c,
    0x11, 0x69, 0xc3, 0x98, 0x36, 0x20, 0xdf, 0x7a, 0x14, 0xd3, 0xbc, 0x33, 0xb1,
];

pub(crate) fn draft(to: &str) -> Draft {
    Draft { from: Some("+46846500401".into()), ..Draft::to(to) }
}

pub(crate) fn keyed(to: &str, key: &str) -> Draft {
    Draft { idempotency_key: Some(key.into()), ..draft(to) }
}
