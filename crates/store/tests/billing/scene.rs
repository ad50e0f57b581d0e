//! A store with calls, and who makes records of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use telness_core::names::TenantName;
use telness_core::record::billing::{BillingRecord, Format, Settling};
use telness_core::record::{CallEvent, CallRecord, EventKind};
use telness_core::time::Timestamp;
use telness_store::billing::{Billing, BillingFile, Closing};
use telness_store::control::Control;
use telness_store::{Entry, JournalId, Position, Prunable, PruneStep, PrunedStep, StoreError, Upkeep};

use crate::sample::{at_ms, entry, event};

pub(crate) const MINUTE: i64 = 60_000;
pub(crate) const HOUR: i64 = 60 * MINUTE;
/// The calls of tests begin at 14:13:20; so long after that an hour is over.
pub(crate) const NEXT_HOUR: i64 = HOUR;

pub(crate) struct Scene {
    pub(crate) store: Arc<dyn Upkeep>,
    pub(crate) billing: Billing,
    pub(crate) by_hand: Box<dyn Fn(&str) + Send + Sync>,
    position: AtomicU64,
}

impl Scene {
    pub(crate) async fn new(
        store: Arc<dyn Upkeep>,
        control: &Control,
        by_hand: Box<dyn Fn(&str) + Send + Sync>,
    ) -> Self {
        // The embedded store makes its file when it is first asked something.
        store.check().await.unwrap();
        Self { store, billing: Billing::of(control), by_hand, position: AtomicU64::new(0) }
    }

    pub(crate) async fn ship(&self, entries: Vec<Entry>) {
        let upto = Position(self.position.fetch_add(1, Ordering::Relaxed) + 1);
        self.store.write(JournalId([7; 16]), upto, entries).await.unwrap();
    }

    /// Ships a call that was answered after 2 s and talked so long.
    pub(crate) async fn talked(&self, record: &CallRecord, ms: i64, talk_ms: i64) {
        let tenant = record.routing.tenant.as_str();
        let mut entries = vec![entry(record)];
        entries.extend(talk(tenant, ms, talk_ms).into_iter().map(|event| Entry::Event(Box::new(event))));
        self.ship(entries).await;
    }

    pub(crate) async fn report(&self, event: CallEvent) {
        self.ship(vec![Entry::Event(Box::new(event))]).await;
    }

    /// Gathers and closes for everybody, so many milliseconds after the start.
    pub(crate) async fn close(&self, ms: i64) -> Vec<BillingFile> {
        self.try_close(closing(ms)).await.unwrap()
    }

    pub(crate) async fn try_close(&self, closing: Closing) -> Result<Vec<BillingFile>, StoreError> {
        self.billing.gather(closing).await?;
        let mut files = Vec::new();
        for tenant in self.billing.tenants().await? {
            files.extend(self.billing.close(&tenant, closing).await?);
        }
        Ok(files)
    }

    /// Removes what tells of people of all calls of a tenant.
    pub(crate) async fn prune(&self, tenant: &str) {
        self.step(tenant, Prunable::Personal, true, false).await;
    }

    /// Prunes all calls of a tenant.
    pub(crate) async fn step(&self, tenant: &str, what: Prunable, also_unbilled: bool, dry_run: bool) -> PrunedStep {
        let (tenant, until) = (tenant.parse().unwrap(), at_ms(10_000 * HOUR));
        let (emergency, since, after) = (false, None, None);
        let step = PruneStep { tenant, what, emergency, since, until, after, also_unbilled, dry_run };
        let pruned = self.store.prune(step).await.unwrap();
        assert!(pruned.next.is_none());
        pruned
    }

    /// The records of a file, and that both forms of it are whole.
    pub(crate) async fn records(&self, tenant: &str, sequence: i64) -> Vec<BillingRecord> {
        let tenant: TenantName = tenant.parse().unwrap();
        let issued = self.billing.issue(&tenant, sequence, Format::JsonLines).await.unwrap().unwrap();
        let lines: Vec<&str> = issued.text.lines().collect();
        let records = &lines[1..lines.len() - 1];
        assert_eq!(i64::try_from(records.len()).unwrap(), issued.file.head.records);
        let csv = self.billing.issue(&tenant, sequence, Format::Csv).await.unwrap().unwrap();
        assert_eq!(csv.text.lines().count(), lines.len());
        records.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All records of a tenant, by file.
    pub(crate) async fn all(&self, tenant: &str) -> Vec<(i64, BillingRecord)> {
        let name: TenantName = tenant.parse().unwrap();
        let mut all = Vec::new();
        for file in self.billing.files(&name, 0, 1_000).await.unwrap() {
            let sequence = file.head.sequence;
            all.extend(self.records(tenant, sequence).await.into_iter().map(|record| (sequence, record)));
        }
        all
    }

    pub(crate) async fn sound(&self) {
        for tenant in self.billing.tenants().await.unwrap() {
            assert_eq!(self.billing.verify(&tenant).await.unwrap(), Vec::<String>::new());
        }
    }
}

pub(crate) fn closing(ms: i64) -> Closing {
    Closing {
        settling: Settling { settle: Duration::from_secs(900), open_max: Duration::from_secs(172_800) },
        file_records_max: 20_000,
        now: at_ms(ms),
    }
}

pub(crate) fn talk(tenant: &str, ms: i64, talk_ms: i64) -> Vec<CallEvent> {
    vec![
        event(tenant, ms, "r", EventKind::Ringing, 500),
        event(tenant, ms, "a", EventKind::Answered, 2_000),
        event(tenant, ms, "e", EventKind::Ended, 2_000 + talk_ms),
    ]
}

pub(crate) fn hours_of(file: &BillingFile) -> (Timestamp, Timestamp) {
    (file.head.period_start, file.head.period_end)
}
