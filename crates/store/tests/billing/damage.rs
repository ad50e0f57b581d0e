//! What cannot be read, or was changed by hand, is told of, and keeps nothing else from being billed.

use std::sync::Arc;

use telness_core::call::Party;
use telness_core::record::EventKind;
use telness_core::record::billing::Format;
use telness_store::StoreError;

use crate::sample::{call, event};
use crate::scene::{HOUR, NEXT_HOUR, Scene, closing};

pub(crate) async fn what_somebody_changed(scene: Scene) {
    scene.talked(&call("nordtel", 0), 0, 1_000).await;
    scene.close(NEXT_HOUR).await;
    scene.close(NEXT_HOUR + HOUR).await;
    (scene.by_hand)("UPDATE billing_records SET csv = 'record,1' WHERE place = 1");
    let tenant = "nordtel".parse().unwrap();
    assert_eq!(scene.billing.verify(&tenant).await.unwrap().len(), 1);
    assert!(matches!(scene.billing.issue(&tenant, 1, Format::Csv).await, Err(StoreError::Broken(_))));
    assert!(scene.billing.issue(&tenant, 1, Format::JsonLines).await.is_ok());
    // What a later telness closed is not taken for something that was changed.
    (scene.by_hand)("UPDATE billing_files SET v = 2 WHERE sequence = 2");
    let Err(StoreError::Broken(why)) = scene.billing.issue(&tenant, 2, Format::JsonLines).await else { panic!() };
    assert!(why.contains("a later telness closed"), "{why}");
    assert!(scene.billing.verify(&tenant).await.unwrap()[1].contains("a later telness closed"));
    (scene.by_hand)("UPDATE billing_files SET v = 1 WHERE sequence = 2");
    (scene.by_hand)("DELETE FROM billing_files WHERE sequence = 1");
    let faults = scene.billing.verify(&tenant).await.unwrap();
    assert!(faults.iter().any(|fault| fault.contains("files are missing")), "{faults:?}");
    assert_eq!(scene.billing.issue(&tenant, 1, Format::JsonLines).await.unwrap(), None);
}

pub(crate) async fn a_call_that_cannot_be_read(scene: Scene) {
    let mut odd = call("nordtel", 0);
    odd.personal.from = Some(Party { sent: Arc::from("a\0b"), read: None });
    scene.talked(&odd, 0, 1_000).await;
    scene.talked(&call("nordtel", 1), 1, 1_000).await;
    scene.talked(&call("nordtel", 2), 2, 1_000).await;
    (scene.by_hand)("UPDATE calls SET reason = 'of-a-later-version' WHERE sip_call_id LIKE '1-%'");
    let gathered = scene.billing.gather(closing(NEXT_HOUR)).await.unwrap();
    assert_eq!((gathered.records, gathered.faulty), (2, 1));
    assert_eq!(scene.close(NEXT_HOUR).await[0].head.records, 2);
    assert_eq!(scene.records("nordtel", 1).await[0].from_sent.as_deref(), Some("a\0b"));
    // It is not forgotten.
    (scene.by_hand)("UPDATE calls SET reason = 'routed' WHERE sip_call_id LIKE '1-%'");
    assert_eq!(scene.close(NEXT_HOUR + HOUR).await[0].head.records, 1);
    scene.sound().await;
}

pub(crate) async fn a_record_that_cannot_be_read(scene: Scene) {
    for ms in 0..3 {
        scene.talked(&call("nordtel", ms), ms, 60_000).await;
    }
    scene.close(NEXT_HOUR).await;
    (scene.by_hand)("UPDATE billing_records SET jsonl = 'x' || jsonl WHERE place = 1");
    for ms in 0..2 {
        scene.report(event("nordtel", ms, "sooner", EventKind::Ended, 32_000)).await;
    }
    scene.talked(&call("sydtel", 7), 7, 1_000).await;
    let gathered = scene.billing.gather(closing(NEXT_HOUR + HOUR)).await.unwrap();
    assert_eq!((gathered.records, gathered.faulty, gathered.failed), (2, 1, 0));
    let files = scene.close(NEXT_HOUR + HOUR).await;
    assert_eq!(files.iter().map(|file| file.head.records).collect::<Vec<_>>(), [1, 1]);
    // It is not forgotten.
    (scene.by_hand)("UPDATE billing_records SET jsonl = substr(jsonl, 2) WHERE jsonl LIKE 'x%'");
    scene.close(NEXT_HOUR + 2 * HOUR).await;
    assert_eq!(scene.records("nordtel", 3).await[0].talk_ms, Some(30_000));
    scene.sound().await;
}

pub(crate) async fn an_hour_that_cannot_be_looked_at(scene: Scene) {
    scene.talked(&call("nordtel", 0), 0, 1_000).await;
    (scene.by_hand)(
        "INSERT INTO billing_marks (tenant, hour, journal, count)
         SELECT 'NOT A NAME', hour, journal, count FROM billing_marks",
    );
    let gathered = scene.billing.gather(closing(NEXT_HOUR)).await.unwrap();
    assert_eq!((gathered.records, gathered.hours, gathered.failed), (1, 1, 1));
    assert_eq!(scene.close(NEXT_HOUR).await[0].head.records, 1);
    assert_eq!(scene.billing.gather(closing(NEXT_HOUR)).await.unwrap().failed, 1, "it is not forgotten");
    scene.sound().await;
}
