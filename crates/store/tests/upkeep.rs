//! What every store promises of looking after records: what is over goes, and nothing else; what is doubtful is found.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test"
)]

mod ground;
mod sample;
mod scratch;
mod seen;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use ground::{Ground, PostgresGround, SqliteGround, database_of, ready, server};
use sample::{at_ms, call, entry, event};
use seen::everything;
use telness_core::call::CallId;
use telness_core::class::Class;
use telness_core::names::TenantName;
use telness_core::record::{CallEvent, CallRecord, EventKind};
use telness_core::retention::{DataClass, Horizons, Retention, TenantRetention};
use telness_core::time::Timestamp;
use telness_store::{
    CallQuery, DayPruned, Entry, JournalId, Position, PostgresStore, Prunable, PruneStep, Store, Upkeep,
};
use uuid::Uuid;

const JOURNAL: JournalId = JournalId([1; 16]);
const DAY_MS: i64 = 86_400_000;
/// From 2026-09-21T14:13:20Z, when the samples begin, to the end of that day.
const TO_MIDNIGHT_MS: i64 = 35_200_000;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}

fn tenant(name: &str) -> TenantName {
    name.parse().unwrap()
}

fn told(event: CallEvent) -> Entry {
    Entry::Event(Box::new(event))
}

async fn write(store: &dyn Store, upto: u64, entries: Vec<Entry>) {
    store.write(JOURNAL, Position(upto), entries).await.unwrap();
}

fn keyed(mut record: CallRecord, lot: u64) -> CallRecord {
    let lot = lot.wrapping_add(1).wrapping_mul(0x2545_f491_4f6c_dd1d);
    record.routing.call_id = CallId(Uuid::from_u64_pair(lot & !0xf000 | 0x8000, 1 << 63 | lot >> 2));
    record
}

fn emergency(ms: i64) -> CallRecord {
    let mut record = call("nordtel", ms);
    record.routing.class = Class::Emergency;
    record
}

async fn ids(store: &dyn Store, name: &str) -> Vec<CallId> {
    let page = store.calls(&tenant(name), &CallQuery { limit: 1000, ..CallQuery::default() }).await.unwrap();
    page.calls.iter().map(|one| one.routing.call_id).collect()
}

type Counts = BTreeMap<(String, DataClass), u64>;

/// All steps, as the engine takes them.
async fn prune(store: &dyn Upkeep, horizons: &Horizons, dry_run: bool) -> Counts {
    let mut counts = Counts::new();
    let mut add = |tenant: &TenantName, class, records| {
        if records > 0 {
            *counts.entry((tenant.to_string(), class)).or_default() += records;
        }
    };
    for day in store.days().await.unwrap().into_iter().filter(|_| !dry_run) {
        if let DayPruned::Removed(removed) = store.prune_day(day, horizons, false).await.unwrap() {
            removed.iter().for_each(|(tenant, class, records)| add(tenant, *class, *records));
        }
    }
    for tenant in store.tenants_with_records().await.unwrap() {
        for class in DataClass::ALL {
            let Some((since, until)) = horizons.of_tenant(&tenant).range(class) else { continue };
            let emergency = matches!(class, DataClass::EmergencyCalls | DataClass::EmergencyPersonal);
            let parts: &[Prunable] = match class {
                DataClass::Calls | DataClass::EmergencyCalls => &[Prunable::Calls, Prunable::OtherRecords],
                DataClass::Personal | DataClass::EmergencyPersonal => &[Prunable::Personal, Prunable::OtherPersonal],
                DataClass::WaitingEvents => &[Prunable::WaitingEvents],
            };
            for what in parts.iter().copied() {
                let (mut after, also_unbilled) = (None, false);
                loop {
                    let step = PruneStep {
                        tenant: tenant.clone(),
                        what,
                        emergency,
                        since,
                        until,
                        after,
                        also_unbilled,
                        dry_run,
                    };
                    let pruned = store.prune(step).await.unwrap();
                    add(&tenant, class, pruned.records);
                    after = pruned.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
        }
    }
    counts
}

/// Once dry and once not, which tell the same; then again, which finds nothing more.
async fn pruned(store: &dyn Upkeep, horizons: &Horizons) -> Counts {
    let before = everything(store, "nordtel").await + &everything(store, "sydtel").await;
    let would = prune(store, horizons, true).await;
    assert_eq!(
        everything(store, "nordtel").await + &everything(store, "sydtel").await,
        before,
        "a dry run changes nothing"
    );
    let done = prune(store, horizons, false).await;
    assert_eq!(would, done, "a dry run tells what the run does");
    assert_eq!(prune(store, horizons, false).await, Counts::new(), "a second run finds nothing");
    done
}

fn counted(counts: &[(&str, DataClass, u64)]) -> Counts {
    counts.iter().map(|(tenant, class, records)| (((*tenant).to_owned(), *class), *records)).collect()
}

async fn what_is_over_goes_and_nothing_else(store: &dyn Upkeep) {
    let last_of_day = TO_MIDNIGHT_MS - 1;
    let mut entries: Vec<_> = [0, 1, last_of_day, TO_MIDNIGHT_MS].map(|ms| entry(&call("nordtel", ms))).to_vec();
    entries.extend([0, TO_MIDNIGHT_MS].map(|ms| entry(&call("sydtel", ms))));
    entries.extend([entry(&emergency(5)), entry(&keyed(call("nordtel", 7), 7))]);
    entries.push(told(event("nordtel", 0, "a", EventKind::Ringing, 10)));
    // Clocks that are wrong by centuries are over at once, or not for long.
    let mut wrong = [keyed(call("sydtel", 1), 70), keyed(call("sydtel", 2), 71)];
    wrong[0].routing.received_at = "1970-01-01T00:00:01Z".parse().unwrap();
    wrong[1].routing.received_at = "2499-01-01T00:00:01Z".parse().unwrap();
    entries.extend(wrong.iter().map(entry));
    write(store, 1, entries).await;
    let usual = Retention { calls_days: 1, ..Retention::default() };
    let own = [(tenant("sydtel"), TenantRetention { calls_days: Some(2), ..TenantRetention::default() })];
    // In the last microsecond of the next day all of the first one is kept yet.
    let early = Horizons::of(usual, own.clone(), at_ms(TO_MIDNIGHT_MS + DAY_MS - 1));
    assert_eq!(pruned(store, &early).await, counted(&[("sydtel", DataClass::Calls, 1)]));
    let later = Horizons::of(usual, own.clone(), at_ms(TO_MIDNIGHT_MS + DAY_MS));
    assert_eq!(pruned(store, &later).await, counted(&[("nordtel", DataClass::Calls, 4)]));
    assert_eq!(ids(store, "nordtel").await, [sample::id(TO_MIDNIGHT_MS, 35_200_000), sample::id(5, 5)]);
    assert_eq!(ids(store, "sydtel").await.len(), 3, "another tenant's longer time holds, on the same day");
    // An event of a call that is gone waits, and brings nothing back.
    write(store, 2, vec![told(event("nordtel", 0, "b", EventKind::Ended, 20))]).await;
    assert!(store.call(&tenant("nordtel"), sample::id(0, 0)).await.unwrap().is_none());
    let evidence = Retention { emergency_calls_days: 1, waiting_events_days: 1, ..usual };
    let all = Horizons::of(evidence, own, at_ms(TO_MIDNIGHT_MS + 2 * DAY_MS));
    let done = pruned(store, &all).await;
    let expected = [
        ("nordtel", DataClass::Calls, 1),
        ("nordtel", DataClass::EmergencyCalls, 1),
        ("nordtel", DataClass::WaitingEvents, 1),
        ("sydtel", DataClass::Calls, 1),
    ];
    assert_eq!(done, counted(&expected));
    assert_eq!(ids(store, "nordtel").await, []);
    assert_eq!(ids(store, "sydtel").await.len(), 2);
}

async fn what_tells_of_people_goes_and_the_call_stays(store: &dyn Upkeep) {
    let mut other = call("nordtel", 1);
    other.routing.node = "node-b".parse().unwrap();
    let records = [call("nordtel", 1), other, keyed(call("nordtel", 2), 2), emergency(3), call("sydtel", 1)];
    let mut entries: Vec<_> = records.iter().map(entry).collect();
    entries.push(told(event("nordtel", 1, "a", EventKind::Answered, 10)));
    write(store, 1, entries.clone()).await;
    let usual = Retention { personal_days: 1, ..Retention::default() };
    let own = [(tenant("sydtel"), TenantRetention { personal_days: Some(0), ..TenantRetention::default() })];
    let horizons = Horizons::of(usual, own, at_ms(TO_MIDNIGHT_MS + DAY_MS));
    assert_eq!(pruned(store, &horizons).await, counted(&[("nordtel", DataClass::Personal, 3)]));
    let nordtel = tenant("nordtel");
    let all = everything(store, "nordtel").await;
    for text in ["070-174 06 10", "+46701740610", "08-465 004 00", "+46846500400"] {
        // The emergency call has its own time.
        assert_eq!(all.matches(text).count() > 0, everything_of(store, sample::id(3, 3)).await.contains(text));
    }
    let kept = store.call(&nordtel, sample::id(1, 1)).await.unwrap().unwrap();
    assert_eq!(kept.routing, call("nordtel", 1).routing.pruned());
    assert!(kept.personal.pruned && kept.events.len() == 1);
    let others = store.contradictions(&nordtel, sample::id(1, 1)).await.unwrap();
    assert!(others.len() == 1 && others[0].personal.pruned && others[0].routing.caller_key.is_none());
    let by_number = CallQuery { caller: call("nordtel", 1).routing.caller_key, limit: 10, ..CallQuery::default() };
    assert_eq!(store.calls(&nordtel, &by_number).await.unwrap().calls.len(), 1, "of the emergency call alone");
    assert_eq!(
        store.call(&tenant("sydtel"), sample::id(1, 1)).await.unwrap().unwrap().routing,
        call("sydtel", 1).routing
    );
    // The journal ships all of it again: nothing comes back, and nothing contradicts.
    write(store, 2, entries).await;
    assert_eq!(everything(store, "nordtel").await, all);
    assert!(store.contradictions(&nordtel, keyed(call("nordtel", 2), 2).routing.call_id).await.unwrap().is_empty());
}

async fn everything_of(store: &dyn Upkeep, id: CallId) -> String {
    serde_json::to_string(&store.call(&tenant("nordtel"), id).await.unwrap().unwrap()).unwrap()
}

async fn events_whose_call_never_comes_go_together(store: &dyn Upkeep) {
    let mut entries = vec![entry(&call("nordtel", 9))];
    for (ms, event_id, after_ms) in [(1, "a", 10), (1, "b", DAY_MS), (2, "a", 10), (2, "b", 20), (9, "a", 5)] {
        entries.push(told(event("nordtel", ms, event_id, EventKind::Ringing, after_ms)));
    }
    write(store, 1, entries).await;
    let usual = Retention { waiting_events_days: 1, ..Retention::default() };
    let horizons = Horizons::of(usual, [], at_ms(TO_MIDNIGHT_MS + DAY_MS));
    assert_eq!(store.awaited(&tenant("nordtel"), None, 10).await.unwrap().len(), 2);
    assert_eq!(pruned(store, &horizons).await, counted(&[("nordtel", DataClass::WaitingEvents, 2)]));
    let left = store.awaited(&tenant("nordtel"), None, 10).await.unwrap();
    assert_eq!((left.len(), left[0].call_id, left[0].events), (1, sample::id(1, 1), 2));
    assert_eq!(left[0].last_received_at, at_ms(1 + DAY_MS + 30));
    assert!(store.awaited(&tenant("nordtel"), Some(left[0].call_id), 10).await.unwrap().is_empty());
    // Its call comes at last: both events are there.
    write(store, 2, vec![entry(&call("nordtel", 1))]).await;
    assert_eq!(store.call(&tenant("nordtel"), sample::id(1, 1)).await.unwrap().unwrap().events.len(), 2);
}

async fn an_old_key_is_free_again(store: &dyn Upkeep) {
    let old = keyed(call("nordtel", 1), 1);
    write(store, 1, vec![entry(&old)]).await;
    let usual = Retention { calls_days: 1, ..Retention::default() };
    let horizons = Horizons::of(usual, [], at_ms(TO_MIDNIGHT_MS + DAY_MS));
    assert_eq!(prune(store, &horizons, false).await, counted(&[("nordtel", DataClass::Calls, 1)]));
    let new = keyed(call("nordtel", 40 * DAY_MS), 1);
    assert_eq!(new.routing.call_id, old.routing.call_id);
    let mut ringing = event("nordtel", 1, "a", EventKind::Ringing, 10);
    ringing.call_id = new.routing.call_id;
    write(store, 2, vec![entry(&new), told(ringing)]).await;
    let kept = store.call(&tenant("nordtel"), new.routing.call_id).await.unwrap().unwrap();
    assert_eq!((kept.routing, kept.events.len()), (new.routing.clone(), 1));
    assert!(store.contradictions(&tenant("nordtel"), new.routing.call_id).await.unwrap().is_empty());
}

async fn what_is_doubtful_is_found(store: &dyn Upkeep) {
    let mut other = call("nordtel", 1);
    other.routing.trunk = Some("carrier-two".parse().unwrap());
    write(
        store,
        1,
        [call("nordtel", 1), other.clone(), call("nordtel", 2), call("sydtel", 1)].iter().map(entry).collect(),
    )
    .await;
    let twice = [EventKind::Answered, EventKind::Ended].map(|kind| told(event("nordtel", 2, "a", kind, 10)));
    write(store, 2, twice.into_iter().chain([told(event("nordtel", 1, "a", EventKind::Answered, 10))]).collect()).await;
    let asked = [1, 2].map(|ms| (sample::id(ms, u64::try_from(ms).unwrap()), at_ms(ms))).to_vec();
    let found = store.doubtful(&tenant("nordtel"), asked.clone()).await.unwrap();
    assert_eq!(found.records, [other]);
    assert_eq!(found.events, [(sample::id(2, 2), "a".parse().unwrap())]);
    let none = store.doubtful(&tenant("sydtel"), asked).await.unwrap();
    assert!(none.records.is_empty() && none.events.is_empty());
    assert_eq!(store.tenants_with_records().await.unwrap(), [tenant("nordtel"), tenant("sydtel")]);
}

async fn more_than_a_step_takes(store: &dyn Upkeep) {
    for batch in 0..5_i64 {
        let entries = (0..500).map(|at| entry(&call("nordtel", batch * 500 + at))).collect();
        write(store, u64::try_from(batch).unwrap(), entries).await;
    }
    let both = Retention { personal_days: 1, ..Retention::default() };
    let horizons = Horizons::of(both, [], at_ms(TO_MIDNIGHT_MS + DAY_MS));
    // Two at once take what there is between them.
    let (one, other) = tokio::join!(prune(store, &horizons, false), prune(store, &horizons, false));
    let done = [one, other].iter().flat_map(|counts| counts.values().copied()).sum::<u64>();
    let left = prune(store, &horizons, false).await.values().sum::<u64>();
    assert_eq!(done + left, 2_500);
    let all = Horizons::of(Retention { calls_days: 1, ..both }, [], at_ms(TO_MIDNIGHT_MS + DAY_MS));
    let (one, other) = tokio::join!(prune(store, &all, false), prune(store, &all, false));
    let done = [one, other].iter().flat_map(|counts| counts.values().copied()).sum::<u64>();
    let left = prune(store, &all, false).await.values().sum::<u64>();
    assert_eq!(done + left, 2_500, "each is told of by one run alone");
    assert_eq!(ids(store, "nordtel").await, []);
}

fn with_store(mut ground: impl Ground, test: impl AsyncFnOnce(&dyn Upkeep)) {
    run(async {
        let store = ground.store().await;
        test(&*store).await;
        store.check().await.unwrap();
    });
}

macro_rules! suite {
    ($module:ident, $ground:ident) => {
        mod $module {
            use super::*;

            #[test]
            fn n2_what_is_over_goes_and_nothing_else() {
                with_store($ground::new("over"), what_is_over_goes_and_nothing_else);
            }

            #[test]
            fn what_tells_of_people_goes_and_the_call_stays() {
                with_store($ground::new("people"), super::what_tells_of_people_goes_and_the_call_stays);
            }

            #[test]
            fn events_whose_call_never_comes_go_together() {
                with_store($ground::new("never"), super::events_whose_call_never_comes_go_together);
            }

            #[test]
            fn n5_an_old_key_is_free_again() {
                with_store($ground::new("free"), an_old_key_is_free_again);
            }

            #[test]
            fn n7_what_is_doubtful_is_found() {
                with_store($ground::new("doubtful"), what_is_doubtful_is_found);
            }

            #[test]
            fn more_than_a_step_takes() {
                with_store($ground::new("more"), super::more_than_a_step_takes);
            }
        }
    };
}

suite!(sqlite, SqliteGround);
suite!(postgres, PostgresGround);

fn a_day_later() -> Horizons {
    Horizons::of(Retention { calls_days: 1, ..Retention::default() }, [], at_ms(TO_MIDNIGHT_MS + DAY_MS))
}

#[test]
fn n2_a_day_goes_whole_and_a_late_record_of_it_is_taken_until_the_next_run() {
    run(async {
        let options = ready(server()).await;
        let (node, pruner) = (PostgresStore::open(&options).unwrap(), PostgresStore::open(&options).unwrap());
        write(&node, 1, vec![entry(&call("nordtel", 1)), entry(&keyed(call("nordtel", 2), 2))]).await;
        let partitions =
            || server().sql(&database_of(&options), "SELECT count(*) FROM pg_class WHERE relname = 'calls_p20260921'");
        assert_eq!(partitions(), "1");
        assert_eq!(prune(&pruner, &a_day_later(), false).await, counted(&[("nordtel", DataClass::Calls, 2)]));
        assert_eq!(partitions(), "0", "it was dropped, not emptied");
        assert_eq!(server().sql(&database_of(&options), "SELECT count(*) FROM keyed_calls"), "0");
        // The node still takes the day for made. Its shipper tries again after a failure, and that is enough.
        let late = || vec![entry(&call("nordtel", 3))];
        let first = node.write(JOURNAL, Position(2), late()).await;
        assert!(first.is_err(), "the partition is not there");
        node.write(JOURNAL, Position(2), late()).await.unwrap();
        assert_eq!(ids(&node, "nordtel").await.len(), 1);
        assert_eq!(prune(&pruner, &a_day_later(), false).await, counted(&[("nordtel", DataClass::Calls, 1)]));
        assert_eq!(partitions(), "0");
    });
}

#[test]
fn n2_a_day_that_somebody_holds_is_left_and_nobody_waits_long_for_it() {
    run(async {
        let options = ready(server()).await;
        let store = Arc::new(PostgresStore::open(&options).unwrap());
        write(&*store, 1, vec![entry(&call("nordtel", 1))]).await;
        let (reader, connection) = tokio_postgres::connect(&options.url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        reader.batch_execute("BEGIN; SELECT count(*) FROM calls").await.unwrap();
        let pruner = Arc::clone(&store);
        let pruning = tokio::spawn(async move {
            let day = pruner.days().await.unwrap()[0];
            pruner.prune_day(day, &a_day_later(), false).await.unwrap()
        });
        // Calls go on beside it: each write waits no longer than the lock is asked for in one go, and that is made sure
        // of by the day's being held all the time.
        let mut written = 0;
        while !pruning.is_finished() {
            written += 1;
            write(&*store, 1 + written, vec![entry(&call("nordtel", 10 * DAY_MS + i64::try_from(written).unwrap()))])
                .await;
        }
        assert_eq!(pruning.await.unwrap(), DayPruned::Busy);
        assert!(written > 10, "{written}");
        reader.batch_execute("COMMIT").await.unwrap();
        assert_eq!(prune(&*store, &a_day_later(), false).await, counted(&[("nordtel", DataClass::Calls, 1)]));
        assert_eq!(server().sql(&database_of(&options), "SELECT count(*) FROM calls"), written.to_string());
    });
}

#[test]
fn n5_a_tie_that_a_killed_run_left_does_no_harm() {
    run(async {
        let options = ready(server()).await;
        let store = PostgresStore::open(&options).unwrap();
        write(&store, 1, vec![entry(&keyed(call("nordtel", 1), 1))]).await;
        server().sql(&database_of(&options), "DROP TABLE calls_p20260921, events_p20260921");
        let new = keyed(call("nordtel", 40 * DAY_MS), 1);
        for _ in 0..2 {
            write(&store, 2, vec![entry(&new)]).await;
        }
        let kept = store.call(&tenant("nordtel"), new.routing.call_id).await.unwrap().unwrap();
        assert_eq!(kept.routing, new.routing);
        assert!(store.contradictions(&tenant("nordtel"), new.routing.call_id).await.unwrap().is_empty());
        let _: Timestamp = store.clock().await.unwrap().unwrap();
    });
}

#[test]
fn n7_a_day_of_which_a_call_is_yet_to_be_billed_is_not_dropped() {
    run(async {
        let options = ready(server()).await;
        let store = PostgresStore::open(&options).unwrap();
        write(&store, 1, vec![entry(&call("nordtel", 1)), entry(&call("sydtel", 1))]).await;
        let day = store.days().await.unwrap()[0];
        let billed = "INSERT INTO billing_seen SELECT * FROM billing_marks WHERE tenant = 'nordtel';
            INSERT INTO billing_hours (tenant, hour) SELECT tenant, hour FROM billing_marks WHERE tenant = 'nordtel'";
        server().sql(&database_of(&options), billed);
        assert_eq!(store.prune_day(day, &a_day_later(), false).await.unwrap(), DayPruned::Stays);
        // Row by row what was billed goes.
        assert_eq!(prune(&store, &a_day_later(), false).await, counted(&[("nordtel", DataClass::Calls, 1)]));
        assert_eq!((ids(&store, "nordtel").await.len(), ids(&store, "sydtel").await.len()), (0, 1));
        server().sql(
            &database_of(&options),
            "INSERT INTO billing_seen SELECT * FROM billing_marks WHERE tenant = 'sydtel'",
        );
        assert!(matches!(store.prune_day(day, &a_day_later(), false).await.unwrap(), DayPruned::Removed(_)));
    });
}
