//! A change of the plan cannot take the node down.

use telness_core::decide::Action;

use crate::scene::{OFFICE, PLAN, Scene, draft};

#[tokio::test]
async fn s3_a_faulty_plan_is_refused_and_the_last_good_one_stays() {
    let scene = Scene::new();
    let engine = scene.engine();
    let blank = scene.file("blank.yaml", "");
    let doubled = scene.file("doubled.yaml", &format!("{PLAN}\n{PLAN}"));
    for faulty in [blank, doubled] {
        let refused = engine.reload_plan(Some(&faulty)).unwrap_err().to_string();
        assert!(refused.contains("error["), "every fault has a code: {refused}");
        assert_eq!(engine.readiness().plan_revision, 1);
    }
    assert_eq!(scene.call(&OFFICE, draft("+46701740605")).await.unwrap().record.routing.plan_revision, 1);
}

#[tokio::test]
async fn a_good_plan_is_the_next_revision_for_the_next_call() {
    let scene = Scene::new();
    let closed = PLAN.replace(
        "direction: from_tenant }, route: [{ trunk: north }, { trunk: south }]",
        "direction: from_tenant }, reject: { reason: denied_by_plan }",
    );
    assert_ne!(closed, PLAN);
    let file = scene.file("closed.yaml", &closed);
    assert_eq!(scene.engine().reload_plan(Some(&file)).unwrap(), 2);
    let answer = scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    assert_eq!((answer.record.routing.plan_revision, answer.record.routing.action), (2, Action::Reject));
}
