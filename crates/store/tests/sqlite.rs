//! What is particular to the embedded store: its file, its schema, and reading it from another process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, dead_code, reason = "a test")]

mod sample;
mod scratch;

use std::path::Path;
use std::sync::Arc;

use sample::{at_ms, call, entry, id};
use scratch::Scratch;
use telness_store::{CallQuery, JournalId, Position, SqliteStore, Store, StoreError};

const JOURNAL: JournalId = JournalId([1; 16]);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn read_only_sees_what_a_service_writes_and_writes_nothing() {
    let scratch = Scratch::new("read-only");
    let file = scratch.path().join("store.sqlite");
    assert!(SqliteStore::open_read_only(&file).is_err());
    assert!(!file.exists(), "a reader made a file");
    let tenant = "nordtel".parse().unwrap();
    runtime().block_on(async {
        let service = SqliteStore::open(&file).unwrap();
        service.check().await.unwrap();
        let reader = SqliteStore::open_read_only(&file).unwrap();
        reader.check().await.unwrap();
        for ms in 0..3 {
            service.write(JOURNAL, Position(1), vec![entry(&call("nordtel", ms))]).await.unwrap();
            let found = reader.call(&tenant, id(ms, u64::try_from(ms).unwrap())).await.unwrap();
            assert!(found.is_some());
        }
        let refused = reader.write(JOURNAL, Position(2), Vec::new()).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(why)) if why.contains("read only")));
        drop(service);
        let all = CallQuery { limit: 10, ..CallQuery::default() };
        assert_eq!(reader.calls(&tenant, &all).await.unwrap().calls.len(), 3);
    });
    let alone = SqliteStore::open_read_only(&file).unwrap();
    assert_eq!(runtime().block_on(alone.position(JOURNAL)).unwrap(), Some(Position(1)));
}

#[test]
fn reading_a_file_of_something_else_or_of_a_later_version_is_refused_at_once() {
    let scratch = Scratch::new("refused");
    let file = scratch.path().join("store.sqlite");
    std::fs::write(&file, [0x5a; 9000]).unwrap();
    assert!(matches!(SqliteStore::open_read_only(&file), Err(StoreError::Broken(_))));
    std::fs::remove_file(&file).unwrap();
    made(&file);
    set_version(&file, "INSERT INTO schema_migrations VALUES (999, 'later', zeroblob(16))");
    assert!(matches!(SqliteStore::open_read_only(&file), Err(StoreError::Later { found: 999, .. })));
}

/// Makes a store in a file and closes it.
fn made(file: &Path) {
    let store = SqliteStore::open(file).unwrap();
    runtime().block_on(store.check()).unwrap();
}

fn set_version(file: &Path, sql: &str) {
    rusqlite::Connection::open(file).unwrap().execute(sql, []).unwrap();
}

/// Asks a store for everything that a node asks of it.
fn ask_all(store: &SqliteStore) -> [Result<(), StoreError>; 4] {
    let tenant = "nordtel".parse().unwrap();
    runtime().block_on(async {
        [
            store.position(JOURNAL).await.map(drop),
            store.write(JOURNAL, Position(1), vec![entry(&call("nordtel", 1))]).await.map(drop),
            store.call(&tenant, id(1, 1)).await.map(drop),
            store.check().await,
        ]
    })
}

/// The store opens whatever its file is like, says each time what is wrong, and works once it is right.
#[test]
fn s2_store_that_cannot_be_used_opens_and_works_when_it_can() {
    let scratch = Scratch::new("unusable");
    let file = scratch.path().join("store.sqlite");
    std::fs::write(&file, [0x5a; 9000]).unwrap();
    let store = SqliteStore::open(&file).unwrap();
    for asked in ask_all(&store) {
        assert!(matches!(asked, Err(StoreError::Broken(_))), "{asked:?}");
    }
    std::fs::remove_file(&file).unwrap();
    made(&file);
    set_version(&file, "INSERT INTO schema_migrations VALUES (999, 'later', zeroblob(16))");
    for asked in ask_all(&store) {
        let error = asked.unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, StoreError::Later { found: 999, .. }), "{said}");
        assert!(said.contains("999") && said.contains("up to version") && said.contains("run the later one"), "{said}");
    }
    set_version(&file, "DELETE FROM schema_migrations WHERE version = 999");
    for asked in ask_all(&store) {
        asked.unwrap();
    }
}

#[test]
fn s2_store_that_another_process_holds_opens_and_reads_all_the_same() {
    let scratch = Scratch::new("held");
    let file = scratch.path().join("store.sqlite");
    made(&file);
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let store = SqliteStore::open(&file).unwrap();
    assert_eq!(runtime().block_on(store.position(JOURNAL)).unwrap(), None);
    assert!(matches!(runtime().block_on(store.check()), Err(StoreError::Unavailable(_))));
    other.execute_batch("ROLLBACK").unwrap();
    runtime().block_on(store.check()).unwrap();
}

/// Whoever asks first makes the file: at a first start the shipper and readers ask at once.
#[test]
fn first_questions_at_once_make_one_store() {
    let scratch = Scratch::new("at-once");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    for turn in 0..50 {
        let file = scratch.path().join(format!("{turn}.sqlite"));
        let store = Arc::new(SqliteStore::open(&file).unwrap());
        let askers: Vec<_> = (0..4)
            .map(|asker| {
                let store = Arc::clone(&store);
                runtime.spawn(async move {
                    if asker == 0 { store.check().await } else { store.position(JOURNAL).await.map(drop) }
                })
            })
            .collect();
        for asker in askers {
            runtime.block_on(asker).unwrap().unwrap();
        }
    }
}

/// Another process holds the write lock for longer than is waited; when it lets go, the same store works again.
#[test]
fn n3_locked_store_is_unavailable_and_recovers_by_itself() {
    let scratch = Scratch::new("locked");
    let file = scratch.path().join("store.sqlite");
    let store = SqliteStore::open(&file).unwrap();
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let batch = || vec![entry(&call("nordtel", 1))];
    let refused = runtime().block_on(store.write(JOURNAL, Position(1), batch()));
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    runtime().block_on(store.write(JOURNAL, Position(1), batch())).unwrap();
    runtime().block_on(store.check()).unwrap();
}

/// A search for what is not there looks at so many calls and hands on, page after page, to the end.
#[test]
fn search_for_what_is_rare_is_bounded_and_comes_to_its_end() {
    const CALLS: i64 = 60_000;
    let scratch = Scratch::new("scan");
    let file = scratch.path().join("store.sqlite");
    let store = SqliteStore::open(&file).unwrap();
    let mut rare = call("nordtel", 7);
    rare.routing.sip_call_id = Some("the-one@pbx.example".into());
    runtime().block_on(store.write(JOURNAL, Position(1), vec![entry(&rare), entry(&call("nordtel", CALLS))])).unwrap();
    // Copies of one row, each with a time and an id of its own: many calls at little cost.
    let fill = rusqlite::Connection::open(&file).unwrap();
    let columns = "class, action, reason, trunk, caller_key, called_key, state, v, node, workflow, kind, direction,
        region, plan_revision, personal";
    fill.execute(
        &format!(
            "WITH RECURSIVE numbers(n) AS (SELECT 8 UNION ALL SELECT n + 1 FROM numbers WHERE n < {CALLS} - 1)
             INSERT INTO calls (tenant, call_id, received_at, {columns})
             SELECT tenant, randomblob(16), ?1 + n * 1000, {columns} FROM numbers, (SELECT * FROM calls LIMIT 1)"
        ),
        [at_ms(0).as_micros()],
    )
    .unwrap();
    let tenant = "nordtel".parse().unwrap();
    let mut query =
        CallQuery { sip_call_id: Some("the-one@pbx.example".to_owned()), limit: 10, ..CallQuery::default() };
    let first = runtime().block_on(store.calls(&tenant, &query)).unwrap();
    assert!(first.calls.is_empty() && first.next.is_some());
    query.after = first.next;
    let second = runtime().block_on(store.calls(&tenant, &query)).unwrap();
    assert_eq!(second.calls.len(), 1);
    assert!(second.next.is_none());
}
