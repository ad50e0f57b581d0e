//! Plans, and what nodes say of themselves.

use super::*;

pub(crate) async fn plans_are_numbered_and_one_is_published(control: Control) {
    assert_eq!(control.published_plan().await.unwrap(), None);
    let e = edit("first");
    let first = control.publish_plan(&e, "version: 1\n# first å\n", Expect::Absent).await.unwrap();
    let second = control.publish_plan(&edit("second"), "version: 1\n", Expect::Version(first.version)).await.unwrap();
    assert_eq!((first.revision, second.revision), (1, 2));
    let late = control.publish_plan(&e, "late", Expect::Version(first.version)).await.unwrap_err();
    assert_eq!(refusal(late), Refusal::Unexpected { found: Some(second.version) });
    let back = control.publish_revision(&edit("back"), 1, Expect::Any).await.unwrap();
    assert_eq!((back.revision, back.comment.as_str()), (1, "back"));
    assert_eq!(control.published_plan().await.unwrap(), Some(back.clone()));
    assert_eq!(refusal(control.publish_revision(&e, 9, Expect::Any).await.unwrap_err()), Refusal::NotFound);
    let read = control.plan(1).await.unwrap().unwrap();
    assert_eq!((read.text.as_str(), read.head.comment.as_str()), ("version: 1\n# first å\n", "first"));
    assert_eq!(control.plan(3).await.unwrap(), None);
    // Going back makes no revision; the next text is the third.
    let third = control.publish_plan(&e, "version: 1\n", Expect::Any).await.unwrap();
    let revisions =
        |heads: Vec<telness_store::control::PlanHead>| heads.iter().map(|head| head.revision).collect::<Vec<_>>();
    assert_eq!(revisions(control.plans(None, 2).await.unwrap()), [3, 2]);
    assert_eq!(revisions(control.plans(Some(2), 2).await.unwrap()), [1]);
    let changes = control.changes_after(&ChangeCursor::after(second.version), 10).await.unwrap();
    let wanted = [(back.version, Change::Plan { revision: 1 }), (third.version, Change::Plan { revision: 3 })];
    assert_eq!(changes.changes, wanted);
}

pub(crate) async fn nodes_are_known_by_what_they_said_last(control: Control) {
    let report = |name: &str, second| NodeReport {
        name: name.parse().unwrap(),
        started_at: at(0),
        seen_at: at(second),
        version: "0.1.0".to_owned(),
        schema_version: 3,
        plan_revision: 7,
        served_version: 42,
        snapshot_age_s: (second > 1).then_some(5),
        journal_bytes: 1 << 40,
        backlog_records: 0,
        backlog_age_s: 0,
        plan_from: "store".to_owned(),
        fault: (second > 1).then(|| "a plan with a fault".to_owned()),
        key_check: "0011223344556677".to_owned(),
    };
    let before = control.version().await.unwrap();
    for (name, second) in [("node-b", 1), ("node-a", 1), ("node-b", 2)] {
        control.heartbeat(&report(name, second)).await.unwrap();
    }
    assert_eq!(control.nodes().await.unwrap(), [report("node-a", 1), report("node-b", 2)]);
    assert!(control.forget_node(&"node-a".parse().unwrap()).await.unwrap());
    assert!(!control.forget_node(&"node-a".parse().unwrap()).await.unwrap());
    assert_eq!(control.nodes().await.unwrap(), [report("node-b", 2)]);
    assert_eq!(control.version().await.unwrap(), before, "what nodes say is no change");
}
