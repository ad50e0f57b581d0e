//! A deck's row as it is written: one line of comma-separated values, which [`DeckReader`](super::DeckReader) reads.

use std::fmt::Display;

use super::DeckRow;
use super::csv_file::COLUMNS;

/// The line that a deck begins with, without its end.
#[must_use]
pub fn deck_header() -> String {
    COLUMNS.join(",")
}

impl DeckRow {
    /// The row as a line of a deck, without its end.
    #[must_use]
    pub fn to_csv(&self) -> String {
        // Taken apart whole, so that a column that is added later cannot be forgotten here.
        let Self { prefix, price, connection_fee, first_s, next_s, origin, surcharge, valid_from, valid_until } = self;
        // Without an origin there is no surcharge to write.
        let surcharge = origin.map(|_| *surcharge);
        let (origin, surcharge) = (or_empty(*origin), or_empty(surcharge));
        let (from, until) = (or_empty(*valid_from), or_empty(*valid_until));
        format!("{prefix},{price},{connection_fee},{first_s},{next_s},{origin},{surcharge},{from},{until}")
    }
}

fn or_empty(value: Option<impl Display>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::DeckReader;
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let header = deck_header();
        let text = format!(
            "{header}\n4670,0.0125,1,0,60,,,,\n1,4294.967295,0,60,1,47,0.1,2026-12-01,2027-01-01T00:00:00.5Z\n"
        );
        let rows: Vec<DeckRow> = DeckReader::new(text.as_bytes()).unwrap().collect();
        assert_eq!(rows.len(), 2);
        let again: Vec<String> = rows.iter().map(DeckRow::to_csv).collect();
        let again = format!("{header}\n{}\n", again.join("\n"));
        assert_eq!(DeckReader::new(again.as_bytes()).unwrap().collect::<Vec<_>>(), rows);
        assert!(again.contains("4670,0.0125,1,0,60,,,,\n"), "{again}");
    }
}
