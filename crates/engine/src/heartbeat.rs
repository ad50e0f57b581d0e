//! What a node says of itself in the store, again and again, and what it learns there of the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use telness_core::time::Timestamp;
use telness_store::control::{ControlError, NodeReport};
use telness_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::node::Engine;
use crate::snapshot::Fault;

/// How often a node says that it is there, and does what the store needs.
const EVERY: Duration = Duration::from_secs(5);

/// How long ago a node was last seen that is taken to be alive.
pub const ALIVE_MAX: Duration = Duration::from_secs(15);

/// How many turns pass between two looks for what is left of rate decks, unless there was some.
const TURNS_BETWEEN_SWEEPS: u32 = 11;

/// What is told while the store takes records and its chores fail.
const CHORES_NOT_DONE: &str = "the store's chores are not done: days to come are not made ready, and from the first of \
                               them on nothing can be written; `telness nodes` and the log tell why";

/// The most that is told of what is amiss, in characters.
const FAULT_CHARS_MAX: usize = 4_000;

/// Whether a node that was seen then is taken to be alive.
#[must_use]
pub fn is_alive(seen_at: Timestamp, now: Timestamp) -> bool {
    let micros = now.as_micros().saturating_sub(seen_at.as_micros());
    u64::try_from(micros).unwrap_or(0) <= u64::try_from(ALIVE_MAX.as_micros()).unwrap_or(u64::MAX)
}

/// Says so until the node stops, and does the store's small chores: beside each other, so that a node whose chores take
/// long is not taken to be dead.
pub(crate) async fn run(engine: Arc<Engine>, store: Arc<dyn Store>, started_at: Timestamp, stop: CancellationToken) {
    // The shipper tells that the store is away; what waits for it need not as well.
    let said = AtomicBool::new(false);
    tokio::select! {
        () = beating(&engine, started_at, &said) => {}
        () = tending(&engine, &*store, &said) => {}
        () = stop.cancelled() => {}
    }
}

async fn beating(engine: &Engine, started_at: Timestamp, said: &AtomicBool) {
    let mut ever_said = false;
    loop {
        let beat = engine.beat(started_at, ever_said).await;
        if let Err(why) = &beat {
            tracing::debug!(%why, "the node could not say in the store that it is there");
        }
        ever_said |= beat.is_ok();
        said.store(beat.is_ok(), Ordering::Relaxed);
        tokio::time::sleep(EVERY).await;
    }
}

async fn tending(engine: &Engine, store: &dyn Store, said: &AtomicBool) {
    let mut turns_to_sweep = 0;
    loop {
        let tended = store.tend().await;
        if said.load(Ordering::Relaxed) {
            engine.tell_of_chores(tended.err());
        }
        turns_to_sweep = match turns_to_sweep {
            0 if engine.sweep_decks().await => 0,
            0 => TURNS_BETWEEN_SWEEPS,
            turns => turns.saturating_sub(1),
        };
        tokio::time::sleep(EVERY).await;
    }
}

impl Engine {
    /// Says so once; `said` tells whether it was said since the start.
    async fn beat(&self, started_at: Timestamp, said: bool) -> Result<(), ControlError> {
        let report = self.report(started_at);
        let nodes = self.control.nodes().await?;
        self.control.heartbeat(&report).await?;
        // Before, what is there may be of this node's last run.
        let twin = said && nodes.iter().any(|node| node.name == report.name && node.started_at != report.started_at);
        self.look_at_nodes(&report, &nodes, twin);
        self.callbacks.saw_nodes(&report, &nodes);
        Ok(())
    }

    /// Sweeps away some of the rows that no rate deck has any more; tells whether there are others.
    async fn sweep_decks(&self) -> bool {
        self.deck_loader.sweep().await.unwrap_or_else(|why| {
            tracing::debug!(%why, "what is left of rate decks was not swept away");
            false
        })
    }

    /// Tells why chores are not done though the store takes what the node says.
    fn tell_of_chores(&self, error: Option<StoreError>) {
        let fault =
            error.map(|why| Fault { short: CHORES_NOT_DONE.into(), whole: format!("{CHORES_NOT_DONE}: {why}").into() });
        let told = fault.as_ref().map(|fault| Arc::clone(&fault.whole));
        if self.snapshot.set_chores_fault(fault) {
            match told {
                Some(fault) => tracing::error!("{fault}"),
                None => tracing::info!("the store's chores are done again"),
            }
        }
    }

    fn report(&self, started_at: Timestamp) -> NodeReport {
        let (backlog, now) = (self.recorder.backlog(), self.clock.now());
        let (served_version, plan_revision, plan_from) = {
            let made_of = self.snapshot.made_of();
            (made_of.tables.version, made_of.compiled.plan.revision, made_of.plan_from)
        };
        let faults = self.snapshot.faults_in_full().join("\n");
        NodeReport {
            name: self.node.clone(),
            started_at,
            seen_at: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schema_version: self.control.schema_version(),
            plan_revision,
            served_version: i64::try_from(served_version).unwrap_or(i64::MAX),
            snapshot_age_s: self.snapshot.age_s(),
            journal_bytes: u64::try_from(self.metrics.journal_bytes.get()).unwrap_or(0),
            backlog_records: backlog.records,
            backlog_age_s: self.age_s(backlog),
            plan_from: plan_from.as_str().to_owned(),
            fault: (!faults.is_empty()).then(|| faults.chars().take(FAULT_CHARS_MAX).collect()),
            key_check: self.identity.check(),
        }
    }

    /// Nodes with another key make another call of the same Idempotency-Key (N5), and of two with one journal the store
    /// keeps one place.
    fn look_at_nodes(&self, own: &NodeReport, nodes: &[NodeReport], twin: bool) {
        let others = nodes.iter().filter(|node| {
            node.name != own.name && node.key_check != own.key_check && is_alive(node.seen_at, own.seen_at)
        });
        let others: Vec<&str> = others.map(|node| node.name.as_str()).collect();
        let key = (!others.is_empty()).then(|| {
            format!(
                "the server's key is not that of {}: the same Idempotency-Key makes two calls, and numbers are not \
                 found; give all nodes of a database one key (setting identity.key_file)",
                others.join(", ")
            )
        });
        self.metrics.key_differs.set(i64::from(key.is_some()));
        let twin = twin.then(|| {
            format!(
                "another node runs under the name {} as well; give each its own (setting node), and a data folder of its \
                 own: of a copied one the store takes both journals for one, and records can be passed over",
                own.name
            )
        });
        let told: Vec<String> = key.into_iter().chain(twin).collect();
        let fault: Option<Arc<str>> = (!told.is_empty()).then(|| told.join("; ").into());
        if self.snapshot.set_key_fault(fault.clone()) {
            match fault {
                Some(fault) => tracing::error!("{fault}"),
                None => tracing::info!("all nodes of the database have one server's key, and each a name of its own"),
            }
        }
    }
}
