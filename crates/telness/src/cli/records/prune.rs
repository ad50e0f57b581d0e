//! `telness records prune`: removes what is over, as the settings and the tenants say. For a CronJob.

use clap::Args;
use serde_json::json;
use telness_engine::clock::Clock;
use telness_engine::prune_flow::{self, PruneMode, PruneReport};
use telness_engine::{storage, store_file};

use crate::cli::{Exit, Failure, Output, SettingFlags};

/// What to do.
#[derive(Args, Debug)]
pub(super) struct Prune {
    /// Counts what would be removed, and removes nothing
    #[arg(long)]
    dry_run: bool,
    /// Removes also what is over and yet to be billed, which then gets no record for billing
    #[arg(long)]
    unbilled: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Prune {
    pub(super) async fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let settings = self.settings.load(None)?.settings;
        let file = store_file(&settings.data);
        let report = if settings.store.url.is_none() && !file.exists() {
            // Nothing was recorded yet: nothing is over.
            PruneReport { at: Clock::system().now(), ..PruneReport::default() }
        } else {
            let opened = storage::open(&settings.store, &file, storage::unobserved());
            let opened = opened.map_err(|error| super::unreadable(&error))?;
            let mode = PruneMode { dry_run: self.dry_run, also_unbilled: self.unbilled };
            let pruned = prune_flow::prune(&opened, settings.retention, Clock::system().now(), mode);
            pruned.await.map_err(|error| {
                Failure::cannot(format_args!(
                    "{error}; what was removed until then stays removed, and another run goes on"
                ))
            })?
        };
        show(&report, self.dry_run, out)?;
        Ok(if report.unbilled.is_empty() { Exit::Done } else { Exit::No })
    }
}

fn show(report: &PruneReport, dry_run: bool, out: &mut Output) -> Result<(), Failure> {
    if out.is_json() {
        let of = |((tenant, class), records): (&(_, telness_core::retention::DataClass), &u64)| {
            let tenant: &telness_core::names::TenantName = tenant;
            json!({ "tenant": tenant, "class": class, "records": records })
        };
        let records: Vec<_> = report.records.iter().map(of).collect();
        let unbilled: Vec<_> = report.unbilled.iter().map(of).collect();
        return out.json(&json!({
            "dry_run": dry_run,
            "at": report.at,
            "pruned": records,
            "unbilled": unbilled,
            "days_removed": report.days_removed,
            "days_busy": report.days_busy,
        }));
    }
    let done = if dry_run { "would be removed" } else { "removed" };
    if report.records.is_empty() && report.unbilled.is_empty() {
        out.line(format_args!("nothing is over at {}", report.at))?;
    }
    for ((tenant, class), records) in &report.records {
        out.line(format_args!("{tenant:<32} {:<20} {records:>12} {done}", class.as_str()))?;
    }
    for ((tenant, class), calls) in &report.unbilled {
        out.line(format_args!("{tenant:<32} {:<20} {calls:>12} kept: over, and yet to be billed", class.as_str()))?;
    }
    if !report.unbilled.is_empty() {
        out.line("run `telness billing close`, then this again; --unbilled removes them without a record for billing")?;
    }
    if report.days_removed > 0 {
        out.line(format_args!("{} days were removed in one go", report.days_removed))?;
    }
    if report.days_busy > 0 {
        out.line(format_args!("{} days were in use all the time, and went row by row", report.days_busy))?;
    }
    Ok(())
}
