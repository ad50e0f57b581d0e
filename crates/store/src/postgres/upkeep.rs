//! Looking after records beside nodes that write them: each step a transaction with a name.

use std::sync::Arc;
use std::time::Duration;

use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::retention::Horizons;
use telness_core::time::Timestamp;
use tokio::time::Instant;

use super::value::Time;
use super::write::Key;
use super::{PostgresStore, doubts, early, prune, prune_day};
use crate::{AwaitedCall, DayPruned, Doubtful, Pending, Prunable, PruneStep, PrunedStep, StoreError, Upkeep};

impl Upkeep for PostgresStore {
    fn clock(&self) -> Pending<'_, Option<Timestamp>> {
        Box::pin(self.pool.transaction("read_clock", |transaction| {
            Box::pin(async move {
                let row = transaction.query_one("SELECT now()", &[]).await?;
                Ok(Some(row.try_get::<_, Time>(0)?.0))
            })
        }))
    }

    fn tenants_with_records(&self) -> Pending<'_, Vec<TenantName>> {
        Box::pin(self.pool.transaction("list_record_tenants", |transaction| Box::pin(prune::tenants(transaction))))
    }

    fn days(&self) -> Pending<'_, Vec<Timestamp>> {
        Box::pin(async move {
            let days = self.pool.transaction("list_days", |transaction| Box::pin(prune_day::days(transaction)));
            let days = days.await?;
            if let Some(first) = days.first() {
                // A run that was killed may have left some.
                prune_day::forget_keys(&self.pool, Timestamp::from_micros(i64::MIN), *first).await?;
            }
            Ok(days)
        })
    }

    fn prune_day<'a>(&'a self, day: Timestamp, horizons: &'a Horizons, also_unbilled: bool) -> Pending<'a, DayPruned> {
        Box::pin(async move {
            let pruned = prune_day::prune(&self.pool, day, horizons.clone(), also_unbilled).await;
            self.days.forget();
            pruned
        })
    }

    fn prune(&self, step: PruneStep) -> Pending<'_, PrunedStep> {
        Box::pin(async move {
            if step.what == Prunable::WaitingEvents && step.after.is_none() && !step.dry_run {
                // Events of calls that came meanwhile wait for nothing any more.
                self.sweep_early_events(None, Duration::MAX).await?;
            }
            let step = Arc::new(step);
            let pruned = self.pool.transaction("prune_records", move |transaction| {
                let step = Arc::clone(&step);
                Box::pin(async move { prune::step(transaction, &step).await })
            });
            pruned.await
        })
    }

    fn doubtful<'a>(&'a self, tenant: &'a TenantName, calls: Vec<(CallId, Timestamp)>) -> Pending<'a, Doubtful> {
        let asked = Arc::new((tenant.clone(), calls));
        Box::pin(self.pool.transaction("read_doubtful", move |transaction| {
            let asked = Arc::clone(&asked);
            Box::pin(async move { doubts::doubtful(transaction, &asked.0, &asked.1).await })
        }))
    }

    fn awaited<'a>(
        &'a self,
        tenant: &'a TenantName,
        after: Option<CallId>,
        limit: u16,
    ) -> Pending<'a, Vec<AwaitedCall>> {
        Box::pin(self.pool.transaction("list_awaited", move |transaction| {
            let tenant = tenant.clone();
            Box::pin(async move { doubts::awaited(transaction, &tenant, after, limit).await })
        }))
    }
}

impl PostgresStore {
    /// Looks, for so long, whether calls have come beside their waiting events. Answers where to look on; nothing at the
    /// end.
    pub(super) async fn sweep_early_events(
        &self,
        mut after: Option<Key>,
        sweep_max: Duration,
    ) -> Result<Option<Key>, StoreError> {
        let began = Instant::now();
        loop {
            let from = Arc::new(after);
            let swept = self.pool.transaction("sweep_early_events", |transaction| {
                let from = Arc::clone(&from);
                Box::pin(async move { early::sweep(transaction, (*from).as_ref()).await })
            });
            after = swept.await?;
            if after.is_none() || began.elapsed() >= sweep_max {
                return Ok(after);
            }
        }
    }
}
