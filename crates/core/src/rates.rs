//! The rate deck that is in force on a trunk, kept small, and the table of what is valid now.
//!
//! A deck has a million rows and a few dozen different terms, so each row keeps the place of its terms: 16 bytes. Only
//! the price orders routes; fees, increments and surcharges are kept beside for whoever rates a call.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::deck::{Currency, DeckRow};
use crate::names::TrunkName;
use crate::number::Digits;
use crate::plan::PrefixTable;
use crate::time::Timestamp;
use crate::world::Rate;

/// What a row says beside prefix and price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Terms {
    #[serde(rename = "f", default)]
    connection_fee: u32,
    #[serde(rename = "i")]
    first_s: u16,
    #[serde(rename = "x")]
    next_s: u16,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    origin: Option<Digits>,
    #[serde(rename = "s", default)]
    surcharge: u32,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    valid_from: Option<Timestamp>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    valid_until: Option<Timestamp>,
}

impl Terms {
    const fn of(row: &DeckRow) -> Self {
        Self {
            connection_fee: row.connection_fee.0,
            first_s: row.first_s,
            next_s: row.next_s,
            origin: row.origin,
            surcharge: row.surcharge.0,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
        }
    }

    const fn row(self, prefix: Digits, price: Rate) -> DeckRow {
        DeckRow {
            prefix,
            price,
            connection_fee: Rate(self.connection_fee),
            first_s: self.first_s,
            next_s: self.next_s,
            origin: self.origin,
            surcharge: Rate(self.surcharge),
            valid_from: self.valid_from,
            valid_until: self.valid_until,
        }
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= now) && self.valid_until.is_none_or(|until| now < until)
    }
}

/// A row as it is kept: the prefix in halves, so that no byte is lost to alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row(u32, u32, u32, u32);

/// The deck that is in force on a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deck {
    /// The trunk.
    pub trunk: TrunkName,
    /// The currency that prices are in.
    pub currency: Currency,
    /// Which of the trunk's decks.
    pub revision: u64,
    terms: Vec<Terms>,
    rows: Vec<Row>,
}

impl Deck {
    /// A deck of rows.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the halves of the prefix are what is wanted")]
    pub fn new(trunk: TrunkName, currency: Currency, revision: u64, all: impl IntoIterator<Item = DeckRow>) -> Self {
        let (mut terms, mut places): (Vec<Terms>, HashMap<Terms, u32>) = (Vec::new(), HashMap::new());
        let (mut rows, mut last) = (Vec::new(), None);
        for row in all {
            let of_row = Terms::of(&row);
            let place = match last.filter(|(same, _)| *same == of_row) {
                Some((_, place)) => place,
                None => *places.entry(of_row).or_insert_with(|| {
                    terms.push(of_row);
                    u32::try_from(terms.len()).unwrap_or(u32::MAX).saturating_sub(1)
                }),
            };
            last = Some((of_row, place));
            let packed = row.prefix.packed();
            rows.push(Row((packed >> 32) as u32, packed as u32, row.price.0, place));
        }
        rows.shrink_to_fit();
        Self { trunk, currency, revision, terms, rows }
    }

    /// How many rows it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Its rows.
    pub fn rows(&self) -> impl Iterator<Item = DeckRow> + '_ {
        self.rows.iter().filter_map(|row| {
            let terms = *self.terms.get(usize::try_from(row.3).ok()?)?;
            Some(terms.row(row.prefix()?, Rate(row.2)))
        })
    }

    /// How many bytes it takes.
    #[must_use]
    pub const fn heap_bytes(&self) -> usize {
        let terms = self.terms.capacity().saturating_mul(size_of::<Terms>());
        self.rows.capacity().saturating_mul(size_of::<Row>()).saturating_add(terms)
    }

    /// The table of the rows that are valid at a time, and when another is due.
    ///
    /// Of rows with one prefix the one for every origin counts, of several the one that became valid last; where all
    /// are for an origin, the dearest.
    #[must_use]
    pub fn table(&self, now: Timestamp) -> (PrefixTable, Option<Timestamp>) {
        let valid: Vec<bool> = self.terms.iter().map(|terms| terms.is_valid(now)).collect();
        let is_valid = |row: &&Row| usize::try_from(row.3).ok().and_then(|at| valid.get(at)).copied().unwrap_or(false);
        let rows = self.rows.iter().filter(is_valid);
        let entry = |row: &Row| Some((row.prefix()?, row.2));
        let table = if self.terms.len() <= 1 {
            PrefixTable::build(rows.filter_map(entry))
        } else {
            // The table keeps the later of two rows with one prefix.
            let mut rows: Vec<&Row> = rows.collect();
            rows.sort_by_cached_key(|row| {
                let terms = usize::try_from(row.3).ok().and_then(|at| self.terms.get(at));
                terms.map(|terms| (terms.origin.is_none(), terms.origin.map(|_| row.2), terms.valid_from))
            });
            PrefixTable::build(rows.into_iter().filter_map(entry))
        };
        let bounds = self.terms.iter().flat_map(|terms| [terms.valid_from, terms.valid_until]).flatten();
        (table, bounds.filter(|bound| *bound > now).min())
    }
}

impl Row {
    fn prefix(self) -> Option<Digits> {
        Digits::of_packed(u64::from(self.0) << 32 | u64::from(self.1))
    }
}

/// A deck as a snapshot keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeckImage<'a> {
    trunk: std::borrow::Cow<'a, TrunkName>,
    currency: std::borrow::Cow<'a, Currency>,
    revision: u64,
    terms: std::borrow::Cow<'a, [Terms]>,
    /// Prefix in halves, price, the place of the terms.
    rows: std::borrow::Cow<'a, [Row]>,
}

impl Deck {
    /// The deck as it is kept.
    #[must_use]
    pub fn image(&self) -> DeckImage<'_> {
        DeckImage {
            trunk: std::borrow::Cow::Borrowed(&self.trunk),
            currency: std::borrow::Cow::Borrowed(&self.currency),
            revision: self.revision,
            terms: (&*self.terms).into(),
            rows: (&*self.rows).into(),
        }
    }

    /// The deck that was kept; nothing if it does not hold together.
    #[must_use]
    pub fn of_image(image: DeckImage<'_>) -> Option<Self> {
        let terms_len = image.terms.len();
        let holds = |row: &Row| row.prefix().is_some() && usize::try_from(row.3).is_ok_and(|at| at < terms_len);
        image.rows.iter().all(holds).then(|| Self {
            trunk: image.trunk.into_owned(),
            currency: image.currency.into_owned(),
            revision: image.revision,
            terms: image.terms.into_owned(),
            rows: image.rows.into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALWAYS: Terms = Terms {
        connection_fee: 0,
        first_s: 60,
        next_s: 1,
        origin: None,
        surcharge: 0,
        valid_from: None,
        valid_until: None,
    };

    fn row(prefix: &str, price: u32, terms: Terms) -> DeckRow {
        terms.row(prefix.parse().unwrap(), Rate(price))
    }

    fn at(micros: i64) -> Option<Timestamp> {
        Some(Timestamp::from_micros(micros))
    }

    fn deck(rows: &[DeckRow]) -> Deck {
        Deck::new("carrier".parse().unwrap(), "SEK".parse().unwrap(), 1, rows.iter().cloned())
    }

    #[test]
    fn the_table_has_what_is_valid_and_says_when_it_changes() {
        let until = Terms { valid_until: at(100), ..ALWAYS };
        let from = Terms { valid_from: at(100), ..ALWAYS };
        let later = Terms { valid_from: at(200), valid_until: at(300), ..ALWAYS };
        let rows = [row("46", 1, ALWAYS), row("4670", 5, until), row("4670", 6, from), row("47", 7, later)];
        let deck = deck(&rows);
        assert!(deck.rows().eq(rows), "nothing of a row is lost");
        let seen = |now| {
            let (table, changes_at) = deck.table(Timestamp::from_micros(now));
            let price = |prefix: &str| table.get(prefix.parse().unwrap());
            (price("46"), price("4670"), price("47"), changes_at.map(Timestamp::as_micros))
        };
        assert_eq!(seen(99), (Some(1), Some(5), None, Some(100)));
        assert_eq!(seen(100), (Some(1), Some(6), None, Some(200)));
        assert_eq!(seen(250), (Some(1), Some(6), Some(7), Some(300)));
        assert_eq!(seen(300), (Some(1), Some(6), None, None));
    }

    #[test]
    fn of_rows_with_one_prefix_the_newest_for_every_origin_counts() {
        let from = |micros| Terms { valid_from: at(micros), ..ALWAYS };
        let origin = |text: &str| Terms { origin: Some(text.parse().unwrap()), surcharge: 9, ..ALWAYS };
        let (table, _) = deck(&[
            row("46", 3, from(20)),
            row("46", 4, from(10)),
            row("46", 8, origin("33")),
            row("47", 9, origin("33")),
            row("47", 7, origin("34")),
        ])
        .table(Timestamp::from_micros(50));
        assert_eq!(table.get("46".parse().unwrap()), Some(3));
        assert_eq!(table.get("47".parse().unwrap()), Some(9));
    }

    #[test]
    fn a_row_takes_sixteen_bytes() {
        let rows: Vec<_> = (10_000..20_000).map(|n| row(&n.to_string(), n, ALWAYS)).collect();
        let deck = deck(&rows);
        assert!(deck.heap_bytes() < 17 * deck.len());
        assert_eq!(Deck::of_image(deck.image()), Some(deck.clone()));
        let mut image = deck.image();
        image.terms.to_mut().clear();
        assert_eq!(Deck::of_image(image), None);
    }
}
