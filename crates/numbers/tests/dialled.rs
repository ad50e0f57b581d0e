//! What Google's libphonenumber reads, row by row.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test")]

use telness_core::class::Place;
use telness_core::number::Number;
use telness_numbers::{DialledIn, read};

const ROWS: &str = include_str!("data/dialled.tsv");
const ROW_COUNT: usize = 2486;

/// Rows that may differ: region, dialled, and the reason.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

#[test]
fn every_row_agrees() {
    let mut differing = Vec::new();
    let rows = ROWS.lines().skip(1).filter(|row| !row.is_empty());
    assert_eq!(rows.clone().count(), ROW_COUNT);
    for row in rows {
        let cells: Vec<&str> = row.split('\t').collect();
        let (region, dialled, expected) = (cells[0], cells[2], cells[3]);
        let place = Place::region(region.parse().unwrap());
        let found = match read(dialled, DialledIn { place: &place, extension_digits: None }) {
            Ok(Number::E164 { number }) => number.to_string(),
            // A short number has no E.164 form.
            _ => "invalid".to_owned(),
        };
        let excepted = EXCEPTIONS.iter().any(|(r, d, _)| (*r, *d) == (region, dialled));
        if (found != expected) != excepted {
            differing.push(format!("{row}: {found}"));
        }
    }
    assert!(differing.is_empty(), "{} rows differ:\n{}", differing.len(), differing.join("\n"));
}
