//! The metrics of what a node believes of others and of itself.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::metrics::seconds;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GatewayLabels {
    trunk: String,
    gateway: String,
    emergency: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OkLabel {
    ok: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabel {
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HowLabel {
    how: &'static str,
}

/// A gateway and what is believed of it.
#[derive(Clone, Copy, Debug)]
pub struct GatewayInState<'a> {
    /// Its trunk.
    pub trunk: &'a str,
    /// Its name.
    pub gateway: &'a str,
    /// Whether emergency calls go to it.
    pub emergency: bool,
    /// The word for its state.
    pub state: &'static str,
}

/// Of gateways.
#[derive(Debug)]
pub struct HealthMetrics {
    gateways: Family<GatewayLabels, Gauge>,
    shown: Mutex<HashSet<GatewayLabels>>,
    probes: Family<ResultLabel, Counter>,
    probe_seconds: Histogram,
    probes_blind: Gauge,
    /// 1 while an emergency call could be carried from somewhere.
    pub emergency_ready: Gauge,
    synthetic: Family<OkLabel, Counter>,
    synthetic_seconds: Histogram,
    emergency_lost: Family<WhyLabel, Counter>,
    last_resort: Family<HowLabel, Counter>,
    emergency_silence: Gauge,
    emergency_silent: Gauge,
    /// Incidents that are open.
    pub incidents_open: Gauge,
    incidents: Family<KindLabel, Counter>,
}

impl Default for HealthMetrics {
    fn default() -> Self {
        Self {
            gateways: Family::default(),
            shown: Mutex::default(),
            probes: Family::default(),
            probe_seconds: seconds(),
            probes_blind: Gauge::default(),
            emergency_ready: Gauge::default(),
            synthetic: Family::default(),
            synthetic_seconds: seconds(),
            emergency_lost: Family::default(),
            last_resort: Family::default(),
            emergency_silence: Gauge::default(),
            emergency_silent: Gauge::default(),
            incidents_open: Gauge::default(),
            incidents: Family::default(),
        }
    }
}

impl HealthMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("gateway", "1 for each gateway of the plan, in its state", self.gateways.clone());
        registry.register("probes", "Gateways that were asked if they are there", self.probes.clone());
        let took = self.probe_seconds.clone();
        registry.register_with_unit("probe_duration", "Until an asked gateway answered", Unit::Seconds, took);
        registry.register("probes_blind", "1 while no gateway that ever answered does", self.probes_blind.clone());
    }

    pub(super) fn register_emergency(&self, registry: &mut Registry) {
        // From the start on, so that the first of each is a rise that an alert sees.
        for why in ["unrouted", "all_targets_failed"] {
            drop(self.emergency_lost.get_or_create(&WhyLabel { why }));
        }
        for how in ["alone", "tried", "answered"] {
            drop(self.last_resort.get_or_create(&HowLabel { how }));
        }
        for ok in ["true", "false"] {
            drop(self.synthetic.get_or_create(&OkLabel { ok }));
        }
        registry.register("emergency_ready", "1 while emergency calls could be carried", self.emergency_ready.clone());
        registry.register("synthetic_decisions", "Emergency calls that were none", self.synthetic.clone());
        let took = self.synthetic_seconds.clone();
        registry.register_with_unit("synthetic_duration", "All places, one after the other", Unit::Seconds, took);
        registry.register("emergency_calls_lost", "Emergency calls that failed", self.emergency_lost.clone());
        registry.register("emergency_last_resort", "Emergency calls to the last resort", self.last_resort.clone());
        let since = self.emergency_silence.clone();
        registry.register_with_unit("emergency_silence", "Since the last emergency call", Unit::Seconds, since);
        registry.register("emergency_silent", "1 while that is too long", self.emergency_silent.clone());
    }

    pub(super) fn register_incidents(&self, registry: &mut Registry) {
        registry.register("incidents_open", "Incidents that go on", self.incidents_open.clone());
        registry.register("incidents", "Incidents that were opened", self.incidents.clone());
    }

    /// Counts an incident that is opened.
    pub fn incident(&self, kind: &'static str) {
        self.incidents.get_or_create(&KindLabel { kind }).inc();
    }

    /// Counts synthetic emergency calls, and how long they took together.
    pub fn synthetic(&self, tried: usize, failed: usize, took: Duration) {
        let count = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
        self.synthetic.get_or_create(&OkLabel { ok: "true" }).inc_by(count(tried.saturating_sub(failed)));
        // A round without a place was none.
        let failed = if tried == 0 { 1 } else { failed };
        self.synthetic.get_or_create(&OkLabel { ok: "false" }).inc_by(count(failed));
        self.synthetic_seconds.observe(took.as_secs_f64());
    }

    /// Counts an emergency call that failed.
    pub fn emergency_lost(&self, why: &'static str) {
        self.emergency_lost.get_or_create(&WhyLabel { why }).inc();
    }

    /// Counts an emergency call that went to the last resort, or that was answered there.
    pub fn last_resort(&self, how: &'static str) {
        self.last_resort.get_or_create(&HowLabel { how }).inc();
    }

    /// Sets how long ago the last emergency call came, if one ever did, and whether that is too long.
    pub fn silence(&self, since: Option<Duration>, silent: bool) {
        self.emergency_silence.set(since.map_or(-1, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX)));
        self.emergency_silent.set(i64::from(silent));
    }

    /// Counts a gateway that was asked, by what came of it, and how long it took if it answered.
    pub fn probed(&self, result: &'static str, took: Option<Duration>) {
        self.probes.get_or_create(&ResultLabel { result }).inc();
        if let Some(took) = took {
            self.probe_seconds.observe(took.as_secs_f64());
        }
    }

    /// Sets what is believed of all gateways.
    pub fn gateways<'a>(&self, all: impl Iterator<Item = GatewayInState<'a>>, blind: bool) {
        let labels = |one: GatewayInState<'_>| GatewayLabels {
            trunk: one.trunk.to_owned(),
            gateway: one.gateway.to_owned(),
            emergency: if one.emergency { "true" } else { "false" },
            state: one.state,
        };
        let now: HashSet<GatewayLabels> = all.map(labels).collect();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in shown.difference(&now) {
            self.gateways.remove(gone);
        }
        for new in now.difference(&shown) {
            self.gateways.get_or_create(new).set(1);
        }
        *shown = now;
        self.probes_blind.set(i64::from(blind));
    }
}
