//! What only the store of several nodes has: others who write at the same time, and days as partitions.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test"
)]

mod ground;
mod sample;
mod scratch;
mod seen;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ground::{database_of, ready, server};
use sample::{call, entry, event};
use seen::everything;
use telness_core::call::CallId;
use telness_core::record::{CallEvent, CallRecord, EventKind};
use telness_core::time::Timestamp;
use telness_store::{Entry, JournalId, Observe, Position, PostgresOptions, PostgresStore, Store, StoreError};
use telness_testkit::Dice;
use uuid::Uuid;

const TENANTS: [&str; 2] = ["nordtel", "sydtel"];
const DAY_MS: i64 = 86_400_000;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

fn journal(number: usize) -> JournalId {
    JournalId([u8::try_from(number).unwrap(); 16])
}

fn event_entry(event: CallEvent) -> Entry {
    Entry::Event(Box::new(event))
}

/// The id of an idempotency key: version 8, which tells no time.
fn keyed_id(lot: u64) -> CallId {
    let lot = lot.wrapping_add(1).wrapping_mul(0x2545_f491_4f6c_dd1d);
    CallId(Uuid::from_u64_pair(lot & !0xf000 | 0x8000, 1 << 63 | lot >> 2))
}

/// The call of a millisecond, under an id of an idempotency key.
fn keyed_call(tenant: &str, ms: i64) -> CallRecord {
    let mut record = call(tenant, ms);
    record.routing.call_id = keyed_id(u64::try_from(ms).unwrap());
    record
}

fn event_of(record: &CallRecord, event_id: &str, kind: EventKind, after_ms: i64) -> CallEvent {
    let at = |ms| Timestamp::from_micros(record.routing.received_at.as_micros() + ms * 1_000);
    let mut event = event(record.routing.tenant.as_str(), 0, event_id, kind, 0);
    event.call_id = record.routing.call_id;
    (event.occurred_at, event.received_at) = (at(after_ms), at(after_ms + 30));
    event
}

/// Calls of two tenants and two days, half of them by a key, each with the events of its life, and one by two nodes.
fn lives() -> Vec<Entry> {
    let mut entries = Vec::new();
    for number in 0..24_i64 {
        let ms = number % 3 * DAY_MS / 2 + number;
        let tenant = TENANTS[usize::try_from(number).unwrap() % 2];
        let record = if number / 2 % 2 == 0 { call(tenant, ms) } else { keyed_call(tenant, ms) };
        entries.push(entry(&record));
        let kinds = [(EventKind::Ringing, 100), (EventKind::Answered, 2_000), (EventKind::Ended, 62_000)];
        for (kind, after_ms) in kinds {
            let told = event_of(&record, &format!("{number}-{after_ms}"), kind, after_ms);
            let mut again = told.clone();
            again.node = "node-b".parse().unwrap();
            again.received_at = Timestamp::from_micros(told.received_at.as_micros() + 5_000);
            entries.extend([event_entry(told), event_entry(again)]);
        }
    }
    entries
}

fn shuffle<T>(items: &mut [T], dice: &mut Dice) {
    for at in (1..items.len()).rev() {
        items.swap(at, usize::try_from(dice.below(u64::try_from(at + 1).unwrap())).unwrap());
    }
}

async fn seen_of_all(store: &dyn Store) -> String {
    everything(store, TENANTS[0]).await + &everything(store, TENANTS[1]).await
}

/// Writes what is to be there before, then each share by a writer of its own, in batches of arbitrary sizes, through two
/// nodes with connections of their own; answers what can then be seen.
async fn written_at_once(before: Vec<Entry>, shares: Vec<Vec<Entry>>, batch_max: u64, seed: u64) -> String {
    let retries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&retries);
    let observe: Observe = Arc::new(move |told| {
        count.fetch_add(told.retries, Ordering::Relaxed);
    });
    let shared = PostgresOptions { observe, ..ready(server()).await };
    let nodes = [(); 2].map(|()| Arc::new(PostgresStore::open(&shared).unwrap()));
    nodes[0].write(journal(99), Position(1), before).await.unwrap();
    let writer = |(number, mut entries): (usize, Vec<Entry>)| {
        let store = Arc::clone(&nodes[number % 2]);
        tokio::spawn(async move {
            let mut dice = Dice::seeded(seed ^ u64::try_from(number).unwrap());
            while !entries.is_empty() {
                let count = usize::try_from(1 + dice.below(batch_max)).unwrap().min(entries.len());
                let batch = entries.split_off(entries.len() - count);
                store.write(journal(number), Position(1), batch).await.unwrap();
            }
        })
    };
    let writers: Vec<_> = shares.into_iter().enumerate().map(writer).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(retries.load(Ordering::Relaxed), 0, "they waited for each other in a circle; seed {seed}");
    nodes[0].tend().await.unwrap();
    assert_eq!(server().sql(&database_of(&shared), "SELECT count(*) FROM early_events"), "0");
    seen_of_all(&*nodes[1]).await
}

async fn written_by_one(entries: Vec<Entry>) -> String {
    let alone = PostgresStore::open(&ready(server()).await).unwrap();
    alone.write(journal(0), Position(1), entries).await.unwrap();
    seen_of_all(&alone).await
}

/// New calls of one day are copied. If one of them is there, nothing of the copy stays, and all are written with a look
/// at each: the new ones, and what contradicts the one that was there.
#[test]
fn n2_a_batch_of_new_calls_of_which_one_is_there_is_written_all_the_same() {
    run(async {
        let told = Arc::new(Mutex::new(Vec::new()));
        let names = Arc::clone(&told);
        let observe: Observe = Arc::new(move |one| names.lock().unwrap().push((one.name, one.ok, one.retries)));
        let shared = PostgresOptions { observe, ..ready(server()).await };
        let store = PostgresStore::open(&shared).unwrap();
        let calls: Vec<_> = (0..20).map(|ms| call(TENANTS[0], ms)).collect();
        let ringing = event_entry(event_of(&calls[9], "early", EventKind::Ringing, 10));
        store.write(journal(1), Position(1), vec![ringing]).await.unwrap();
        store.write(journal(1), Position(2), calls[..8].iter().map(entry).collect()).await.unwrap();
        let mut second = calls[3].clone();
        second.routing.gateway = None;
        let batch = calls[4..].iter().chain([&second]).map(entry).collect();
        told.lock().unwrap().clear();
        store.write(journal(1), Position(3), batch).await.unwrap();
        assert_eq!(*told.lock().unwrap(), [("copy_batch", false, 0), ("write_batch", true, 0)]);
        for record in &calls {
            let kept = store.call(&record.routing.tenant, record.routing.call_id).await.unwrap().unwrap();
            assert_eq!((&kept.routing, &kept.personal), (&record.routing, &record.personal));
            assert_eq!(kept.events.len(), usize::from(record.routing.call_id == calls[9].routing.call_id));
        }
        let name = &second.routing.tenant;
        assert_eq!(store.contradictions(name, second.routing.call_id).await.unwrap(), [second.clone()]);
        assert_eq!(store.position(journal(1)).await.unwrap(), Some(Position(3)));
        assert_eq!(server().sql(&database_of(&shared), "SELECT count(*) FROM calls"), "20");
    });
}

/// Calls under a key are looked at, and the rest of their batch is copied all the same.
#[test]
fn n5_calls_with_keys_take_the_copy_from_no_other() {
    run(async {
        let told = Arc::new(Mutex::new(Vec::new()));
        let names = Arc::clone(&told);
        let observe: Observe = Arc::new(move |one| names.lock().unwrap().push((one.name, one.ok)));
        let store = PostgresStore::open(&PostgresOptions { observe, ..ready(server()).await }).unwrap();
        let record = |ms| if ms % 2 == 0 { keyed_call(TENANTS[0], ms) } else { call(TENANTS[0], ms) };
        let calls: Vec<_> = (0..20).map(record).collect();
        // One of the keys was used on another node, and decided otherwise there.
        let mut first = calls[4].clone();
        first.routing.received_at = Timestamp::from_micros(first.routing.received_at.as_micros() - 50_000);
        store.write(journal(2), Position(1), vec![entry(&first)]).await.unwrap();
        told.lock().unwrap().clear();
        store.write(journal(1), Position(1), calls.iter().map(entry).collect()).await.unwrap();
        assert_eq!(*told.lock().unwrap(), [("copy_batch", true)]);
        for record in &calls {
            let (name, id) = (&record.routing.tenant, record.routing.call_id);
            let kept = store.call(name, id).await.unwrap().unwrap();
            let (expected, others) = if id == first.routing.call_id { (&first, 1) } else { (record, 0) };
            assert_eq!(kept.routing, expected.routing);
            assert_eq!(store.contradictions(name, id).await.unwrap().len(), others);
        }
    });
}

/// A call whose time is another than its id tells is looked for everywhere; when it is gone, so is the search.
#[test]
fn calls_are_copied_again_when_the_last_stray_is_gone() {
    run(async {
        let told = Arc::new(Mutex::new(Vec::new()));
        let names = Arc::clone(&told);
        let observe: Observe = Arc::new(move |one| names.lock().unwrap().push(one.name));
        let shared = PostgresOptions { observe, ..ready(server()).await };
        let store = PostgresStore::open(&shared).unwrap();
        let mut stray = call(TENANTS[0], 1);
        stray.routing.received_at = Timestamp::from_micros(stray.routing.received_at.as_micros() + 7_000);
        store.write(journal(1), Position(1), vec![entry(&stray)]).await.unwrap();
        let written_by = async |ms: i64| {
            told.lock().unwrap().clear();
            let position = Position(u64::try_from(ms).unwrap());
            store.write(journal(1), position, vec![entry(&call(TENANTS[0], ms))]).await.unwrap();
            told.lock().unwrap().clone()
        };
        assert_eq!(written_by(10).await, ["copy_batch", "write_batch"], "it shows when the first is copied");
        assert_eq!(written_by(11).await, ["write_batch"]);
        server().sql(&database_of(&shared), "DELETE FROM keyed_calls; DELETE FROM calls");
        assert_eq!(written_by(12).await, ["write_batch"]);
        assert_eq!(written_by(13).await, ["copy_batch"]);
    });
}

/// The same new calls by two nodes at once: both copy, one is undone, and nobody waits in a circle.
#[test]
fn n5_two_nodes_that_copy_the_same_calls_at_once_write_each_once() {
    let calls: Vec<_> = (0..200).map(|ms| entry(&call(TENANTS[usize::from(ms % 2 == 0)], ms))).collect();
    for seed in 0..5 {
        let shares = vec![calls.clone(), calls.clone(), calls.clone()];
        let seen = run(written_at_once(Vec::new(), shares, 40, seed));
        assert_eq!(seen, run(written_by_one(calls.clone())), "seed {seed}");
    }
}

#[test]
fn n2_sixteen_who_write_the_same_at_once_leave_what_one_leaves() {
    let seed = Dice::fresh_seed();
    println!("seed {seed}");
    let shares = (0..16).map(|writer| {
        let mut entries = lives();
        shuffle(&mut entries, &mut Dice::seeded(seed ^ writer));
        entries
    });
    run(async {
        let expected = written_by_one(lives()).await;
        assert_eq!(written_at_once(Vec::new(), shares.collect(), 40, seed).await, expected, "seed {seed}");
    });
}

#[test]
fn n6_what_sixteen_report_of_a_call_at_once_all_counts() {
    let seed = Dice::fresh_seed();
    println!("seed {seed}");
    let calls: Vec<_> =
        (0..60).map(|ms| if ms % 2 == 0 { call("nordtel", ms) } else { keyed_call("nordtel", ms) }).collect();
    // Each writer has one event of each call, in the order of the calls, and each event of a call counts for something.
    let shares: Vec<Vec<_>> = (0..16)
        .map(|writer| {
            let kind = [EventKind::Ringing, EventKind::Answered, EventKind::Ended][writer % 3];
            let after_ms = i64::try_from(writer).unwrap() * if kind == EventKind::Ended { 100 } else { -1 };
            let told = |record| event_entry(event_of(record, &format!("e-{writer}"), kind, after_ms + 1_000));
            calls.iter().rev().map(told).collect()
        })
        .collect();
    run(async {
        let calls: Vec<_> = calls.iter().map(entry).collect();
        let expected = written_by_one(calls.iter().chain(shares.iter().flatten()).cloned().collect()).await;
        assert_eq!(written_at_once(calls, shares, 1, seed).await, expected, "seed {seed}");
    });
}

#[test]
fn n6_more_events_than_count_may_come_from_sixteen_at_once() {
    let seed = Dice::fresh_seed();
    println!("seed {seed}");
    let record = call("nordtel", 1);
    let told = |number: i64| event_entry(event_of(&record, &format!("r-{number}"), EventKind::Ringing, number));
    let mut events: Vec<_> = (0..320).map(told).collect();
    run(async {
        let expected = written_by_one(std::iter::once(entry(&record)).chain(events.iter().cloned()).collect()).await;
        shuffle(&mut events, &mut Dice::seeded(seed));
        let shares = events.chunks(20).map(<[Entry]>::to_vec).collect();
        assert_eq!(written_at_once(vec![entry(&record)], shares, 20, seed).await, expected, "seed {seed}");
    });
}

#[test]
fn n6_events_find_their_call_whichever_node_is_first() {
    run(async {
        let shared = ready(server()).await;
        let [a, b] = [(); 2].map(|()| PostgresStore::open(&shared).unwrap());
        for (number, keyed) in (0..60_i64).flat_map(|number| [(number, false), (number, true)]) {
            let record = if keyed { keyed_call("nordtel", number) } else { call("nordtel", number) };
            let told = || vec![event_entry(event_of(&record, "a", EventKind::Answered, 2_000))];
            let came = || vec![entry(&record)];
            match number % 3 {
                0 => {
                    b.write(journal(2), Position(1), told()).await.unwrap();
                    assert!(b.call(&record.routing.tenant, record.routing.call_id).await.unwrap().is_none());
                    a.write(journal(1), Position(1), came()).await.unwrap();
                }
                1 => {
                    a.write(journal(1), Position(1), came()).await.unwrap();
                    b.write(journal(2), Position(1), told()).await.unwrap();
                }
                _ => {
                    let (told, came) = tokio::join!(
                        b.write(journal(2), Position(1), told()),
                        a.write(journal(1), Position(1), came())
                    );
                    told.unwrap();
                    came.unwrap();
                    // Neither saw what the other had not committed.
                    a.tend().await.unwrap();
                }
            }
            let whole = a.call(&record.routing.tenant, record.routing.call_id).await.unwrap().unwrap();
            assert_eq!((whole.events.len(), whole.cdr.answered_at.is_some()), (1, true), "{number} {keyed}");
        }
        assert_eq!(server().sql(&database_of(&shared), "SELECT count(*) FROM early_events"), "0");
    });
}

#[test]
fn n6_events_that_missed_their_call_are_swept_to_it() {
    run(async {
        let shared = ready(server()).await;
        let store = PostgresStore::open(&shared).unwrap();
        let mut entries = lives();
        for ms in 0..700 {
            entries.push(entry(&call("nordtel", ms)));
            entries.push(event_entry(event("nordtel", ms, "e", EventKind::Failed, 10)));
        }
        store.write(journal(1), Position(1), entries).await.unwrap();
        let expected = seen_of_all(&store).await;
        // As it is when each of them was written beside its call, neither of which saw the other.
        let missed =
            "INSERT INTO early_events SELECT tenant, call_id, event_id, digest, occurred_at, event FROM events;
            DELETE FROM events; UPDATE calls SET state = 'decided', cdr = NULL, answered_at = NULL, ended_at = NULL";
        server().sql(&database_of(&shared), missed);
        assert_ne!(seen_of_all(&store).await, expected);
        // Each goes on where the last left off, for as long as it may take.
        while server().sql(&database_of(&shared), "SELECT count(*) FROM early_events") != "0" {
            store.tend().await.unwrap();
        }
        assert_eq!(seen_of_all(&store).await, expected);
    });
}

/// A switch that reported for an hour of calls that nobody asked about leaves a million of them waiting.
#[test]
fn n3_who_tends_looks_at_waiting_events_for_a_moment_and_goes_on_the_next_time() {
    run(async {
        let shared = ready(server()).await;
        let store = PostgresStore::open(&shared).unwrap();
        let waiting = "INSERT INTO early_events (tenant, call_id, event_id, digest, received_at, event)
            SELECT 'nordtel', gen_random_uuid(), 'e', '\\x00', now(), '{}' FROM generate_series(1, 300000)";
        server().sql(&database_of(&shared), waiting);
        for _ in 0..3 {
            let began = std::time::Instant::now();
            store.tend().await.unwrap();
            assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
        }
    });
}

/// The days that there are partitions of, as both tables have them.
fn days(database: &str) -> BTreeSet<String> {
    let select = "SELECT right(inhrelid::regclass::text, 8), count(*) FROM pg_inherits
        WHERE inhparent IN ('calls'::regclass, 'events'::regclass) GROUP BY 1";
    let found = server().sql(database, select);
    found
        .lines()
        .map(|line| line.strip_suffix("|2").unwrap_or_else(|| panic!("one table alone: {line}")).to_owned())
        .collect()
}

#[test]
fn each_day_of_calls_is_a_partition_and_midnight_parts_nothing() {
    run(async {
        let shared = ready(server()).await;
        let database = database_of(&shared);
        let store = PostgresStore::open(&shared).unwrap();
        let midnight = DAY_MS - (14 * 3_600 + 13 * 60 + 20) * 1_000;
        let mut entries: Vec<_> = [-1, 0].map(|ms| entry(&call("nordtel", midnight + ms))).into();
        // They belong to the day of their call, whenever they come.
        entries.extend([-1, 0].map(|ms| event_entry(event("nordtel", midnight + ms, "e", EventKind::Ended, 5_000))));
        store.write(journal(1), Position(1), entries).await.unwrap();
        assert_eq!(days(&database), ["20260921", "20260922"].map(str::to_owned).into());
        for table in ["calls_p20260921", "calls_p20260922", "events_p20260921", "events_p20260922"] {
            assert_eq!(server().sql(&database, &format!("SELECT count(*) FROM {table}")), "1", "{table}");
        }
        assert_eq!(everything(&store, "nordtel").await.matches("\"event_id\":\"e\"").count(), 2);
        // Whoever reports an event of a call that there is not has no say in what is made.
        let nowhere = event("nordtel", 2_000 * 365 * DAY_MS, "e", EventKind::Ended, 0);
        store.write(journal(1), Position(2), vec![event_entry(nowhere)]).await.unwrap();
        assert_eq!(days(&database).len(), 2);
        // A day that was dropped under a running node is made again.
        server().sql(&database, "DROP TABLE calls_p20260922, events_p20260922");
        let again = || vec![entry(&call("nordtel", midnight))];
        let refused = store.write(journal(1), Position(3), again()).await;
        assert!(matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("day")), "{refused:?}");
        store.write(journal(1), Position(3), again()).await.unwrap();
    });
}

#[test]
fn days_to_come_are_made_ahead_by_as_many_as_tend() {
    run(async {
        let shared = ready(server()).await;
        let stores: Vec<_> = (0..4).map(|_| Arc::new(PostgresStore::open(&shared).unwrap())).collect();
        let tending: Vec<_> =
            stores.iter().cloned().map(|store| tokio::spawn(async move { store.tend().await })).collect();
        for one in tending {
            one.await.unwrap().unwrap();
        }
        let wanted = "SELECT to_char((now() AT TIME ZONE 'UTC')::date + n, 'YYYYMMDD') FROM generate_series(0, 4) n";
        let wanted = server().sql(&database_of(&shared), wanted).lines().map(str::to_owned).collect();
        assert_eq!(days(&database_of(&shared)), wanted);
    });
}

#[test]
fn no_table_is_read_whole_by_a_plan_from_when_it_was_small() {
    run(async {
        let shared = ready(server()).await;
        let database = database_of(&shared);
        let store = PostgresStore::open(&shared).unwrap();
        // So often that a plan for any value would be kept by now, were it let.
        for ms in 0..30 {
            store.write(journal(1), Position(1), vec![entry(&call("nordtel", ms))]).await.unwrap();
            let told = vec![event_entry(event("nordtel", ms, "e", EventKind::Ended, 5_000))];
            store.write(journal(1), Position(1), told).await.unwrap();
            let record = call("nordtel", ms).routing;
            assert_eq!(store.call(&record.tenant, record.call_id).await.unwrap().unwrap().events.len(), 1);
        }
        for batch in 1..4 {
            let mss = || batch * 1_000..batch * 1_000 + 500;
            let told = mss().map(|ms| event_entry(event("nordtel", ms, "e", EventKind::Ended, 5_000)));
            store.write(journal(1), Position(1), mss().map(|ms| entry(&call("nordtel", ms))).collect()).await.unwrap();
            store.write(journal(1), Position(1), told.collect()).await.unwrap();
        }
        drop(store);
        let connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND application_name = 'telness'";
        // A connection tells what it did when it ends.
        while server().sql(&database, connected) != "0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let looks = "SELECT sum(seq_tup_read), sum(idx_scan) > 1000 FROM pg_stat_user_tables
            WHERE relname ~ 'calls|events'";
        assert_eq!(server().sql(&database, looks), "0|t");
    });
}
