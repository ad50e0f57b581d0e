//! Every order of arrival and every interleaving with closes: each leg in one place, corrections named, one sum.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use telness_core::record::billing::BillingRecord;
use telness_core::record::{CallEvent, EventKind};
use telness_store::Entry;

use crate::sample::{call, entry, event};
use crate::scene::{HOUR, Scene, talk};

const CALLS: i64 = 6;
const TRIES: usize = 6;

/// What is shipped of a run's calls: some are answered twice, some fail elsewhere first.
fn entries(base: i64) -> Vec<Entry> {
    let mut all = Vec::new();
    for at in 0..CALLS {
        let ms = base + at;
        all.push(entry(&call("nordtel", ms)));
        let mut events: Vec<CallEvent> = talk("nordtel", ms, 1_000 * (at + 1));
        if at % 2 == 0 {
            events.push(event("nordtel", ms, "sooner", EventKind::Ended, 2_500));
        }
        if at % 3 == 0 {
            let mut other = event("nordtel", ms, "other", EventKind::Failed, 1_500);
            other.leg = "2.1".parse().unwrap();
            events.push(other);
        }
        all.extend(events.into_iter().map(|event| Entry::Event(Box::new(event))));
    }
    all
}

/// The last record of each leg of the calls of a run: what a biller has in the end.
fn in_the_end(all: &[(i64, BillingRecord)], base: i64) -> BTreeMap<(String, String), (String, Option<u64>)> {
    let ids: Vec<String> = (base..base + CALLS).map(|ms| call("nordtel", ms).routing.call_id.to_string()).collect();
    let mut last = BTreeMap::new();
    for (_, record) in all.iter().filter(|(_, record)| ids.contains(&record.call_id)) {
        let place = ids.iter().position(|id| *id == record.call_id).unwrap().to_string();
        last.insert((place, record.leg.clone()), (format!("{:?}", record.state), record.talk_ms));
    }
    last
}

pub(crate) async fn every_order(scene: Scene) {
    let mut runner = TestRunner::deterministic();
    let mut ends = Vec::new();
    let mut hour = 1;
    for run in 0..TRIES {
        let base = i64::try_from(run).unwrap() * 1_000;
        let all = entries(base);
        let order = Just((0..all.len()).collect::<Vec<_>>()).prop_shuffle();
        let (order, closes) =
            (order, prop::collection::vec(0..4_u8, all.len())).new_tree(&mut runner).unwrap().current();
        for (at, close) in order.into_iter().zip(closes) {
            scene.ship(vec![all[at].clone(), all[at].clone()]).await;
            if close == 0 {
                scene.close(hour * HOUR).await;
                hour += 1;
            }
        }
        scene.close((hour + 60) * HOUR).await;
        scene.sound().await;
        ends.push(in_the_end(&scene.all("nordtel").await, base));
        hour += 61;
    }
    assert_eq!(ends[0].len(), 8);
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:?}");
}
