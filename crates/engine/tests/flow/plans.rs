//! A change of the plan cannot take the node down.

use telness_core::decide::Action;

use telness_core::plan::FaultCode;
use telness_engine::plan_flow::{PublishError, publish, publish_revision};
use telness_store::control::{ControlError, Expect, Refusal};

use crate::following::edit;
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

#[tokio::test]
async fn s3_a_plan_with_faults_is_not_published_and_any_revision_comes_back() {
    let scene = Scene::new();
    let control = scene.engine().control().clone();
    let text = |text: &str| text.as_bytes().to_vec();
    let first = publish(&control, &edit(), text(PLAN), Expect::Absent).await.unwrap().published;
    let (again, expect) = (format!("{PLAN}\n# again"), Expect::Version(first.version));
    let second = publish(&control, &edit(), text(&again), expect).await.unwrap().published;
    assert_eq!((first.revision, second.revision), (1, 2));
    let doubled = format!("{PLAN}\n{PLAN}");
    for faulty in [text(""), text(&doubled), vec![0xff, 0xfe], vec![0]] {
        let refused = publish(&control, &edit(), faulty, Expect::Any).await.unwrap_err();
        let PublishError::Faulty(faults) = refused else { panic!("{refused}") };
        assert!(!faults.faults.is_empty());
    }
    assert_eq!(control.published_plan().await.unwrap(), Some(second.clone()));
    assert_eq!(control.plans(None, 10).await.unwrap().len(), 2, "nothing of a faulty plan is kept");
    let late = publish_revision(&control, &edit(), 1, Expect::Version(first.version)).await.unwrap_err();
    let PublishError::Control(ControlError::Refused { refusal, .. }) = late else { panic!("{late}") };
    assert_eq!(refusal, Refusal::Unexpected { found: Some(second.version) });
    let back = publish_revision(&control, &edit(), 1, Expect::Version(second.version)).await.unwrap().published;
    assert_eq!((back.revision, control.plan(1).await.unwrap().unwrap().text), (1, PLAN.to_owned()));
    let none = publish_revision(&control, &edit(), 9, Expect::Any).await.unwrap_err();
    assert!(none.to_string().contains("there is none"), "{none}");
}

#[tokio::test]
async fn s3_a_revision_that_this_telness_refuses_is_not_gone_back_to() {
    let scene = Scene::new();
    let control = scene.engine().control().clone();
    control.publish_plan(&edit(), "version: 0\n", Expect::Absent).await.unwrap();
    let good = publish(&control, &edit(), PLAN.as_bytes().to_vec(), Expect::Any).await.unwrap().published;
    let refused = publish_revision(&control, &edit(), 1, Expect::Any).await.unwrap_err();
    let PublishError::Faulty(faults) = refused else { panic!("{refused}") };
    assert!(faults.faults.iter().all(|fault| fault.code != FaultCode::EmptyDocument), "{faults}");
    assert_eq!(control.published_plan().await.unwrap(), Some(good));
}
