//! What the store has makes room and is deleted after a while; what it lost again is neither.

use std::time::Duration;

use telness_store::{Journal, JournalError, JournalOptions, Position};

use crate::scratch::Scratch;
use crate::{ID, entries, open, options, read_all, read_on};

/// A journal of small segments, with a thousand entries in groups of ten, and where each group ends.
fn journal(scratch: &Scratch, bytes_max: u64) -> (Journal, Vec<Position>) {
    let small = JournalOptions { segment_bytes_max: 100 << 10, bytes_max, ..options() };
    let mut journal = Journal::open(scratch.path(), small, ID).unwrap();
    let ends = (0..100).map(|group| journal.append(&entries(group * 10..group * 10 + 10)).unwrap()).collect();
    (journal, ends)
}

#[test]
fn n1_n4_what_the_store_lost_again_makes_no_room() {
    let scratch = Scratch::new("lost-again");
    let (mut journal, ends) = journal(&scratch, 3 << 20);
    journal.note_shipped(ends[99]);
    journal.note_shipped(ends[10]);
    let mut kept = 1_000;
    let refused = loop {
        match journal.append(&entries(kept..kept + 10)) {
            Ok(_) => kept += 10,
            Err(error) => break error,
        }
        assert!(kept < 10_000);
    };
    assert!(matches!(refused, JournalError::Full { .. }), "{refused}");
    assert_eq!(read_on(&mut journal.reader(), ends[10], 100).1, (110..kept).collect::<Vec<_>>());
}

/// Each time that the store takes it, it is kept for a while: the store may lose it again.
#[test]
fn n1_what_the_store_lost_and_took_again_is_kept_for_a_while_from_then_on() {
    for restarted in [false, true] {
        let scratch = Scratch::new("taken-again");
        let (mut journal, ends) = journal(&scratch, 64 << 20);
        journal.prune(ends[99], 1_000).unwrap();
        if restarted {
            drop(journal);
            journal = open(scratch.path());
            // Nobody knows yet what the store has.
            journal.prune(Position::default(), 1_040).unwrap();
        }
        // It was set back.
        journal.prune(ends[10], 1_050).unwrap();
        journal.prune(ends[99], 1_090).unwrap();
        journal.prune(ends[99], 1_189).unwrap();
        let left = read_all(&journal);
        assert!(left.contains(&120) && left.contains(&999), "restarted {restarted}: {left:?}");
        // What it had all the time went a hundred seconds after it was first shipped.
        assert!(!left.contains(&0), "restarted {restarted}");
        journal.prune(ends[99], 1_190).unwrap();
        assert!(read_all(&journal).len() < 110, "restarted {restarted}");
    }
    assert_eq!(options().keep_shipped, Duration::from_secs(100));
}
