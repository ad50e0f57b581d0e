//! `telness records check`: holds decisions and outcomes against each other, as a gate too.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use serde_json::json;
use telness_core::names::TenantName;
use telness_core::reconcile::{FindingKind, Severity};
use telness_core::time::Timestamp;
use telness_engine::clock::Clock;
use telness_engine::reconcile_flow::{CheckQuery, Found, check, expected_by};
use telness_engine::{storage, store_file};
use telness_store::{StoreError, Upkeep};

use crate::cli::{Exit, Failure, Output, SettingFlags};
use crate::http::reconcile::FindingView;

/// What to look for.
#[derive(Args, Debug)]
pub(super) struct Check {
    /// Whose records; everybody's if not said
    #[arg(long)]
    tenant: Option<TenantName>,
    /// Received at this time or later
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Received before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// After so many seconds a call was to have ended, and to have come if events wait for it
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400)]
    grace_s: u32,
    /// Findings of this kind alone
    #[arg(long, value_parser = kind)]
    kind: Option<FindingKind>,
    /// Findings of at least this severity: warning or error
    #[arg(long, default_value = "warning", value_parser = severity)]
    severity: Severity,
    /// Lists at most so many; all are counted
    #[arg(long, default_value_t = 100)]
    limit: u64,
    #[command(flatten)]
    settings: SettingFlags,
}

/// A finding, and whose.
#[derive(Serialize)]
struct Listed<'a> {
    tenant: &'a TenantName,
    #[serde(flatten)]
    finding: FindingView<'a>,
}

/// What was found in all, of which some is listed.
struct Sum {
    counts: BTreeMap<FindingKind, u64>,
    calls: u64,
    listed: Vec<(TenantName, Found)>,
}

impl Check {
    pub(super) async fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = self.settings.load(None)?.settings;
        if settings.data.is_dir() {
            super::catch_up::catch_up(&settings).await?;
        } else if settings.store.url.is_none() {
            let folder = settings.data.display();
            return Err(Failure::cannot(format_args!("there is no data folder {folder}; name the node's with --data")));
        }
        let opened = storage::open_read_only(&settings.store, &store_file(&settings.data));
        let opened = opened.map_err(|error| super::unreadable(&error))?;
        let mut sum = Sum { counts: BTreeMap::new(), calls: 0, listed: Vec::new() };
        if let Some(opened) = opened {
            self.look(&*opened.upkeep, &mut sum).await.map_err(|error| super::unreadable(&error))?;
        }
        sum.show(out)?;
        Ok(if sum.counts.is_empty() { Exit::Done } else { Exit::No })
    }

    async fn look(&self, store: &dyn Upkeep, sum: &mut Sum) -> Result<(), StoreError> {
        let now = Clock::system().now();
        let tenants = match &self.tenant {
            Some(tenant) => vec![tenant.clone()],
            None => store.tenants_with_records().await?,
        };
        for tenant in tenants {
            let mut query = CheckQuery {
                since: self.since,
                until: self.until,
                expected_by: expected_by(now, self.grace_s),
                kind: self.kind,
                severity: self.severity,
                after: None,
                limit: 1_000,
            };
            loop {
                let page = check(store, &tenant, &query).await?;
                sum.calls = sum.calls.saturating_add(page.calls);
                for (kind, count) in page.counts() {
                    let all = sum.counts.entry(kind).or_default();
                    *all = all.saturating_add(count);
                }
                let listed = u64::try_from(sum.listed.len()).unwrap_or(u64::MAX);
                let room = usize::try_from(self.limit.saturating_sub(listed)).unwrap_or(usize::MAX);
                sum.listed.extend(page.found.into_iter().take(room).map(|found| (tenant.clone(), found)));
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl Sum {
    fn show(&self, out: &mut Output) -> Result<(), Failure> {
        if out.is_json() {
            let of =
                |(tenant, found): &'_ (TenantName, Found)| json!(Listed { tenant, finding: FindingView::of(found) });
            let findings: Vec<_> = self.listed.iter().map(of).collect();
            return out.json(&json!({ "counts": self.counts, "calls": self.calls, "findings": findings }));
        }
        for (tenant, found) in &self.listed {
            let FindingView { call_id, received_at, kind, leg, event_id, .. } = FindingView::of(found);
            let about = leg.or(event_id).map_or(String::new(), |what| format!("  {what}"));
            out.line(format_args!("{received_at}  {call_id}  {tenant}  {kind}{about}"))?;
        }
        for (kind, count) in &self.counts {
            out.line(format_args!("{count} x {}: {}; {}", kind.as_str(), kind.meaning(), kind.advice()))?;
        }
        let all = if self.counts.is_empty() { ": all fits together" } else { "" };
        out.line(format_args!("{} calls were looked at{all}", self.calls))
    }
}

fn kind(text: &str) -> Result<FindingKind, String> {
    let words: Vec<&str> = FindingKind::ALL.iter().map(|kind| kind.as_str()).collect();
    text.parse().map_err(|()| format!("one of {}", words.join(", ")))
}

fn severity(text: &str) -> Result<Severity, String> {
    match text {
        "warning" => Ok(Severity::Warning),
        "error" => Ok(Severity::Error),
        _ => Err("warning or error".to_owned()),
    }
}
