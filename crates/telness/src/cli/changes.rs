//! `telness changes`: the log of what was changed in the store: by whom, when, why, from what to what.

use std::str::FromStr;

use clap::Args;
use serde_json::{Map, Value, json};
use telness_core::names::TenantName;
use telness_store::control::{LogEntry, LogPage, LogPlace, LogQuery, Version};

use super::in_store::{Access, failed, in_store};
use super::output::plain;
use super::{Exit, Failure, Output, SettingFlags};

/// The kinds of things that the log speaks of.
const KINDS: [&str; 6] = ["tenant", "user", "block", "number", "deck", "plan"];

/// Which changes.
#[derive(Args, Debug)]
pub(super) struct Changes {
    /// Of what belongs to this tenant
    #[arg(long)]
    tenant: Option<TenantName>,
    /// Of things of this kind
    #[arg(long, value_parser = KINDS)]
    kind: Option<String>,
    /// Of the thing with this key, such as nordtel/anna
    #[arg(long, value_name = "KEY", requires = "kind")]
    key: Option<String>,
    /// Older than this one: the `next` of the page before
    #[arg(long, value_name = "PLACE", value_parser = place)]
    before: Option<LogPlace>,
    /// At most so many, the latest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Changes {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { tenant, kind, key, before, limit, settings } = self;
        let query = LogQuery { tenant, entity: kind, key, before, limit };
        in_store(&settings, Access::Reads, async |control| {
            let LogPage { entries, next } = control.log(&query).await.map_err(|error| failed(&error))?;
            let next = next.map(|LogPlace { version, place }| format!("{version}.{place}"));
            if out.is_json() {
                out.json(&json!({ "changes": entries, "next": next }))?;
                return Ok(Exit::Done);
            }
            for entry in &entries {
                show(entry, out)?;
            }
            if let Some(next) = next {
                out.line(format_args!("there are more: --before {next}"))?;
            }
            Ok(Exit::Done)
        })
    }
}

fn show(entry: &LogEntry, out: &mut Output) -> Result<(), Failure> {
    let LogEntry { at_place, at, author, comment, entity, key, before, after, .. } = entry;
    let what = match (before, after) {
        (None, _) => "made",
        (Some(_), None) => "deleted",
        (Some(_), Some(_)) => "changed",
    };
    let comment = if comment.is_empty() { String::new() } else { format!(": {}", plain(comment)) };
    let author = plain(author);
    let key = if key == entity { String::new() } else { format!(" {key}") };
    out.line(format_args!("{:>8}  {at}  {author}  {what} {entity}{key}{comment}", at_place.version))?;
    for line in differences(before.as_ref(), after.as_ref()) {
        out.line(format_args!("          {line}"))?;
    }
    Ok(())
}

/// The fields that are not what they were.
fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<String> {
    let none = Map::new();
    let fields = |value: Option<&Value>| value.and_then(Value::as_object).unwrap_or(&none).clone();
    let (before, after) = (fields(before), fields(after));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let shown = |value: Option<&Value>| value.map_or("-".to_owned(), Value::to_string);
    let unlike = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    unlike.map(|name| format!("{name}: {} -> {}", shown(before.get(name)), shown(after.get(name)))).collect()
}

/// Reads a place, such as `17.0`; a change alone is the first place in it, so that what it did is not shown.
fn place(text: &str) -> Result<LogPlace, String> {
    let (version, place) = text.split_once('.').unwrap_or((text, "0"));
    let wrong = || "write a change and a place in it, such as 17.0".to_owned();
    let version = i64::from_str(version).map_err(|_| wrong())?;
    Ok(LogPlace { version: Version(version), place: place.parse().map_err(|_| wrong())? })
}
