//! Rate decks: one in force on each trunk, and its rows.

use serde::{Deserialize, Serialize};
use telness_core::deck::{Currency, DeckRow};
use telness_core::names::{TenantName, TrunkName};
use telness_core::number::Digits;
use telness_core::time::Timestamp;
use telness_core::world::Rate;

use super::entity::Stored;
use super::{Control, ControlError, Entity, Refusal};
use crate::StoreError;
use crate::sql::{Column, Kind, Row, Transaction, Value};

const ROWS: &str = "SELECT prefix, origin, valid_from, valid_until, price, connection_fee, surcharge, first_s, next_s
    FROM deck_rows WHERE revision = ?1";
const AFTER: &str = "AND (prefix, origin, valid_from) > (?3, ?4, ?5)";
const ORDER: &str = "ORDER BY prefix, origin, valid_from LIMIT ?2";

/// The deck that is in force on a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deck {
    /// The trunk, by its name in the plan.
    pub trunk: TrunkName,
    /// Which rows are its.
    pub revision: u64,
    /// The currency of its amounts.
    pub currency: Currency,
    /// How many rows it has. Whoever read fewer met it being replaced, and asks again which deck is in force.
    pub rows: u64,
    /// Who loaded it.
    pub author: String,
    /// Why.
    pub comment: String,
    /// When it came into force.
    pub at: Timestamp,
}

/// Where a row stands in a deck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeckRowKey {
    prefix: Digits,
    origin: Option<Digits>,
    valid_from: Option<Timestamp>,
}

impl From<&DeckRow> for DeckRowKey {
    fn from(row: &DeckRow) -> Self {
        Self { prefix: row.prefix, origin: row.origin, valid_from: row.valid_from }
    }
}

impl Entity for Deck {
    type Key = TrunkName;
    const NAME: &'static str = "deck";

    fn key(&self) -> TrunkName {
        self.trunk.clone()
    }
}

impl Stored for Deck {
    const TABLE: &'static str = "decks";
    const KEY: &'static [&'static str] = &["trunk"];
    const COLUMNS: &'static [Column] = &[
        ("trunk", Kind::Text),
        ("revision", Kind::Int),
        ("currency", Kind::Text),
        ("row_count", Kind::Int),
        ("author", Kind::Text),
        ("comment", Kind::Text),
        ("at", Kind::Time),
    ];
    const TENANT: Option<&'static str> = None;

    fn key_values(key: &TrunkName) -> Vec<Value> {
        vec![key.as_str().into()]
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            trunk: row.parsed(0)?,
            revision: row.number(1)?,
            currency: row.parsed(2)?,
            rows: row.number(3)?,
            author: row.text(4)?.to_owned(),
            comment: row.text(5)?.to_owned(),
            at: row.time(6)?,
        })
    }

    fn tenant(&self) -> Option<&TenantName> {
        None
    }

    async fn needed_by(&self, _: &mut Transaction) -> Result<Option<Refusal>, StoreError> {
        Ok(None)
    }
}

impl Control {
    /// Rows of a deck's revision after one of them, in the order of prefix, origin and time: so many at most.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn deck_rows(
        &self,
        revision: u64,
        after: Option<&DeckRowKey>,
        limit: u32,
    ) -> Result<Vec<DeckRow>, ControlError> {
        let revision = i64::try_from(revision).unwrap_or(i64::MAX);
        let (sql, parameters) = rows_after(revision, after, limit.max(1).into());
        let rows = self.database.query("read_deck", sql, parameters).await?;
        Ok(rows.iter().map(deck_row).collect::<Result<_, _>>()?)
    }
}

/// The question for rows of a revision after one of them.
pub(super) fn rows_after(revision: i64, after: Option<&DeckRowKey>, limit: i64) -> (String, Vec<Value>) {
    let mut parameters = vec![revision.into(), limit.into()];
    let mut sql = ROWS.to_owned();
    if let Some(after) = after {
        parameters.append(&mut key_values(after.prefix, after.origin, after.valid_from));
        sql = format!("{sql} {AFTER}");
    }
    (format!("{sql} {ORDER}"), parameters)
}

/// The columns of a row's key, but for the revision.
pub(super) fn key_values(prefix: Digits, origin: Option<Digits>, valid_from: Option<Timestamp>) -> Vec<Value> {
    let origin = origin.map(|origin| origin.to_string()).unwrap_or_default();
    vec![Value::shown(&prefix), origin.into(), Value::time_or_always(valid_from)]
}

pub(super) fn deck_row(row: &Row) -> Result<DeckRow, StoreError> {
    let origin = row.text(1)?;
    Ok(DeckRow {
        prefix: row.parsed(0)?,
        origin: if origin.is_empty() { None } else { Some(row.parsed(1)?) },
        valid_from: row.time_or_always(2)?,
        valid_until: row.opt_time(3)?,
        price: Rate(row.number(4)?),
        connection_fee: Rate(row.number(5)?),
        surcharge: Rate(row.number(6)?),
        first_s: row.number(7)?,
        next_s: row.number(8)?,
    })
}
