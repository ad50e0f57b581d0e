//! A node that begins with a snapshot: calls to the directory's users, before and after another plan.

use telness_core::decide::{Action, DirectorySaid};
use telness_core::directory::{NumberEntry, NumberState, Preferences, User, UserDevice};
use telness_core::reason::Reason;
use telness_engine::snapshot::{Delta, SnapshotFolder, Tables};

use crate::scene::{CARRIER, OFFICE, PLAN, Scene, draft};

fn user(name: &str, extension: &str) -> User {
    User {
        name: name.parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        extension: Some(extension.parse().unwrap()),
        devices: vec![UserDevice {
            trunk: "office-pbx".parse().unwrap(),
            number: format!("ext:{extension}").parse().unwrap(),
        }],
        preferences: Preferences { do_not_disturb: name == "quiet", language: None },
    }
}

fn entry(number: &str, user: Option<&str>) -> NumberEntry {
    NumberEntry {
        number: number.parse().unwrap(),
        state: if user.is_some() { NumberState::Assigned } else { NumberState::Quarantined },
        tenant: "acme".parse().unwrap(),
        user: user.map(|name| name.parse().unwrap()),
        cutover: None,
    }
}

#[tokio::test]
async fn s2_calls_to_users_of_the_snapshot_ring_them_with_nobody_to_ask() {
    let mut scene = Scene::new();
    scene.stop().await;
    let folder = SnapshotFolder::new(scene.settings.data.join("snapshot"));
    let mut tables = Tables::default();
    tables.apply(Delta {
        version: 9,
        users: vec![user("berit", "201"), user("quiet", "202")],
        numbers: vec![
            entry("+46846500411", Some("berit")),
            entry("+46846500412", Some("quiet")),
            entry("+46846500413", None),
        ],
        ..Delta::default()
    });
    folder.save(&tables).unwrap();
    scene.start();
    for _ in 0..2 {
        for (asker, dialled) in [(&CARRIER, "88+46846500411"), (&OFFICE, "+46846500411"), (&OFFICE, "201")] {
            let record = scene.call(asker, draft(dialled)).await.unwrap().record;
            assert_eq!(record.routing.tenant.as_str(), "acme");
            assert_eq!(record.routing.trunk.as_ref().unwrap().as_str(), "office-pbx", "{dialled}");
            assert_eq!(&*record.personal.steps[0].targets[0].uri, "sip:201@10.0.0.1:5060");
            assert_eq!(record.personal.trace.directory, Some(DirectorySaid::Held));
            assert_eq!(record.personal.trace.versions.directory, 9);
        }
        for (dialled, reason) in [("+46846500412", Reason::DoNotDisturb), ("+46846500413", Reason::NumberNotAssigned)] {
            let routing = &scene.call(&OFFICE, draft(dialled)).await.unwrap().record.routing;
            assert_eq!((routing.action, routing.reason), (Action::Reject, reason));
        }
        // The trunks of another plan stand in another order.
        let south = "  - name: south\n    gateways: [{ name: gw1, address: \"203.0.113.17:5060\" }]\n";
        let turned = PLAN.replace(south, "").replace("trunks:\n", &format!("trunks:\n{south}"));
        assert_ne!(turned, PLAN);
        scene.engine().reload_plan(Some(&scene.file("turned.yaml", &turned))).unwrap();
    }
}
