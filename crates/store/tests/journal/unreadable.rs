//! A disk that does not give a part of a segment: for a while, which loses nothing, or for good, which holds up nothing.
//!
//! Each test runs itself again in a process of its own, in which a small library makes reads fail as the system's do.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use telness_store::{Journal, JournalError, JournalOptions, JournalReader, Position};

use crate::scratch::Scratch;
use crate::{ID, entries, open, options, read_on, segments};

const FOLDER: &str = "TELNESS_TEST_UNREADABLE_FOLDER";
const RULE: &str = "TELNESS_TEST_UNREADABLE";

/// Runs a test of this file again where the disk can be told to fail, and answers true; false in that process.
fn runs_elsewhere(test: &str) -> bool {
    if std::env::var_os(FOLDER).is_some() {
        return false;
    }
    let scratch = Scratch::new("unreadable");
    let library = scratch.path().join("unreadable.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journal/unreadable.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("unreadable::{test}"), "--nocapture"])
        .env("LD_PRELOAD", &library)
        .env(FOLDER, scratch.path().join("journal"))
        .env(RULE, scratch.path().join("rule"))
        .output()
        .unwrap();
    let told = [child.stdout, child.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).concat();
    assert!(child.status.success() && told.contains("1 passed"), "{told}");
    true
}

/// The disk gives every byte but those of a file from one to another.
fn fails(file: &Path, bytes: Range<u64>) {
    let name = file.file_name().unwrap().to_str().unwrap();
    fs::write(std::env::var_os(RULE).unwrap(), format!("{name} {} {}", bytes.start, bytes.end)).unwrap();
    assert!(fs::read(file).is_err(), "the disk gives all of it");
}

fn works() {
    fs::remove_file(std::env::var_os(RULE).unwrap()).unwrap();
}

const WRITTEN: u64 = 250;

/// A folder of its own in the process of the test.
fn folder(name: &str) -> PathBuf {
    Path::new(&std::env::var_os(FOLDER).unwrap()).join(name)
}

/// A journal of some closed segments, with an entry a group.
fn journal(folder: &Path) -> Journal {
    let small = JournalOptions { segment_bytes_max: 400 << 10, ..options() };
    let mut journal = Journal::open(folder, small, ID).unwrap();
    for one in 0..WRITTEN {
        journal.append(&entries(one..one + 1)).unwrap();
    }
    assert!(segments(folder, ".sqlite").len() > 3);
    journal
}

/// The first page of a file, the one of some groups in the middle, and all of it.
const PARTS: [Range<u64>; 3] = [0..512, 3 * 8_192..3 * 8_192 + 512, 0..u64::MAX >> 1];

/// Reads on until the disk does not give what follows.
fn read_until_it_fails(reader: &mut JournalReader) -> Position {
    let mut position = Position::default();
    loop {
        match reader.after(position, 10) {
            Ok(found) => {
                assert!(!found.is_empty(), "what the disk does not give is passed over");
                position = found[found.len() - 1].0;
            }
            Err(error) => {
                assert!(matches!(error, JournalError::Unreadable { .. }), "{error}");
                return position;
            }
        }
    }
}

#[test]
fn n1_what_the_disk_does_not_give_for_a_while_is_not_lost() {
    if runs_elsewhere("n1_what_the_disk_does_not_give_for_a_while_is_not_lost") {
        return;
    }
    let folder = folder("for-a-while");
    let journal = journal(&folder);
    for part in PARTS {
        let mut reader = journal.reader();
        fails(&segments(&folder, ".sqlite")[1], part);
        let position = read_until_it_fails(&mut reader);
        for _ in 0..100 {
            assert!(reader.after(position, 10).is_err());
        }
        works();
        let all = read_on(&mut reader, Position::default(), 100).1;
        assert_eq!((all, reader.take_lost()), ((0..WRITTEN).collect(), 0));
    }
}

#[test]
fn n1_what_the_disk_never_gives_holds_up_nothing_else_and_is_counted() {
    if runs_elsewhere("n1_what_the_disk_never_gives_holds_up_nothing_else_and_is_counted") {
        return;
    }
    for (part, most_lost) in PARTS.into_iter().zip([100, 12, 100]) {
        let folder = folder(&format!("never-{most_lost}-{}", part.end));
        let mut journal = journal(&folder);
        let mut reader = journal.reader();
        fails(&segments(&folder, ".sqlite")[1], part.clone());
        read_until_it_fails(&mut reader);
        reader.pass_over_unreadable();
        let numbers = read_on(&mut reader, Position::default(), 7).1;
        assert!(numbers.is_sorted() && numbers.contains(&0) && numbers.contains(&(WRITTEN - 1)));
        let lost = WRITTEN - u64::try_from(numbers.len()).unwrap();
        assert!((1..most_lost).contains(&lost), "{part:?}: {lost} are lost");
        assert_eq!((reader.take_lost(), reader.take_lost()), (lost, 0));
        // People may get out of it what we did not.
        journal.prune(journal.end(), 0).unwrap();
        journal.prune(journal.end(), 1_000).unwrap();
        assert_eq!(segments(&folder, ".damaged").len(), 1);
        works();
    }
}

#[test]
fn n1_a_segment_that_the_disk_does_not_give_at_the_start_stays_as_it_is() {
    if runs_elsewhere("n1_a_segment_that_the_disk_does_not_give_at_the_start_stays_as_it_is") {
        return;
    }
    let folder = folder("at-the-start");
    drop(journal(&folder));
    let last = segments(&folder, ".sqlite").pop().unwrap();
    for part in [0..512, 3 * 8_192..3 * 8_192 + 512, 0..u64::MAX >> 1] {
        fails(&last, part);
        let journal = open(&folder);
        let mut reader = journal.reader();
        read_until_it_fails(&mut reader);
        works();
        let all = read_on(&mut reader, Position::default(), 100).1;
        assert_eq!((all, reader.take_lost()), ((0..WRITTEN).collect(), 0));
        assert_eq!(segments(&folder, ".damaged").len(), 0);
    }
}

#[test]
fn n1_a_segment_in_use_that_the_disk_does_not_give_is_written_to_no_more() {
    if runs_elsewhere("n1_a_segment_in_use_that_the_disk_does_not_give_is_written_to_no_more") {
        return;
    }
    let folder = folder("in-use");
    let mut journal = open(&folder);
    for one in 0..50 {
        journal.append(&entries(one..one + 1)).unwrap();
    }
    let log = segments(&folder, "-wal").pop().unwrap();
    let length = fs::metadata(&log).unwrap().len();
    // The newest form of the page that the last entries are in.
    fails(&log, length - 512..length);
    let mut reader = journal.reader();
    read_until_it_fails(&mut reader);
    reader.pass_over_unreadable();
    let (position, mut numbers) = read_on(&mut reader, Position::default(), 10);
    journal.append(&entries(50..51)).unwrap();
    assert_eq!(segments(&folder, ".sqlite").len(), 2);
    numbers.extend(read_on(&mut reader, position, 10).1);
    assert!(numbers.contains(&0) && numbers.contains(&50), "{numbers:?}");
    let lost = 51 - u64::try_from(numbers.len()).unwrap();
    assert!(lost > 0);
    assert_eq!(reader.take_lost(), lost);
}
