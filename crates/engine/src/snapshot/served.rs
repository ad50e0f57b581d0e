//! What is in service, what it was made of, and how old it is: changed by whoever follows the store and by whoever reads
//! the plan's file again, one after the other.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use telness_core::time::Timestamp;
use telness_core::world::{Health, World};
use tokio::sync::Notify;

use super::compile::{Compiled, FaultyPlan};
use super::in_service::Snapshot;
use super::tables::{PlanFrom, PlanText, Tables};
use crate::clock::Clock;
use crate::telemetry::Metrics;

/// What is in service.
#[derive(Debug)]
pub(crate) struct Served {
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    world: Snapshot,
    made_of: Mutex<MadeOf>,
    /// When the store was last known to hold what is in service, in microseconds; 0 is never.
    known_at: AtomicI64,
    /// Whether something of it is the store's.
    of_store: AtomicBool,
    faults: Mutex<Faults>,
    /// Rung by whoever wants the store to be looked at now.
    pub(super) look: Notify,
}

/// What the world in service was compiled of.
#[derive(Debug)]
pub(crate) struct MadeOf {
    pub(crate) tables: Tables,
    pub(crate) compiled: Compiled,
    pub(crate) plan_from: PlanFrom,
}

/// What is amiss and does not keep a node from carrying calls.
#[derive(Clone, Debug, Default)]
struct Faults {
    store: Option<Fault>,
    key: Option<Arc<str>>,
    chores: Option<Fault>,
}

/// Why what the store holds is not in service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// For everybody: without a word of the plan.
    pub(crate) short: Arc<str>,
    /// All of it.
    pub(crate) whole: Arc<str>,
}

impl Served {
    pub(crate) fn new(made_of: MadeOf, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let tables = &made_of.tables;
        let (known_at, of_store) = (AtomicI64::new(tables.known_at.as_micros()), AtomicBool::new(!tables.is_empty()));
        let world = Snapshot::new(made_of.compiled.world.clone());
        metrics.plan_revision.set(i64::try_from(made_of.compiled.plan.revision).unwrap_or(i64::MAX));
        let (made_of, faults, look) = (Mutex::new(made_of), Mutex::default(), Notify::new());
        Self { clock, metrics, world, made_of, known_at, of_store, faults, look }
    }

    /// The world now.
    pub(crate) fn current(&self) -> Arc<World> {
        self.world.current()
    }

    pub(crate) fn made_of(&self) -> MutexGuard<'_, MadeOf> {
        self.made_of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the store holds what is in service.
    pub(super) fn confirm(&self, at: Timestamp) {
        self.made_of().tables.known_at = at;
        self.known_at.store(at.as_micros(), Ordering::Relaxed);
    }

    /// Notes why what the store holds is not in service; tells whether that is news.
    pub(super) fn set_fault(&self, fault: Option<Fault>) -> bool {
        let mut faults = self.faults();
        let news = faults.store != fault;
        faults.store = fault;
        news
    }

    /// Notes what is wrong with the server's key or the node's name; tells whether that is news.
    pub(crate) fn set_key_fault(&self, fault: Option<Arc<str>>) -> bool {
        let mut faults = self.faults();
        let news = faults.key != fault;
        faults.key = fault;
        news
    }

    /// Notes why the store's chores are not done; tells whether that is news.
    pub(crate) fn set_chores_fault(&self, fault: Option<Fault>) -> bool {
        let mut faults = self.faults();
        let news = faults.chores != fault;
        faults.chores = fault;
        news
    }

    /// What is amiss, without a word of the plan.
    pub(crate) fn faults_in_short(&self) -> Vec<Arc<str>> {
        let faults = self.faults();
        faults.store.iter().chain(&faults.chores).map(|fault| &fault.short).chain(&faults.key).map(Arc::clone).collect()
    }

    /// What is amiss, for those who may know all.
    pub(crate) fn faults_in_full(&self) -> Vec<Arc<str>> {
        let faults = self.faults();
        faults.store.iter().chain(&faults.chores).map(|fault| &fault.whole).chain(&faults.key).map(Arc::clone).collect()
    }

    /// How long ago the store was last known to hold what is in service, in whole seconds; none if it never was.
    pub(crate) fn age_s(&self) -> Option<u64> {
        let known_at = self.known_at.load(Ordering::Relaxed);
        let age = self.clock.now().as_micros().saturating_sub(known_at).checked_div(1_000_000)?;
        (known_at != 0).then(|| u64::try_from(age).unwrap_or(0))
    }

    /// Whether something of it is the store's.
    pub(crate) fn is_of_store(&self) -> bool {
        self.of_store.load(Ordering::Relaxed)
    }

    /// Has the store looked at now, and not when the time for it comes.
    pub(crate) fn look_at_store(&self) {
        self.look.notify_one();
    }

    /// The plan in words, for whoever starts the service.
    pub(crate) fn plan_in_words(&self) -> String {
        let made_of = self.made_of();
        match made_of.plan_from {
            PlanFrom::Store => format!("revision {} of the store", made_of.compiled.plan.revision),
            PlanFrom::File | PlanFrom::Example => made_of.compiled.plan.name.to_string(),
        }
    }

    /// Puts a plan in service as the next revision, with the store's rows as they are.
    pub(crate) fn put_plan_in_service(&self, mut plan: PlanText, from: PlanFrom) -> Result<u64, FaultyPlan> {
        let mut made_of = self.made_of();
        plan.revision = made_of.compiled.plan.revision.saturating_add(1);
        let compiled = made_of.tables.compile(&plan, self.clock.now(), Some(&made_of.compiled))?;
        made_of.plan_from = from;
        self.put_in_service(&mut made_of, compiled);
        Ok(plan.revision)
    }

    /// Puts the store's tables in service. A plan with faults is left out, and the last good one stays with the rows as
    /// they are now (S3): then the answer is what is wrong with it.
    pub(super) fn put_tables_in_service(&self, mut tables: Tables) -> Option<FaultyPlan> {
        let mut made_of = self.made_of();
        let now = self.clock.now();
        let (plan, from) = match (made_of.plan_from, &tables.plan) {
            (PlanFrom::File, _) => (made_of.compiled.plan.clone(), PlanFrom::File),
            (_, Some(plan)) => (plan.clone(), PlanFrom::Store),
            (from, None) => (made_of.compiled.plan.clone(), from),
        };
        let (compiled, from, fault) = match tables.compile(&plan, now, Some(&made_of.compiled)) {
            Ok(compiled) => (compiled, from, None),
            Err(fault) => {
                tables.plan = made_of.tables.plan.clone();
                let good = tables.compile(&made_of.compiled.plan, now, Some(&made_of.compiled));
                // It was good before, and nothing but a plan can be faulty.
                let Ok(good) = good else { return Some(fault) };
                (good, made_of.plan_from, Some(fault))
            }
        };
        made_of.tables = tables;
        made_of.plan_from = from;
        self.put_in_service(&mut made_of, compiled);
        fault
    }

    /// Compiles what is in service again, for another time.
    pub(super) fn compile_again(&self) {
        let mut made_of = self.made_of();
        let plan = made_of.compiled.plan.clone();
        match made_of.tables.compile(&plan, self.clock.now(), Some(&made_of.compiled)) {
            Ok(compiled) => self.put_in_service(&mut made_of, compiled),
            Err(fault) => tracing::error!(%fault, "what was good before is no more"),
        }
    }

    /// Puts in service what is now believed of gateways, if that is news. While another world is being compiled nothing
    /// is asked, and nobody waits.
    pub(crate) fn change_health(&self, news: impl FnOnce() -> Option<Health>) {
        let mut made_of = match self.made_of.try_lock() {
            Ok(made_of) => made_of,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if let Some(health) = news() {
            made_of.compiled.world.health = Arc::new(health);
            self.publish(made_of.compiled.world.clone());
        }
    }

    fn publish(&self, world: World) {
        if let Err(error) = self.world.publish(world) {
            tracing::warn!(%error, "the world before could not be retired on a thread of its own");
        }
    }

    fn put_in_service(&self, made_of: &mut MadeOf, compiled: Compiled) {
        if compiled.issues != made_of.compiled.issues {
            for issue in &compiled.issues.shown {
                tracing::warn!(%issue, "a row does not fit the plan");
            }
        }
        let revision = i64::try_from(compiled.plan.revision).unwrap_or(i64::MAX);
        self.publish(compiled.world.clone());
        self.metrics.plan_revision.set(revision);
        self.of_store.store(!made_of.tables.is_empty(), Ordering::Relaxed);
        made_of.compiled = compiled;
    }
}
