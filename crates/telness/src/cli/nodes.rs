//! `telness nodes`: what the nodes of a store last said of themselves, and what the store has for them.

use clap::{Args, Subcommand};
use serde::Serialize;
use telness_core::names::NodeName;
use telness_core::time::Timestamp;
use telness_engine::clock::Clock;
use telness_engine::is_alive;
use telness_store::control::{Control, ControlError, NodeReport};

use super::in_store::{Access, failed, in_store};
use super::{Exit, Failure, Output, SettingFlags};

/// What the nodes say of themselves.
#[derive(Args, Debug)]
pub(super) struct Nodes {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Forgets a node that is no more
    Forget {
        /// Its name
        #[arg(value_name = "NODE")]
        node: NodeName,
    },
}

/// What the store has, and who serves what of it.
#[derive(Serialize)]
struct Shown {
    store: Holds,
    nodes: Vec<Node>,
}

/// What the store has for the nodes.
#[derive(Serialize)]
struct Holds {
    version: i64,
    plan_revision: Option<u64>,
}

#[derive(Serialize)]
struct Node {
    #[serde(flatten)]
    report: NodeReport,
    alive: bool,
    /// Changes of the store that it does not serve yet.
    behind: i64,
}

impl Nodes {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let access = if self.action.is_some() { Access::Changes } else { Access::Reads };
        in_store(&self.settings, access, async |control| match self.action {
            None => list(&control, out).await,
            Some(Action::Forget { node }) => forget(&control, &node, out).await,
        })
    }
}

async fn list(control: &Control, out: &mut Output) -> Result<Exit, Failure> {
    let shown = read(control).await.map_err(|error| failed(&error))?;
    if out.is_json() {
        out.json(&shown)?;
        return Ok(Exit::Done);
    }
    let plan =
        shown.store.plan_revision.map_or("no plan is published".to_owned(), |plan| format!("plan revision {plan}"));
    out.line(format_args!("the store holds change {} and {plan}", shown.store.version))?;
    out.line(format_args!(
        "{:<24} {:<6} {:<8} {:<14} {:>7} {:>7} {:>8}",
        "NODE", "ALIVE", "VERSION", "PLAN", "BEHIND", "AGE S", "BACKLOG"
    ))?;
    for Node { report, alive, behind } in &shown.nodes {
        let plan = format!("{} {}", report.plan_from, report.plan_revision);
        let age = report.snapshot_age_s.map_or("-".to_owned(), |age| age.to_string());
        let alive = if *alive { "yes" } else { "no" };
        let (name, version, backlog) = (&report.name, &report.version, report.backlog_records);
        out.line(format_args!("{name:<24} {alive:<6} {version:<8} {plan:<14} {behind:>7} {age:>7} {backlog:>8}"))?;
        for line in report.fault.iter().flat_map(|fault| fault.lines()) {
            out.line(format_args!("    {line}"))?;
        }
    }
    Ok(Exit::Done)
}

async fn read(control: &Control) -> Result<Shown, ControlError> {
    let store = Holds {
        version: control.version().await?.0,
        plan_revision: control.published_plan().await?.map(|plan| plan.revision),
    };
    let now: Timestamp = Clock::system().now();
    let of = |report: NodeReport| Node {
        alive: is_alive(report.seen_at, now),
        behind: store.version.saturating_sub(report.served_version).max(0),
        report,
    };
    let nodes = control.nodes().await?.into_iter().map(of).collect();
    Ok(Shown { store, nodes })
}

async fn forget(control: &Control, node: &NodeName, out: &mut Output) -> Result<Exit, Failure> {
    let known = control.forget_node(node).await.map_err(|error| failed(&error))?;
    if out.is_json() {
        out.json(&serde_json::json!({ "node": node, "forgotten": known }))?;
    } else {
        out.line(if known { "forgotten; a node that lives says again that it is there" } else { "no such node" })?;
    }
    Ok(if known { Exit::Done } else { Exit::No })
}
