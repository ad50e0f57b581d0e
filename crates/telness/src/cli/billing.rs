//! `telness billing close|list|export|verify`: records for billing, made and closed into numbered files.

use clap::{Args, Subcommand};
use serde_json::json;
use telness_core::names::TenantName;
use telness_core::record::billing::Format;
use telness_core::time::Timestamp;
use telness_engine::billing::{close, closing};
use telness_engine::clock::Clock;
use telness_engine::config::Settings;
use telness_engine::telemetry::start_logs;
use telness_engine::{storage, store_file};
use telness_store::StoreError;
use telness_store::billing::{Billing, BillingFile, Gathered};

use super::{Exit, Failure, Output, SettingFlags};

/// Files that are listed in one go.
const FILES_AT_ONCE: u32 = 1_000;

/// What to do with records for billing.
#[derive(Args, Debug)]
pub(super) struct BillingCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes the records that can be made and closes the files of hours that are over. It is safe beside a running
    /// service and beside another one that does it; a CronJob may run it every few minutes
    Close {
        /// Looks at all calls received at this time or later, also at those from before there were records for
        /// billing, or that an older telness wrote
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
        #[command(flatten)]
        settings: SettingFlags,
    },
    /// Lists closed files
    List {
        /// Whose; everybody's if not said
        #[arg(long)]
        tenant: Option<TenantName>,
        /// Those with greater sequence numbers
        #[arg(long, value_name = "SEQUENCE", default_value_t = 0)]
        after: i64,
        #[command(flatten)]
        settings: SettingFlags,
    },
    /// Prints a closed file as it was issued first, byte for byte
    Export {
        /// Whose
        #[arg(value_name = "TENANT")]
        tenant: TenantName,
        /// Its number
        #[arg(value_name = "SEQUENCE")]
        sequence: i64,
        /// jsonl or csv
        #[arg(long, default_value = "jsonl", value_parser = format)]
        format: Format,
        #[command(flatten)]
        settings: SettingFlags,
    },
    /// Looks whether all files are there and are what they were; the answer is no if anything is wrong
    Verify {
        /// Whose; everybody's if not said
        #[arg(long)]
        tenant: Option<TenantName>,
        #[command(flatten)]
        settings: SettingFlags,
    },
}

fn format(text: &str) -> Result<Format, &'static str> {
    text.parse().map_err(|()| "it is jsonl or csv")
}

impl BillingCommand {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            Action::Close { since, settings } => {
                let settings = settings.load(None)?.settings;
                // Which call or hour it was that could not be read, the log alone says.
                let _logs = start_logs(&settings.log).map_err(Failure::cannot)?;
                on_store(&settings, true, async |billing| close_files(&billing, &settings, since, out).await)
            }
            Action::List { tenant, after, settings } => {
                let settings = settings.load(None)?.settings;
                on_store(&settings, false, async |billing| list(&billing, tenant, after, out).await)
            }
            Action::Export { tenant, sequence, format, settings } => {
                let settings = settings.load(None)?.settings;
                on_store(&settings, false, async |billing| {
                    let Some(issued) = billing.issue(&tenant, sequence, format).await.map_err(failed)? else {
                        return Err(Failure::new(Exit::No, format_args!("{tenant} has no file {sequence} yet")));
                    };
                    out.text(&issued.text).map(|()| Exit::Done)
                })
            }
            Action::Verify { tenant, settings } => {
                let settings = settings.load(None)?.settings;
                on_store(&settings, false, async |billing| verify(&billing, tenant, out).await)
            }
        }
    }
}

/// Does something with the store's billing tables.
fn on_store(
    settings: &Settings,
    writes: bool,
    work: impl AsyncFnOnce(Billing) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let file = store_file(&settings.data);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::cannot)?;
    runtime.block_on(async {
        let opened = if writes && (settings.store.url.is_some() || file.exists()) {
            storage::open(&settings.store, &file, storage::unobserved()).map(Some)
        } else {
            storage::open_read_only(&settings.store, &file)
        };
        let Some(opened) = opened.map_err(failed)? else {
            let file = file.display();
            return Err(Failure::cannot(format_args!("there is no store {file} yet; the first start makes it")));
        };
        work(Billing::of(&opened.control)).await
    })
}

async fn close_files(
    billing: &Billing,
    settings: &Settings,
    since: Option<Timestamp>,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let now = Clock::system().now();
    if let Some(since) = since {
        billing.look_again(since, now).await.map_err(failed)?;
    }
    let closed = close(billing, closing(settings.billing, now)).await.map_err(failed)?;
    let Gathered { hours, calls, records, faulty, failed: not_looked_at, lost, held } = closed.gathered;
    let exit = if faulty == 0 && not_looked_at == 0 && held == 0 { Exit::Done } else { Exit::No };
    if out.is_json() {
        let files = &closed.files;
        out.json(&json!({
            "hours": hours, "calls": calls, "records": records, "faulty": faulty, "failed": not_looked_at,
            "lost": lost, "held": held, "files": files
        }))?;
        return Ok(exit);
    }
    out.line(format_args!("{records} records made of {calls} calls looked at"))?;
    if faulty > 0 {
        out.line(format_args!(
            "{faulty} calls cannot be read, or their records cannot, and are not billed; the log above says which and why"
        ))?;
    }
    if not_looked_at > 0 {
        out.line(format_args!(
            "{not_looked_at} hours of calls could not be looked at; the log above says why, and the next run tries again"
        ))?;
    }
    if lost > 0 {
        out.line(format_args!(
            "{lost} calls were pruned before they were billed, and get no record; the log above says which. Keep calls \
             longer than `billing.open_s_max`, and run this more often than `telness records prune`"
        ))?;
    }
    if held > 0 {
        out.line(format_args!(
            "{held} hours of calls wait for an import that is not whole, and are not billed; begin it again, so that it \
             goes on to its end"
        ))?;
    }
    for file in &closed.files {
        line(file, out)?;
    }
    if closed.files.is_empty() {
        out.line("no file to close: no hour is over since the last ones")?;
    }
    Ok(exit)
}

async fn list(billing: &Billing, tenant: Option<TenantName>, after: i64, out: &mut Output) -> Result<Exit, Failure> {
    for tenant in issued_to(billing, tenant).await? {
        let mut after = after;
        loop {
            let files = billing.files(&tenant, after, FILES_AT_ONCE).await.map_err(failed)?;
            for file in &files {
                if out.is_json() { out.json(file) } else { line(file, out) }?;
            }
            let Some(last) = files.last() else { break };
            after = last.head.sequence;
        }
    }
    Ok(Exit::Done)
}

async fn verify(billing: &Billing, tenant: Option<TenantName>, out: &mut Output) -> Result<Exit, Failure> {
    let mut sound = true;
    let mut found = false;
    let asked = match &tenant {
        Some(tenant) => vec![tenant.clone()],
        None => billing.tenants().await.map_err(failed)?,
    };
    for tenant in asked {
        let faults = billing.verify(&tenant).await.map_err(failed)?;
        if faults.is_empty() && !has_files(billing, &tenant).await? {
            continue;
        }
        found = true;
        sound &= faults.is_empty();
        if out.is_json() {
            out.json(&json!({ "tenant": tenant, "faults": faults }))?;
            continue;
        }
        if faults.is_empty() {
            out.line(format_args!("{tenant}: all files are there, and what they were"))?;
        }
        for fault in faults {
            out.line(format_args!("{tenant}: {fault}"))?;
        }
    }
    if found { Ok(if sound { Exit::Done } else { Exit::No }) } else { Err(nothing_issued(tenant.as_ref())) }
}

/// Who was asked for, if it has files; everybody who has records if nobody was.
async fn issued_to(billing: &Billing, tenant: Option<TenantName>) -> Result<Vec<TenantName>, Failure> {
    match tenant {
        Some(tenant) if has_files(billing, &tenant).await? => Ok(vec![tenant]),
        Some(tenant) => Err(nothing_issued(Some(&tenant))),
        None => billing.tenants().await.map_err(failed),
    }
}

async fn has_files(billing: &Billing, tenant: &TenantName) -> Result<bool, Failure> {
    billing.files(tenant, 0, 1).await.map(|files| !files.is_empty()).map_err(failed)
}

/// All files of nobody are there: whoever asks that has named somebody else, or another store.
fn nothing_issued(tenant: Option<&TenantName>) -> Failure {
    let whose = tenant.map(|tenant| format!(" of {tenant}")).unwrap_or_default();
    let todo = "see whether it is the right store, and a name that `telness billing list` shows";
    Failure::new(Exit::No, format_args!("no billing file{whose} was ever closed in this store; {todo}"))
}

fn line(file: &BillingFile, out: &mut Output) -> Result<(), Failure> {
    let head = &file.head;
    out.line(format_args!(
        "{:<24} {:>8}  {} to {}  {:>7} records, {} corrections",
        head.tenant, head.sequence, head.period_start, head.period_end, head.records, head.corrections
    ))
}

#[allow(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn failed(error: StoreError) -> Failure {
    let exit = if matches!(error, StoreError::Broken(_)) { Exit::Damaged } else { Exit::Cannot };
    Failure::new(exit, format_args!("records for billing: {error}"))
}
