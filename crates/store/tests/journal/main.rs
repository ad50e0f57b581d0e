//! The journal keeps what it acknowledged, through kills, damage, full disks and rotation.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

#[path = "../scratch/mod.rs"]
mod scratch;

mod shipped;
#[cfg(target_os = "linux")]
mod unreadable;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use scratch::Scratch;
use telness_store::{Journal, JournalError, JournalId, JournalOptions, JournalReader, Position};

const ID: JournalId = JournalId([7; 16]);
const CHILD: &str = "TELNESS_TEST_JOURNAL_CHILD";

fn options() -> JournalOptions {
    JournalOptions { segment_bytes_max: 768 << 10, bytes_max: 64 << 20, keep_shipped: Duration::from_secs(100) }
}

fn open(folder: &Path) -> Journal {
    Journal::open(folder, options(), ID).unwrap()
}

/// An entry of 1,000 bytes that says which it is, and that does not pack, so that files are as long as is expected.
fn entry(number: u64) -> Vec<u8> {
    let mut word = chances(number);
    let noise = std::iter::repeat_with(|| word().to_le_bytes()).flatten();
    number.to_le_bytes().into_iter().chain(noise).take(1000).collect()
}

fn entries(numbers: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    numbers.map(entry).collect()
}

fn number(bytes: &[u8]) -> u64 {
    let number = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    assert_eq!(bytes, entry(number), "an entry is not what was written");
    number
}

/// Reads on from a position to the end, checks that positions only rise, and answers the entries' numbers.
fn read_on(reader: &mut JournalReader, from: Position, max: usize) -> (Position, Vec<u64>) {
    let (mut position, mut numbers) = (from, Vec::new());
    loop {
        let found = reader.after(position, max).unwrap();
        assert!(found.len() <= max);
        if found.is_empty() {
            return (position, numbers);
        }
        for (place, bytes) in found {
            assert!(place > position);
            position = place;
            numbers.push(number(&bytes));
        }
    }
}

fn read_all(journal: &Journal) -> Vec<u64> {
    read_on(&mut journal.reader(), Position::default(), 100).1
}

fn segments(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.to_str().unwrap().ends_with(kind)).collect();
    files.sort();
    files
}

#[test]
fn appends_and_reads_in_order_across_segments_and_opens() {
    let scratch = Scratch::new("order");
    let mut journal = open(scratch.path());
    assert_eq!(journal.reader().id(), ID);
    let mut end = journal.end();
    for group in 0..100 {
        let next = journal.append(&entries(group * 10..group * 10 + 10)).unwrap();
        assert!(next > end);
        end = next;
        assert_eq!(journal.end(), end);
    }
    assert!(segments(scratch.path(), ".sqlite").len() > 2);
    assert_eq!(read_all(&journal), (0..1000).collect::<Vec<_>>());
    drop(journal);

    let mut journal = Journal::open(scratch.path(), options(), JournalId([8; 16])).unwrap();
    assert_eq!((journal.reader().id(), journal.end()), (ID, end));
    assert!(journal.append(&entries(1000..1001)).unwrap() > end);
    assert_eq!(read_all(&journal), (0..1001).collect::<Vec<_>>());
    let mut reader = journal.reader();
    assert_eq!(number(&reader.after(end, 1).unwrap()[0].1), 1000);
    assert_eq!(read_on(&mut reader, Position::default(), 3).1.len(), 1001);
}

#[test]
fn second_opener_is_refused() {
    let scratch = Scratch::new("lock");
    let first = open(scratch.path());
    let second = Journal::open(scratch.path(), options(), ID);
    assert!(matches!(second, Err(JournalError::Locked { .. })), "{second:?}");
    drop(first);
    open(scratch.path());
}

#[test]
fn reader_on_another_thread_sees_everything_across_rotation_and_pruning() {
    const COUNT: u64 = 3_000;
    let scratch = Scratch::new("rotation");
    let mut journal =
        Journal::open(scratch.path(), JournalOptions { keep_shipped: Duration::ZERO, ..options() }, ID).unwrap();
    let mut reader = journal.reader();
    let (send, shipped) = std::sync::mpsc::sync_channel(10_000);
    let reading = std::thread::spawn(move || {
        let (mut position, mut all) = (Position::default(), Vec::new());
        while all.len() < usize::try_from(COUNT).unwrap() {
            let (next, numbers) = read_on(&mut reader, position, 64);
            position = next;
            all.extend(numbers);
            send.send(position).unwrap();
        }
        all
    });
    let mut reached = Position::default();
    for group in 0..COUNT / 5 {
        journal.append(&entries(group * 5..group * 5 + 5)).unwrap();
        if let Some(position) = shipped.try_iter().last() {
            reached = position;
        }
        journal.prune(reached, group).unwrap();
    }
    assert_eq!(reading.join().unwrap(), (0..COUNT).collect::<Vec<_>>());
    let reached = shipped.try_iter().last().unwrap_or(reached);
    journal.prune(reached, COUNT).unwrap();
    assert_eq!(segments(scratch.path(), ".sqlite").len(), 1);
}

#[test]
fn prune_keeps_what_was_not_shipped_and_what_is_kept_for_a_while() {
    let scratch = Scratch::new("prune");
    let mut journal = open(scratch.path());
    let mut ends = Vec::new();
    for group in 0..60 {
        ends.push(journal.append(&entries(group * 10..group * 10 + 10)).unwrap());
    }
    let before = segments(scratch.path(), ".sqlite").len();
    assert!(before > 2);
    journal.prune(Position::default(), 1_000_000).unwrap();
    journal.prune(ends[59], 1_000).unwrap();
    journal.prune(ends[59], 1_099).unwrap();
    assert_eq!(segments(scratch.path(), ".sqlite").len(), before);
    drop(journal);
    // The time that was kept so far is not forgotten by a restart, and the highest segment stays.
    let mut journal = open(scratch.path());
    journal.prune(ends[30], 1_100).unwrap();
    let left = read_all(&journal);
    assert!(left.len() < 600 && left.contains(&310), "{left:?}");
    journal.prune(ends[59], 9_900).unwrap();
    journal.prune(ends[59], 10_000).unwrap();
    assert_eq!(segments(scratch.path(), ".sqlite").len(), 1);
    drop(journal);
    let mut journal = open(scratch.path());
    assert!(journal.append(&entries(0..1)).unwrap() > ends[59], "a position was given twice");
}

#[test]
fn s6_a_clock_that_was_set_back_keeps_what_was_shipped_no_longer() {
    let scratch = Scratch::new("set-back");
    let mut journal = open(scratch.path());
    for group in 0..60 {
        journal.append(&entries(group * 10..group * 10 + 10)).unwrap();
    }
    let before = segments(scratch.path(), ".sqlite").len();
    journal.prune(journal.end(), 500_000).unwrap();
    journal.prune(journal.end(), 1_000).unwrap();
    journal.prune(journal.end(), 1_099).unwrap();
    assert_eq!(segments(scratch.path(), ".sqlite").len(), before);
    journal.prune(journal.end(), 1_100).unwrap();
    assert_eq!(segments(scratch.path(), ".sqlite").len(), 1);
}

#[test]
fn full_journal_refuses_and_goes_on_when_entries_were_shipped() {
    let scratch = Scratch::new("full");
    let limit = 2 << 20;
    let mut journal = Journal::open(scratch.path(), JournalOptions { bytes_max: limit, ..options() }, ID).unwrap();
    let mut kept = 0;
    let refused = loop {
        match journal.append(&entries(kept..kept + 10)) {
            Ok(_) => kept += 10,
            Err(error) => break error,
        }
        assert!(journal.bytes() <= limit + (100 << 10), "{} bytes", journal.bytes());
        assert!(kept < 10_000);
    };
    assert!(matches!(refused, JournalError::Full { limit: 2_097_152, .. }), "{refused}");
    assert_eq!(read_all(&journal), (0..kept).collect::<Vec<_>>());
    // Long before `keep_shipped` is over: room for calls goes before keeping what the store has.
    journal.prune(journal.end(), 0).unwrap();
    for group in 0..500 {
        let end = journal.append(&entries(kept + group * 10..kept + group * 10 + 10)).unwrap();
        journal.prune(end, 0).unwrap();
    }
}

/// Appends in a child process, which is killed at any instant; what it said it kept must be there.
#[test]
fn n1_n2_killed_at_any_instant_loses_nothing_acknowledged() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return append_until_killed(Path::new(&folder));
    }
    let scratch = Scratch::new("kill");
    let mut chance = chances(42);
    let mut acknowledged = 0;
    for round in 0..25 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "n1_n2_killed_at_any_instant_loses_nothing_acknowledged", "--nocapture"])
            .env(CHILD, scratch.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let groups = chance() % 120;
        let mut seen = 0;
        while seen < groups {
            let line = lines.next().expect("the child ended by itself").unwrap();
            if let Some(number) = told(&line) {
                acknowledged = number;
                seen += 1;
            }
        }
        child.kill().unwrap();
        for line in lines.map_while(Result::ok) {
            acknowledged = told(&line).unwrap_or(acknowledged);
        }
        child.wait().unwrap();
        let journal = open(scratch.path());
        let numbers = read_all(&journal);
        let expected: Vec<u64> = (0..u64::try_from(numbers.len()).unwrap()).collect();
        assert_eq!(numbers, expected, "round {round}: an entry is missing, doubled or out of order");
        assert!(expected.len() as u64 >= acknowledged, "round {round}: {} < {acknowledged}", expected.len());
    }
    assert!(acknowledged > 500, "the children hardly wrote anything: {acknowledged}");
}

/// What a line acknowledges; a line that was cut short by the kill is no acknowledgement.
fn told(line: &str) -> Option<u64> {
    line.split_once("kept ")?.1.strip_suffix('.')?.parse().ok()
}

fn append_until_killed(folder: &Path) {
    let small = JournalOptions { segment_bytes_max: 600 << 10, ..options() };
    let mut journal = Journal::open(folder, small, ID).unwrap();
    let mut next = u64::try_from(read_all(&journal).len()).unwrap();
    let mut chance = chances(next + 1);
    loop {
        let group = chance() % 20 + 1;
        journal.append(&entries(next..next + group)).unwrap();
        next += group;
        let mut out = std::io::stdout().lock();
        writeln!(out, "kept {next}.").unwrap();
        out.flush().unwrap();
    }
}

fn chances(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 11
    }
}

fn journal_of_three_segments(folder: &Path) -> (u64, Position) {
    let mut journal = open(folder);
    let mut next = 0;
    while segments(folder, ".sqlite").len() < 3 {
        journal.append(&entries(next..next + 10)).unwrap();
        next += 10;
    }
    for _ in 0..10 {
        journal.append(&entries(next..next + 10)).unwrap();
        next += 10;
    }
    (next, journal.end())
}

#[test]
fn damaged_last_segment_gives_what_is_intact_and_is_put_aside() {
    let scratch = Scratch::new("damaged");
    let (written, end) = journal_of_three_segments(scratch.path());
    let last = segments(scratch.path(), ".sqlite").pop().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    // Pages of 8 KiB: the schema, the root of the table, then each group's own.
    let within_a_group = 3 * 8_192 + 4_000;
    bytes[within_a_group..within_a_group + 64].fill(0xa5);
    fs::write(&last, &bytes).unwrap();

    let mut journal = open(scratch.path());
    let numbers = read_all(&journal);
    assert_eq!(numbers.len() as u64, written - 10, "one group of ten is lost, the others are intact");
    let mut reader = journal.reader();
    read_on(&mut reader, Position::default(), 100);
    assert_eq!(reader.take_lost(), 10);
    assert!(numbers.contains(&(written - 1)));
    assert_eq!(segments(scratch.path(), ".damaged").len(), 1);
    assert!(journal.append(&entries(written..written + 1)).unwrap() > end);
    drop(journal);
    assert_eq!(read_all(&open(scratch.path())).len(), numbers.len() + 1);
}

/// Bodies of some 30 KB, each in pages of its own behind the one that names it.
#[test]
fn n1_intact_groups_between_two_damaged_pages_of_the_last_segment_are_kept() {
    let scratch = Scratch::new("twice-damaged");
    let large = JournalOptions { segment_bytes_max: 64 << 20, ..options() };
    let mut journal = Journal::open(scratch.path(), large, ID).unwrap();
    for group in 0..20 {
        journal.append(&entries(group * 30..group * 30 + 30)).unwrap();
    }
    drop(journal);
    let file = segments(scratch.path(), ".sqlite").pop().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    for group in [5, 15] {
        let middle = &entry(group * 30 + 15)[500..564];
        let place = bytes.windows(middle.len()).position(|window| window == middle).unwrap();
        let page = place / 8_192 * 8_192;
        bytes[page..page + 8_192].fill(0);
    }
    fs::write(&file, &bytes).unwrap();

    let journal = open(scratch.path());
    assert_eq!(segments(scratch.path(), ".damaged").len(), 1);
    let intact = |number: &u64| ![5, 15].contains(&(number / 30));
    assert_eq!(read_all(&journal), (0..600).filter(intact).collect::<Vec<_>>());
}

#[test]
fn truncated_or_overwritten_last_segment_never_stops_the_start() {
    for (name, spoil) in [
        ("empty", (|_| Vec::new()) as fn(Vec<u8>) -> Vec<u8>),
        ("half", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("torn page", |bytes| bytes[..bytes.len() - 3000].to_vec()),
        ("garbage", |bytes| vec![0x5a; bytes.len()]),
        ("no first page", |mut bytes| {
            bytes[..8_192].fill(0);
            bytes
        }),
    ] {
        let scratch = Scratch::new("spoilt");
        let (written, end) = journal_of_three_segments(scratch.path());
        let files = segments(scratch.path(), ".sqlite");
        let intact = fs::read(&files[2]).unwrap();
        fs::write(&files[2], spoil(intact)).unwrap();
        let mut journal = open(scratch.path());
        let before = read_all(&journal);
        // The last segment has eleven groups of ten.
        assert!(before.len() as u64 >= written - 110, "{name}: {} of {written} entries", before.len());
        assert!(journal.append(&entries(9_000..9_010)).unwrap() > end, "{name}: a position was given twice");
        let after = read_all(&journal);
        assert_eq!(after.len(), before.len() + 10, "{name}");
    }
}

#[test]
fn damaged_closed_segment_does_not_hold_up_the_reader() {
    let scratch = Scratch::new("passed-over");
    let (written, _) = journal_of_three_segments(scratch.path());
    let first = segments(scratch.path(), ".sqlite").remove(0);
    let length = fs::metadata(&first).unwrap().len();
    fs::write(&first, vec![0x5a; usize::try_from(length).unwrap()]).unwrap();
    let mut journal = open(scratch.path());
    let numbers = read_all(&journal);
    assert!(numbers.contains(&(written - 1)) && !numbers.contains(&0));
    assert_eq!(segments(scratch.path(), ".damaged").len(), 1);
    assert!(journal.append(&entries(written..written + 1)).is_ok());
}

#[test]
fn n1_what_lies_behind_a_damaged_page_of_a_closed_segment_is_read_and_the_rest_counted() {
    const WRITTEN: u64 = 301;
    let scratch = Scratch::new("behind-damage");
    let mut journal = open(scratch.path());
    for one in 0..300 {
        journal.append(&entries(one..one + 1)).unwrap();
    }
    drop(journal);
    let mut journal = open(scratch.path());
    journal.append(&entries(300..301)).unwrap();
    drop(journal);
    let first = segments(scratch.path(), ".sqlite").remove(0);
    let mut bytes = fs::read(&first).unwrap();
    bytes[6 * 8_192..7 * 8_192].fill(0);
    fs::write(&first, &bytes).unwrap();

    let journal = open(scratch.path());
    for max in [1, 7, 1_000] {
        let mut reader = journal.reader();
        let numbers = read_on(&mut reader, Position::default(), max).1;
        assert!(numbers.is_sorted() && numbers.contains(&0) && numbers.contains(&(WRITTEN - 1)));
        let lost = WRITTEN - u64::try_from(numbers.len()).unwrap();
        assert!((1..20).contains(&lost), "{lost} entries are lost, more than a page holds");
        assert_eq!(read_on(&mut reader, Position::default(), max).1, numbers);
        assert_eq!((reader.take_lost(), reader.take_lost()), (lost, 0), "a loss is counted wrongly, or twice");
    }
}

/// A limit on the size of files makes writes fail as a full disk does; then the folder goes away and comes back.
#[test]
fn n4_failing_disk_is_an_error_and_the_next_append_recovers() {
    if let Some(folder) = std::env::var_os(CHILD) {
        return append_on_a_failing_disk(Path::new(&folder));
    }
    let scratch = Scratch::new("disk");
    let limited = format!(
        "trap '' XFSZ; ulimit -f 600; exec '{}' --exact n4_failing_disk_is_an_error_and_the_next_append_recovers",
        std::env::current_exe().unwrap().display()
    );
    let child = Command::new("sh").args(["-c", &limited]).env(CHILD, scratch.path().join("journal")).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let kept: u64 = fs::read_to_string(scratch.path().join("journal/kept")).unwrap().parse().unwrap();
    let numbers = read_all(&open(&scratch.path().join("journal")));
    assert_eq!(numbers, (numbers[0]..kept).collect::<Vec<_>>());
}

fn append_on_a_failing_disk(folder: &Path) {
    let large = JournalOptions { segment_bytes_max: 64 << 20, ..options() };
    let mut journal = Journal::open(folder, large, ID).unwrap();
    let (mut kept, mut failures) = (0, 0);
    while failures < 3 {
        match journal.append(&entries(kept..kept + 10)) {
            Ok(_) => kept += 10,
            Err(error) => {
                assert!(matches!(error, JournalError::Io { .. }), "{error}");
                failures += 1;
            }
        }
        assert!(kept < 100_000, "the limit on the size of files was never met");
    }
    let away = folder.with_extension("away");
    let full = entries(900_000..900_600);
    fs::rename(folder, &away).unwrap();
    assert!(journal.append(&full).is_err(), "600 KB fit where 300 KB are allowed");
    for _ in 0..3 {
        assert!(journal.append(&entries(kept..kept + 10)).is_err(), "a segment was begun in a folder that is gone");
    }
    fs::rename(&away, folder).unwrap();
    journal.append(&entries(kept..kept + 10)).unwrap();
    kept += 10;
    assert_eq!(read_all(&journal), (0..kept).collect::<Vec<_>>());
    // What was shipped is kept for a while, but not while the disk refuses.
    journal.prune(journal.end(), 0).unwrap();
    let before = segments(folder, ".sqlite").len();
    assert!(before > 2);
    assert!(journal.append(&full).is_err());
    journal.append(&entries(kept..kept + 10)).unwrap();
    kept += 10;
    assert!(segments(folder, ".sqlite").len() < before);
    fs::write(folder.join("kept"), kept.to_string()).unwrap();
}
