//! What a node says of itself in the store, again and again, and what it learns there of the others.

use std::sync::Arc;
use std::time::Duration;

use telness_core::time::Timestamp;
use telness_store::Store;
use telness_store::control::{ControlError, NodeReport};
use tokio_util::sync::CancellationToken;

use crate::node::Engine;

/// How often a node says that it is there.
const EVERY: Duration = Duration::from_secs(5);

/// How long ago a node was last seen that is taken to be alive.
pub const ALIVE_MAX: Duration = Duration::from_secs(15);

/// How many beats pass between two looks for what is left of rate decks, unless there was some.
const BEATS_BETWEEN_SWEEPS: u32 = 11;

/// The most that is told of what is amiss, in characters.
const FAULT_CHARS_MAX: usize = 4_000;

/// Whether a node that was seen then is taken to be alive.
#[must_use]
pub fn is_alive(seen_at: Timestamp, now: Timestamp) -> bool {
    let micros = now.as_micros().saturating_sub(seen_at.as_micros());
    u64::try_from(micros).unwrap_or(0) <= u64::try_from(ALIVE_MAX.as_micros()).unwrap_or(u64::MAX)
}

/// Says so until the node stops, and does the store's small chores.
pub(crate) async fn run(engine: Arc<Engine>, store: Arc<dyn Store>, started_at: Timestamp, stop: CancellationToken) {
    let beating = async {
        let mut beats_to_sweep = 0;
        loop {
            // The shipper tells that the store is away; this need not as well.
            if let Err(why) = engine.beat(started_at).await {
                tracing::debug!(%why, "the node could not say in the store that it is there");
            }
            if let Err(why) = store.tend().await {
                tracing::debug!(%why, "the store's chores were not done");
            }
            beats_to_sweep = match beats_to_sweep {
                0 if engine.sweep_decks().await => 0,
                0 => BEATS_BETWEEN_SWEEPS,
                beats => beats.saturating_sub(1),
            };
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = beating => {}
        () = stop.cancelled() => {}
    }
}

impl Engine {
    async fn beat(&self, started_at: Timestamp) -> Result<(), ControlError> {
        let report = self.report(started_at);
        self.control.heartbeat(&report).await?;
        self.look_at_keys(&report, &self.control.nodes().await?);
        Ok(())
    }

    /// Sweeps away some of the rows that no rate deck has any more; tells whether there are others.
    async fn sweep_decks(&self) -> bool {
        self.deck_loader.sweep().await.unwrap_or_else(|why| {
            tracing::debug!(%why, "what is left of rate decks was not swept away");
            false
        })
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

    /// Nodes with another key make another call of the same Idempotency-Key (N5).
    fn look_at_keys(&self, own: &NodeReport, nodes: &[NodeReport]) {
        let others = nodes.iter().filter(|node| node.key_check != own.key_check && is_alive(node.seen_at, own.seen_at));
        let others: Vec<&str> = others.map(|node| node.name.as_str()).collect();
        let fault = (!others.is_empty()).then(|| {
            let fault = format!(
                "the server's key is not that of {}: the same Idempotency-Key makes two calls, and numbers are not \
                 found; give all nodes of a database one key (setting identity.key_file)",
                others.join(", ")
            );
            Arc::from(fault)
        });
        self.metrics.key_differs.set(i64::from(fault.is_some()));
        if self.snapshot.set_key_fault(fault.clone()) {
            match fault {
                Some(fault) => tracing::error!("{fault}"),
                None => tracing::info!("all nodes of the database have one server's key"),
            }
        }
    }
}
