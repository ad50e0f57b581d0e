//! What is said when a revision was published: which one, what its check warns of, and which nodes do not serve it.

use serde_json::json;
use telness_core::plan::render_warnings;
use telness_engine::clock::Clock;
use telness_engine::plan_flow::{Publication, PublishError};
use telness_engine::{PlanFrom, is_alive};
use telness_store::control::Control;

use super::super::in_store::failed;
use super::super::{Exit, Failure, Output};
use super::check;

/// Tells what came of publishing the text of a name.
pub(super) async fn answer(
    control: &Control,
    (name, text): (&str, &[u8]),
    done: Result<Publication, PublishError>,
    out: &mut Output,
) -> Result<Exit, Failure> {
    let Publication { published, warnings } = match done {
        Ok(done) => done,
        Err(PublishError::Faulty(faults)) => return check::faulty(name, text, &faults, out),
        Err(PublishError::Control(error)) => return Err(failed(&error)),
        Err(error @ PublishError::Died(_)) => return Err(Failure::cannot(error)),
    };
    let by_file = serving_a_file(control).await;
    if out.is_json() {
        out.json(&json!({ "published": published, "warnings": warnings, "serving_a_file": by_file }))?;
        return Ok(Exit::Done);
    }
    out.text(&render_warnings(&warnings, name, &String::from_utf8_lossy(text)))?;
    out.line(format_args!("plan revision {} is published: change {}", published.revision, published.version))?;
    if !by_file.is_empty() {
        let (nodes, serve) = (by_file.join(", "), if by_file.len() == 1 { "serves" } else { "serve" });
        out.line(format_args!(
            "warning: {nodes} {serve} the plan of a file (setting plan, flag --plan) and not this one; start without it \
             to follow the store"
        ))?;
    }
    Ok(Exit::Done)
}

/// The nodes that are there and serve a file. The plan is published whether or not that can be told.
async fn serving_a_file(control: &Control) -> Vec<String> {
    let now = Clock::system().now();
    let nodes = control.nodes().await.unwrap_or_default().into_iter();
    let by_file = nodes.filter(|node| node.plan_from == PlanFrom::File.as_str() && is_alive(node.seen_at, now));
    by_file.map(|node| node.name.to_string()).collect()
}
