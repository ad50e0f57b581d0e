//! The metrics, each with its meaning and unit. `docs/metrics.md` lists them, and a test holds it to that.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use telness_core::class::{Callback, Class, Workflow};
use telness_core::location::Located;
use telness_core::reason::Reason;
use telness_store::{Observe, Transacted};

use super::health_metrics::HealthMetrics;
use super::location_metrics::LocationMetrics;
use super::logs::lines_dropped;
use super::sip_metrics::SipMetrics;

/// What came of a request for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Outcome {
    /// It has targets.
    Routed,
    /// The plan rejects it.
    Rejected,
    /// It was not taken.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    workflow: &'static str,
    class: &'static str,
    outcome: Outcome,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WorkflowLabel {
    workflow: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OkLabel {
    ok: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransactionLabels {
    name: &'static str,
    ok: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NameLabel {
    name: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallbackLabel {
    callback: &'static str,
}

/// All metrics of a node.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<WorkflowLabel, Histogram>,
    calls_in_flight: Gauge,
    /// Where emergency calls were taken to be.
    locations: LocationMetrics,
    /// Events taken from switches.
    pub events: Counter,
    /// Requests that repeated an idempotency key and got the first answer.
    pub replays: Counter,
    callbacks: Family<CallbackLabel, Counter>,
    /// How late the threads of the low workflow are, in seconds.
    pub low_delay_seconds: Gauge<f64, AtomicU64>,
    journal_records: Family<OkLabel, Counter>,
    journal_sync_seconds: Histogram,
    /// Bytes that the journal holds.
    pub journal_bytes: Gauge,
    /// Records that wait for the journal.
    pub journal_waiting: Gauge,
    /// Records that nobody waited for, that found the queue full or the node stopping.
    pub records_dropped: Counter,
    /// Records of the journal that damage lost.
    pub records_unreadable: Counter,
    /// Records that the store does not take, or that this version cannot read, kept aside.
    pub records_set_aside: Gauge,
    shipped_records: Counter,
    events_beyond: Counter,
    ship_seconds: Histogram,
    /// 1 while the store takes no records.
    pub store_failing: Gauge,
    store_transactions: Family<TransactionLabels, Counter>,
    store_transaction_seconds: Family<NameLabel, Histogram>,
    store_transaction_retries: Family<NameLabel, Counter>,
    /// Answers that did not wait any longer for the store's commit.
    pub commits_late: Counter,
    /// Records that wait in the journal for the store.
    pub backlog_records: Gauge,
    /// How long ago the oldest of them was received, in seconds.
    pub backlog_age_seconds: Gauge,
    /// How often the store was found to have lost records that it had taken.
    pub store_set_back: Counter,
    /// The plan's revision in service.
    pub plan_revision: Gauge,
    /// Since the store was last known to hold what is in service, in seconds; -1 if it never was.
    pub snapshot_age_seconds: Gauge,
    /// How often something of the store's control plane was refused.
    pub snapshot_refused: Counter,
    /// 1 while the store's control plane holds something that is not in service because it has faults.
    pub snapshot_faulty: Gauge,
    /// 1 while what is in service cannot be kept on the disk.
    pub snapshot_unwritten: Gauge,
    /// 1 while another node of the database has another server's key.
    pub key_differs: Gauge,
    /// Records for billing that this node made.
    pub billing_records: Counter,
    /// Calls that were pruned before this node could make a record of them.
    pub billing_lost: Counter,
    /// Billing files that this node closed.
    pub billing_files: Counter,
    /// Hours of calls that wait for an import to be whole.
    pub billing_held_hours: Gauge,
    /// Since the oldest record was made that is in no file yet, in seconds.
    pub billing_waiting_seconds: Gauge,
    /// 1 while this node cannot make records or close files.
    pub billing_failing: Gauge,
    /// What is believed of gateways.
    pub health: HealthMetrics,
    /// Who asks by SIP.
    pub sip: SipMetrics,
}

/// From 50 microseconds to 3 seconds.
pub(super) fn seconds() -> Histogram {
    Histogram::new([5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 3.0])
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("telness"),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            calls_in_flight: Gauge::default(),
            locations: LocationMetrics::default(),
            events: Counter::default(),
            replays: Counter::default(),
            callbacks: Family::default(),
            low_delay_seconds: Gauge::default(),
            journal_records: Family::default(),
            journal_sync_seconds: seconds(),
            journal_bytes: Gauge::default(),
            journal_waiting: Gauge::default(),
            records_dropped: Counter::default(),
            records_unreadable: Counter::default(),
            records_set_aside: Gauge::default(),
            shipped_records: Counter::default(),
            events_beyond: Counter::default(),
            ship_seconds: seconds(),
            store_failing: Gauge::default(),
            store_transactions: Family::default(),
            store_transaction_seconds: Family::new_with_constructor(seconds),
            store_transaction_retries: Family::default(),
            commits_late: Counter::default(),
            backlog_records: Gauge::default(),
            backlog_age_seconds: Gauge::default(),
            store_set_back: Counter::default(),
            plan_revision: Gauge::default(),
            snapshot_age_seconds: Gauge::default(),
            snapshot_refused: Counter::default(),
            snapshot_faulty: Gauge::default(),
            snapshot_unwritten: Gauge::default(),
            key_differs: Gauge::default(),
            billing_records: Counter::default(),
            billing_lost: Counter::default(),
            billing_files: Counter::default(),
            billing_held_hours: Gauge::default(),
            billing_waiting_seconds: Gauge::default(),
            billing_failing: Gauge::default(),
            health: HealthMetrics::default(),
            sip: SipMetrics::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("calls", "Requests for a call, by what came of them", self.calls.clone());
        registry.register_with_unit(
            "call_duration",
            "From a request's body to its answer",
            Unit::Seconds,
            self.call_seconds.clone(),
        );
        registry.register("calls_in_flight", "Calls in hand now", self.calls_in_flight.clone());
        let delay = self.low_delay_seconds.clone();
        registry.register_with_unit("low_delay", "How late the low workflow's threads are", Unit::Seconds, delay);
        registry.register("events", "Events taken from switches", self.events.clone());
        registry.register("replays", "Requests that repeated an idempotency key", self.replays.clone());
        let callbacks = "Calls of the emergency service back to who called it";
        registry.register("emergency_callbacks", callbacks, self.callbacks.clone());
        // From the start on, so that the first failure is a rise that an alert sees.
        for ok in ["true", "false"] {
            drop(self.journal_records.get_or_create(&OkLabel { ok }));
        }
        registry.register("journal_records", "Records offered to the journal", self.journal_records.clone());
        let sync = self.journal_sync_seconds.clone();
        registry.register_with_unit("journal_append_duration", "One group append, synced", Unit::Seconds, sync);
        registry.register_with_unit("journal_size", "What the journal holds", Unit::Bytes, self.journal_bytes.clone());
        registry.register("journal_waiting", "Records that wait for the journal", self.journal_waiting.clone());
        registry.register("records_dropped", "Records lost to a full queue or a stop", self.records_dropped.clone());
        let unreadable = self.records_unreadable.clone();
        registry.register("records_unreadable", "Journal records that damage lost", unreadable);
        let aside = self.records_set_aside.clone();
        registry.register("records_set_aside", "Records that the store does not take, kept aside", aside);
        registry.register("shipped_records", "Records moved to the store", self.shipped_records.clone());
        let beyond = self.events_beyond.clone();
        registry.register("events_beyond", "Events of calls that have more than count", beyond);
        let ship = self.ship_seconds.clone();
        registry.register_with_unit("ship_duration", "One batch into the store", Unit::Seconds, ship);
        registry.register("store_failing", "1 while the store takes no records", self.store_failing.clone());
        let transactions = self.store_transactions.clone();
        registry.register("store_transactions", "Transactions of the database, by name", transactions);
        let took = self.store_transaction_seconds.clone();
        registry.register_with_unit("store_transaction_duration", "Transactions, with retries", Unit::Seconds, took);
        let retries = self.store_transaction_retries.clone();
        registry.register("store_transaction_retries", "Transactions that were tried again, by name", retries);
        let late = self.commits_late.clone();
        registry.register("commits_late", "Answers that waited no longer for the store's commit", late);
        registry.register("backlog_records", "Records that wait for the store", self.backlog_records.clone());
        let age = self.backlog_age_seconds.clone();
        registry.register_with_unit("backlog_age", "Since the oldest waiting record was received", Unit::Seconds, age);
        let set_back = self.store_set_back.clone();
        registry.register("store_set_back", "Times that the store had lost records it had taken", set_back);
        registry.register("plan_revision", "The plan revision in service", self.plan_revision.clone());
        let age = self.snapshot_age_seconds.clone();
        registry.register_with_unit("snapshot_age", "Since the store held what is in service", Unit::Seconds, age);
        let refused = self.snapshot_refused.clone();
        registry.register("snapshot_refused", "Refusals of what the store's control plane holds", refused);
        let faulty = self.snapshot_faulty.clone();
        registry.register("snapshot_faulty", "1 while the store holds what has faults and is not served", faulty);
        let unwritten = self.snapshot_unwritten.clone();
        registry.register("snapshot_unwritten", "1 while what is in service cannot be kept on the disk", unwritten);
        registry.register("key_differs", "1 while another node has another server's key", self.key_differs.clone());
        registry.register("log_lines_dropped", "Log lines that nobody read in time", lines_dropped());
        self.register_billing();
        self.health.register(&mut self.registry);
        self.locations.register(&mut self.registry);
        self.health.register_emergency(&mut self.registry);
        self.health.register_incidents(&mut self.registry);
        self.sip.register(&mut self.registry);
    }

    fn register_billing(&mut self) {
        let registry = &mut self.registry;
        registry.register("billing_records", "Records for billing made here", self.billing_records.clone());
        registry.register("billing_lost", "Calls pruned before they were billed", self.billing_lost.clone());
        registry.register("billing_files", "Billing files closed here", self.billing_files.clone());
        let held = self.billing_held_hours.clone();
        registry.register("billing_held_hours", "Hours of calls that wait for an import to be whole", held);
        let waiting = self.billing_waiting_seconds.clone();
        registry.register_with_unit("billing_waiting", "Since the oldest unfiled record", Unit::Seconds, waiting);
        registry.register("billing_failing", "1 while billing cannot be done here", self.billing_failing.clone());
    }

    /// Counts a call as in hand until what it gives is dropped, however the call ends.
    #[must_use]
    pub fn call_in_hand(&self) -> InHand<'_> {
        self.calls_in_flight.inc();
        InHand(&self.calls_in_flight)
    }

    /// Counts a call of the emergency service back to who called it.
    pub fn callback(&self, callback: Callback) {
        self.callbacks.get_or_create(&CallbackLabel { callback: callback.as_str() }).inc();
    }

    /// Counts a request for a call and how long it took.
    pub fn call(&self, class: Class, workflow: Workflow, outcome: Outcome, reason: Reason, took: Duration) {
        let labels = CallLabels { workflow: workflow.as_str(), class: class.as_str(), outcome, reason: reason.name() };
        self.calls.get_or_create(&labels).inc();
        self.call_seconds.get_or_create(&WorkflowLabel { workflow: workflow.as_str() }).observe(took.as_secs_f64());
    }

    /// Counts where an emergency call was taken to be.
    pub fn located(&self, located: &Located, sent: bool, bad: bool) {
        self.locations.count(located, sent, bad);
    }

    /// Counts one group that was offered to the journal.
    pub fn journal_batch(&self, records: usize, took: Duration, ok: bool) {
        let ok = if ok { "true" } else { "false" };
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        self.journal_records.get_or_create(&OkLabel { ok }).inc_by(records);
        self.journal_sync_seconds.observe(took.as_secs_f64());
    }

    /// Counts one batch that the store took, and the events in it that were beyond those that count in a call.
    pub fn shipped_batch(&self, records: usize, events_beyond: usize, took: Duration) {
        self.events_beyond.inc_by(u64::try_from(events_beyond).unwrap_or(u64::MAX));
        self.shipped_records.inc_by(u64::try_from(records).unwrap_or(u64::MAX));
        self.ship_seconds.observe(took.as_secs_f64());
    }

    /// What a store tells its transactions to.
    #[must_use]
    pub fn observe_store(metrics: &Arc<Self>) -> Observe {
        let metrics = Arc::clone(metrics);
        Arc::new(move |done: &Transacted| {
            let Transacted { name, took, retries, ok } = *done;
            let ok = if ok { "true" } else { "false" };
            metrics.store_transactions.get_or_create(&TransactionLabels { name, ok }).inc();
            metrics.store_transaction_seconds.get_or_create(&NameLabel { name }).observe(took.as_secs_f64());
            metrics.store_transaction_retries.get_or_create(&NameLabel { name }).inc_by(u64::from(retries));
        })
    }

    /// All of them, in the OpenMetrics text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

/// A call in hand.
#[derive(Debug)]
pub struct InHand<'a>(&'a Gauge);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e11_a_count_of_calls_that_has_no_number_left_begins_anew_and_stops_nothing() {
        let metrics = Metrics::new();
        let count = || {
            metrics.call(Class::Emergency, Workflow::High, Outcome::Routed, Reason::Routed, Duration::ZERO);
            metrics.call_in_hand()
        };
        let labels = CallLabels { workflow: "high", class: "emergency", outcome: Outcome::Routed, reason: "routed" };
        for edge in [i32::MAX.unsigned_abs().into(), 1 << 53, i64::MAX.unsigned_abs(), u64::MAX] {
            let so_far = metrics.calls.get_or_create(&labels).get();
            metrics.calls.get_or_create(&labels).inc_by(edge.wrapping_sub(so_far));
            metrics.calls_in_flight.set(i64::try_from(edge).unwrap_or(i64::MAX));
            drop(count());
            assert_eq!(metrics.calls.get_or_create(&labels).get(), edge.wrapping_add(1), "{edge}");
            assert!(metrics.render().contains("telness_calls_total{"), "{edge}");
        }
    }

    #[test]
    fn a_call_is_in_hand_until_it_ends() {
        let metrics = Metrics::new();
        let first = metrics.call_in_hand();
        let second = metrics.call_in_hand();
        assert!(metrics.render().contains("telness_calls_in_flight 2\n"));
        drop((first, second));
        assert!(metrics.render().contains("telness_calls_in_flight 0\n"));
    }
}
