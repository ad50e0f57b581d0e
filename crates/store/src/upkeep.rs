//! What is done with records that lie: removing those whose time is over, and looking for what does not fit together.
//! Everything goes in small steps, each a transaction, so that whoever asks can stop after any of them and begin again.

use serde::Serialize;
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::record::{CallRecord, EventId, Personal};
use telness_core::retention::{DataClass, Horizons};
use telness_core::time::Timestamp;

use crate::{Cursor, Entry, Pending, Store, StoreError};

/// Calls that one step looks at and changes: some tens of milliseconds, so that a shipper beside it waits no longer.
pub(crate) const STEP_CALLS: u32 = 1_000;
/// Calls that one step of a dry run counts; it holds nobody up.
pub(crate) const DRY_STEP_CALLS: u32 = 50_000;

/// What one step removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prunable {
    /// Calls with their events.
    Calls,
    /// Other records that came under the ids of calls, each by its own time.
    OtherRecords,
    /// What tells of people in calls.
    Personal,
    /// The same in other records.
    OtherPersonal,
    /// Events whose call is not here.
    WaitingEvents,
}

/// One step of pruning one tenant.
#[derive(Clone, Debug)]
pub struct PruneStep {
    /// Whose records.
    pub tenant: TenantName,
    /// Which.
    pub what: Prunable,
    /// Whether those of emergency calls, or those of all others.
    pub emergency: bool,
    /// Received at this time or later.
    pub since: Option<Timestamp>,
    /// Received before this time.
    pub until: Timestamp,
    /// Where the step before ended.
    pub after: Option<Cursor>,
    /// Whether calls go as well that are yet to be billed.
    pub also_unbilled: bool,
    /// Whether to count only.
    pub dry_run: bool,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrunedStep {
    /// Records that were removed, or would be.
    pub records: u64,
    /// Calls that are over and stay, as they are yet to be billed.
    pub kept: u64,
    /// Where to go on; none when nothing is left.
    pub next: Option<Cursor>,
}

/// What became of a day that was to be removed in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DayPruned {
    /// Something of it is to be kept.
    Stays,
    /// Somebody reads or writes for longer than it may hold up the others; the next run may find it free.
    Busy,
    /// It was removed, with so many records of each tenant and class.
    Removed(Vec<(TenantName, DataClass, u64)>),
}

/// What is doubtful of some calls.
#[derive(Clone, Debug, Default)]
pub struct Doubtful {
    /// Other records under their ids.
    pub records: Vec<CallRecord>,
    /// Ids under which two different reports came.
    pub events: Vec<(CallId, EventId)>,
}

/// A call that is not here, and events of which are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AwaitedCall {
    /// Its id.
    pub call_id: CallId,
    /// How many events wait for it.
    pub events: u64,
    /// When the first of them was received.
    pub first_received_at: Timestamp,
    /// When the last of them was received.
    pub last_received_at: Timestamp,
}

/// A store's records, to be looked after. One suite of tests over every implementation.
pub trait Upkeep: Store {
    /// The time by the store's own clock, if it has one.
    fn clock(&self) -> Pending<'_, Option<Timestamp>> {
        Box::pin(async { Ok(None) })
    }

    /// Everybody who has records.
    fn tenants_with_records(&self) -> Pending<'_, Vec<TenantName>>;

    /// The days that can be removed in one go, each by its first moment, oldest first.
    fn days(&self) -> Pending<'_, Vec<Timestamp>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Removes a day in one go, if nothing of it is to be kept, and none of its calls is yet to be billed, or those go
    /// as well.
    fn prune_day<'a>(&'a self, day: Timestamp, horizons: &'a Horizons, also_unbilled: bool) -> Pending<'a, DayPruned> {
        let _ = (day, horizons, also_unbilled);
        Box::pin(async { Ok(DayPruned::Stays) })
    }

    /// Does one step. To do it again changes nothing more.
    fn prune(&self, step: PruneStep) -> Pending<'_, PrunedStep>;

    /// What is doubtful of some calls of one page, each with the time at which it was received.
    fn doubtful<'a>(&'a self, tenant: &'a TenantName, calls: Vec<(CallId, Timestamp)>) -> Pending<'a, Doubtful>;

    /// Calls that events wait for, in the order of their ids, so many after one.
    fn awaited<'a>(
        &'a self,
        tenant: &'a TenantName,
        after: Option<CallId>,
        limit: u16,
    ) -> Pending<'a, Vec<AwaitedCall>>;
}

/// The bytes that stay of a personal part.
pub(crate) fn blank() -> Result<Vec<u8>, StoreError> {
    Entry::personal_bytes(&Personal::pruned()).map_err(|error| StoreError::Broken(error.to_string()))
}
