//! Counters at the edges at which others ended calls: 2^31 - 1, 2^53 and 2^63 - 1 (E11). Nothing that counts is asked
//! whether an emergency call may go.

use std::time::Duration;

use telness_core::decide::Action;
use telness_core::reason::Reason;
use telness_core::time::Timestamp;
use telness_engine::clock::Clock;
use telness_store::control::Expect;

use crate::following::{SOON, edit, sql};
use crate::scene::{OFFICE, PLAN, Scene, draft};

/// One below, at and above each edge, as far as a column of the store holds it.
const EDGES: [i64; 8] = [
    i32::MAX as i64,
    i32::MAX as i64 + 1,
    u32::MAX as i64 + 1,
    (1 << 53) - 1,
    1 << 53,
    (1 << 53) + 1,
    i64::MAX - 1,
    i64::MAX,
];

/// An emergency call is answered with both of its trunks; the answer is its record.
async fn an_emergency_call_goes(scene: &Scene, what: &str) -> telness_core::record::Routing {
    let answer = scene.call(&OFFICE, draft("112")).await.unwrap_or_else(|refused| panic!("{what}: {refused}"));
    let routing = answer.record.routing.clone();
    assert_eq!((routing.action, answer.record.personal.steps.len()), (Action::Route, 2), "{what}");
    routing
}

// The store's own writes go on while the test's wait for their end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e11_plans_and_changes_are_counted_past_every_edge_and_the_last_one_stays_in_service() {
    let scene = Scene::with(|settings| {
        settings.plan = None;
        settings.store.poll = Duration::from_millis(10);
    });
    let control = scene.engine().control().clone();
    let file = scene.settings.data.join("calls.sqlite");
    control.publish_plan(&edit(), PLAN, Expect::Any).await.unwrap();
    scene.until("a plan is in service", SOON, |engine| engine.readiness().plan_revision == 1).await;
    for edge in EDGES {
        // The next plan, and the next change, are the edge.
        let before = edge - 1;
        sql(
            &file,
            &format!(
                "UPDATE plans SET revision = {before} WHERE revision = (SELECT MAX(revision) FROM plans);
                 UPDATE plan_publications SET revision = {before} WHERE version = (SELECT version FROM change_counter);
                 UPDATE change_counter SET version = MAX(version, {before});"
            ),
        );
        let text = format!("{PLAN}# {edge}\n");
        let published = control.publish_plan(&edit(), &text, Expect::Any).await;
        let expected = u64::try_from(edge).unwrap();
        assert!(published.is_ok(), "{edge}: {published:?}");
        scene.until("the next is in service", SOON, |engine| engine.readiness().plan_revision == expected).await;
        assert_eq!(an_emergency_call_goes(&scene, "at an edge").await.plan_revision, expected);
    }
    // There is no number left for another: that is refused, and what is in service stays.
    assert!(control.publish_plan(&edit(), PLAN, Expect::Any).await.is_err());
    let last = an_emergency_call_goes(&scene, "past the last number").await;
    assert_eq!(last.plan_revision, u64::try_from(i64::MAX).unwrap());
    assert!(scene.engine().readiness().ready);
}

#[tokio::test]
async fn e11_the_last_number_of_a_segment_is_used_and_past_it_emergency_calls_go_on() {
    // A stop gives records up that no journal takes; it need not wait long for that here.
    let mut scene = Scene::with(|settings| settings.http.drain_max = Duration::from_millis(300));
    let journal = scene.settings.data.join("journal");
    for (highest, kept) in [("2147483646", true), ("2147483647", false), ("4294967295", false)] {
        scene.stop().await;
        // Whatever has a number there has had it.
        std::fs::write(journal.join(format!("segment-{highest}.damaged")), "").unwrap();
        scene.start_when_free().await;
        let normal = scene.call(&OFFICE, draft("90701740605")).await;
        match normal {
            // Its position is the highest that a store's signed column has, but for the row.
            Ok(answer) => {
                assert!(kept, "{highest}");
                let id = answer.record.routing.call_id;
                scene.engine().read_call(&OFFICE, id).await.expect("the store has what was acknowledged");
            }
            Err(refused) => assert_eq!((refused.reason(), kept), (Reason::RecordNotKept, false), "{highest}"),
        }
        an_emergency_call_goes(&scene, highest).await;
    }
}

#[tokio::test]
async fn e11_no_time_of_day_is_too_early_or_too_late() {
    let seconds = [i64::from(i32::MAX), i64::from(i32::MAX) + 1, i64::from(u32::MAX) + 1];
    let micros = seconds.into_iter().map(|seconds| seconds * 1_000_000);
    let more = [i64::MIN, -1, 0, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, i64::MAX - 1, i64::MAX];
    let clock = Clock::manual(Timestamp::from_micros(0));
    let scene = Scene::at(clock.clone());
    for at in micros.chain(more).map(Timestamp::from_micros) {
        clock.set(at);
        assert_eq!(an_emergency_call_goes(&scene, &format!("{at:?}")).await.received_at, at);
    }
}
