//! The memory of keyed calls: its bounds, and what a request finds in it.

use std::sync::OnceLock;

use telness_core::call::Draft;
use telness_core::class::Workflow;
use uuid::Uuid;

use super::*;
use crate::clock::Clock;
use crate::config::Settings;
use crate::{Asker, Node};

fn key(number: usize, request_hash: u64) -> Key {
    Key { call_id: CallId(Uuid::from_u128(u128::try_from(number).unwrap())), request_hash }
}

/// A record and its proof, as a node makes them.
fn recorded() -> (Arc<CallRecord>, Proof) {
    static ONE: OnceLock<(Arc<CallRecord>, Proof)> = OnceLock::new();
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    ONE.get_or_init(|| runtime().block_on(record_a_call())).clone()
}

async fn record_a_call() -> (Arc<CallRecord>, Proof) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { data: folder.path().join("data"), ..Settings::defaults() };
    let node = Node::start(&settings, Clock::system()).unwrap();
    let asker = Asker { listener: "http", workflow: Workflow::Low, address: [127, 0, 0, 1].into(), key: None };
    let answer = node.engine.handle_call(&asker, Draft::to("112")).await.unwrap();
    tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
    (answer.record, answer.proof)
}

/// Another record of the same request.
fn another() -> Arc<CallRecord> {
    let mut record = CallRecord::clone(&recorded().0);
    record.routing.plan_revision = 99;
    Arc::new(record)
}

/// What was kept of all keys, to be compared with the bounds.
fn sizes(table: &Table) -> [usize; 4] {
    [table.slots.len(), table.by_age.len(), table.hashes.len(), table.hashes_by_age.len()]
}

#[test]
fn n5_memory_is_bounded_though_the_store_takes_nothing() {
    let (record, proof) = recorded();
    let record = Arc::new(CallRecord::clone(&record));
    let mut table = Table::default();
    for number in 0..ANSWERS_MAX + HASHES_MAX + 10 {
        assert!(matches!(table.take(key(number, 7)), Found::Free { answered_here: false }));
        table.answered(key(number, 7), Arc::clone(&record), proof);
    }
    assert_eq!(sizes(&table), [ANSWERS_MAX, ANSWERS_MAX, HASHES_MAX, HASHES_MAX]);
    assert_eq!(Arc::strong_count(&record), ANSWERS_MAX + 1);
}

#[test]
fn n5_of_an_older_answer_it_is_known_whose_it_was() {
    let (record, proof) = recorded();
    let mut table = Table::bounded(2, 3);
    for number in 0..6 {
        table.take(key(number, 7));
        table.answered(key(number, 7), Arc::clone(&record), proof);
    }
    assert!(matches!(table.take(key(5, 7)), Found::Answered(..)), "the last two are whole");
    for number in [1, 5] {
        assert!(matches!(table.take(key(number, 8)), Found::Other), "{number} was another request's");
    }
    assert!(matches!(table.take(key(1, 7)), Found::Free { answered_here: true }));
    assert!(matches!(table.take(key(0, 8)), Found::Free { answered_here: false }), "it is forgotten");
    table.answered(key(1, 7), Arc::clone(&record), proof);
    assert!(matches!(table.take(key(1, 7)), Found::Answered(..)));
    assert_eq!(sizes(&table), [3, 2, 3, 3], "one is in hand, and no key counts twice among the hashes");
}

#[test]
fn n5_an_abandoned_call_that_was_answered_later_is_forgotten_as_the_answer_that_it_is() {
    let (record, proof) = recorded();
    let mut table = Table::bounded(2, 0);
    table.take(key(0, 7));
    table.offer(key(0, 7), Arc::clone(&record));
    table.leave(key(0, 7));
    table.take(key(1, 7));
    table.answered(key(1, 7), Arc::clone(&record), proof);
    assert!(matches!(table.take(key(0, 7)), Found::Offered(_)));
    table.answered(key(0, 7), Arc::clone(&record), proof);
    table.take(key(2, 7));
    table.answered(key(2, 7), Arc::clone(&record), proof);
    assert!(matches!(table.take(key(0, 7)), Found::Answered(..)), "the one before it is the oldest");
    assert_eq!(sizes(&table), [2, 2, 0, 0]);
}

#[test]
fn n5_two_that_have_the_same_call_in_hand_record_what_was_decided_first() {
    let ((record, proof), other) = (recorded(), another());
    for first_gives_up in [false, true] {
        let mut table = Table::default();
        assert!(matches!(table.take(key(0, 7)), Found::Free { .. }));
        assert!(matches!(table.take(key(0, 7)), Found::Beside));
        assert!(matches!(table.take(key(0, 8)), Found::Other));
        assert_eq!(table.offer(key(0, 7), Arc::clone(&other)), other);
        assert_eq!(table.offer(key(0, 7), Arc::clone(&record)), other, "the second takes over what the first decided");
        let waiting = table.in_hand(key(0, 7)).expect("it is in hand");
        if first_gives_up {
            table.leave(key(0, 7));
            assert!(waiting.has_changed().is_ok(), "the second has it in hand still");
        }
        table.answered(key(0, 7), Arc::clone(&other), proof);
        assert!(waiting.has_changed().is_err(), "those who wait are woken");
        table.leave(key(0, 7));
        let Found::Answered(kept, _) = table.take(key(0, 7)) else { panic!("the answer stays") };
        assert_eq!(kept, other);
    }
}

#[test]
fn n5_what_nobody_decided_is_free_again() {
    let mut table = Table::default();
    table.take(key(0, 7));
    table.leave(key(0, 7));
    assert!(matches!(table.take(key(0, 8)), Found::Free { answered_here: false }));
}
