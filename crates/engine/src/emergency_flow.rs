//! Whether emergency calls can be carried here, and what became of those that came: for the network upstream, which tries
//! elsewhere when they cannot (E16), and for alerts (E17).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use telness_core::class::{Class, Classified, Workflow};
use telness_core::last_resort::LAST_RESORT_TRUNK;
use telness_core::names::NodeName;
use telness_core::plan::Plan;
use telness_core::reason::Reason;
use telness_core::record::CallRecord;
use telness_core::time::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::call_flow::Answer;
use crate::clock::monotonic;
use crate::error::CallError;
use crate::health::{EmergencyNews, GatewayState, GatewayView, Silence};
use crate::incidents::{Incident, IncidentKind, IncidentWatch, Seen};
use crate::node::Engine;
use crate::supervise::guarded;
use crate::synthetic::{FailedPlace, Round, round};

/// How often a synthetic call is decided, beside each change of the plan.
const SYNTHETIC_EVERY: Duration = Duration::from_secs(60);
/// How often to look whether it is time, and whether there is silence.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is known of emergency calls here.
#[derive(Debug)]
pub(crate) struct EmergencyHealth {
    round: Mutex<Round>,
    silence: Silence,
    /// Emergency calls that failed, and those that went to the last resort, since the start.
    lost: AtomicU64,
    last_resort: AtomicU64,
}

/// Whether emergency calls can be carried here.
#[derive(Clone, Debug)]
pub struct EmergencyReadiness {
    /// Whether they can.
    pub ready: bool,
    /// The node.
    pub node: NodeName,
    /// The plan's revision in service.
    pub plan_revision: u64,
    /// When the last synthetic calls were decided.
    pub tried_at: Timestamp,
    /// From how many kinds of places.
    pub places: usize,
    /// From how many of them an emergency call would go nowhere.
    pub places_failed: usize,
    /// The gateways that emergency calls go to and that answer.
    pub gateways_up: usize,
    /// Those of which nothing bad is known.
    pub gateways_unknown: usize,
    /// Those that are down. They are tried all the same.
    pub gateways_down: usize,
}

impl EmergencyHealth {
    /// Knows nothing of calls yet. After so many times the usual time between two calls, none is silence.
    pub(crate) fn new(silence_multiple: u32) -> Self {
        let silence = Silence::new(silence_multiple);
        Self { round: Mutex::default(), silence, lost: AtomicU64::new(0), last_resort: AtomicU64::new(0) }
    }

    /// Whether an emergency call can be carried from anywhere.
    pub(crate) fn is_usable(&self) -> bool {
        self.round().is_usable()
    }

    fn round(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Whether emergency calls can be carried here. Gateways that are down are no reason against it: they are tried, and a
    /// balancer that takes every node out for a carrier's fault would refuse calls that go through.
    #[must_use]
    pub fn emergency_readiness(&self) -> EmergencyReadiness {
        let round = self.emergency.round().clone();
        let gateways = self.gateways.list();
        let count = |state| gateways.iter().filter(|one| one.emergency && one.state == state).count();
        EmergencyReadiness {
            ready: self.unready(Workflow::High).is_none(),
            node: self.node.clone(),
            plan_revision: self.snapshot.current().plan.revision,
            tried_at: round.at,
            places: round.tried,
            places_failed: round.failed.len(),
            gateways_up: count(GatewayState::Up),
            gateways_unknown: count(GatewayState::Unknown),
            gateways_down: count(GatewayState::Down),
        }
    }

    /// Decides a synthetic emergency call from each kind of place (E17).
    pub(crate) async fn try_emergency(&self) {
        let began = monotonic();
        let world = self.snapshot.current();
        let at = self.clock.now();
        let round = guarded(round(&world, &self.keys, self.identity.draw_key(), at)).await;
        // Should it panic, no place is known from which a call goes.
        let round = round.unwrap_or_else(|_| Round { at, tried: 0, failed: Vec::new() });
        let (tried, failed) = (round.tried, round.failed.len());
        self.metrics.health.synthetic(tried, failed, began.elapsed());
        self.metrics.health.emergency_ready.set(i64::from(round.is_usable()));
        let before = std::mem::replace(&mut *self.emergency.round(), round.clone());
        if round.failed != before.failed {
            for place in &round.failed {
                let (region, why) = (place.region, &place.why);
                tracing::error!(%region, %why, "an emergency call from there would go nowhere");
            }
            if round.failed.is_empty() {
                tracing::info!("emergency calls go somewhere from everywhere again");
            }
        }
    }

    /// Counts what became of an emergency call, and makes an error of one that leads nowhere: the network upstream is to
    /// try elsewhere at once, and not to take an answer for one (E16).
    pub(crate) fn answered_emergency(
        &self,
        classified: Classified,
        answer: Result<Answer, CallError>,
    ) -> Result<Answer, CallError> {
        let dialled = classified.class == Class::Emergency && classified.emergency.is_some();
        if !answer.as_ref().map_or(dialled, |answer| is_for_help(&answer.record)) {
            return answer;
        }
        self.emergency.silence.call(monotonic());
        let answer = answer.and_then(|answer| match answer.record.routing.reason {
            Reason::NoEmergencyRoute => Err(CallError::NoEmergencyRoute { why: NOWHERE.to_owned() }),
            _ => Ok(answer),
        });
        match answer {
            Ok(answer) => {
                let mut targets = answer.record.personal.steps.iter().flat_map(|step| &step.targets);
                let only = |target: &telness_core::decide::Target| target.trunk.as_str() == LAST_RESORT_TRUNK;
                if !answer.replayed && targets.next().is_some_and(only) {
                    self.use_last_resort("alone");
                    tracing::error!("an emergency call had nothing but the last resort; look at the plan in service");
                }
                Ok(answer)
            }
            Err(error @ CallError::Refused(_)) => Err(error),
            Err(error) => {
                self.lose_emergency("unrouted");
                tracing::error!(%error, "an emergency call was not routed");
                Err(match error {
                    CallError::NoEmergencyRoute { .. } => error,
                    // Whatever it is, another node may not have it.
                    other => CallError::NoEmergencyRoute { why: other.to_string() },
                })
            }
        }
    }
}

impl Engine {
    /// Counts what a switch's report tells of an emergency call.
    pub(crate) fn told_of_emergency(&self, news: EmergencyNews) {
        if news.lost {
            self.lose_emergency("all_targets_failed");
            tracing::error!("every target of an emergency call failed; `telness gateways` says which are down");
        }
        if news.last_resort {
            self.use_last_resort("tried");
            tracing::error!("an emergency call went to the last resort; all that the plan names failed");
        }
        if news.last_resort_answered {
            self.metrics.health.last_resort("answered");
        }
    }

    fn lose_emergency(&self, why: &'static str) {
        self.metrics.health.emergency_lost(why);
        self.emergency.lost.fetch_add(1, Ordering::Relaxed);
    }

    fn use_last_resort(&self, how: &'static str) {
        self.metrics.health.last_resort(how);
        self.emergency.last_resort.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether somebody calls for help. The emergency service's call back is of the class too, and may well be busy.
pub(crate) fn is_for_help(record: &CallRecord) -> bool {
    record.routing.class == Class::Emergency && record.personal.trace.callback.is_none()
}

/// What is told when nothing is configured.
const NOWHERE: &str = "neither the plan nor the node's settings have a way for it";

/// Emergency calls that failed, and those that went to the last resort, since the start.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    lost: u64,
    last_resort: u64,
}

impl Engine {
    /// What happened to emergency calls here, the latest first.
    #[must_use]
    pub fn incidents(&self) -> Vec<Incident> {
        self.incidents.list()
    }

    fn counted(&self) -> Counted {
        let (lost, last_resort) = (&self.emergency.lost, &self.emergency.last_resort);
        Counted { lost: lost.load(Ordering::Relaxed), last_resort: last_resort.load(Ordering::Relaxed) }
    }

    /// What there is of trouble now, and whom it touches.
    fn seen(&self, silent: bool, counted: Counted, before: Counted) -> Seen {
        let mut trouble: BTreeMap<IncidentKind, Arc<str>> = BTreeMap::new();
        if counted.lost > before.lost {
            trouble.insert(IncidentKind::EmergencyCallsLost, "emergency calls that came to this node".into());
        }
        if counted.last_resort > before.last_resort {
            trouble.insert(IncidentKind::LastResortUsed, "emergency calls that came to this node".into());
        }
        if silent {
            trouble.insert(IncidentKind::EmergencySilence, "whoever sends emergency calls to this node".into());
        }
        let failed: Vec<String> = self.emergency.round().failed.iter().map(FailedPlace::to_string).collect();
        if !failed.is_empty() {
            trouble.insert(IncidentKind::NoEmergencyRoute, failed.join(", ").into());
        }
        let gateways = self.gateways.list();
        let on = |one: &&GatewayView| one.emergency && one.state != GatewayState::Disabled;
        let gateways: Vec<_> = gateways.iter().filter(on).collect();
        let down = gateways.iter().all(|one| one.state == GatewayState::Down) && !gateways.is_empty();
        if down || self.gateways.is_blind() {
            let names: Vec<String> = gateways.iter().map(|one| format!("{}/{}", one.trunk, one.gateway)).collect();
            trouble.insert(IncidentKind::EmergencyGatewaysDown, names.join(", ").into());
        }
        Seen { lost: counted.lost, trouble }
    }
}

/// Whether a synthetic call is to be decided: a while after the last, and as soon as another plan is in service.
fn is_due(last: Option<&(Instant, Arc<Plan>)>, now: Instant, plan: &Arc<Plan>) -> bool {
    !last.is_some_and(|(at, of)| now.saturating_duration_since(*at) < SYNTHETIC_EVERY && Arc::ptr_eq(of, plan))
}

/// Watches until the node stops.
pub(crate) async fn watch(engine: Arc<Engine>, stop: CancellationToken) {
    let mut last: Option<(Instant, Arc<Plan>)> = None;
    let mut silent = false;
    let mut incidents = IncidentWatch::new(Arc::clone(&engine.incidents), engine.node.clone(), monotonic());
    let mut before = Counted::default();
    loop {
        let now = monotonic();
        let plan = Arc::clone(&engine.snapshot.current().plan);
        if is_due(last.as_ref(), now, &plan) {
            engine.try_emergency().await;
            last = Some((now, plan));
        }
        silent = engine.look_at_silence(now, silent);
        let counted = engine.counted();
        let seen = engine.seen(silent, counted, before);
        before = counted;
        for kind in seen.trouble.keys() {
            if !incidents.is_open(*kind) {
                engine.metrics.health.incident(kind.as_str());
            }
        }
        let open = incidents.look(seen, engine.clock.now(), now).await;
        engine.metrics.health.incidents_open.set(i64::try_from(open).unwrap_or(i64::MAX));
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

impl Engine {
    /// Whether emergency calls have stopped coming; told when that changes.
    fn look_at_silence(&self, now: Instant, was_silent: bool) -> bool {
        let silence = &self.emergency.silence;
        let (silent, since) = (silence.is_silent(now), silence.since(now));
        self.metrics.health.silence(since, silent);
        if silent && !was_silent {
            let (since, limit) = (since.unwrap_or_default(), silence.limit().unwrap_or_default());
            tracing::error!(?since, ?limit, "no emergency call comes any more; ask whoever sends them");
        } else if was_silent && !silent {
            tracing::info!("emergency calls come again");
        }
        silent
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test")]
mod tests;
