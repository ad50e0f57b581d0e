//! One promise, one case.

use std::sync::Arc;
use std::time::Duration;

use telness_core::call::Direction;
use telness_core::decide::{Action, ForwardedBy};
use telness_core::number::Number;
use telness_core::reason::Reason;
use telness_core::record::EventKind;
use telness_core::record::billing::{Charged, ClosedBy, Format, LegState};
use telness_store::StoreError;
use telness_store::billing::Closing;
use tokio::task::JoinSet;

use crate::sample::{at_ms, call, entry, event};
use crate::scene::{HOUR, MINUTE, NEXT_HOUR, Scene, closing, hours_of, talk};

pub(crate) async fn a_leg_is_in_one_file(scene: Scene) {
    scene.talked(&call("nordtel", 0), 0, 61_999).await;
    // Not settled yet: nobody has a record, so nobody has a file.
    assert_eq!(scene.close(10 * MINUTE).await, []);
    let first = scene.close(NEXT_HOUR).await;
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].head.sequence, first[0].head.records, first[0].head.talk_ms), (1, 1, 61_999));
    assert_eq!(scene.close(NEXT_HOUR).await, [], "what is closed is closed");
    let second = scene.close(NEXT_HOUR + HOUR).await;
    assert_eq!((second[0].head.sequence, second[0].head.records), (2, 0), "an hour without calls has a file");
    let third = scene.close(NEXT_HOUR + 4 * HOUR).await;
    assert_eq!(third.len(), 1, "of hours in which nobody closed there is one");
    assert_eq!(hours_of(&third[0]).0, hours_of(&second[0]).1);
    let records = scene.records("nordtel", 1).await;
    assert_eq!((records[0].talk_ms, records[0].state, records[0].complete), (Some(61_999), LegState::Ended, true));
    assert_eq!(records[0].charged_number.as_deref(), Some("+46846500400"));
    // Issued again it is the same, also when the calls are gone.
    let tenant = "nordtel".parse().unwrap();
    let before = scene.billing.issue(&tenant, 1, Format::Csv).await.unwrap();
    (scene.by_hand)("DELETE FROM events; DELETE FROM calls");
    assert_eq!(scene.billing.issue(&tenant, 1, Format::Csv).await.unwrap(), before);
    assert_eq!(scene.close(NEXT_HOUR + 5 * HOUR).await[0].head.records, 0);
    scene.sound().await;
}

pub(crate) async fn what_changes_later_is_a_correction(scene: Scene) {
    scene.talked(&call("nordtel", 0), 0, 60_000).await;
    scene.close(NEXT_HOUR).await;
    // The switch tells of an earlier end, and again, and nothing else.
    let sooner = event("nordtel", 0, "sooner", EventKind::Ended, 32_000);
    scene.report(sooner.clone()).await;
    scene.report(sooner).await;
    let file = scene.close(NEXT_HOUR + HOUR).await.remove(0);
    assert_eq!((file.head.records, file.head.corrections, file.head.talk_ms), (1, 1, 30_000));
    let [first, second] = [scene.records("nordtel", 1).await.remove(0), scene.records("nordtel", 2).await.remove(0)];
    assert_eq!(second.revision.replaces.as_deref(), Some(first.record_id.as_str()));
    assert_eq!((second.revision.revision, second.revision.replaces_sequence), (2, Some(1)));
    // What changes and changes back before the file is closed is no news. A leg after the hour: the same call rang
    // elsewhere as well.
    let mut twin = event("nordtel", 0, "twin", EventKind::Failed, 2_500);
    twin.leg = "1.2".parse().unwrap();
    scene.report(twin).await;
    assert_eq!(scene.close(NEXT_HOUR + 2 * HOUR).await[0].head.records, 1);
    let twin = scene.records("nordtel", 3).await.remove(0);
    assert_eq!((twin.leg.as_str(), twin.state, twin.talk_ms, twin.trunk), ("1.2", LegState::Failed, Some(0), None));
    assert_eq!(scene.close(NEXT_HOUR + 3 * HOUR).await[0].head.records, 0);
    scene.sound().await;
}

pub(crate) async fn calls_that_come_days_late(scene: Scene) {
    scene.talked(&call("nordtel", 0), 0, 1_000).await;
    scene.close(NEXT_HOUR).await;
    // A node was down for three days with this in its journal; and the event of another call came before its call.
    scene.report(event("nordtel", 7, "e", EventKind::Ended, 9_000)).await;
    let days = 72 * HOUR;
    scene.close(days).await;
    scene.ship(vec![entry(&call("nordtel", 7))]).await;
    scene.report(event("nordtel", 7, "a", EventKind::Answered, 2_000)).await;
    let file = scene.close(days + HOUR).await.remove(0);
    assert_eq!((file.head.records, file.head.talk_ms), (1, 7_000));
    assert_eq!(scene.records("nordtel", file.head.sequence).await[0].received_at, at_ms(7));
    scene.sound().await;
}

pub(crate) async fn open_until_it_ends(scene: Scene) {
    // One that talks for 25 hours, one that nobody reports, one that goes on for ever.
    scene.ship(vec![entry(&call("nordtel", 0)), entry(&call("nordtel", 1)), entry(&call("nordtel", 2))]).await;
    scene.report(event("nordtel", 0, "a", EventKind::Answered, 1_000)).await;
    scene.report(event("nordtel", 2, "a", EventKind::Answered, 1_000)).await;
    assert_eq!(scene.close(25 * HOUR).await, []);
    scene.report(event("nordtel", 0, "e", EventKind::Ended, 1_000 + 25 * HOUR)).await;
    let file = scene.close(26 * HOUR).await.remove(0);
    assert_eq!((file.head.records, file.head.talk_ms), (1, 25 * HOUR));
    let file = scene.close(49 * HOUR).await.remove(0);
    let records = scene.records("nordtel", file.head.sequence).await;
    let told: Vec<_> = records.iter().map(|record| (record.state, record.complete, record.talk_ms)).collect();
    assert_eq!(told, [(LegState::Unreported, false, None), (LegState::Answered, false, None)]);
    // At last the switches tell: one call went by another leg than the first.
    let mut other = event("nordtel", 1, "f", EventKind::Failed, 3_000);
    other.leg = "2.1".parse().unwrap();
    scene.report(other).await;
    scene.report(event("nordtel", 2, "e", EventKind::Ended, 1_000 + 50 * HOUR)).await;
    let file = scene.close(52 * HOUR).await.remove(0);
    let records = scene.records("nordtel", file.head.sequence).await;
    let told: Vec<_> =
        records.iter().map(|one| (one.leg.as_str(), one.state, one.revision.revision, one.talk_ms)).collect();
    let talk_ms = u64::try_from(50 * HOUR).unwrap();
    assert_eq!(
        told,
        [
            ("1.1", LegState::Void, 2, Some(0)),
            ("2.1", LegState::Failed, 1, Some(0)),
            ("1.1", LegState::Ended, 2, Some(talk_ms)),
        ]
    );
    scene.sound().await;
}

pub(crate) async fn full_files(scene: Scene) {
    for ms in 0..7 {
        scene.talked(&call("nordtel", ms), ms, 1_000).await;
    }
    let files = scene.try_close(Closing { file_records_max: 3, ..closing(NEXT_HOUR) }).await.unwrap();
    let told: Vec<_> = files.iter().map(|file| (file.head.records, file.head.closed_by)).collect();
    assert_eq!(told, [(3, ClosedBy::Records), (3, ClosedBy::Records), (1, ClosedBy::Time)]);
    assert!(files.iter().all(|file| hours_of(file) == hours_of(&files[0])));
    let mut ids: Vec<_> = scene.all("nordtel").await.into_iter().map(|(_, record)| record.record_id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 7);
    scene.sound().await;
}

pub(crate) async fn who_forwards_pays(scene: Scene) {
    let number = Number::E164 { number: "+46701740620".parse().unwrap() };
    // A call of one tenant to a number of another, who sends it on.
    let mut forwarded = call("nordtel", 0);
    forwarded.personal.trace.forwarded_by =
        Some(ForwardedBy { tenant: "fjordtel".parse().unwrap(), user: None, number });
    scene.talked(&forwarded, 0, 5_000).await;
    scene.talked(&call("nordtel", 1), 1, 6_000).await;
    // A call from a carrier, that comes under the carrier's tenant.
    let mut inward = call("carrier-peer", 2);
    inward.routing.direction = Direction::FromCarrier;
    inward.personal.trace.on_behalf = Some("fjordtel".parse().unwrap());
    scene.talked(&inward, 2, 7_000).await;
    scene.close(NEXT_HOUR).await;
    let fjordtel = scene.records("fjordtel", 1).await;
    let told: Vec<_> = fjordtel.iter().map(|one| (one.charged, one.charged_number.clone().unwrap())).collect();
    assert_eq!(told, [(Charged::Forwarder, "+46701740620".to_owned()), (Charged::Called, "+46701740610".to_owned())]);
    assert_eq!(scene.records("nordtel", 1).await.len(), 1);
    assert_eq!(scene.billing.files(&"carrier-peer".parse().unwrap(), 0, 10).await.unwrap(), []);
    assert_eq!(scene.billing.issue(&"carrier-peer".parse().unwrap(), 1, Format::Csv).await.unwrap(), None);
    scene.sound().await;
}

pub(crate) async fn a_clock_set_back(scene: Scene) {
    scene.talked(&call("nordtel", 0), 0, 1_000).await;
    let closed = scene.close(3 * HOUR).await;
    assert_eq!(closed.len(), 1);
    scene.talked(&call("nordtel", 9), 9, 1_000).await;
    assert_eq!(scene.close(2 * HOUR).await, []);
    assert_eq!(scene.close(3 * HOUR).await, []);
    let next = scene.close(4 * HOUR).await;
    assert_eq!((next[0].head.records, hours_of(&next[0]).0), (1, hours_of(&closed[0]).1));
    scene.sound().await;
}

pub(crate) async fn a_closing_that_goes_away(scene: Scene) {
    for ms in 0..40 {
        scene.talked(&call("nordtel", ms), ms, 1_000).await;
    }
    // Dropped at whatever it waits for, again and again, a little later each time.
    let mut steps = 0;
    loop {
        let mut work = Box::pin(scene.try_close(closing(NEXT_HOUR)));
        let mut polls = 0;
        let done = std::future::poll_fn(|context| {
            polls += 1;
            if polls > steps {
                return std::task::Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await;
        drop(work);
        if done.is_some_and(|done| done.is_ok()) {
            break;
        }
        steps += 1;
        assert!(steps < 1_000);
    }
    assert_eq!(scene.all("nordtel").await.len(), 40);
    scene.sound().await;
}

pub(crate) async fn many_closers_at_once(scene: Scene) {
    let scene = Arc::new(scene);
    for ms in 0..60 {
        scene.talked(&call("nordtel", ms), ms, 1_000).await;
    }
    let mut closers = JoinSet::new();
    for at in 0..6_i64 {
        let scene = Arc::clone(&scene);
        closers.spawn(async move {
            for hour in 1..4 {
                let closing = Closing { file_records_max: 25, ..closing(hour * HOUR + at) };
                while let Err(error) = scene.try_close(closing).await {
                    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
                }
            }
        });
    }
    // Calls go on meanwhile.
    for ms in 60..90 {
        scene.talked(&call("nordtel", ms), ms, 1_000).await;
    }
    while let Some(ended) = closers.join_next().await {
        ended.unwrap();
    }
    scene.close(9 * HOUR).await;
    let all = scene.all("nordtel").await;
    let mut ids: Vec<_> = all.iter().map(|(_, record)| &record.call_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((all.len(), ids.len()), (90, 90));
    assert!(all.iter().all(|(_, record)| record.revision.revision == 1));
    scene.sound().await;
}

pub(crate) async fn calls_without_marks(scene: Scene) {
    scene.talked(&call("nordtel", 0), 0, 1_000).await;
    scene.talked(&call("fjordtel", 90 * MINUTE), 90 * MINUTE, 1_000).await;
    (scene.by_hand)("DELETE FROM billing_marks");
    assert_eq!(scene.close(5 * HOUR).await, []);
    assert_eq!(scene.billing.look_again(at_ms(-HOUR), at_ms(5 * HOUR)).await.unwrap(), 2);
    let files = scene.close(5 * HOUR).await;
    assert_eq!(files.iter().map(|file| file.head.records).sum::<i64>(), 2);
    assert_eq!(scene.billing.look_again(at_ms(-HOUR), at_ms(6 * HOUR)).await.unwrap(), 2);
    assert_eq!(scene.close(6 * HOUR).await.iter().map(|file| file.head.records).sum::<i64>(), 0);
    // Whoever waits longer for late reports finds the same.
    let mut patient = closing(7 * HOUR);
    patient.settling.settle = Duration::from_secs(86_400);
    assert!(scene.try_close(patient).await.unwrap().iter().all(|file| file.head.records == 0));
    assert!(talk("nordtel", 0, 1).len() == 3);
    scene.sound().await;
}

pub(crate) async fn connected_in_spite_of_a_rejection(scene: Scene) {
    let mut all = [call("nordtel", 0), call("nordtel", 1)];
    for record in &mut all {
        (record.routing.action, record.routing.reason) = (Action::Reject, Reason::NoRoute);
        record.personal.steps = Vec::new();
    }
    // One is as it ought to be; of the other a switch reports that people talked.
    scene.ship(vec![entry(&all[0])]).await;
    scene.talked(&all[1], 1, 5_000).await;
    scene.close(NEXT_HOUR).await;
    assert_eq!(scene.close(60 * HOUR).await[0].head.records, 0);
    let records = scene.records("nordtel", 1).await;
    let told: Vec<_> = records.iter().map(|one| (one.received_at, one.chargeable, one.talk_ms)).collect();
    assert_eq!(told, [(at_ms(1), false, Some(5_000))]);
    scene.sound().await;
}
