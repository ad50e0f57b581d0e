//! `telness records`: the recorded calls of a data folder, whether or not a service runs on it.
//!
//! JSON and CSV are those of the API, made by the same code.

mod catch_up;
mod check;
mod prune;
mod text;

use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use telness_core::call::CallId;
use telness_core::class::{Class, Place};
use telness_core::decide::Action;
use telness_core::names::{TenantName, TrunkName};
use telness_core::number::Region;
use telness_core::reason::Reason;
use telness_core::record::{CallRecord, CdrState, NumberKey};
use telness_core::time::Timestamp;
use telness_engine::config::Settings;
use telness_engine::identity::Identity;
use telness_engine::{read_secret, storage, store_file};
use telness_numbers::DialledIn;
use telness_store::{CallQuery, Cursor, Page, Store, StoreError, StoredCall, StoredSummary};

use super::{Exit, Failure, Output, SettingFlags};
use crate::http::call_view::{CallSummary, CallView};
use crate::http::csv;
use crate::http::trace_view::TraceView;

pub(super) use catch_up::catch_up;

/// How often a call that was only just acknowledged is looked for again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Which records.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Records {
    #[command(subcommand)]
    action: Option<Upkeep>,
    /// One call, with its events and what came of it
    #[arg(value_name = "ID")]
    id: Option<CallId>,
    /// With ID: every candidate that was weighed, and why it was kept or dropped
    #[arg(long, requires = "id")]
    trace: bool,
    /// Whose calls; the plan's default tenant if not said, and any tenant's for an ID
    #[arg(long)]
    tenant: Option<TenantName>,
    #[command(flatten)]
    filter: Filter,
    /// Comma-separated values, with a heading
    #[arg(long, conflicts_with_all = ["id", "json"])]
    csv: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

/// What to do with all of them.
#[derive(Debug, Subcommand)]
enum Upkeep {
    /// Removes what is over by the settings `retention.*` and by what tenants have of their own
    Prune(prune::Prune),
    /// Looks for what does not fit together; the answer is no while there is something
    Check(check::Check),
}

/// Which calls of a list; everything said must hold.
#[derive(Args, Debug)]
struct Filter {
    /// Received at this time or later
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Received before this time
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// emergency, vital, normal or background
    #[arg(long, value_parser = word::<Class>)]
    class: Option<Class>,
    /// route or reject
    #[arg(long, value_parser = word::<Action>)]
    action: Option<Action>,
    /// A reason's code or name
    #[arg(long)]
    reason: Option<Reason>,
    /// decided, ringing, answered, failed or ended
    #[arg(long, value_parser = word::<CdrState>)]
    state: Option<CdrState>,
    /// The first target's trunk
    #[arg(long)]
    trunk: Option<TrunkName>,
    /// The calling number
    #[arg(long, value_name = "NUMBER")]
    from: Option<String>,
    /// The called number
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// The region that those two are read in; the plan's default if not said
    #[arg(long)]
    region: Option<Region>,
    /// The switch's own id of the call
    #[arg(long, value_name = "ID")]
    sip_call_id: Option<String>,
    /// At most so many, newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// The `next` of the page before
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,
}

/// One call, with the other records that came under its id.
#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    call: CallView<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contradictions: Vec<CallSummary<'a>>,
}

impl<'a> One<'a> {
    fn of(call: &'a StoredCall, others: &'a [CallRecord]) -> Self {
        // What came of a call is known by its id alone, so it is that of every record of it.
        let other = |other: &'a CallRecord| CallSummary::of(&other.routing, &other.personal, &call.cdr);
        Self { call: CallView::of(call), contradictions: others.iter().map(other).collect() }
    }
}

impl Records {
    pub(super) fn run(mut self, out: &mut Output) -> Result<Exit, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::cannot)?;
        match self.action.take() {
            Some(Upkeep::Prune(prune)) => return runtime.block_on(prune.run(out)),
            Some(Upkeep::Check(check)) => return runtime.block_on(check.run(out)),
            None => {}
        }
        let settings = self.settings.load(None)?.settings;
        if !settings.data.is_dir() {
            let folder = settings.data.display();
            return Err(Failure::cannot(format_args!("there is no data folder {folder}; name the node's with --data")));
        }
        runtime.block_on(async {
            catch_up(&settings).await?;
            let Some(store) = open(&settings)? else {
                return self.nothing(out);
            };
            match self.id {
                Some(id) => self.one(id, &*store, &settings, out).await,
                None => self.list(&*store, &settings, out).await,
            }
        })
    }

    /// The folder has no store yet.
    fn nothing(&self, out: &mut Output) -> Result<Exit, Failure> {
        match self.id {
            Some(id) => Err(no_such_call(id)),
            None => self.write(&Page { calls: Vec::new(), next: None }, out),
        }
    }

    async fn one(&self, id: CallId, store: &dyn Store, settings: &Settings, out: &mut Output) -> Result<Exit, Failure> {
        let tenants = match &self.tenant {
            Some(tenant) => vec![tenant.clone()],
            None => super::route::load_plan(settings)?.tenants.into_keys().collect(),
        };
        let started = telness_engine::clock::monotonic();
        let call = loop {
            if let Some(call) = of_any(&tenants, id, store).await? {
                break call;
            }
            // A running service may have answered a moment ago; its shipper follows.
            if started.elapsed() >= settings.shipper.read_wait_max {
                return Err(no_such_call(id));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        let tenant = &call.routing.tenant;
        let others = store.contradictions(tenant, id).await.map_err(|error| unreadable(&error))?;
        if out.is_json() {
            let trace = json!({ "id": id, "trace": TraceView::of(&call.personal.trace) });
            if self.trace { out.json(&trace)? } else { out.json(&One::of(&call, &others))? }
        } else {
            text::one(&call, &others, self.trace, out)?;
        }
        Ok(Exit::Done)
    }

    async fn list(&self, store: &dyn Store, settings: &Settings, out: &mut Output) -> Result<Exit, Failure> {
        let plan = super::route::load_plan(settings);
        let tenant = match (&self.tenant, &plan) {
            (Some(tenant), _) => tenant.clone(),
            (None, Ok(plan)) => plan.default_tenant.clone(),
            (None, Err(_)) => return plan.and(Err(Failure::usage("say whose calls with --tenant"))),
        };
        let region = self.filter.region.or_else(|| plan.as_ref().ok().map(|plan| plan.default_region));
        let query = self.filter.query(settings, region)?;
        let page = store.calls(&tenant, &query).await.map_err(|error| unreadable(&error))?;
        self.write(&page, out)
    }

    fn write(&self, page: &Page, out: &mut Output) -> Result<Exit, Failure> {
        if out.is_json() {
            let next = page.next.map(|next| next.to_string());
            let of = |call: &'_ StoredSummary| json!(CallSummary::of(&call.routing, &call.personal, &call.cdr));
            out.json(&json!({ "calls": page.calls.iter().map(of).collect::<Vec<_>>(), "next": next }))?;
        } else if self.csv {
            out.text(&csv::page(page))?;
        } else {
            text::list(page, out)?;
        }
        Ok(Exit::Done)
    }
}

impl Filter {
    fn query(&self, settings: &Settings, region: Option<Region>) -> Result<CallQuery, Failure> {
        let key = |number: &Option<String>| number.as_deref().map(|n| number_key(n, settings, region)).transpose();
        Ok(CallQuery {
            since: self.since,
            until: self.until,
            class: self.class,
            action: self.action,
            reason: self.reason,
            state: self.state,
            trunk: self.trunk.clone(),
            caller: key(&self.from)?,
            called: key(&self.to)?,
            sip_call_id: self.sip_call_id.clone(),
            after: self.after,
            limit: self.limit,
        })
    }
}

/// The hash that the number is found by.
fn number_key(number: &str, settings: &Settings, region: Option<Region>) -> Result<NumberKey, Failure> {
    let region = region.ok_or_else(|| Failure::usage("say which region the number is read in with --region"))?;
    let place = Place::region(region);
    let read = telness_numbers::read(number, DialledIn { place: &place, extension_digits: Some((1, 6)) });
    let read = read.map_err(|fault| Failure::usage(format_args!("`{number}` is no number in {region}: {fault}")))?;
    let secret = read_secret(settings).map_err(Failure::cannot)?.unwrap_or_default();
    Ok(NumberKey::of(&read, Identity::new(&secret).number_key()))
}

async fn of_any(tenants: &[TenantName], id: CallId, store: &dyn Store) -> Result<Option<StoredCall>, Failure> {
    for tenant in tenants {
        if let Some(call) = store.call(tenant, id).await.map_err(|error| unreadable(&error))? {
            return Ok(Some(call));
        }
    }
    Ok(None)
}

/// The store of the settings, if it has been made.
fn open(settings: &Settings) -> Result<Option<Arc<dyn Store>>, Failure> {
    let file = store_file(&settings.data);
    let opened = storage::open_read_only(&settings.store, &file).map_err(|error| unreadable(&error))?;
    Ok(opened.map(|opened| opened.store))
}

fn unreadable(error: &StoreError) -> Failure {
    let exit = match error {
        StoreError::Unavailable(_) | StoreError::SetBack { .. } | StoreError::NotMigrated { .. } => Exit::Cannot,
        StoreError::Broken(_) | StoreError::Later { .. } => Exit::Damaged,
    };
    Failure::new(exit, format_args!("the call log cannot be read: {error}; `telness doctor` looks into it"))
}

fn no_such_call(id: CallId) -> Failure {
    let why = "a call that was refused is not kept, and another tenant's is shown with --tenant alone";
    Failure::new(Exit::No, format_args!("there is no call {id} here: {why}"))
}

/// Reads one word of an enumeration, as records spell it.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}
