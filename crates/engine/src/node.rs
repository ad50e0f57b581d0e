//! A running node: what the flows stand on, put together at the start and taken apart in order at the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use telness_core::call::CallId;
use telness_core::class::Class;
use telness_core::names::{NodeName, TenantName};
use telness_core::reason::Reason;
use telness_core::record::CallRecord;
use telness_core::standing::Denial;
use telness_core::time::Timestamp;
use telness_core::world::World;
use telness_store::control::Control;
use telness_store::{Journal, JournalError, JournalId, JournalOptions, Store};
use tokio::runtime::Handle;
use tokio_util::sync::DropGuard;

use crate::auth::{Asker, Keys, standing};
use crate::billing;
use crate::call_flow::Answer;
use crate::call_log::CallLog;
use crate::callbacks::Callbacks;
use crate::clock::Clock;
use crate::config::{BillingSettings, ProbeSettings, Settings};
use crate::data_folder::{DataFolder, DataFolderError, read_key_file};
use crate::deck_flow::DeckLoader;
use crate::emergency_flow::{self, EmergencyHealth};
use crate::error::CallError;
use crate::health::{GatewayList, Gateways, Prober};
use crate::heartbeat;
use crate::idempotency::Idempotency;
use crate::identity::{Identity, random_bytes};
use crate::incidents::IncidentLog;
use crate::lookup::Lookups;
use crate::plan_flow::PlanError;
use crate::recorder::{Backlog, Proof, Recorder, RecorderThreads};
use crate::sip::{Client, TlsRoots};
use crate::snapshot::{Follower, Keeping, MadeOf, Served, SnapshotFolder};
use crate::storage;
use crate::supervise::Supervisor;
use crate::telemetry::{Metrics, Outcome};
use crate::workflow::Workflows;
use crate::world_flow::{Beginning, begin};

/// How long a stop waits for what follows the store.
const STOP_MAX: Duration = Duration::from_secs(2);

/// What the flows of calls, events and reads stand on.
#[derive(Debug)]
pub struct Engine {
    pub(crate) node: NodeName,
    pub(crate) clock: Clock,
    pub(crate) identity: Identity,
    pub(crate) keys: Keys,
    pub(crate) snapshot: Arc<Served>,
    pub(crate) workflows: Workflows,
    pub(crate) lookups: Lookups,
    pub(crate) idempotency: Idempotency,
    pub(crate) callbacks: Callbacks,
    pub(crate) recorder: Recorder,
    pub(crate) call_log: CallLog,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) control: Control,
    pub(crate) deck_loader: DeckLoader,
    pub(crate) gateways: Arc<Gateways>,
    pub(crate) emergency: EmergencyHealth,
    pub(crate) incidents: Arc<IncidentLog>,
    stop_max: Duration,
}

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("the data folder cannot be used: {0}")]
    DataFolder(#[from] DataFolderError),
    /// The plan's file cannot be used.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The journal cannot be opened.
    #[error("the journal cannot be opened: {0}")]
    Journal(#[from] JournalError),
    /// The system refused something.
    #[error("the system refused: {0}")]
    System(String),
}

/// A started node.
#[derive(Debug)]
pub struct Node {
    /// Its engine, for the edges.
    pub engine: Arc<Engine>,
    threads: RecorderThreads,
    folder: DataFolder,
    beside: Beside,
}

/// What runs beside the calls and asks the store. It stops when this is dropped.
#[derive(Debug)]
struct Beside {
    tasks: Supervisor,
    runtime: Handle,
    _stops: DropGuard,
}

impl Beside {
    fn start(
        tasks: Supervisor,
        engine: &Arc<Engine>,
        store: Arc<dyn Store>,
        follower: Follower,
        prober: Prober,
        billing: BillingSettings,
    ) -> Self {
        let stop = tasks.stopping();
        tasks.task("the follower of the store", follower.run(stop.clone()));
        tasks.task("the watch over emergency calls", emergency_flow::watch(Arc::clone(engine), stop.clone()));
        tasks.task("the prober of gateways", prober.run(stop.clone()));
        let started_at = engine.clock.now();
        tasks.task("the heartbeat", heartbeat::run(Arc::clone(engine), store, started_at, stop.clone()));
        let metrics = Arc::clone(&engine.metrics);
        tasks.task("the watch over the threads' delay", engine.workflows.watch(metrics, stop.clone()));
        if !billing.close_every.is_zero() {
            tasks.task("billing", billing::run(Arc::clone(engine), billing, stop.clone()));
        }
        Self { tasks, runtime: Handle::current(), _stops: stop.drop_guard() }
    }

    /// Stops it and waits, but not for long. Blocks.
    fn stop(self) {
        let stopped = async { tokio::time::timeout(STOP_MAX, self.tasks.drain()).await };
        if self.runtime.block_on(stopped).is_err() {
            tracing::warn!("what follows the store did not stop in time");
        }
    }
}

fn open_journal(settings: &Settings, folder: &DataFolder) -> Result<Journal, StartError> {
    let options = JournalOptions {
        segment_bytes_max: settings.journal.segment_bytes_max,
        bytes_max: settings.journal.bytes_max,
        keep_shipped: settings.journal.keep_shipped,
    };
    let fresh_id = random_bytes().map_err(|error| StartError::System(error.to_string()))?;
    Ok(Journal::open(&folder.journal(), options, JournalId(fresh_id))?)
}

impl Node {
    /// Starts a node on its data folder, with the world of its last snapshot or its plan's file: nobody is asked for
    /// it (S2). Called inside the runtime.
    ///
    /// # Errors
    /// When something that it stands on cannot be used.
    pub fn start(settings: &Settings, clock: Clock) -> Result<Self, StartError> {
        let folder = DataFolder::open(&settings.data)?;
        let system = |error: &dyn std::fmt::Display| StartError::System(error.to_string());
        let snapshots = SnapshotFolder::new(folder.snapshot());
        let beginning =
            begin(&snapshots, settings.plan.as_deref(), clock.now())?.with_last_resort(&settings.last_resort);
        let keeping = Keeping::new(snapshots, beginning.refused.is_empty());
        let journal = open_journal(settings, &folder)?;
        let node = settings.node.clone().map_or_else(|| folder.node_name(), Ok)?;
        let secret = settings.key_file.as_deref().map_or_else(|| folder.secret(), read_key_file)?;
        let metrics = Arc::new(Metrics::new());
        // What the store is like shows when it is used: calls need none, so neither does the start (S2).
        let opened = storage::open(&settings.store, &folder.store(), Metrics::observe_store(&metrics))
            .map_err(|error| system(&error))?;
        let (hints, store, upkeep) = (opened.hints(), opened.store, opened.upkeep);
        let Beginning { tables, compiled, plan_from, .. } = beginning;
        let made_of = MadeOf { tables, compiled, plan_from };
        let snapshot = Arc::new(Served::new(made_of, clock.clone(), Arc::clone(&metrics)));
        let control = opened.control.with_calls_final_after(settings.billing.open_max);
        let poll = settings.store.poll;
        let follower = Follower::new(Arc::clone(&snapshot), control.clone(), hints, poll, keeping);
        let (recorder, threads) =
            Recorder::start(journal, Arc::clone(&store), settings, Arc::clone(&metrics), clock.clone())
                .map_err(|error| system(&error))?;
        let wait_max = settings.shipper.read_wait_max;
        let started_at = recorder.end();
        let call_log = CallLog { store: Arc::clone(&store), upkeep, recorder: recorder.clone(), wait_max, started_at };
        let tasks = Supervisor::new();
        let deck_loader = DeckLoader::new(control.clone(), clock.clone(), tasks.clone());
        let draw = random_bytes().map_err(|error| system(&error))?;
        let engine = Arc::new(Engine {
            node,
            clock,
            identity: Identity::new(&secret),
            keys: Keys::new(&settings.keys),
            snapshot,
            workflows: Workflows::new(settings),
            lookups: Lookups::default(),
            idempotency: Idempotency::default(),
            callbacks: Callbacks::new(settings.callback_window, crate::clock::monotonic()),
            recorder,
            call_log,
            metrics,
            control,
            deck_loader,
            emergency: EmergencyHealth::new(settings.silence_multiple),
            incidents: Arc::new(IncidentLog::open(folder.incidents())),
            gateways: Arc::new(Gateways::new(u64::from_be_bytes(draw), settings.probe.every)),
            stop_max: settings.http.drain_announce.saturating_add(settings.http.drain_max),
        });
        let prober = engine.prober(&settings.probe, folder.gateways());
        let beside = Beside::start(tasks, &engine, store, follower, prober, settings.billing);
        Ok(Self { engine, threads, folder, beside })
    }

    /// Ends the node after its edges have, within what [`Engine::begin_stop`] leaves: what was acknowledged is
    /// written, what can be shipped is. Blocks.
    pub fn stop(self) {
        let Self { engine, threads, folder, beside } = self;
        beside.stop();
        if !threads.stop(engine.begin_stop()) {
            // The store ends when its last write does, which may be long: nobody waits for that, and until then
            // nobody else gets the folder. Without a thread for it we wait all the same.
            let _ = crate::supervise::thread("store-closing", move || drop((engine, folder)));
        }
    }
}

impl Engine {
    /// Reads a first number of each region of the plan, which takes milliseconds: better before the first call than
    /// in it. To be called on a thread that carries calls, since the library serves best whom it served first.
    pub fn warm_numbers(&self) {
        let world = self.snapshot.current();
        let sites = world.plan.sites.iter().map(|site| site.region);
        let regions: std::collections::BTreeSet<_> = sites.chain([world.plan.default_region]).collect();
        telness_numbers::warm(regions);
    }

    fn prober(&self, settings: &ProbeSettings, kept: PathBuf) -> Prober {
        Prober {
            gateways: Arc::clone(&self.gateways),
            served: Arc::clone(&self.snapshot),
            client: Client::new(settings.wait_max, TlsRoots::new(settings.tls_ca_file.clone())),
            metrics: Arc::clone(&self.metrics),
            clock: self.clock.clone(),
            node: self.node.clone(),
            kept,
        }
    }

    /// Says that the node is about to stop: it is no longer ready, and still carries what comes. The answer is by
    /// when all of it is to have ended, edges and records: the time is counted from the first who says so.
    pub fn begin_stop(&self) -> Instant {
        let now = crate::clock::monotonic();
        self.recorder.begin_stop(now.checked_add(self.stop_max).unwrap_or(now))
    }

    /// Whether it was said that the node is about to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.recorder.is_stopping()
    }

    /// How old what is in service is, in whole seconds, if something of it is the store's.
    #[must_use]
    pub fn snapshot_age_s(&self) -> Option<u64> {
        self.snapshot.age_s().filter(|_| self.snapshot.is_of_store())
    }

    /// The plan in service in words, for whoever starts the service.
    #[must_use]
    pub fn plan_in_words(&self) -> String {
        self.snapshot.plan_in_words()
    }

    /// The world in service, for whoever shows or tries it.
    #[must_use]
    pub fn world(&self) -> Arc<World> {
        self.snapshot.current()
    }

    /// Who takes what the high workflow's listener does not, in words.
    #[must_use]
    pub const fn low_is_at(&self) -> &Arc<str> {
        self.workflows.low_is_at()
    }

    /// What people edit and nodes report, in the store.
    #[must_use]
    pub const fn control(&self) -> &Control {
        &self.control
    }

    /// Who loads rate decks into the store.
    #[must_use]
    pub const fn deck_loader(&self) -> &DeckLoader {
        &self.deck_loader
    }

    /// The gateways of the plan in service, and what is believed of them.
    #[must_use]
    pub fn gateways(&self) -> GatewayList {
        let (node, at) = (self.node.clone(), self.clock.now());
        GatewayList { node, at, blind: self.gateways.is_blind(), gateways: self.gateways.list() }
    }

    /// The key under which numbers are hashed for search.
    #[must_use]
    pub const fn number_key(&self) -> [u8; 16] {
        self.identity.number_key()
    }

    /// How long ago the oldest record was received that waits for the store, in whole seconds.
    pub(crate) fn age_s(&self, backlog: Backlog) -> u64 {
        let micros = |oldest: Timestamp| self.clock.now().as_micros().saturating_sub(oldest.as_micros());
        backlog.oldest.map_or(0, |oldest| u64::try_from(micros(oldest) / 1_000_000).unwrap_or(0))
    }

    /// What edges count, beside what the engine counts.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// All metrics, as OpenMetrics text.
    #[must_use]
    pub fn metrics_text(&self) -> String {
        let backlog = self.recorder.backlog();
        self.metrics.backlog_records.set(i64::try_from(backlog.records).unwrap_or(i64::MAX));
        self.metrics.backlog_age_seconds.set(i64::try_from(self.age_s(backlog)).unwrap_or(i64::MAX));
        let age = self.snapshot.age_s().map_or(-1, |age| i64::try_from(age).unwrap_or(i64::MAX));
        self.metrics.snapshot_age_seconds.set(age);
        self.metrics.render()
    }

    /// The tenant of an asker that reports or reads. A suspended tenant may still do both.
    pub(crate) fn tenant_of(&self, asker: &Asker<'_>) -> Result<TenantName, Vec<Denial>> {
        let world = self.snapshot.current();
        let mut standing = standing(asker, &world.plan, &self.keys);
        standing.denials.retain(|denial| denial.reason != Reason::TenantSuspended);
        standing.tenant.filter(|_| standing.denials.is_empty()).ok_or(standing.denials)
    }

    pub(crate) fn fresh_call_id(&self, now: Timestamp) -> Result<CallId, CallError> {
        self.identity.fresh_call_id(now).map_err(|error| CallError::Internal(error.to_string()))
    }

    /// The first answer again, for a request that repeats its key.
    pub(crate) fn replay(&self, record: Arc<CallRecord>, proof: Proof) -> Answer {
        self.metrics.replays.inc();
        Answer { record, proof, replayed: true }
    }

    /// Counts a request for a call, by the class that it came to: a rule may have made an emergency call of it.
    pub(crate) fn count_call(&self, class: Class, answer: &Result<Answer, CallError>, took: Duration) {
        let (class, outcome, reason) = match answer {
            Ok(answer) => {
                let routing = &answer.record.routing;
                if !answer.replayed {
                    self.count_location(&answer.record);
                }
                let routed = routing.action == telness_core::decide::Action::Route;
                (routing.class, if routed { Outcome::Routed } else { Outcome::Rejected }, routing.reason)
            }
            Err(error) => (class, Outcome::Refused, error.reason()),
        };
        self.metrics.call(class, class.workflow(), outcome, reason, took);
    }

    /// Counts where an emergency call was taken to be. A location is bad if something of it cannot be read, or leads to no
    /// area of the plan.
    fn count_location(&self, record: &CallRecord) {
        let personal = &record.personal;
        let Some(located) = personal.trace.located.as_ref().filter(|_| record.routing.class == Class::Emergency) else {
            return;
        };
        let faulty = personal.notes.iter().any(|note| note.field.split('.').next() == Some("location"));
        self.metrics.located(located, personal.location.is_some(), faulty || !located.passed_over.is_empty());
    }
}
