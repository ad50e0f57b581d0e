//! A deck's rows as lines of comma-separated values: what `load` takes.

use std::fmt::Display;

use telness_core::deck::DeckRow;
use telness_core::world::Rate;

/// The columns.
pub(super) const HEADER: &str = "prefix,price,connection_fee,first_s,next_s,origin,surcharge,valid_from,valid_until";

/// Amounts are in millionths.
const MILLION: u32 = 1_000_000;

/// One row.
pub(super) fn line(row: &DeckRow) -> String {
    let (price, fee) = (amount(row.price), amount(row.connection_fee));
    let surcharge = row.origin.map(|_| amount(row.surcharge));
    format!(
        "{},{price},{fee},{},{},{},{},{},{}",
        row.prefix,
        row.first_s,
        row.next_s,
        or_empty(row.origin),
        or_empty(surcharge),
        or_empty(row.valid_from),
        or_empty(row.valid_until)
    )
}

/// An amount as people write it, exactly.
fn amount(rate: Rate) -> String {
    let text = format!("{}.{:06}", rate.0 / MILLION, rate.0 % MILLION);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn or_empty(value: Option<impl Display>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use telness_core::deck::DeckReader;

    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let text = format!(
            "{HEADER}\n4670,0.0125,1,0,60,,,,\n1,4294.967295,0,60,1,47,0.1,2026-12-01,2027-01-01T00:00:00.5Z\n"
        );
        let rows: Vec<DeckRow> = DeckReader::new(text.as_bytes()).unwrap().collect();
        let again: Vec<String> = rows.iter().map(line).collect();
        let again = format!("{HEADER}\n{}\n", again.join("\n"));
        assert_eq!(DeckReader::new(again.as_bytes()).unwrap().collect::<Vec<_>>(), rows);
        assert!(again.contains("4670,0.0125,1,0,60,,,,\n"), "{again}");
    }
}
