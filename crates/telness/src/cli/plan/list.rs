//! `telness plan list`: the revisions in the store, and which of them is published.

use clap::Args;
use serde_json::json;
use telness_store::control::PlanHead;

use super::super::in_store::{Access, failed, in_store};
use super::super::output::plain;
use super::super::{Exit, Failure, Output, SettingFlags};

/// Which ones.
#[derive(Args, Debug)]
pub(super) struct List {
    /// Those before this revision: the `next` of the page before
    #[arg(long, value_name = "REVISION")]
    before: Option<u64>,
    /// At most so many, the latest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    settings: SettingFlags,
}

impl List {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { before, limit, settings } = self;
        in_store(&settings, Access::Reads, async |control| {
            // One more tells whether there are more.
            let plans = control.plans(before, limit.saturating_add(1)).await.map_err(|error| failed(&error))?;
            let published = control.published_plan().await.map_err(|error| failed(&error))?;
            let shown = plans.get(..usize::try_from(limit).unwrap_or(usize::MAX)).unwrap_or(&plans);
            let next = shown.last().filter(|_| shown.len() < plans.len()).map(|last| last.revision);
            if out.is_json() {
                out.json(&json!({ "plans": shown, "published": published, "next": next }))?;
                return Ok(Exit::Done);
            }
            out.line(format_args!("{:>8}  {:<27}  {:<12} COMMENT", "REVISION", "AT", "AUTHOR"))?;
            for PlanHead { revision, author, comment, at, .. } in shown {
                let is_published = published.as_ref().is_some_and(|published| published.revision == *revision);
                let (author, comment) = (plain(author), plain(comment));
                let mark = if is_published { "  (published)" } else { "" };
                out.line(format_args!("{revision:>8}  {:<27}  {author:<12} {comment}{mark}", at.to_string()))?;
            }
            if let Some(next) = next {
                out.line(format_args!("there are more: --before {next}"))?;
            }
            Ok(Exit::Done)
        })
    }
}
