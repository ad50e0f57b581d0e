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
}

impl Default for HealthMetrics {
    fn default() -> Self {
        Self {
            gateways: Family::default(),
            shown: Mutex::default(),
            probes: Family::default(),
            probe_seconds: seconds(),
            probes_blind: Gauge::default(),
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
