//! Decisions and outcomes are held against each other (N7): page after page of calls, then the events that wait for a
//! call that is not here. A page looks at so many calls and no more, so memory and the time of a request are bounded.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::reconcile::{self, Finding, FindingKind, Known, Severity};
use telness_core::record::{CallRecord, EventId};
use telness_core::time::Timestamp;
use telness_store::{CallQuery, Cursor, StoreError, Upkeep};

use crate::auth::Asker;
use crate::error::ReadError;
use crate::node::Engine;

/// Calls that are read at once.
const READ_CALLS: u16 = 500;
/// Calls that one page looks at.
const PAGE_CALLS_MAX: u64 = 10_000;

/// What is looked for.
#[derive(Clone, Debug)]
pub struct CheckQuery {
    /// Received at this time or later.
    pub since: Option<Timestamp>,
    /// Received before this time.
    pub until: Option<Timestamp>,
    /// Calls received before this time were to have ended, and those that events wait for were to have come.
    pub expected_by: Timestamp,
    /// Of this kind alone.
    pub kind: Option<FindingKind>,
    /// Of at least this severity.
    pub severity: Severity,
    /// Where the page before ended.
    pub after: Option<CheckCursor>,
    /// How many findings; a call's are never parted, so there can be some more, and a page can have fewer.
    pub limit: u16,
}

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckCursor {
    /// Among the calls, newest first.
    Calls(Cursor),
    /// Among the calls that events wait for.
    Awaited(CallId),
}

/// The text is no cursor that we gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: use the `next` of the page before, as it is")]
pub struct CheckCursorError;

impl fmt::Display for CheckCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calls(cursor) => cursor.fmt(f),
            Self::Awaited(id) => write!(f, "w-{}", id.0.simple()),
        }
    }
}

impl FromStr for CheckCursor {
    type Err = CheckCursorError;

    fn from_str(text: &str) -> Result<Self, CheckCursorError> {
        match text.strip_prefix("w-") {
            Some(id) => id.parse().map(Self::Awaited).map_err(|_| CheckCursorError),
            None => text.parse().map(Self::Calls).map_err(|_| CheckCursorError),
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which call.
    pub call_id: CallId,
    /// When it was received; when the first event was, of a call that is not here.
    pub received_at: Timestamp,
    /// What was found.
    pub finding: Finding,
    /// How many events wait for the call, if it is not here.
    pub waiting_events: Option<u64>,
}

/// What a page of the check came to.
#[derive(Clone, Debug, Default)]
pub struct CheckPage {
    /// What was found.
    pub found: Vec<Found>,
    /// How many calls were looked at.
    pub calls: u64,
    /// Where the next page begins; none when this is the last.
    pub next: Option<CheckCursor>,
}

impl CheckPage {
    /// How many of each kind were found.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<FindingKind, u64> {
        let mut counts = BTreeMap::new();
        for one in &self.found {
            let count: &mut u64 = counts.entry(one.finding.kind).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }
}

/// A page of what does not fit together in a tenant's records.
///
/// # Errors
/// When the store cannot tell.
pub async fn check(store: &dyn Upkeep, tenant: &TenantName, query: &CheckQuery) -> Result<CheckPage, StoreError> {
    let mut page = CheckPage::default();
    let mut place = query.after;
    loop {
        place = match place {
            None => calls(store, tenant, query, None, &mut page).await?,
            Some(CheckCursor::Calls(after)) => calls(store, tenant, query, Some(after), &mut page).await?,
            Some(CheckCursor::Awaited(after)) => awaited(store, tenant, query, after, &mut page).await?,
        };
        let full = page.found.len() >= usize::from(query.limit) || page.calls >= PAGE_CALLS_MAX;
        if place.is_none() || full {
            page.next = place;
            return Ok(page);
        }
    }
}

/// Looks at some calls; tells where to go on.
async fn calls(
    store: &dyn Upkeep,
    tenant: &TenantName,
    query: &CheckQuery,
    after: Option<Cursor>,
    page: &mut CheckPage,
) -> Result<Option<CheckCursor>, StoreError> {
    let wanted = CallQuery { since: query.since, until: query.until, after, limit: READ_CALLS, ..CallQuery::default() };
    let read = store.calls(tenant, &wanted).await?;
    let asked = read.calls.iter().map(|call| (call.routing.call_id, call.routing.received_at)).collect();
    let doubtful = store.doubtful(tenant, asked).await?;
    let mut records: BTreeMap<CallId, Vec<CallRecord>> = BTreeMap::new();
    for record in doubtful.records {
        records.entry(record.routing.call_id).or_default().push(record);
    }
    let mut events: BTreeMap<CallId, Vec<EventId>> = BTreeMap::new();
    for (id, event_id) in doubtful.events {
        events.entry(id).or_default().push(event_id);
    }
    for call in &read.calls {
        let (routing, id) = (&call.routing, call.routing.call_id);
        let (others, contradicted) = (records.remove(&id).unwrap_or_default(), events.remove(&id).unwrap_or_default());
        let (personal, cdr) = (&call.personal, &call.cdr);
        let known = Known { routing, personal, cdr, contradicted: &contradicted, others: &others };
        let findings = reconcile::findings(known, query.expected_by);
        page.calls = page.calls.saturating_add(1);
        let found = |finding| Found { call_id: id, received_at: routing.received_at, finding, waiting_events: None };
        page.found.extend(findings.into_iter().filter(|finding| query.asks_for(finding.kind)).map(found));
        if page.found.len() >= usize::from(query.limit) {
            return Ok(Some(CheckCursor::Calls(Cursor { received_at: routing.received_at, call_id: id })));
        }
    }
    Ok(Some(read.next.map_or(CheckCursor::Awaited(CallId(uuid::Uuid::nil())), CheckCursor::Calls)))
}

/// Looks at some calls that events wait for.
async fn awaited(
    store: &dyn Upkeep,
    tenant: &TenantName,
    query: &CheckQuery,
    after: CallId,
    page: &mut CheckPage,
) -> Result<Option<CheckCursor>, StoreError> {
    let kind = FindingKind::OutcomeWithoutDecision;
    if !query.asks_for(kind) {
        return Ok(None);
    }
    let waiting = store.awaited(tenant, Some(after), READ_CALLS).await?;
    for call in &waiting {
        let at = call.first_received_at;
        let asked = query.since.is_none_or(|since| at >= since) && query.until.is_none_or(|until| at < until);
        if asked && at < query.expected_by {
            let (finding, waiting_events) = (Finding::of(kind), Some(call.events));
            page.found.push(Found { call_id: call.call_id, received_at: at, finding, waiting_events });
        }
        if page.found.len() >= usize::from(query.limit) {
            return Ok(Some(CheckCursor::Awaited(call.call_id)));
        }
    }
    let more = waiting.len() >= usize::from(READ_CALLS);
    Ok(waiting.last().filter(|_| more).map(|last| CheckCursor::Awaited(last.call_id)))
}

impl CheckQuery {
    fn asks_for(&self, kind: FindingKind) -> bool {
        self.kind.is_none_or(|only| only == kind) && kind.severity() >= self.severity
    }
}

impl Engine {
    /// A page of what does not fit together in the records of the asker's tenant, or of the one that an operator names.
    /// A call was to have ended so many seconds after it was received.
    ///
    /// # Errors
    /// When it cannot be read now.
    pub async fn reconcile(
        &self,
        asker: &Asker<'_>,
        named: Option<&TenantName>,
        grace_s: u32,
        query: impl FnOnce(Timestamp) -> CheckQuery,
    ) -> Result<CheckPage, ReadError> {
        let tenant = self.reads_calls_of(asker, named).map_err(ReadError::Denied)?;
        self.call_log.up_to_date().await?;
        let query = query(expected_by(self.clock.now(), grace_s));
        check(&*self.call_log.upkeep, &tenant, &query).await.map_err(|error| crate::call_log::unavailable(&error))
    }
}

/// Before which time a call was to have been received that is to have ended now.
#[must_use]
pub fn expected_by(now: Timestamp, grace_s: u32) -> Timestamp {
    Timestamp::from_micros(now.as_micros().saturating_sub(i64::from(grace_s).saturating_mul(1_000_000)))
}
