//! Calls of which nothing is known any more but their course: what was issued of them stays.

use telness_core::decide::ForwardedBy;
use telness_core::number::Number;
use telness_core::record::billing::{Charged, LegState};
use telness_core::record::{CallRecord, EventKind};
use telness_store::Prunable;

use crate::sample::{at_ms, call, entry, event};
use crate::scene::{HOUR, NEXT_HOUR, Scene, closing};

/// A call that is there because another tenant's number forwarded it.
fn forwarded(ms: i64) -> CallRecord {
    let mut record = call("nordtel", ms);
    record.personal.trace.forwarded_by = Some(ForwardedBy {
        tenant: "fjordtel".parse().unwrap(),
        user: None,
        number: Number::E164 { number: "+46701740620".parse().unwrap() },
    });
    record
}

/// Ships calls that ended, one of them forwarded, one of which nothing is reported, and one without an end; all are
/// issued, and then pruned.
async fn issued_and_pruned(scene: &Scene) {
    scene.talked(&call("nordtel", 0), 0, 60_000).await;
    scene.talked(&forwarded(1), 1, 60_000).await;
    scene.ship(vec![entry(&call("nordtel", 2)), entry(&call("nordtel", 3))]).await;
    scene.report(event("nordtel", 3, "a", EventKind::Answered, 2_000)).await;
    let files = scene.close(50 * HOUR).await;
    assert_eq!(files.iter().map(|file| file.head.records).collect::<Vec<_>>(), [1, 3], "fjordtel, nordtel");
    scene.prune("nordtel").await;
}

pub(crate) async fn what_was_issued_stays(scene: Scene) {
    issued_and_pruned(&scene).await;
    assert_eq!(scene.billing.look_again(at_ms(-HOUR), at_ms(51 * HOUR)).await.unwrap(), 1);
    let gathered = scene.billing.gather(closing(51 * HOUR)).await.unwrap();
    assert_eq!((gathered.calls, gathered.records, gathered.lost), (4, 0, 0));
    let files = scene.close(51 * HOUR).await;
    assert!(files.len() == 2 && files.iter().all(|file| file.head.records == 0));
    scene.sound().await;
}

pub(crate) async fn a_correction_has_what_was_issued(scene: Scene) {
    issued_and_pruned(&scene).await;
    let before = [scene.records("fjordtel", 1).await.remove(0), scene.records("nordtel", 1).await.remove(2)];
    // A sooner end of the forwarded call, at last the end of the one that had none, and of the silent one another leg.
    scene.report(event("nordtel", 1, "sooner", EventKind::Ended, 32_000)).await;
    scene.report(event("nordtel", 3, "e", EventKind::Ended, 9_000)).await;
    let mut elsewhere = event("nordtel", 2, "f", EventKind::Failed, 1_000);
    elsewhere.leg = "2.1".parse().unwrap();
    scene.report(elsewhere).await;
    let gathered = scene.billing.gather(closing(51 * HOUR)).await.unwrap();
    assert_eq!((gathered.records, gathered.lost), (2, 1));
    // A correction that waits is corrected as well.
    scene.report(event("nordtel", 3, "sooner", EventKind::Ended, 8_000)).await;
    scene.close(51 * HOUR).await;
    let after = [scene.records("fjordtel", 2).await.remove(0), scene.records("nordtel", 2).await.remove(0)];
    assert_eq!((after[0].charged, after[0].talk_ms), (Charged::Forwarder, Some(30_000)));
    assert_eq!((after[1].state, after[1].talk_ms), (LegState::Ended, Some(6_000)));
    for (before, after) in before.into_iter().zip(after) {
        assert_eq!(after.revision.replaces.as_ref(), Some(&before.record_id));
        assert!(after.chargeable && after.trunk.is_some() && after.to.is_some());
        let course = before.clone().with_course_of(&after);
        assert!(course.says_the_same(&after), "but for its course it is what was issued");
    }
    assert_eq!(scene.all("nordtel").await.len(), 4, "the other leg of the silent call has none");
    scene.sound().await;
}

pub(crate) async fn a_call_that_was_never_billed(scene: Scene) {
    scene.talked(&call("nordtel", 0), 0, 60_000).await;
    scene.ship(vec![entry(&call("nordtel", 1))]).await;
    scene.prune("nordtel").await;
    scene.talked(&call("nordtel", 2), 2, 1_000).await;
    let gathered = scene.billing.gather(closing(50 * HOUR)).await.unwrap();
    assert_eq!((gathered.records, gathered.lost), (1, 2));
    let files = scene.close(50 * HOUR).await;
    assert_eq!((files.len(), files[0].head.records), (1, 1));
    scene.sound().await;
}

pub(crate) async fn what_is_yet_to_be_billed(scene: Scene) {
    let next_day = 24 * HOUR;
    scene.talked(&call("nordtel", 0), 0, 60_000).await;
    // Nobody ever made records here: nothing is kept back for whoever will never ask for it.
    for what in [Prunable::Personal, Prunable::Calls] {
        let pruned = scene.step("nordtel", what, false, true).await;
        assert_eq!((pruned.records, pruned.kept), (1, 0));
    }
    scene.close(NEXT_HOUR).await;
    // One is open yet in an hour that was looked at; one hour is not looked at yet.
    scene.ship(vec![entry(&call("nordtel", 2 * HOUR)), entry(&call("nordtel", 2 * HOUR + 1))]).await;
    scene.report(event("nordtel", 2 * HOUR, "a", EventKind::Answered, 2_000)).await;
    scene.close(4 * HOUR).await;
    scene.talked(&call("nordtel", next_day), next_day, 1_000).await;
    for what in [Prunable::Personal, Prunable::Calls] {
        for dry_run in [true, false] {
            let pruned = scene.step("nordtel", what, false, dry_run).await;
            assert_eq!((pruned.records, pruned.kept), (1, 3), "{what:?} {dry_run}");
        }
    }
    // Once they are billed they go.
    let gathered = scene.billing.gather(closing(80 * HOUR)).await.unwrap();
    assert_eq!((gathered.records, gathered.lost), (3, 0));
    let pruned = scene.step("nordtel", Prunable::Calls, false, false).await;
    assert_eq!((pruned.records, pruned.kept), (3, 0));
    scene.close(80 * HOUR).await;
    assert_eq!(scene.all("nordtel").await.len(), 4);
    // Whoever says so has them removed without.
    scene.talked(&call("nordtel", 7), 7, 1_000).await;
    assert_eq!(scene.step("nordtel", Prunable::Calls, false, false).await.kept, 1);
    assert_eq!(scene.step("nordtel", Prunable::Calls, true, false).await.records, 1);
    scene.sound().await;
}
