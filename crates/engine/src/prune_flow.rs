//! Removing what is over: whole days first, where the store has them, then each tenant's records in small steps. It runs
//! beside nodes, may be killed anywhere and run again, and takes nothing that a journal has yet to ship.

use std::collections::BTreeMap;

use telness_core::names::TenantName;
use telness_core::retention::{DataClass, Horizons, Retention};
use telness_core::time::Timestamp;
use telness_store::control::ControlError;
use telness_store::{DayPruned, Prunable, PruneStep, StoreError, Upkeep};

use crate::storage::Opened;

/// What a run came to, or would.
#[derive(Clone, Debug, Default)]
pub struct PruneReport {
    /// Seen from when: by the earlier of our clock and the store's, so that a wrong one removes nothing.
    pub at: Timestamp,
    /// Records of each tenant and class.
    pub records: BTreeMap<(TenantName, DataClass), u64>,
    /// Calls of each tenant and class that are over and stay, as they are yet to be billed.
    pub unbilled: BTreeMap<(TenantName, DataClass), u64>,
    /// Days that were removed in one go.
    pub days_removed: u64,
    /// Days that were over and that somebody read or wrote all the time: their records went one by one.
    pub days_busy: u64,
}

/// Why a run ended early. What it removed until then stays removed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PruneError {
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What tenants have of their own could not be read.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// How a run goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct PruneMode {
    /// Counts, and removes nothing.
    pub dry_run: bool,
    /// Removes also what is yet to be billed, and then never is.
    pub also_unbilled: bool,
}

/// Removes what is over, or counts it. Where records for billing are made, calls stay until theirs are.
///
/// # Errors
/// When the store cannot; what was removed until then stays removed, and another run goes on.
pub async fn prune(
    opened: &Opened,
    usual: Retention,
    now: Timestamp,
    mode: PruneMode,
) -> Result<PruneReport, PruneError> {
    let store = &*opened.upkeep;
    let at = store.clock().await?.map_or(now, |clock| clock.min(now));
    let horizons = Horizons::of(usual, opened.control.tenant_retentions().await?, at);
    let mut report = PruneReport { at, ..PruneReport::default() };
    if !mode.dry_run {
        whole_days(store, &horizons, mode, &mut report).await?;
    }
    for tenant in store.tenants_with_records().await? {
        for class in DataClass::ALL {
            let Some(range) = horizons.of_tenant(&tenant).range(class) else { continue };
            for what in parts(class).iter().copied() {
                let (records, unbilled) = all_steps(store, (&tenant, class, what), range, mode).await?;
                add(&mut report.records, tenant.clone(), class, records);
                add(&mut report.unbilled, tenant.clone(), class, unbilled);
            }
        }
    }
    Ok(report)
}

fn add(to: &mut BTreeMap<(TenantName, DataClass), u64>, tenant: TenantName, class: DataClass, records: u64) {
    if records > 0 {
        let sum = to.entry((tenant, class)).or_default();
        *sum = sum.saturating_add(records);
    }
}

async fn whole_days(
    store: &dyn Upkeep,
    horizons: &Horizons,
    mode: PruneMode,
    report: &mut PruneReport,
) -> Result<(), StoreError> {
    for day in store.days().await? {
        match store.prune_day(day, horizons, mode.also_unbilled).await? {
            DayPruned::Stays => {}
            DayPruned::Busy => report.days_busy = report.days_busy.saturating_add(1),
            DayPruned::Removed(counts) => {
                report.days_removed = report.days_removed.saturating_add(1);
                for (tenant, class, records) in counts {
                    add(&mut report.records, tenant, class, records);
                }
            }
        }
    }
    Ok(())
}

/// What a class is made of.
const fn parts(class: DataClass) -> &'static [Prunable] {
    match class {
        DataClass::Calls | DataClass::EmergencyCalls => &[Prunable::Calls, Prunable::OtherRecords],
        DataClass::Personal | DataClass::EmergencyPersonal => &[Prunable::Personal, Prunable::OtherPersonal],
        DataClass::WaitingEvents => &[Prunable::WaitingEvents],
    }
}

async fn all_steps(
    store: &dyn Upkeep,
    (tenant, class, what): (&TenantName, DataClass, Prunable),
    (since, until): (Option<Timestamp>, Timestamp),
    mode: PruneMode,
) -> Result<(u64, u64), StoreError> {
    let emergency = matches!(class, DataClass::EmergencyCalls | DataClass::EmergencyPersonal);
    let PruneMode { dry_run, also_unbilled } = mode;
    let (mut records, mut unbilled, mut after) = (0_u64, 0_u64, None);
    loop {
        let step = PruneStep { tenant: tenant.clone(), what, emergency, since, until, after, also_unbilled, dry_run };
        let pruned = store.prune(step).await?;
        records = records.saturating_add(pruned.records);
        unbilled = unbilled.saturating_add(pruned.kept);
        after = pruned.next;
        if after.is_none() {
            return Ok((records, unbilled));
        }
        // Whoever records calls beside it goes first.
        tokio::task::yield_now().await;
    }
}
