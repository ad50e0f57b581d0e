//! What is bulky, measured.

use super::*;

/// A deck of a million rows, and many numbers by pages: all of them are there, and what it took is printed.
pub(crate) async fn a_million(control: Control) {
    let begun = tokio::time::Instant::now();
    let rows: Vec<DeckRow> = (0..1_000_000_u64).map(|at| deck_row(10_000_000 + at * 37 % 1_000_003, 10)).collect();
    let head = DeckHead { trunk: "carrier".parse().unwrap(), currency: "SEK".parse().unwrap() };
    let load = control.begin_deck(&head, at(0)).await.unwrap();
    for batch in rows.chunks(10_000) {
        control.add_deck_rows(load, batch, at(1)).await.unwrap();
    }
    control.finish_deck(&edit(""), load, Expect::Any).await.unwrap();
    println!("a million rows were loaded in {:?}", begun.elapsed());
    let (begun, mut read, mut after) = (tokio::time::Instant::now(), 0, None);
    loop {
        let page = control.deck_rows(load.revision, after.as_ref(), 10_000).await.unwrap();
        let Some(last) = page.last() else { break };
        read += page.len();
        after = Some(DeckRowKey::from(last));
    }
    assert_eq!(read, 1_000_000);
    println!("{read} rows were read in {:?}", begun.elapsed());
    two_tenants(&control).await;
    let begun = tokio::time::Instant::now();
    let before = control.version().await.unwrap();
    // Of a country code that nobody has.
    let entry =
        |at: u64| NumberEntry { number: format!("+999{at:07}").parse().unwrap(), ..assigned(0, "nordtel", "anna") };
    for part in 0..20 {
        let items = (0..10_000).map(|at| (entry(part * 10_000 + at), Expect::Absent)).collect();
        control.put_all(&edit(""), items).await.unwrap();
    }
    println!("200,000 numbers were put in {:?}", begun.elapsed());
    let (begun, mut cursor, mut read) = (tokio::time::Instant::now(), ChangeCursor::after(before), 0);
    loop {
        let changes = control.changes_after(&cursor, 10_000).await.unwrap();
        read += changes.changes.len();
        cursor = changes.next;
        if !changes.more {
            break;
        }
    }
    assert_eq!(read, 200_000);
    println!("{read} changes were read in {:?}", begun.elapsed());
    let begun = tokio::time::Instant::now();
    control.delete::<Deck>(&edit(""), &"carrier".parse().unwrap(), Expect::Any).await.unwrap();
    while control.sweep_decks(at(0)).await.unwrap() {}
    assert!(rows_of(&control, load.revision).await.is_empty());
    println!("a million rows were swept away in {:?}", begun.elapsed());
}
