//! Rate decks are loaded whole or not at all, whatever the file is and whoever goes away.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use telness_core::deck::{DeckError, DeckReader, DeckRow};
use telness_core::time::Timestamp;
use telness_engine::Engine;
use telness_engine::deck_flow::{DeckFile, DeckInForce, DeckLoadError, LOAD_IDLE_MAX, LOADS_MAX, Progress};
use telness_store::control::{ControlError, Deck, DeckHead, Expect, Refusal};
use tokio::task::JoinSet;

use crate::following::{SOON, edit};
use crate::scene::{PLAN, Scene};

const HEADER: &str = "prefix,price,connection_fee,first_s,next_s\n";

/// So many rows, none like another.
fn rows(count: u64) -> String {
    let rows = (0..count).map(|at| format!("{},0.01,0,60,1\n", 10_000_000 + at));
    [HEADER.to_owned()].into_iter().chain(rows).collect()
}

fn file<R>(input: R) -> DeckFile<R> {
    let head = DeckHead { trunk: "north".parse().unwrap(), currency: "SEK".parse().unwrap() };
    DeckFile { head, input, rows: None }
}

async fn load(engine: &Engine, text: &str, expect: Expect) -> Result<DeckInForce, DeckLoadError> {
    let input = io::Cursor::new(text.as_bytes().to_vec());
    engine.deck_loader().load(file(input), edit(), expect, &Progress::default()).await
}

async fn in_force(engine: &Engine) -> Option<(u64, u64)> {
    let deck = engine.control().get::<Deck>(&"north".parse().unwrap()).await.unwrap();
    deck.map(|deck| (deck.value.revision, deck.value.rows))
}

/// Begins to load what comes slowly.
fn begin(engine: &Engine, slow: Slow, progress: &Progress) -> JoinSet<Result<DeckInForce, DeckLoadError>> {
    let (loader, progress) = (engine.deck_loader().clone(), progress.clone());
    let mut begun = JoinSet::new();
    begun.spawn(async move { loader.load(file(slow), edit(), Expect::Any, &progress).await });
    begun
}

async fn end(mut begun: JoinSet<Result<DeckInForce, DeckLoadError>>) -> Result<DeckInForce, DeckLoadError> {
    begun.join_next().await.unwrap().unwrap()
}

/// Rows that the store has, of all decks and loads.
fn rows_kept(scene: &Scene) -> i64 {
    let file = rusqlite::Connection::open(scene.settings.data.join("calls.sqlite")).unwrap();
    file.query_row("SELECT count(*) FROM deck_rows", [], |row| row.get(0)).unwrap()
}

/// What comes when the test says so.
struct Slow {
    parts: Receiver<Vec<u8>>,
    rest: Vec<u8>,
}

impl Slow {
    fn new() -> (Self, SyncSender<Vec<u8>>) {
        let (sender, parts) = sync_channel(4);
        (Self { parts, rest: Vec::new() }, sender)
    }
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            // Nobody sends any more: the wire was cut.
            self.rest = self.parts.recv().map_err(|_| io::Error::other("the wire was cut"))?;
        }
        let count = self.rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.rest[..count]);
        self.rest.drain(..count);
        Ok(count)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deck_comes_into_force_whole_and_its_progress_shows() {
    let scene = Scene::new();
    let engine = scene.engine();
    let (progress, text) = (Progress::default(), rows(25_000));
    let bytes = u64::try_from(text.len()).unwrap();
    let input = io::Cursor::new(text.into_bytes());
    let loaded = engine.deck_loader().load(file(input), edit(), Expect::Any, &progress).await.unwrap();
    assert_eq!((loaded.rows, loaded.replaced.clone()), (25_000, None));
    assert_eq!((progress.rows_written(), progress.bytes_read()), (25_000, bytes));
    assert_eq!(in_force(&engine).await, Some((loaded.revision, 25_000)));
    let next = load(&engine, &rows(7), Expect::Version(loaded.version)).await.unwrap();
    assert_eq!((next.rows, next.replaced.map(|deck| deck.revision)), (7, Some(loaded.revision)));
    while engine.deck_loader().sweep().await.unwrap() {}
    assert_eq!(rows_kept(&scene), 7, "what was replaced is swept away");
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_fault_in_the_last_row_refuses_all_and_leaves_the_former_deck() {
    let scene = Scene::new();
    let engine = scene.engine();
    let former = load(&engine, &rows(3), Expect::Absent).await.unwrap();
    let last = format!("{}46,free,0,60,1\n", rows(25_000));
    let doubled = format!("{}10000000,1,0,60,1\n", rows(25_000));
    let too_much = format!("{}46,4294.967296,0,60,1\n", rows(1));
    for (text, line) in [(&last, 25_002), (&doubled, 25_002), (&too_much, 3)] {
        match load(&engine, text, Expect::Any).await {
            Err(DeckLoadError::File(DeckError::Faulty { faults, count: 1 })) => assert_eq!(faults[0].line, line),
            other => panic!("{other:?}"),
        }
    }
    let short = DeckFile { rows: Some(4), ..file(io::Cursor::new(rows(3).into_bytes())) };
    let short = engine.deck_loader().load(short, edit(), Expect::Any, &Progress::default()).await;
    assert!(matches!(short, Err(DeckLoadError::Rows { expected: 4, found: 3 })), "{short:?}");
    assert_eq!(in_force(&engine).await, Some((former.revision, 3)));
    while engine.deck_loader().sweep().await.unwrap() {}
    assert_eq!(rows_kept(&scene), 3, "what was given up is swept away at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_loads_at_once_the_second_is_told_and_no_more_are_taken() {
    let scene = Scene::new();
    let engine = scene.engine();
    let (slow, parts) = Slow::new();
    let progress = Progress::default();
    let late = begin(&engine, slow, &progress);
    parts.send(rows(12_000).into_bytes()).unwrap();
    until(|| progress.rows_written() == 10_000).await;
    let first = load(&engine, &rows(5), Expect::Any).await.unwrap();
    parts.send(Vec::new()).unwrap();
    match end(late).await {
        Err(DeckLoadError::Store(ControlError::Refused { refusal, .. })) => {
            assert_eq!(refusal, Refusal::Unexpected { found: Some(first.version) });
        }
        other => panic!("{other:?}"),
    }
    let stale = load(&engine, "no deck at all", Expect::Absent).await.unwrap_err();
    assert!(matches!(stale, DeckLoadError::Store(_)), "told before anything is read: {stale}");
    let mut waiting = Vec::new();
    for _ in 0..LOADS_MAX {
        let ((slow, parts), progress) = (Slow::new(), Progress::default());
        waiting.push((begin(&engine, slow, &progress), parts.clone()));
        parts.send(HEADER.as_bytes().to_vec()).unwrap();
        until(|| progress.bytes_read() > 0).await;
    }
    let refused = load(&engine, HEADER, Expect::Any).await;
    assert!(matches!(refused, Err(DeckLoadError::Busy)), "{refused:?}");
    for (load, parts) in waiting {
        drop(parts);
        let cut = end(load).await.unwrap_err();
        assert!(cut.to_string().contains("the wire was cut"), "{cut}");
    }
    assert_eq!(in_force(&engine).await, Some((first.revision, 5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_nobody_waits_for_is_given_up() {
    let mut scene = Scene::new();
    let engine = scene.engine();
    let mut wires = Vec::new();
    for stops in [false, true] {
        let (slow, parts) = Slow::new();
        let progress = Progress::default();
        let load = begin(&engine, slow, &progress);
        parts.send(rows(12_000).into_bytes()).unwrap();
        wires.push(parts);
        until(|| progress.rows_written() == 10_000).await;
        assert!(in_force(&engine).await.is_none());
        if stops {
            scene.stop().await;
            assert!(matches!(end(load).await, Err(DeckLoadError::GivenUp)));
        } else {
            drop(load);
            // Given up at once, so that a sweep takes it without waiting for it to be old.
            let swept = async {
                while rows_kept(&scene) > 0 {
                    engine.deck_loader().sweep().await.unwrap();
                }
            };
            tokio::time::timeout(SOON, swept).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_a_load_that_comes_into_force_goes_to_its_end_and_one_that_was_given_up_never_does() {
    let scene = Scene::new();
    let engine = scene.engine();
    let ((slow, parts), progress) = (Slow::new(), Progress::default());
    let load = begin(&engine, slow, &progress);
    parts.send(rows(12_000).into_bytes()).unwrap();
    until(|| progress.rows_written() == 10_000).await;
    parts.send(Vec::new()).unwrap();
    until(|| progress.is_finishing()).await;
    assert!(!progress.give_up(), "it cannot be said any more that nothing changed");
    drop(load);
    let found = async {
        while in_force(&engine).await.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, found).await.unwrap();

    let ((slow, parts), progress) = (Slow::new(), Progress::default());
    let load = begin(&engine, slow, &progress);
    parts.send(rows(12_000).into_bytes()).unwrap();
    until(|| progress.rows_written() == 10_000).await;
    assert!(progress.give_up());
    parts.send(Vec::new()).unwrap();
    assert!(matches!(end(load).await, Err(DeckLoadError::GivenUp)));
    assert_eq!(in_force(&engine).await.map(|(_, rows)| rows), Some(12_000), "the former one stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_left_is_swept_away_by_a_node_once_nobody_touched_it_for_long() {
    let mut scene = Scene::new();
    let control = scene.engine().control().clone();
    let (now, idle_max) = (edit().at.as_micros(), i64::try_from(LOAD_IDLE_MAX.as_micros()).unwrap());
    let (minute, mut loads) = (60_000_000, Vec::new());
    for touched in [now - idle_max + minute, now - idle_max - minute] {
        let load = control.begin_deck(&file(()).head, edit().at).await.unwrap();
        let rows: Vec<DeckRow> = DeckReader::new(rows(9).as_bytes()).unwrap().collect();
        control.add_deck_rows(load, &rows, Timestamp::from_micros(touched)).await.unwrap();
        loads.push(load);
    }
    // A node looks when it starts.
    scene.restart().await;
    until(|| rows_kept(&scene) == 9).await;
    let finished = scene.engine().control().finish_deck(&edit(), loads[0], Expect::Any).await;
    assert!(finished.is_ok(), "{finished:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_a_node_took_for_abandoned_is_told_so() {
    let scene = Scene::new();
    let engine = scene.engine();
    let ((slow, parts), progress) = (Slow::new(), Progress::default());
    let load = begin(&engine, slow, &progress);
    parts.send(rows(12_000).into_bytes()).unwrap();
    until(|| progress.rows_written() == 10_000).await;
    let later = Timestamp::from_micros(edit().at.as_micros() + 1);
    engine.control().sweep_decks(later).await.unwrap();
    parts.send(Vec::new()).unwrap();
    let told = end(load).await;
    assert!(matches!(told, Err(DeckLoadError::GivenUp)), "{told:?}");
    assert!(in_force(&engine).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_doubtful_of_a_deck_is_told() {
    let scene = Scene::new();
    let engine = scene.engine();
    let told = async |trunk: &str, currency: &str| {
        let head = DeckHead { trunk: trunk.parse().unwrap(), currency: currency.parse().unwrap() };
        engine.deck_loader().concerns(&head).await.unwrap().join("\n")
    };
    assert!(told("north", "SEK").await.contains("no plan is published"));
    engine.control().publish_plan(&edit(), PLAN, Expect::Any).await.unwrap();
    assert_eq!(told("north", "SEK").await, "");
    assert!(told("nroth", "SEK").await.contains("plan revision 1 has no trunk nroth"));
    load(&engine, &rows(1), Expect::Any).await.unwrap();
    assert!(told("south", "EUR").await.contains("the deck of north is in SEK"));
    engine.control().publish_plan(&edit(), "version: 1\n", Expect::Any).await.unwrap();
    assert!(told("north", "SEK").await.contains("has faults"));
}

async fn until(is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(SOON, waited).await.unwrap();
}
