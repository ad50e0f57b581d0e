//! A store that moves: what comes out is what went in, whoever writes meanwhile and wherever it was broken off.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use telness_core::directory::{NumberEntry, Tenant, User};
use telness_core::record::EventKind;
use telness_store::control::{ChangeCursor, Expect, ListQuery, Version};
use telness_store::{CallQuery, JournalId, Position};

use super::content::{edit, fill, fill_a_little, tenant};
use super::sample::{call, entry, event};
use super::*;

#[test]
fn n1_a_store_goes_to_the_other_kind_and_back_the_same() {
    let runner = ProptestConfig { cases: 3, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(runner, |(seed: u64)| run(async {
        let scratch = Scratch::new("export-moved");
        let trial = sqlite(&scratch, "trial");
        fill(&trial, seed).await;
        let (file, counts) = trial.exported_with(&what()).await;
        assert!(counts.iter().all(|count| count.records > 0 || count.section == "numbers"), "{counts:?}");
        let production = postgres().await;
        assert_eq!(production.import(&file).await.unwrap(), Applied::default());
        assert!(production.exported().await == file, "Postgres has another content, seed {seed}");
        let back = sqlite(&scratch, "back");
        back.import(&file).await.unwrap();
        assert!(back.exported().await == file, "SQLite has another content, seed {seed}");
        everything_reads_the_same(&trial, &production).await;
    }));
}

/// By the questions that nodes and people ask.
async fn everything_reads_the_same(one: &Kept, other: &Kept) {
    assert_eq!(one.control.version().await.unwrap(), other.control.version().await.unwrap());
    assert_eq!(one.control.published_plan().await.unwrap(), other.control.published_plan().await.unwrap());
    let from = ChangeCursor::after(Version(0));
    let changes = |kept: &Kept| {
        let (control, from) = (kept.control.clone(), from.clone());
        async move { control.changes_after(&from, 100_000).await.unwrap().changes }
    };
    assert_eq!(changes(one).await, changes(other).await);
    for name in content::TENANTS {
        let name = name.parse().unwrap();
        let query = CallQuery { limit: 1_000, ..CallQuery::default() };
        let (here, there) =
            (one.store.calls(&name, &query).await.unwrap(), other.store.calls(&name, &query).await.unwrap());
        assert_eq!(format!("{:?}", here.calls), format!("{:?}", there.calls));
        for call in here.calls.iter().take(30) {
            let id = call.routing.call_id;
            let (a, b) = (one.store.call(&name, id).await.unwrap(), other.store.call(&name, id).await.unwrap());
            assert_eq!(format!("{a:?}"), format!("{b:?}"));
        }
    }
}

#[test]
fn taking_it_in_again_changes_nothing() {
    let scratch = Scratch::new("export-again");
    let check = async |empty: Kept| {
        let from = sqlite(&scratch, &format!("from-{}", scratch.path().read_dir().unwrap().count()));
        fill(&from, 5).await;
        let file = from.exported().await;
        empty.import(&file).await.unwrap();
        // Somebody works on: that stays.
        empty.control.put(&edit("new"), tenant("newtel"), Expect::Absent).await.unwrap();
        let after = empty.exported().await;
        assert!(empty.import(&file).await.unwrap().already);
        assert!(empty.exported().await == after);
    };
    run(async {
        check(sqlite(&scratch, "again")).await;
        check(postgres().await).await;
    });
}

/// A file that cannot be read further than so many bytes after it was begun to be read for the so-manieth time.
pub(super) struct Breaks<'a> {
    pub(super) file: Cursor<&'a [u8]>,
    pub(super) left: u64,
}

impl Read for Breaks<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Err(io::Error::other("killed"));
        }
        let read = self.file.read(&mut into[..most])?;
        self.left -= u64::try_from(read).unwrap();
        Ok(read)
    }
}

impl Seek for Breaks<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn n2_broken_off_anywhere_and_begun_again_it_is_all_there_once() {
    let scratch = Scratch::new("export-broken-off");
    run(async {
        let from = sqlite(&scratch, "from");
        fill(&from, 11).await;
        let file = from.exported().await;
        let checked = checked(&file).unwrap();
        let length = u64::try_from(file.len()).unwrap();
        for (number, left) in (0..8).map(|part| 1 + part * length * 2 / 8).enumerate() {
            for into in [sqlite(&scratch, &format!("into-{number}")), postgres().await] {
                let broken = Breaks { file: Cursor::new(&file), left };
                let broken = into.import_from(broken, &checked, &Merge::Refused).await;
                assert!(matches!(broken, Err(ExportError::Io(_))), "{broken:?}");
                let again = into.import(&file).await.unwrap();
                assert!(!again.already, "it was not whole");
                assert!(into.exported().await == file, "broken off after {left} of {length} bytes");
            }
        }
    });
}

#[test]
fn an_export_is_of_one_moment_while_calls_are_taken() {
    let scratch = Scratch::new("export-moment");
    let check = async |kept: Kept, into: Kept| {
        let done = Arc::new(AtomicBool::new(false));
        let (store, ended) = (Arc::clone(&kept.store), Arc::clone(&done));
        let writer = tokio::spawn(async move {
            let mut number = 0_i64;
            while !ended.load(Ordering::Relaxed) {
                // A call and its event come together, so no moment has one without the other.
                let told = event("nordtel", number, "e", EventKind::Ringing, 10);
                let batch = vec![entry(&call("nordtel", number)), telness_store::Entry::Event(Box::new(told))];
                let upto = Position(u64::try_from(number + 1).unwrap());
                store.write(JournalId([1; 16]), upto, batch).await.unwrap();
                number += 1;
            }
            number
        });
        let mut files = Vec::new();
        for _ in 0..5 {
            files.push(kept.exported_with(&what()).await);
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        }
        done.store(true, Ordering::Relaxed);
        let written = writer.await.unwrap();
        assert!(written > 5, "calls went on: {written}");
        for (_, counts) in &files {
            let count = |section: &str| counts.iter().find(|count| count.section == section).unwrap().records;
            assert_eq!((count("calls"), count("waiting_events")), (count("events"), 0));
        }
        into.import(&files.pop().unwrap().0).await.unwrap();
    };
    run(async {
        check(sqlite(&scratch, "taken"), postgres().await).await;
        check(postgres().await, sqlite(&scratch, "into")).await;
    });
}

#[test]
fn one_tenants_export_has_nothing_of_others() {
    let scratch = Scratch::new("export-tenant");
    run(async {
        let from = sqlite(&scratch, "from");
        fill(&from, 3).await;
        let only = What { tenant: Some("sydtel".parse().unwrap()), ..what() };
        let (file, counts) = from.exported_with(&only).await;
        let count = |section: &str| counts.iter().find(|count| count.section == section).unwrap().records;
        assert_eq!((count("tenants"), count("plans"), count("decks"), count("deck_rows")), (1, 0, 0, 0));
        let into = postgres().await;
        into.import(&file).await.unwrap();
        assert!(into.exported_with(&only).await.0 == file);
        let all = into.control.list::<Tenant>(&ListQuery { tenant: None, after: None, limit: 10 }).await.unwrap();
        assert_eq!(all.items.len(), 1);
        let users = into.control.list::<User>(&ListQuery { tenant: None, after: None, limit: 100 }).await.unwrap();
        assert!(users.items.iter().all(|user| user.value.tenant.as_str() == "sydtel"));
        let numbers =
            into.control.list::<NumberEntry>(&ListQuery { tenant: None, after: None, limit: 100 }).await.unwrap();
        assert!(numbers.items.iter().all(|number| number.value.tenant.as_str() == "sydtel"));
    });
}

#[test]
fn a_node_that_follows_hears_of_what_was_imported() {
    run(async {
        let scratch = Scratch::new("export-followed");
        let from = sqlite(&scratch, "from");
        fill(&from, 1).await;
        let into = postgres().await;
        let before = into.control.changes_after(&ChangeCursor::default(), 10).await.unwrap();
        assert!(before.changes.is_empty() && before.version == Version(0));
        into.import(&from.exported().await).await.unwrap();
        let after = into.control.changes_after(&before.next, 100_000).await.unwrap();
        assert_eq!(after.version, from.control.version().await.unwrap());
        assert!(after.changes.len() > 10);
        // A number that is given now is after all of those.
        let next = into.control.put(&edit("next"), tenant("newtel"), Expect::Absent).await.unwrap();
        assert_eq!(next.0, after.version.0 + 1);
        let load = telness_store::control::DeckHead { trunk: "x".parse().unwrap(), currency: "SEK".parse().unwrap() };
        assert!(into.control.begin_deck(&load, sample::at_ms(0)).await.unwrap().revision > 0);
    });
}

#[test]
fn what_came_of_a_call_is_kept_though_its_events_are_not_any_more() {
    run(async {
        let scratch = Scratch::new("export-pruned");
        let from = sqlite(&scratch, "from");
        fill_a_little(&from, 9).await;
        let behind = rusqlite::Connection::open(scratch.path().join("from")).unwrap();
        assert!(behind.execute("DELETE FROM events", []).unwrap() > 0);
        let file = from.exported().await;
        for into in [sqlite(&scratch, "into"), postgres().await] {
            into.import(&file).await.unwrap();
            assert!(into.exported().await == file);
            let query = CallQuery { limit: 1_000, ..CallQuery::default() };
            let calls = into.store.calls(&content::TENANTS[0].parse().unwrap(), &query).await.unwrap().calls;
            assert!(calls.iter().any(|call| call.cdr.talk_ms.is_some()), "it still says how long they talked");
        }
    });
}

/// The first file of this format, and one that a telness made which did not carry records for billing. A later release
/// reads them as well.
#[test]
fn the_golden_files_of_version_1_are_read() {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let (path, unbilled) = (format!("{data}/export-v1.telness"), format!("{data}/export-v1-unbilled.telness"));
    let scratch = Scratch::new("export-golden");
    run(async {
        if std::env::var_os("TELNESS_BLESS").is_some() && !std::path::Path::new(&path).exists() {
            let from = sqlite(&scratch, "from");
            fill_a_little(&from, 1).await;
            std::fs::write(&path, from.exported().await).unwrap();
        }
        for (path, sections) in [(path, 16), (unbilled, 13)] {
            let file = std::fs::read(path).expect("it is committed; the first is made with TELNESS_BLESS=1");
            let checked = checked(&file).unwrap();
            assert_eq!((checked.head.telness_export.major, checked.head.telness.as_str()), (1, "0.1.0"));
            assert_eq!(checked.counts.len(), sections);
            for into in [sqlite(&scratch, &format!("into-{sections}")), postgres().await] {
                into.import(&file).await.unwrap();
                let counts = into.exported_with(&what()).await.1;
                let of = |section: &str, counts: &[Count]| counts.iter().find(|one| one.section == section).cloned();
                for count in &checked.counts {
                    assert_eq!(of(&count.section, &counts).as_ref(), Some(count), "every record is there, and no more");
                }
            }
        }
    });
}
