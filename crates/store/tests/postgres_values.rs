//! Values that Postgres holds in its own way, or not at all: none of them may hold up the records behind it (S4).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, dead_code, reason = "a test")]

mod ground;
mod sample;
mod scratch;

use std::sync::Arc;

use ground::{Ground as _, PostgresGround};
use sample::{call, entry, event, id};
use telness_core::names::TenantName;
use telness_core::record::EventKind;
use telness_core::time::Timestamp;
use telness_store::{Entry, JournalId, Position, Store};

fn tenant() -> TenantName {
    "nordtel".parse().unwrap()
}

async fn store() -> Box<dyn Store> {
    PostgresGround::new("values").store().await
}

async fn write(store: &dyn Store, entries: Vec<Entry>) {
    store.write(JournalId([1; 16]), Position(1), entries).await.unwrap();
}

#[tokio::test]
async fn s4_a_text_with_a_zero_is_kept_with_its_picture() {
    let store = store().await;
    let mut record = call("nordtel", 1);
    record.routing.sip_call_id = Some(Arc::from("a\0b@pbx.example"));
    let mut report = event("nordtel", 1, "r", EventKind::Ringing, 5);
    report.sip_call_id = Some(Arc::from("a\0b@pbx.example"));
    for _ in 0..2 {
        write(&*store, vec![entry(&record), Entry::Event(Box::new(report.clone()))]).await;
    }
    let kept = store.call(&tenant(), id(1, 1)).await.unwrap().unwrap();
    assert_eq!(kept.routing.sip_call_id.as_deref(), Some("a\u{2400}b@pbx.example"));
    assert_eq!(kept.events, [report], "what is kept as JSON is as it was");
    assert!(store.contradictions(&tenant(), id(1, 1)).await.unwrap().is_empty(), "it is the same record");
}

#[tokio::test]
async fn s4_a_clock_that_is_far_off_holds_up_nothing() {
    let store = store().await;
    for (ms, micros) in [(2, i64::MIN), (3, i64::MAX), (4, 0)] {
        let mut record = call("nordtel", ms);
        record.routing.received_at = Timestamp::from_micros(micros);
        let mut report = event("nordtel", ms, "r", EventKind::Ringing, 5);
        report.occurred_at = Timestamp::from_micros(micros);
        let last = call("nordtel", 10 + ms);
        write(&*store, vec![entry(&record), Entry::Event(Box::new(report.clone())), entry(&last)]).await;
        let kept = store.call(&tenant(), record.routing.call_id).await.unwrap().unwrap();
        assert_eq!((kept.routing, kept.events), (record.routing, vec![report]));
        assert!(store.call(&tenant(), last.routing.call_id).await.unwrap().is_some());
    }
}
