//! The two workflows: which settings a call runs under, and who is let in when there are more calls than can be carried.
//!
//! An emergency call asks nobody here (E11), and vital calls have places of their own, so that a flood to a health line
//! meets neither an emergency call nor the low workflow. Of the low workflow's calls background ones go first.

mod congestion;
mod pool;
mod rate;

use std::sync::Arc;
use std::time::Duration;

pub use pool::Ticket;
use telness_core::class::{Class, Workflow};
use telness_core::names::TenantName;
use telness_core::number::Region;
use telness_core::plan::Plan;
use telness_core::standing::Standing;
use tokio_util::sync::CancellationToken;

use crate::config::{Durability, Serve, Settings};
use crate::error::CallError;
use crate::telemetry::Metrics;
use congestion::Congestion;
use pool::{Pool, PoolLimits, Share};
use rate::{Limit, Rates};

/// What each workflow allows.
#[derive(Debug)]
pub struct Workflows {
    high: Lane,
    low: Lane,
    congestion: Arc<Congestion>,
    rates: Rates<TenantName>,
    /// Test calls to an emergency service, by the region whose test route they take.
    tests: Rates<Region>,
    /// Who takes the low workflow's calls, for whoever asks the high listener.
    low_is_at: Arc<str>,
}

#[derive(Debug)]
struct Lane {
    durability: Durability,
    pool: Arc<Pool>,
}

impl Workflows {
    /// The workflows of the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let (high, low, admission) = (&settings.high, &settings.low, &settings.low_admission);
        let all = low.calls_in_flight_max;
        let vital = PoolLimits { all: high.calls_in_flight_max, background: 0, waiting: 0, wait_max: Duration::ZERO };
        let others = PoolLimits {
            all,
            background: background_of(all, admission.background_percent),
            waiting: admission.queue_calls_max,
            wait_max: admission.queue_wait_max,
        };
        let lane = |durability, limits| Lane { durability, pool: Pool::new(limits) };
        Self {
            high: lane(high.durability, vital),
            low: lane(low.durability, others),
            congestion: Arc::new(Congestion::new(admission.delay_max)),
            rates: Rates::default(),
            tests: Rates::default(),
            low_is_at: low_is_at(settings),
        }
    }

    /// Who takes the low workflow's calls.
    #[must_use]
    pub const fn low_is_at(&self) -> &Arc<str> {
        &self.low_is_at
    }

    /// Lets a call in that came to a listener, with a place that is given back when the ticket is dropped. Either listener
    /// takes emergency and vital calls (E13), and an emergency call needs no place (E11).
    ///
    /// # Errors
    /// [`CallError::Misdirected`] when it is for the other listener, [`CallError::RateLimited`] when the tenant makes more calls a second than it may, [`CallError::Overloaded`] when
    /// there is no place, or none in time, or the threads do not keep up.
    pub async fn let_in(
        &self,
        listener: Workflow,
        class: Class,
        standing: &Standing,
        plan: &Plan,
    ) -> Result<Option<Ticket>, CallError> {
        match (class.workflow(), listener) {
            (Workflow::High, _) => return self.enter(class),
            (Workflow::Low, Workflow::High) => {
                return Err(CallError::Misdirected { send_to: Arc::clone(&self.low_is_at) });
            }
            (Workflow::Low, Workflow::Low) => {}
        }
        // Those beyond their tenant's rate are told when to come back by that, and nobody else waits longer for them.
        self.within_rate(standing, plan)?;
        self.congestion.offer();
        let ticket = match class {
            Class::Background if self.congestion.is_congested() => None,
            Class::Background => self.low.pool.enter(Share::Background),
            _ if self.congestion.refuses_next() => None,
            _ => self.low.pool.enter_or_wait().await,
        };
        let ticket = ticket.ok_or_else(|| self.overloaded())?;
        self.congestion.take();
        Ok(Some(ticket))
    }

    /// Takes a place that is free now.
    ///
    /// # Errors
    /// [`CallError::Overloaded`] when there is none.
    pub fn enter(&self, class: Class) -> Result<Option<Ticket>, CallError> {
        let ticket = match class {
            Class::Emergency => return Ok(None),
            Class::Vital => self.high.pool.enter(Share::Main),
            Class::Normal => self.low.pool.enter(Share::Main),
            Class::Background => self.low.pool.enter(Share::Background),
        };
        ticket.map(Some).ok_or_else(|| self.overloaded())
    }

    /// A carrier's calls count against nobody: whom they are for did not make them. Nor do those of whoever is not
    /// known yet to be the tenant.
    fn within_rate(&self, standing: &Standing, plan: &Plan) -> Result<(), CallError> {
        let known = standing.trunk.is_none() && standing.denials.is_empty();
        let Some(tenant) = standing.tenant.as_ref().filter(|_| known) else { return Ok(()) };
        let of = |tenant: &TenantName| plan.tenants.get(tenant)?.calls_per_s_max;
        let Some(calls_per_s_max) = of(tenant) else { return Ok(()) };
        let taken = self.rates.take(tenant, Limit::a_second(calls_per_s_max), |tenant| of(tenant).is_some());
        taken.map_err(|wait| CallError::RateLimited { calls_per_s_max, retry_after_s: whole_seconds(wait) })
    }

    /// Lets a test call out to whoever agreed to take so many (E17). No real emergency call is asked for here.
    ///
    /// # Errors
    /// [`CallError::TestsLimited`] when as many went there as the plan says.
    pub(crate) fn let_test_out(&self, region: Region, plan: &Plan) -> Result<(), CallError> {
        let of = |region: &Region| Some(plan.emergency.tests.get(region)?.calls_per_h_max);
        let Some(calls_per_h_max) = of(&region) else { return Ok(()) };
        let taken = self.tests.take(&region, Limit::an_hour(calls_per_h_max), |region| of(region).is_some());
        taken.map_err(|wait| CallError::TestsLimited { calls_per_h_max, retry_after_s: whole_seconds(wait) })
    }

    fn overloaded(&self) -> CallError {
        CallError::Overloaded { retry_after_s: self.congestion.retry_after_s() }
    }

    /// Watches whether the threads keep up that this runs on, until `stop`.
    pub(crate) fn watch(&self, metrics: Arc<Metrics>, stop: CancellationToken) -> impl Future<Output = ()> + use<> {
        Arc::clone(&self.congestion).watch(metrics, stop)
    }

    /// When an answer of this workflow is given.
    #[must_use]
    pub const fn durability(&self, workflow: Workflow) -> Durability {
        match workflow {
            Workflow::High => self.high.durability,
            Workflow::Low => self.low.durability,
        }
    }
}

/// A wait in seconds that is over when they are.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// The share of background calls: one place at least, where there is another for the others.
fn background_of(all: usize, percent: usize) -> usize {
    let share = all.saturating_mul(percent).checked_div(100).unwrap_or(0);
    if all > 1 { share.max(1) } else { 0 }
}

fn low_is_at(settings: &Settings) -> Arc<str> {
    match (&settings.low_url, settings.serve) {
        (Some(url), _) => Arc::from(url.as_str()),
        (None, Serve::High) => Arc::from("a process that serves the low workflow"),
        (None, _) => Arc::from(format!("port {} of this node", settings.listen.port())),
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test")]
mod tests;
