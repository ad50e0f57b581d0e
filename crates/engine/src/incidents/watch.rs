//! Opens incidents, counts in them, and closes them, by what is seen each second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use telness_core::names::NodeName;
use telness_core::time::Timestamp;
use tokio::task::JoinHandle;

use super::incident::{Incident, IncidentKind};
use super::log::IncidentLog;

/// How long it has to be well before an incident is closed: calls that fail come one by one, and what flaps is one trouble.
const WELL_FOR: Duration = Duration::from_secs(600);

/// What is seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Emergency calls that failed since the start.
    pub(crate) lost: u64,
    /// What there is of each kind of trouble now, with whom it touches.
    pub(crate) trouble: BTreeMap<IncidentKind, Arc<str>>,
}

/// Opens and closes the incidents of a node.
#[derive(Debug)]
pub(crate) struct IncidentWatch {
    log: Arc<IncidentLog>,
    node: NodeName,
    lost: u64,
    open: BTreeMap<IncidentKind, Open>,
    unwritten: Vec<Incident>,
    writing: Option<JoinHandle<(std::io::Result<()>, Vec<Incident>)>>,
    fails: bool,
}

#[derive(Debug)]
struct Open {
    incident: Incident,
    last_seen: Instant,
}

impl IncidentWatch {
    /// Goes on with what was open when the node ended.
    pub(crate) fn new(log: Arc<IncidentLog>, node: NodeName, now: Instant) -> Self {
        let open = log.open_ones().into_iter().map(|incident| (incident.kind, Open { incident, last_seen: now }));
        let open = open.collect();
        Self { log, node, lost: 0, open, unwritten: Vec::new(), writing: None, fails: false }
    }

    /// Takes in what is seen; answers how many incidents are open.
    pub(crate) async fn look(&mut self, seen: Seen, at: Timestamp, now: Instant) -> usize {
        let lost = seen.lost.saturating_sub(self.lost);
        self.lost = seen.lost;
        for (kind, scope) in seen.trouble {
            match self.open.get_mut(&kind) {
                Some(open) => open.last_seen = now,
                None => self.begin(kind, scope, at, now),
            }
        }
        let mut changed = Vec::new();
        self.open.retain(|_, open| {
            let well = now.saturating_duration_since(open.last_seen) >= WELL_FOR;
            if lost > 0 || well {
                let failed = &mut open.incident.emergency_calls_failed;
                *failed = failed.saturating_add(lost);
                open.incident.closed_at = well.then_some(at);
                changed.push(open.incident.clone());
            }
            !well
        });
        for incident in &changed {
            if incident.closed_at.is_some() {
                let (id, failed) = (&incident.id, incident.emergency_calls_failed);
                tracing::warn!(%id, emergency_calls_failed = failed, "an incident is over");
            }
            self.keep(incident);
        }
        self.write().await;
        self.open.len()
    }

    /// Whether one of a kind is open.
    pub(crate) fn is_open(&self, kind: IncidentKind) -> bool {
        self.open.contains_key(&kind)
    }

    fn begin(&mut self, kind: IncidentKind, scope: Arc<str>, at: Timestamp, now: Instant) {
        let id: Arc<str> = format!("{at}-{}", kind.as_str()).into();
        tracing::error!(%id, %scope, "an incident is opened");
        let (node, opened_at) = (self.node.clone(), at);
        let incident = Incident { v: 1, id, kind, node, scope, opened_at, closed_at: None, emergency_calls_failed: 0 };
        self.keep(&incident);
        self.open.insert(kind, Open { incident, last_seen: now });
    }

    /// Shows what became of one, and has it written.
    fn keep(&mut self, incident: &Incident) {
        self.log.put(incident);
        self.unwritten.retain(|one| one.id != incident.id);
        self.unwritten.push(incident.clone());
    }

    /// Writes what is unwritten on a thread of its own, and what failed again: a disk that hangs holds nobody up.
    async fn write(&mut self) {
        if self.writing.as_ref().is_some_and(|writing| !writing.is_finished()) {
            return;
        }
        if let Some(writing) = self.writing.take() {
            let (failed, again) = match writing.await {
                Ok((Ok(()), _)) => (None, Vec::new()),
                Ok((Err(why), again)) => (Some(why.to_string()), again),
                Err(died) => (Some(died.to_string()), Vec::new()),
            };
            match (&failed, self.fails) {
                (Some(why), false) => tracing::error!(%why, "incidents cannot be written to the disk"),
                (None, true) => tracing::info!("incidents are written to the disk again"),
                _ => {}
            }
            self.fails = failed.is_some();
            let newer = std::mem::take(&mut self.unwritten);
            self.unwritten = again.into_iter().filter(|one| newer.iter().all(|other| other.id != one.id)).collect();
            self.unwritten.extend(newer);
        }
        if self.unwritten.is_empty() {
            return;
        }
        let (log, incidents) = (Arc::clone(&self.log), std::mem::take(&mut self.unwritten));
        self.writing = Some(tokio::task::spawn_blocking(move || (log.write(&incidents), incidents)));
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test")]
mod tests;
