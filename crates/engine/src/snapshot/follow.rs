//! Follows the store's control plane: what changes there is in service here within moments, and on the disk within
//! seconds. Nobody waits for it: a store that is away or holds nonsense leaves what is in service as it is (S2, S3).

use std::sync::Arc;
use std::time::Duration;

use telness_core::time::Timestamp;
use telness_store::control::{ChangeCursor, Control, Version};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::ask::{self, AskError};
use super::compile::FaultyPlan;
use super::keeping::Keeping;
use super::served::{Fault, Served};
use super::tables::Tables;
use crate::supervise::{Died, guarded};

/// How long to wait after a hint, so that changes that come together are taken over together.
const GATHER: Duration = Duration::from_millis(20);
/// The shortest sleep, whatever is due.
const SLEEP_MIN: Duration = Duration::from_millis(1);

/// Whoever follows.
pub(crate) struct Follower {
    served: Arc<Served>,
    control: Control,
    hints: Option<watch::Receiver<u64>>,
    poll: Duration,
    keeping: Keeping,
    /// Whether the store is known to go on from what is in service. Not before the first look, nor after it was away:
    /// it may have been set back meanwhile.
    sure: bool,
    /// Whether the store could not be asked last time.
    away: bool,
    /// What is wrong with the published plan, and with rate decks and plans that are not there.
    plan_fault: Option<Fault>,
    missing: Option<Fault>,
}

/// Why a look changed nothing.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(
        "the store's control plane is empty, and what is served is its change {served}: what is in service stays; restore \
         the database, or remove the folder snapshot of the data folder and start again"
    )]
    Emptied { served: u64 },
    #[error("it could not be compiled: {0}")]
    Died(#[from] tokio::task::JoinError),
}

impl From<telness_store::control::ControlError> for LookError {
    fn from(error: telness_store::control::ControlError) -> Self {
        Self::Ask(error.into())
    }
}

impl Follower {
    pub(crate) fn new(
        served: Arc<Served>,
        control: Control,
        hints: Option<watch::Receiver<u64>>,
        poll: Duration,
        keeping: Keeping,
    ) -> Self {
        Self { served, control, hints, poll, keeping, sure: false, away: false, plan_fault: None, missing: None }
    }

    /// Follows until the node stops.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let looked = tokio::select! {
                looked = guarded(self.look()) => looked,
                () = stop.cancelled() => break,
            };
            match looked {
                Ok(looked) => self.tell(looked.err()),
                Err(Died) => {
                    // What it was about may be gone by the next look, and what is in service stays meanwhile.
                    tracing::error!("a look at the store's control plane died of a panic; it is looked at again");
                    self.sure = false;
                }
            }
            // A stop waits for what is being written: two who write at once would spoil it.
            self.keeping.keep(&self.served, false).await;
            tokio::select! {
                () = self.wait() => {}
                () = stop.cancelled() => {}
            }
        }
        self.keeping.keep(&self.served, true).await;
    }

    /// Waits until it is time to look again.
    async fn wait(&mut self) {
        let due = self.served.current().decks.changes_at;
        let due = due.map(|at| at.as_micros().saturating_sub(self.served.clock.now().as_micros()));
        let due = due.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0)).max(SLEEP_MIN));
        let hints = &mut self.hints;
        let hinted = async {
            let told = match hints {
                Some(hints) => hints.changed().await.is_ok(),
                None => false,
            };
            if !told {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(GATHER).await;
        };
        tokio::select! {
            () = hinted => {}
            () = self.served.look.notified() => {}
            () = tokio::time::sleep(due.map_or(self.poll, |due| due.min(self.poll))) => {}
        }
    }

    async fn look(&mut self) -> Result<(), LookError> {
        self.compile_what_is_due().await?;
        let asked_at = self.served.clock.now();
        let found = self.control.version().await?;
        let found = u64::try_from(found.0).unwrap_or(0);
        let (served, last_change) = {
            let made_of = self.served.made_of();
            (made_of.tables.version, made_of.tables.last_change)
        };
        if found == 0 && served > 0 {
            return Err(LookError::Emptied { served });
        }
        if found == served && self.sure {
            self.confirm(asked_at);
            return Ok(());
        }
        let goes_on = found >= served && (self.sure || ask::last_change(&self.control, served).await? == last_change);
        if !goes_on {
            tracing::warn!(served, found, "the store does not go on from what is served; all of it is read again");
        }
        let tables = if goes_on && served > 0 { self.what_changed(served).await? } else { self.all().await? };
        match tables {
            Some(tables) => self.take_over(Tables { known_at: asked_at, ..tables }).await?,
            // Its number may have grown without a change, as when a rate deck is begun to be loaded.
            None => self.served.made_of().tables.version = found,
        }
        self.sure = true;
        self.confirm(asked_at);
        Ok(())
    }

    /// Everything, unless the store has nothing yet.
    async fn all(&mut self) -> Result<Option<Tables>, LookError> {
        let mut tables = ask::everything(&self.control).await?;
        self.settle(&mut tables).await?;
        tables.last_change = ask::last_change(&self.control, tables.version).await?;
        Ok((tables.version > 0).then_some(tables))
    }

    /// What is served and what changed since; nothing if nothing did.
    async fn what_changed(&mut self, served: u64) -> Result<Option<Tables>, LookError> {
        let mut tables = self.served.made_of().tables.clone();
        let from = ChangeCursor::after(Version(i64::try_from(served).unwrap_or(i64::MAX)));
        let mut changed = ask::after(&self.control, &mut tables, from).await?;
        // A plan that was published before, and was refused then, is not among the changes.
        changed |= self.settle(&mut tables).await?;
        if changed {
            tables.last_change = ask::last_change(&self.control, tables.version).await?;
        }
        Ok(changed.then_some(tables))
    }

    /// Brings plan and decks; tells whether that changed anything.
    async fn settle(&mut self, tables: &mut Tables) -> Result<bool, LookError> {
        let settled = ask::settle(&self.control, tables).await?;
        let faults: Vec<String> = settled.faults.iter().map(ToString::to_string).collect();
        let text: Arc<str> = faults.join("; ").into();
        self.missing = (!faults.is_empty()).then(|| Fault { short: Arc::clone(&text), whole: text });
        Ok(settled.changed)
    }

    /// Compiles and puts in service, off the threads that carry calls.
    async fn take_over(&mut self, tables: Tables) -> Result<(), LookError> {
        // Before: it goes on in service when a stop comes now, and is to be kept then.
        self.keeping.changed();
        let in_service = Arc::clone(&self.served);
        let fault = tokio::task::spawn_blocking(move || in_service.put_tables_in_service(tables)).await?;
        self.plan_fault = fault.as_ref().map(fault_of_plan);
        Ok(())
    }

    /// Rates begin and cease to be valid at their time.
    async fn compile_what_is_due(&self) -> Result<(), LookError> {
        let due = self.served.current().decks.changes_at;
        if due.is_some_and(|at| at <= self.served.clock.now()) {
            let in_service = Arc::clone(&self.served);
            tokio::task::spawn_blocking(move || in_service.compile_again()).await?;
        }
        Ok(())
    }

    /// The store was asked and holds what is in service, unless that has faults.
    fn confirm(&self, at: Timestamp) {
        if self.plan_fault.is_none() && self.missing.is_none() {
            self.served.confirm(at);
        }
    }

    /// Tells what is amiss, once.
    fn tell(&mut self, error: Option<LookError>) {
        let metrics = &self.served.metrics;
        let away = match &error {
            Some(LookError::Ask(AskError::Store(why))) if !self.away => {
                tracing::warn!(%why, "the store cannot be asked for changes; what is in service stays");
                true
            }
            Some(LookError::Ask(AskError::Store(_))) => true,
            _ if self.away => {
                tracing::info!("the store is asked for changes again");
                false
            }
            _ => false,
        };
        self.sure &= error.is_none();
        self.away = away;
        if away {
            return;
        }
        let fault = error.map_or_else(
            || self.plan_fault.clone().or_else(|| self.missing.clone()),
            |error| {
                let text: Arc<str> = error.to_string().into();
                Some(Fault { short: Arc::clone(&text), whole: text })
            },
        );
        metrics.snapshot_faulty.set(i64::from(fault.is_some()));
        let told = fault.as_ref().map(|fault| Arc::clone(&fault.whole));
        if self.served.set_fault(fault) {
            match told {
                Some(fault) => {
                    metrics.snapshot_refused.inc();
                    tracing::error!(%fault, "the store holds what cannot be served; what was in service stays");
                }
                None => tracing::info!("what the store holds is in service again"),
            }
        }
    }
}

fn fault_of_plan(fault: &FaultyPlan) -> Fault {
    let short = format!("{} has faults and is not in service; `telness nodes` and the log tell them", fault.name);
    Fault { short: short.into(), whole: fault.to_string().into() }
}
