//! Rate decks.

use super::*;

pub(crate) fn deck_row(prefix: u64, price: u32) -> DeckRow {
    DeckRow {
        prefix: prefix.to_string().parse().unwrap(),
        price: Rate(price),
        connection_fee: Rate(5),
        first_s: 60,
        next_s: 1,
        origin: None,
        surcharge: Rate(0),
        valid_from: None,
        valid_until: None,
    }
}

pub(crate) async fn load(control: &Control, rows: &[DeckRow]) -> DeckLoad {
    let head = DeckHead { trunk: "carrier".parse().unwrap(), currency: "SEK".parse().unwrap() };
    let load = control.begin_deck(&head, at(0)).await.unwrap();
    for batch in rows.chunks(100) {
        control.add_deck_rows(load, batch, at(1)).await.unwrap();
    }
    load
}

pub(crate) async fn rows_of(control: &Control, revision: u64) -> Vec<DeckRow> {
    let mut all: Vec<DeckRow> = Vec::new();
    loop {
        let after = all.last().map(DeckRowKey::from);
        let mut page = control.deck_rows(revision, after.as_ref(), 70).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.append(&mut page);
    }
}

pub(crate) async fn a_deck_is_in_force_whole_or_not(control: Control) {
    let carrier = "carrier".parse().unwrap();
    let mut rows: Vec<DeckRow> = (1000..1250).map(|prefix| deck_row(prefix, 10)).collect();
    // The same prefix for an origin and from a time on.
    rows.push(DeckRow { origin: Some("47".parse().unwrap()), surcharge: Rate(7), ..deck_row(1100, 10) });
    rows.push(DeckRow { valid_from: Some(at(9)), valid_until: Some(at(99)), ..deck_row(1100, 11) });
    rows.sort_by_key(|row| (row.prefix.to_string(), row.origin.map(|origin| origin.to_string()), row.valid_from));
    let first = load(&control, &rows).await;
    let cursor = ChangeCursor::after(control.version().await.unwrap());
    assert_eq!(control.get::<Deck>(&carrier).await.unwrap(), None, "what is being loaded shows nowhere");
    assert!(control.changes_after(&cursor, 10).await.unwrap().changes.is_empty());
    let version = control.finish_deck(&edit("first"), first, Expect::Absent).await.unwrap();
    let deck = control.get::<Deck>(&carrier).await.unwrap().unwrap();
    assert_eq!((deck.version, deck.value.rows, deck.value.revision), (version, 252, first.revision));
    assert_eq!(rows_of(&control, first.revision).await, rows);
    assert_eq!(
        control.changes_after(&cursor, 10).await.unwrap().changes,
        [(version, Change::Deck(Changed::Put(deck.value.clone())))]
    );

    // An interrupted load leaves what is in force, and nothing in the end.
    let interrupted = load(&control, &rows[..200]).await;
    let twice = control.add_deck_rows(interrupted, &[deck_row(1900, 1), deck_row(1000, 1)], at(2)).await.unwrap_err();
    assert!(matches!(refusal(twice), Refusal::Invalid(_)));
    assert_eq!(rows_of(&control, interrupted.revision).await.len(), 200, "of a refused batch nothing stays");
    assert_eq!(control.get::<Deck>(&carrier).await.unwrap().unwrap(), deck);
    while control.sweep_decks(at(1)).await.unwrap() {}
    assert_eq!(rows_of(&control, interrupted.revision).await.len(), 200, "somebody may still be loading");
    while control.sweep_decks(at(2)).await.unwrap() {}
    assert!(rows_of(&control, interrupted.revision).await.is_empty());
    assert_eq!(
        refusal(control.add_deck_rows(interrupted, &[deck_row(1, 1)], at(3)).await.unwrap_err()),
        Refusal::NotFound
    );
    assert_eq!(refusal(control.finish_deck(&edit(""), interrupted, Expect::Any).await.unwrap_err()), Refusal::NotFound);
    let empty = load(&control, &[]).await;
    assert!(matches!(
        refusal(control.finish_deck(&edit(""), empty, Expect::Any).await.unwrap_err()),
        Refusal::Invalid(_)
    ));
    control.abandon_deck(empty).await.unwrap();
    assert_eq!(rows_of(&control, first.revision).await, rows);

    // Another deck takes its place; of two that were loaded at once the second is refused.
    let (second, third) = (load(&control, &[deck_row(46, 1)]).await, load(&control, &[deck_row(46, 2)]).await);
    let now = control.finish_deck(&edit("second"), second, Expect::Version(version)).await.unwrap();
    let late = control.finish_deck(&edit("third"), third, Expect::Version(version)).await.unwrap_err();
    assert_eq!(refusal(late), Refusal::Unexpected { found: Some(now) });
    while control.sweep_decks(at(2)).await.unwrap() {}
    assert!(rows_of(&control, first.revision).await.is_empty() && rows_of(&control, third.revision).await.is_empty());
    assert_eq!(rows_of(&control, second.revision).await, [deck_row(46, 1)]);
    control.delete::<Deck>(&edit("gone"), &carrier, Expect::Version(now)).await.unwrap();
    while control.sweep_decks(at(2)).await.unwrap() {}
    assert!(rows_of(&control, second.revision).await.is_empty());
}
