//! The log of changes: who changed what, when and why, from what to what. It is only ever added to.

use serde::Serialize;
use serde_json::Value as Json;
use telness_core::names::TenantName;
use telness_core::time::Timestamp;

use super::{Control, ControlError, Version};
use crate::StoreError;
use crate::sql::{Row, Value};

const SELECT: &str = "SELECT version, place, at, author, comment, tenant, entity, key, before, after FROM changes";

/// Which changes are asked for. Everything given must hold.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Of what belongs to this tenant.
    pub tenant: Option<TenantName>,
    /// Of things of this kind, such as `user`.
    pub entity: Option<String>,
    /// Of the thing with this key, such as `nordtel/anna`.
    pub key: Option<String>,
    /// Older than this one.
    pub before: Option<LogPlace>,
    /// How many at most; at least one is asked for.
    pub limit: u32,
}

/// Where an entry stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LogPlace {
    /// The change.
    pub version: Version,
    /// The place among all that the change touched, from 0.
    pub place: u32,
}

/// What one change did to one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogEntry {
    /// Where it stands.
    #[serde(flatten)]
    pub at_place: LogPlace,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub author: String,
    /// Why.
    pub comment: String,
    /// Whose thing it is; none if it is nobody's.
    pub tenant: Option<TenantName>,
    /// What it is, such as `user`.
    pub entity: String,
    /// Which one.
    pub key: String,
    /// What it was; none if it was not there.
    pub before: Option<Json>,
    /// What it is since; none if it is no more.
    pub after: Option<Json>,
}

/// Some entries, the latest first.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// The entries.
    pub entries: Vec<LogEntry>,
    /// The last one, when there are more.
    pub next: Option<LogPlace>,
}

impl Control {
    /// What was changed, the latest first.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn log(&self, query: &LogQuery) -> Result<LogPage, ControlError> {
        let mut conditions: Vec<String> = Vec::new();
        let mut parameters: Vec<Value> = Vec::new();
        let wanted = [
            ("tenant", query.tenant.as_ref().map(TenantName::as_str)),
            ("entity", query.entity.as_deref()),
            ("key", query.key.as_deref()),
        ];
        for (column, value) in wanted {
            let Some(value) = value else { continue };
            parameters.push(value.into());
            conditions.push(format!("{column} = ?{}", parameters.len()));
        }
        if let Some(before) = query.before {
            parameters.push(before.version.0.into());
            parameters.push(before.place.into());
            let (version, place) = (parameters.len().saturating_sub(1), parameters.len());
            conditions.push(format!("(version, place) < (?{version}, ?{place})"));
        }
        let limit = query.limit.max(1);
        parameters.push(limit.saturating_add(1).into());
        let which = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let sql = format!("{SELECT}{which} ORDER BY version DESC, place DESC LIMIT ?{}", parameters.len());
        let rows = self.database.query("list_changes", sql, parameters).await?;
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        let entries = rows.iter().take(shown).map(entry).collect::<Result<Vec<_>, _>>()?;
        let next = entries.last().filter(|_| rows.len() > shown).map(|last| last.at_place);
        Ok(LogPage { entries, next })
    }
}

fn entry(row: &Row) -> Result<LogEntry, StoreError> {
    Ok(LogEntry {
        at_place: LogPlace { version: Version(row.int(0)?), place: row.number(1)? },
        at: row.time(2)?,
        author: row.text(3)?.to_owned(),
        comment: row.text(4)?.to_owned(),
        tenant: row.opt_parsed(5)?,
        entity: row.text(6)?.to_owned(),
        key: row.text(7)?.to_owned(),
        before: row.opt_json(8)?,
        after: row.opt_json(9)?,
    })
}
