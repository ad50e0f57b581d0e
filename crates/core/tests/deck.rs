//! Rate decks as CSV files: what is read, and how what is wrong is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use telness_core::deck::{DeckError, DeckFault, DeckReader, DeckRow, FAULTS_MAX};
use telness_core::world::Rate;

const HEADER: &str = "prefix,price,connection_fee,first_s,next_s,origin,surcharge,valid_from,valid_until\n";

fn read(text: &str) -> Result<Vec<DeckRow>, DeckError> {
    let mut reader = DeckReader::new(text.as_bytes())?;
    let rows: Vec<DeckRow> = reader.by_ref().collect();
    let counted = reader.finish()?;
    assert_eq!(counted, u64::try_from(rows.len()).unwrap());
    Ok(rows)
}

fn faults(text: &str) -> (Vec<DeckFault>, u64) {
    match read(text) {
        Err(DeckError::Faulty { faults, count }) => (faults, count),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_are_read_exactly() {
    let text =
        format!("{HEADER}4670,0.0125,0.05,60,1,,,,\n\"+468\", 1 ,0,0,60,47,0.1,2026-12-01,2027-01-01T00:00:00Z\n");
    let rows = read(&text).unwrap();
    let first = rows.first().unwrap();
    assert_eq!((first.price, first.connection_fee, first.first_s, first.next_s), (Rate(12_500), Rate(50_000), 60, 1));
    assert_eq!((first.origin, first.surcharge, first.valid_from), (None, Rate(0), None));
    let second = rows.get(1).unwrap();
    assert_eq!((second.prefix.to_string(), second.price), ("468".to_owned(), Rate(1_000_000)));
    assert_eq!((second.origin.unwrap().to_string(), second.surcharge), ("47".to_owned(), Rate(100_000)));
    assert_eq!(second.valid_from.unwrap().to_string(), "2026-12-01T00:00:00.000000Z");
    // The optional columns may be left out, in whatever order the others are, and a spreadsheet's mark at the
    // beginning is none of the text.
    let least = read("\u{feff}price,prefix,next_s,first_s,connection_fee\r\n0.5,47,1,1,0\r\n").unwrap();
    assert_eq!(least.first().unwrap().price, Rate(500_000));
}

#[test]
fn lines_are_counted_as_editors_do_whatever_they_end_with() {
    let wrong = format!("{HEADER}4670,0.01,0,1,1,,,,\n46,free,0,1,1,,,,\n\n47,0.01,0,1\n4670,0.02,0,1,1,,,,");
    for text in [wrong.clone(), wrong.replace('\n', "\r\n"), format!("{wrong}\r\n\r\n")] {
        let (faults, _) = faults(&text);
        let told: Vec<u64> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(told, [3, 5, 6], "{text:?}");
        assert!(faults.last().unwrap().message.contains("line 2 has the same"), "{faults:?}");
    }
}

#[test]
fn every_fault_is_told_by_its_line() {
    let text = format!(
        "{HEADER}4670,0.01,0,1,1,,,,\n0046,free,0,1,1,,,,\n47,0.01,0,1,0,,,,\n48,0.01,0,1\n4670,0.02,0,1,1,,,,\n\
         49,0.01,,1,1,,0.1,2026-12-02,2026-12-01\n"
    );
    let (faults, count) = faults(&text);
    let told: Vec<(u64, Option<&str>)> = faults.iter().map(|fault| (fault.line, fault.column)).collect();
    let wanted = [
        (3, Some("prefix")),
        (3, Some("price")),
        (4, Some("next_s")),
        (5, None),
        (6, None),
        (7, Some("connection_fee")),
        (7, Some("surcharge")),
        (7, Some("valid_until")),
    ];
    assert_eq!((told.as_slice(), count), (wanted.as_slice(), 8));
    assert!(faults.iter().any(|fault| fault.message.contains("line 2 has the same prefix")));
}

#[test]
fn a_prefix_may_have_several_origins_and_times() {
    let text =
        format!("{HEADER}46,1,0,1,1,,,,\n46,1,0,1,1,47,,,\n46,1,0,1,1,,,2026-12-01,\n46,1,0,1,1,47,,2026-12-01,\n");
    assert_eq!(read(&text).unwrap().len(), 4);
}

#[test]
fn s3_of_many_faults_the_first_are_told_and_all_counted() {
    let text = format!("{HEADER}{}", "x,1,0,1,1,,,,\n".repeat(1000));
    let (faults, count) = faults(&text);
    assert_eq!((faults.len(), count), (FAULTS_MAX, 1000));
}

#[test]
fn s3_what_is_no_deck_is_refused() {
    for bad in
        ["", "prefix,price\n46,1\n", "prefix;price;connection_fee;first_s;next_s\n", "46,1,0,1,1\n47,1,0,1,1\n", HEADER]
    {
        assert_eq!(faults(bad).1, 1, "{bad}");
    }
    assert_eq!(faults(&format!("{},prefix\n", HEADER.trim())).1, 1);
    // Bytes that are no text, and a quote that never ends.
    let mut reader = DeckReader::new([HEADER.as_bytes(), b"46\xff,1,0,1,1,,,,\n"].concat().leak() as &[u8]).unwrap();
    assert!(reader.next().is_none() && reader.finish().is_err());
    assert!(read(&format!("{HEADER}46,\"1,0,1,1,,,,\n47,1,0,1,1,,,,\n")).is_err());
}

#[test]
fn a_quote_that_is_not_closed_takes_no_more_than_a_row_may() {
    let mut text = format!("{HEADER}4670,0.01,0,1,1,,,,\n4671,\"0.01,0,1,1,,,,\n");
    text.push_str(&"4672,0.01,0,1,1,,,,\n".repeat(100_000));
    let (faults, count) = faults(&text);
    let told = faults.first().unwrap();
    assert_eq!((told.line, told.column, count), (3, None, 1));
    assert!(told.message.contains("a quote that is not closed"), "{told}");
    let endless = "prefix".repeat(100_000);
    assert!(matches!(DeckReader::new(endless.as_bytes()), Err(DeckError::Read(why)) if why.contains("longer than")));
}
