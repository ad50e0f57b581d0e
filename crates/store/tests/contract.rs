//! What every store promises: one suite, written against the trait, run for each implementation.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    dead_code,
    reason = "a test"
)]

mod ground;
mod sample;
mod scratch;
mod seen;

use std::future::Future;

use ground::{Ground, PostgresGround, SqliteGround};
use sample::{at_ms, call, entry, event, id};
use seen::everything;
use telness_core::call::CallId;
use telness_core::class::Class;
use telness_core::decide::Action;
use telness_core::names::TenantName;
use telness_core::record::{CallEvent, CdrState, EventKind};
use telness_store::{
    CallQuery, Cursor, EVENTS_OF_A_KIND_MAX, Entry, JournalId, Page, Position, Shipment, Store, StoreError,
};

const JOURNAL: JournalId = JournalId([1; 16]);

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn tenant(name: &str) -> TenantName {
    name.parse().unwrap()
}

async fn write(store: &dyn Store, upto: u64, entries: Vec<Entry>) {
    store.write(JOURNAL, Position(upto), entries).await.unwrap();
}

fn ids(page: &Page) -> Vec<CallId> {
    page.calls.iter().map(|summary| summary.routing.call_id).collect()
}

async fn writing_again_changes_nothing(store: &dyn Store) {
    let batch = || {
        let mut entries: Vec<_> = (0..5).map(|ms| entry(&call("nordtel", ms))).collect();
        entries.push(Entry::Event(Box::new(event("nordtel", 2, "a", EventKind::Ringing, 10))));
        entries.push(Entry::Event(Box::new(event("nordtel", 9, "b", EventKind::Ringing, 10))));
        entries
    };
    write(store, 7, batch()).await;
    let before = everything(store, "nordtel").await;
    assert!(before.contains("ringing"));
    for _ in 0..2 {
        write(store, 7, batch()).await;
        assert_eq!(everything(store, "nordtel").await, before);
    }
    // A call comes back as it was written, with what came of it so far.
    let stored = store.call(&tenant("nordtel"), id(2, 2)).await.unwrap().unwrap();
    let written = call("nordtel", 2);
    assert_eq!((stored.routing, stored.personal), (written.routing, written.personal));
    assert_eq!((stored.cdr.state, stored.events.len()), (CdrState::Ringing, 1));
}

async fn position_is_kept_with_the_batch(store: &dyn Store) {
    assert_eq!(store.position(JOURNAL).await.unwrap(), None);
    write(store, 1 << 32 | 5, vec![entry(&call("nordtel", 1))]).await;
    assert_eq!(store.position(JOURNAL).await.unwrap(), Some(Position(1 << 32 | 5)));
    assert_eq!(store.position(JournalId([2; 16])).await.unwrap(), None);
    // A batch that cannot be written leaves neither its calls nor its position.
    let refused = store.write(JOURNAL, Position(u64::MAX), vec![entry(&call("nordtel", 2))]).await;
    assert!(refused.is_err());
    assert_eq!(store.position(JOURNAL).await.unwrap(), Some(Position(1 << 32 | 5)));
    assert!(store.call(&tenant("nordtel"), id(2, 2)).await.unwrap().is_none());
    // An older batch that is sent again does not take the position back, and an empty one moves it.
    write(store, 3, Vec::new()).await;
    assert_eq!(store.position(JOURNAL).await.unwrap(), Some(Position(1 << 32 | 5)));
    write(store, 2 << 32, Vec::new()).await;
    assert_eq!(store.position(JOURNAL).await.unwrap(), Some(Position(2 << 32)));
}

async fn a_store_that_was_set_back_takes_nothing_until_it_is_shipped_again(store: &dyn Store) {
    let shipment = |after: Option<u64>, upto, ms| {
        let (after, upto, entries) = (after.map(Position), Position(upto), vec![entry(&call("nordtel", ms))]);
        store.ship(Shipment { journal: JOURNAL, after, upto, entries })
    };
    shipment(None, 3, 1).await.unwrap();
    shipment(Some(3), 5, 2).await.unwrap();
    // Whoever ships saw it come to 9; now it is a standby that did not.
    for (seen, found) in [(9, Some(Position(5))), (6, Some(Position(5)))] {
        let refused = shipment(Some(seen), 12, 3).await;
        assert!(matches!(refused, Err(StoreError::SetBack { found: at }) if at == found), "{refused:?}");
    }
    assert_eq!(store.position(JOURNAL).await.unwrap(), Some(Position(5)));
    assert!(store.call(&tenant("nordtel"), id(3, 3)).await.unwrap().is_none(), "nothing of it was written");
    shipment(Some(5), 12, 3).await.unwrap();
    assert_eq!(store.position(JOURNAL).await.unwrap(), Some(Position(12)));
}

async fn tenants_do_not_see_each_other(store: &dyn Store) {
    // The same id for both: each has a call of its own under it.
    let mut other = call("sydtel", 1);
    other.routing.trunk = Some("carrier-two".parse().unwrap());
    write(store, 1, vec![entry(&call("nordtel", 1)), entry(&call("nordtel", 2)), entry(&other)]).await;
    write(store, 2, vec![Entry::Event(Box::new(event("sydtel", 2, "a", EventKind::Answered, 5)))]).await;
    let (nordtel, sydtel) = (tenant("nordtel"), tenant("sydtel"));
    assert!(store.call(&sydtel, id(2, 2)).await.unwrap().is_none());
    let own = store.call(&nordtel, id(2, 2)).await.unwrap().unwrap();
    assert_eq!((own.cdr.state, own.events.len()), (CdrState::Decided, 0));
    let all = CallQuery { limit: 10, ..CallQuery::default() };
    assert_eq!(ids(&store.calls(&nordtel, &all).await.unwrap()), [id(2, 2), id(1, 1)]);
    let page = store.calls(&sydtel, &all).await.unwrap();
    assert_eq!(page.calls[0].routing.trunk.as_ref().unwrap().as_str(), "carrier-two");
    assert_eq!(page.calls.len(), 1);
    assert!(store.contradictions(&nordtel, id(1, 1)).await.unwrap().is_empty());
    assert!(store.calls(&tenant("nobody"), &all).await.unwrap().calls.is_empty());
}

/// A report without a time, so with that of its receipt.
fn untimed(event_id: &str, after_ms: i64) -> CallEvent {
    let mut event = event("nordtel", 1, event_id, EventKind::Ringing, after_ms);
    event.received_at = event.occurred_at;
    event
}

/// The final records are the same for every order in which calls and their events come, also across batches.
async fn order_leaves_no_mark(ground: &mut impl Ground) {
    let entries = || {
        vec![
            entry(&call("nordtel", 1)),
            Entry::Event(Box::new(event("nordtel", 1, "a", EventKind::Ringing, 100))),
            Entry::Event(Box::new(event("nordtel", 1, "b", EventKind::Answered, 2_000))),
            Entry::Event(Box::new(event("nordtel", 1, "c", EventKind::Ended, 62_000))),
            // The same report again, received by another node later.
            Entry::Event(Box::new({
                let mut again = event("nordtel", 1, "b", EventKind::Answered, 2_000);
                again.received_at = at_ms(90_000);
                again.node = "node-b".parse().unwrap();
                again
            })),
            // The same report without a time, so with that of each receipt.
            Entry::Event(Box::new(untimed("d", 3_000))),
            Entry::Event(Box::new(untimed("d", 3_500))),
            // One id, and another thing said under it.
            Entry::Event(Box::new(event("nordtel", 1, "c", EventKind::Ended, 50_000))),
        ]
    };
    let mut seen = None;
    for turn in 0..12 {
        let store = ground.store().await;
        let mut order = entries();
        let len = order.len();
        order.rotate_left(turn % len);
        if turn >= len {
            order.reverse();
        }
        let at_once = turn % 2 == 0;
        if at_once {
            write(&*store, 9, order).await;
        } else {
            for one in order {
                write(&*store, 9, vec![one]).await;
            }
        }
        let all = everything(&*store, "nordtel").await;
        let whole = store.call(&tenant("nordtel"), id(1, 1)).await.unwrap().unwrap();
        assert_eq!((whole.cdr.state, whole.cdr.talk_ms), (CdrState::Ended, Some(48_000)));
        assert_eq!(whole.events.len(), 5, "a contradictory event is kept, a repeated one is not");
        assert!(whole.events.is_sorted_by_key(|event| event.occurred_at));
        assert_eq!(seen.get_or_insert_with(|| all.clone()), &all, "turn {turn}");
    }
}

/// More events than count, the later of them reported again; and an end, which no flood of ringing hides.
fn flood() -> Vec<Entry> {
    let count = i64::try_from(EVENTS_OF_A_KIND_MAX).unwrap() + 40;
    let ringing = |at| event("nordtel", 1, &format!("e-{}", at * 7 % 1_000), EventKind::Ringing, at);
    let mut events: Vec<_> = (0..count).map(ringing).collect();
    events.extend((count - 60..count).map(|at| {
        let mut again = ringing(at);
        again.received_at = at_ms(at + 500);
        again
    }));
    // Reported without a time, so that a copy that came earlier counts and the one that came later would not.
    events.extend([untimed("u", 50), untimed("u", 9_000)]);
    events.push(event("nordtel", 1, "end", EventKind::Ended, 62_000));
    let mut entries: Vec<_> = events.into_iter().map(|event| Entry::Event(Box::new(event))).collect();
    entries.push(entry(&call("nordtel", 1)));
    entries
}

async fn events_beyond_the_limit_are_kept_beside(ground: &mut impl Ground) -> usize {
    let (mut seen, turns) = (None, 10);
    for turn in 0..turns {
        let store = ground.store().await;
        let mut order = flood();
        let len = order.len();
        order.rotate_left(turn * 41 % len);
        if turn % 2 == 1 {
            order.reverse();
        }
        let mut batches: Vec<Vec<Entry>> = Vec::new();
        while !order.is_empty() {
            batches.push(order.split_off(order.len().saturating_sub([len, 50, 7][turn % 3])));
        }
        let mut beyond = 0;
        for batch in batches {
            beyond += store.write(JOURNAL, Position(9), batch).await.unwrap().events_beyond;
        }
        // With the one without a time there is one more than the limit and forty.
        assert!((41..=42).contains(&beyond), "turn {turn}: {beyond} events were put aside");
        assert_eq!(store.write(JOURNAL, Position(9), flood()).await.unwrap().events_beyond, 0, "turn {turn}");
        let whole = store.call(&tenant("nordtel"), id(1, 1)).await.unwrap().unwrap();
        assert_eq!((whole.events.len(), whole.more_events), (EVENTS_OF_A_KIND_MAX + 1, true), "turn {turn}");
        assert_eq!((whole.cdr.state, whole.cdr.ringing_at), (CdrState::Ended, Some(at_ms(1))));
        let all = everything(&*store, "nordtel").await;
        assert_eq!(seen.get_or_insert_with(|| all.clone()), &all, "turn {turn}");
    }
    turns
}

/// A report without a time comes to lie beyond the limit, and counts once an earlier copy of it comes.
async fn an_event_that_counts_again_takes_anothers_place(ground: &mut impl Ground) {
    let store = ground.store().await;
    let limit = i64::try_from(EVENTS_OF_A_KIND_MAX).unwrap();
    let ringing = (0..limit).map(|at| event("nordtel", 1, &format!("r-{at}"), EventKind::Ringing, at));
    let mut entries: Vec<_> = ringing.map(|event| Entry::Event(Box::new(event))).collect();
    entries.push(entry(&call("nordtel", 1)));
    write(&*store, 1, entries).await;
    for after_ms in [9_000, 50] {
        let report = vec![Entry::Event(Box::new(untimed("u", after_ms)))];
        assert_eq!(store.write(JOURNAL, Position(2), report).await.unwrap().events_beyond, 1, "{after_ms}");
    }
    let whole = store.call(&tenant("nordtel"), id(1, 1)).await.unwrap().unwrap();
    assert_eq!((whole.events.len(), whole.more_events), (EVENTS_OF_A_KIND_MAX, true));
    assert!(whole.events.iter().any(|event| event.event_id.as_str() == "u"));
}

async fn as_many_events_as_count_are_all_shown(store: &dyn Store) {
    let limit = i64::try_from(EVENTS_OF_A_KIND_MAX).unwrap();
    let ringing = (0..limit).map(|at| event("nordtel", 1, &format!("r-{at}"), EventKind::Ringing, at));
    let failed = (0..limit).map(|at| event("nordtel", 1, &format!("f-{at}"), EventKind::Failed, at));
    let mut entries: Vec<_> = ringing.chain(failed).map(|event| Entry::Event(Box::new(event))).collect();
    entries.push(entry(&call("nordtel", 1)));
    assert_eq!(store.write(JOURNAL, Position(1), entries).await.unwrap().events_beyond, 0);
    let whole = store.call(&tenant("nordtel"), id(1, 1)).await.unwrap().unwrap();
    assert_eq!((whole.events.len(), whole.more_events), (2 * EVENTS_OF_A_KIND_MAX, false));
}

async fn pages_are_whole_and_stable(store: &dyn Store) {
    // Several calls of one microsecond, and ids that do not follow the time, as of idempotency keys.
    let mut entries = Vec::new();
    for number in 0..100_u64 {
        let mut record = call("nordtel", i64::try_from(number / 4).unwrap());
        let lot = number.wrapping_mul(0x2545_f491_4f6c_dd1d);
        record.routing.call_id = CallId(uuid::Uuid::from_u64_pair(lot & !0xf000 | 0x8000, 1 << 63 | lot >> 2));
        entries.push(entry(&record));
    }
    write(store, 1, entries).await;
    let nordtel = tenant("nordtel");
    let all = store.calls(&nordtel, &CallQuery { limit: 1000, ..CallQuery::default() }).await.unwrap();
    assert!(all.next.is_none());
    let key =
        |page: &Page| page.calls.iter().map(|one| (one.routing.received_at, one.routing.call_id)).collect::<Vec<_>>();
    assert_eq!(all.calls.len(), 100);
    assert!(key(&all).is_sorted_by(|newer, older| newer > older));

    let (mut paged, mut after, mut newer) = (Vec::new(), None::<Cursor>, 1_000);
    loop {
        let page = store.calls(&nordtel, &CallQuery { limit: 7, after, ..CallQuery::default() }).await.unwrap();
        assert!(page.calls.len() <= 7);
        paged.extend(key(&page));
        // Newer calls come in while somebody pages.
        newer += 1;
        write(store, 2, vec![entry(&call("nordtel", newer))]).await;
        let Some(next) = page.next else { break };
        after = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(paged, key(&all));
}

async fn filters_choose(store: &dyn Store) {
    let mut emergency = call("nordtel", 1);
    emergency.routing.class = Class::Emergency;
    let mut rejected = call("nordtel", 2);
    rejected.routing.action = Action::Reject;
    rejected.routing.reason = telness_core::reason::Reason::NoRoute;
    rejected.routing.trunk = None;
    rejected.routing.gateway = None;
    rejected.routing.degraded = vec!["portability:timeout".into()];
    rejected.routing.request_hash = Some(u64::MAX - 3);
    let mut keyed = call("nordtel", 3);
    keyed.routing.caller_key = None;
    keyed.routing.called_key = Some(telness_core::record::NumberKey([9; 16]));
    let plain = call("nordtel", 4);
    let routed = plain.routing.clone();
    write(store, 1, [emergency, rejected.clone(), keyed, plain].iter().map(entry).collect()).await;
    write(store, 2, vec![Entry::Event(Box::new(event("nordtel", 3, "a", EventKind::Failed, 5)))]).await;

    let all = || CallQuery { limit: 10, ..CallQuery::default() };
    let expectations = [
        (all(), vec![4, 3, 2, 1]),
        (CallQuery { class: Some(Class::Emergency), ..all() }, vec![1]),
        (CallQuery { action: Some(Action::Reject), ..all() }, vec![2]),
        (CallQuery { reason: Some(telness_core::reason::Reason::NoRoute), ..all() }, vec![2]),
        (CallQuery { state: Some(CdrState::Failed), ..all() }, vec![3]),
        (CallQuery { state: Some(CdrState::Decided), ..all() }, vec![4, 2, 1]),
        (CallQuery { trunk: routed.trunk.clone(), ..all() }, vec![4, 3, 1]),
        (CallQuery { caller: routed.caller_key, ..all() }, vec![4, 2, 1]),
        (CallQuery { called: Some(telness_core::record::NumberKey([9; 16])), ..all() }, vec![3]),
        (CallQuery { sip_call_id: Some(routed.sip_call_id.as_deref().unwrap().to_owned()), ..all() }, vec![4]),
        (CallQuery { since: Some(at_ms(2)), until: Some(at_ms(4)), ..all() }, vec![3, 2]),
        (CallQuery { until: Some(at_ms(1)), ..all() }, vec![]),
        (CallQuery { trunk: routed.trunk, state: Some(CdrState::Decided), since: Some(at_ms(2)), ..all() }, vec![4]),
        (CallQuery { limit: 1, caller: routed.caller_key, ..all() }, vec![4]),
    ];
    for (query, expected) in expectations {
        let page = store.calls(&tenant("nordtel"), &query).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|ms: i64| id(ms, u64::try_from(ms).unwrap())).collect();
        assert_eq!(ids(&page), expected, "{query:?}");
        assert_eq!(page.next.is_some(), query.limit == 1, "{query:?}");
    }
    let stored = store.call(&tenant("nordtel"), rejected.routing.call_id).await.unwrap().unwrap();
    assert_eq!(stored.routing, rejected.routing);
}

async fn contradictory_records_are_all_kept(store: &dyn Store) {
    let mut second = call("nordtel", 1);
    second.routing.node = "node-b".parse().unwrap();
    let mut third = call("nordtel", 1);
    third.personal.to.sent = "070-174 06 11".into();
    third.routing.received_at = at_ms(700);
    write(store, 1, vec![entry(&call("nordtel", 1))]).await;
    for _ in 0..2 {
        write(store, 2, [second.clone(), third.clone(), call("nordtel", 1)].iter().map(entry).collect()).await;
    }
    let nordtel = tenant("nordtel");
    let kept = store.call(&nordtel, id(1, 1)).await.unwrap().unwrap();
    assert_eq!(kept.routing, call("nordtel", 1).routing);
    let others = store.contradictions(&nordtel, id(1, 1)).await.unwrap();
    assert_eq!(others.len(), 2);
    assert!(others.contains(&second) && others.contains(&third));
    let page = store.calls(&nordtel, &CallQuery { limit: 10, ..CallQuery::default() }).await.unwrap();
    assert_eq!(page.calls.len(), 1);
}

/// Ids tell the time of their call, but for some that come from elsewhere: which came first, and with what, does not
/// make two calls of one.
async fn an_id_that_does_not_tell_its_time_is_one_call(ground: &mut impl Ground) {
    let telling = call("nordtel", 1);
    let mut stray = telling.clone();
    stray.routing.received_at = at_ms(90_000_000);
    for [first, second] in [[&telling, &stray], [&stray, &telling]] {
        let store = ground.store().await;
        for _ in 0..2 {
            write(&*store, 1, vec![entry(first)]).await;
            write(&*store, 2, vec![entry(second)]).await;
        }
        write(&*store, 3, vec![Entry::Event(Box::new(event("nordtel", 1, "a", EventKind::Ringing, 10)))]).await;
        let nordtel = tenant("nordtel");
        let all = CallQuery { limit: 10, ..CallQuery::default() };
        assert_eq!(store.calls(&nordtel, &all).await.unwrap().calls.len(), 1);
        let kept = store.call(&nordtel, id(1, 1)).await.unwrap().unwrap();
        assert_eq!((kept.routing, kept.events.len()), (first.routing.clone(), 1));
        assert_eq!(store.contradictions(&nordtel, id(1, 1)).await.unwrap(), [(*second).clone()]);
    }
}

/// Runs a test on a new store, which works when it ends.
fn with_store(mut ground: impl Ground, test: impl AsyncFnOnce(&dyn Store)) {
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
            fn n2_writing_again_changes_nothing() {
                with_store($ground::new("again"), writing_again_changes_nothing);
            }

            #[test]
            fn n2_position_is_kept_with_the_batch() {
                with_store($ground::new("position"), position_is_kept_with_the_batch);
            }

            #[test]
            fn n1_a_store_that_was_set_back_takes_nothing_until_it_is_shipped_again() {
                with_store($ground::new("set-back"), a_store_that_was_set_back_takes_nothing_until_it_is_shipped_again);
            }

            #[test]
            fn p1_tenants_do_not_see_each_other() {
                with_store($ground::new("tenants"), tenants_do_not_see_each_other);
            }

            #[test]
            fn n6_order_leaves_no_mark() {
                run(order_leaves_no_mark(&mut $ground::new("order")));
            }

            #[test]
            fn n6_events_beyond_the_limit_are_kept_beside() {
                let mut ground = $ground::new("beyond");
                let stores = run(events_beyond_the_limit_are_kept_beside(&mut ground));
                // What does not count was acknowledged too: all of it is there (N2), in whatever order it came.
                for store in 0..stores {
                    let kept = [false, true].map(|beyond| ground.ids_kept(store, beyond).len());
                    assert_eq!(kept, [EVENTS_OF_A_KIND_MAX + 1, 41]);
                }
            }

            #[test]
            fn n6_an_event_that_counts_again_is_kept_beyond_no_longer() {
                let mut ground = $ground::new("again-counted");
                run(an_event_that_counts_again_takes_anothers_place(&mut ground));
                assert_eq!(ground.ids_kept(0, true), [format!("r-{}", EVENTS_OF_A_KIND_MAX - 1)]);
            }

            #[test]
            fn as_many_events_as_count_are_all_shown() {
                with_store($ground::new("as-many"), super::as_many_events_as_count_are_all_shown);
            }

            #[test]
            fn pages_are_whole_and_stable() {
                with_store($ground::new("pages"), super::pages_are_whole_and_stable);
            }

            #[test]
            fn filters_choose() {
                with_store($ground::new("filters"), super::filters_choose);
            }

            #[test]
            fn n7_contradictory_records_are_all_kept() {
                with_store($ground::new("contradictions"), contradictory_records_are_all_kept);
            }

            #[test]
            fn n7_an_id_that_does_not_tell_its_time_is_one_call() {
                run(super::an_id_that_does_not_tell_its_time_is_one_call(&mut $ground::new("stray")));
            }
        }
    };
}

suite!(sqlite, SqliteGround);
suite!(postgres, PostgresGround);
