//! `telness doctor`: looks at everything that the node stands on, and says what to do about what is wrong.

mod data;
mod system;

use std::net::SocketAddr;

use clap::Args;
use serde::Serialize;
use telness_core::names::TenantName;
use telness_core::plan::Plan;
use telness_engine::config::{KeyHolder, KeySetting, Settings};
use telness_engine::{Beginning, PlanFrom};

use super::{Exit, Failure, Output, SettingFlags};

/// What to look at.
#[derive(Args, Debug)]
pub(super) struct Doctor {
    #[command(flatten)]
    settings: SettingFlags,
    /// Where HTTP is served [setting `listen`]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    /// What was found.
    found: String,
    /// What to do about it; nothing when it is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), todo: None }
    }

    fn warn(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, found: found.into(), todo: Some(todo.into()) }
    }

    fn fail(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Fail, found: found.into(), todo: Some(todo.into()) }
    }
}

impl Doctor {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let checks = match self.settings.load(self.listen.as_deref()) {
            Ok(loaded) => {
                let found = match &loaded.file {
                    Some(file) => format!("read from {}", file.display()),
                    None => "no file; defaults, environment and flags".to_owned(),
                };
                let mut checks = vec![Check::ok("settings", found)];
                checks.extend(all(&loaded.settings)?);
                checks
            }
            Err(Failure::Said { message, .. }) => {
                vec![Check::fail("settings", message, "put them right; nothing else can be looked at before")]
            }
            Err(gone) => return Err(gone),
        };
        let worst = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok);
        if out.is_json() {
            out.json(&serde_json::json!({ "verdict": worst, "checks": checks }))?;
        } else {
            for check in &checks {
                let verdict = match check.verdict {
                    Verdict::Ok => "ok  ",
                    Verdict::Warn => "warn",
                    Verdict::Fail => "FAIL",
                };
                out.line(format_args!("{verdict}  {:<10} {}", check.name, check.found))?;
                if let Some(todo) = &check.todo {
                    out.line(format_args!("                 to do: {todo}"))?;
                }
            }
        }
        Ok(if worst == Verdict::Fail { Exit::No } else { Exit::Done })
    }
}

fn all(settings: &Settings) -> Result<Vec<Check>, Failure> {
    let loaded = super::route::load(settings);
    let keys = keys(settings, loaded.as_ref().ok().map(|beginning| &*beginning.compiled.world.plan));
    let mut checks = vec![plan(loaded), keys];
    checks.extend(data::folder(settings));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::cannot)?;
    checks.extend(runtime.block_on(data::records(settings)));
    let listeners = settings.listeners();
    checks.extend(listeners.iter().map(|(_, address)| system::address(*address)));
    let sip_listeners = settings.sip_listeners();
    checks.extend(
        sip_listeners.iter().map(|(workflow, address)| runtime.block_on(system::sip_address(*workflow, *address))),
    );
    // Each listener has the same share of them.
    let all = listeners.len().saturating_add(sip_listeners.len());
    let files = system::open_files(settings.http.connections_max, all);
    checks.extend([files, system::zones(), system::clock(&settings.data)]);
    Ok(checks)
}

fn plan(loaded: Result<Beginning, Failure>) -> Check {
    let found =
        |of: &Beginning| format!("{}, with {} rules", of.compiled.plan.name, of.compiled.world.plan.rules.len());
    match loaded {
        Ok(example) if example.plan_from == PlanFrom::Example => Check::warn(
            "plan",
            found(&example),
            "name your own with --plan or the setting `plan`, or publish one, before real calls come",
        ),
        Ok(own) => Check::ok("plan", found(&own)),
        Err(Failure::Said { message, .. }) => Check::fail("plan", message, "put it right and try `telness plan check`"),
        Err(Failure::ReaderGone) => Check::fail("plan", "it could not be read", "try `telness plan check`"),
    }
}

fn keys(settings: &Settings, plan: Option<&Plan>) -> Check {
    let known = |tenant: &TenantName| plan.is_none_or(|plan| plan.tenants.contains_key(tenant));
    let of_tenant = |key: &KeySetting| match &key.holder {
        KeyHolder::Tenant(tenant) => Some(tenant.clone()),
        KeyHolder::Operator(_) => None,
    };
    if let Some(tenant) = settings.keys.iter().filter_map(of_tenant).find(|tenant| !known(tenant)) {
        let found = format!("one is for the tenant `{tenant}`, which the plan does not have, so it lets nobody in");
        return Check::warn("keys", found, "declare the tenant in the plan, or take the key out");
    }
    let is_public = |address: &SocketAddr| !address.ip().is_loopback();
    match (settings.keys.len(), settings.listeners().into_iter().map(|(_, address)| address).find(is_public)) {
        (0, None) => Check::ok("keys", "none; only this machine can reach the service"),
        (0, Some(address)) => {
            let found = format!("none, and {address} can be reached from elsewhere; serve refuses that");
            Check::fail("keys", found, "make one with `telness keys new --tenant NAME`")
        }
        (count, _) => Check::ok("keys", format!("{count}")),
    }
}
