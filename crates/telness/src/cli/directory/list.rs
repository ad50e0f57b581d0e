//! `list`: things in the order of their keys, a page or all of them.

use std::fmt::Debug;

use clap::Args;
use serde_json::json;
use telness_core::names::TenantName;
use telness_store::control::{Control, ListPage, ListQuery};

use super::super::in_store::{Access, failed, in_store};
use super::super::{Exit, Failure, Output, SettingFlags};
use super::Thing;

/// How many are asked for at once when all are wanted.
const PAGE: u32 = 5_000;

/// Which ones.
#[derive(Args, Debug)]
pub(super) struct List<T: Thing> {
    /// Of this tenant alone
    #[arg(long)]
    tenant: Option<TenantName>,
    /// Those after this one: the `next` of the page before
    #[arg(long, value_name = T::KEY_NAME, value_parser = T::key_of)]
    after: Option<T::Key>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5000))]
    limit: u32,
    /// All of them, each as a line of JSON: what `put --file` takes
    #[arg(long, conflicts_with_all = ["limit", "json"])]
    lines: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

impl<T: Thing> List<T> {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { tenant, after, limit, lines, settings } = self;
        in_store(&settings, Access::Reads, async |control| {
            let mut query = ListQuery { tenant, after, limit };
            if lines { all::<T>(&control, &mut query, out).await } else { page::<T>(&control, &query, out).await }
        })
    }
}

async fn page<T: Thing>(control: &Control, query: &ListQuery<T>, out: &mut Output) -> Result<Exit, Failure> {
    let ListPage { items, next } = T::list(control, query).await.map_err(|error| failed(&error))?;
    let next = next.map(|next| next.to_string());
    if out.is_json() {
        out.json(&json!({ "items": items, "next": next }))?;
        return Ok(Exit::Done);
    }
    out.line(format_args!("{:>8}  {}", "VERSION", T::HEADING))?;
    for item in &items {
        out.line(format_args!("{:>8}  {}", item.version, item.value.row()))?;
    }
    if let Some(next) = next {
        out.line(format_args!("there are more: --after {next}"))?;
    }
    Ok(Exit::Done)
}

async fn all<T: Thing>(control: &Control, query: &mut ListQuery<T>, out: &mut Output) -> Result<Exit, Failure> {
    query.limit = PAGE;
    loop {
        let page = T::list(control, query).await.map_err(|error| failed(&error))?;
        for item in &page.items {
            out.json(&item.value)?;
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(Exit::Done);
        }
    }
}
