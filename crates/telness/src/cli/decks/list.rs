//! `telness decks list`: the decks in force.

use clap::Args;
use serde_json::json;
use telness_core::names::TrunkName;
use telness_store::control::{Deck, ListPage, ListQuery};

use super::super::in_store::{Access, failed, in_store};
use super::super::output::plain;
use super::super::{Exit, Failure, Output, SettingFlags};

/// Which ones.
#[derive(Args, Debug)]
pub(super) struct List {
    /// Those after this trunk's: the `next` of the page before
    #[arg(long, value_name = "TRUNK")]
    after: Option<TrunkName>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=5000))]
    limit: u32,
    #[command(flatten)]
    settings: SettingFlags,
}

impl List {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { after, limit, settings } = self;
        in_store(&settings, Access::Reads, async |control| {
            let query = ListQuery::<Deck> { tenant: None, after, limit };
            let ListPage { items, next } = control.list(&query).await.map_err(|error| failed(&error))?;
            if out.is_json() {
                out.json(&json!({ "items": items, "next": next }))?;
                return Ok(Exit::Done);
            }
            out.line(format_args!(
                "{:>8}  {:<24} {:<8} {:>9}  {:<27}  {:<12} COMMENT",
                "VERSION", "TRUNK", "CURRENCY", "ROWS", "SINCE", "AUTHOR"
            ))?;
            for item in &items {
                let Deck { trunk, currency, rows, author, comment, at, .. } = &item.value;
                let (author, comment) = (plain(author), plain(comment));
                let (trunk, currency, at) = (trunk.as_str(), currency.as_str(), at.to_string());
                let version = item.version;
                out.line(format_args!(
                    "{version:>8}  {trunk:<24} {currency:<8} {rows:>9}  {at:<27}  {author:<12} {comment}"
                ))?;
            }
            if let Some(next) = next {
                out.line(format_args!("there are more: --after {next}"))?;
            }
            Ok(Exit::Done)
        })
    }
}
