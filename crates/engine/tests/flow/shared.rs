//! Nodes that share a Postgres.

use std::sync::Arc;
use std::time::Duration;

use telness_core::directory::NumberEntry;
use telness_engine::config::Settings;
use telness_engine::storage;
use telness_store::Tls;
use telness_store::control::{Control, Expect};
use telness_testkit::Postgres;

use crate::following::{SOON, assigned, edit, put_berit, served, trunk_of};
use crate::scene::{OFFICE, PLAN, Scene, draft, keyed};

/// How soon what is changed in a database is in service everywhere, on a machine that has time.
const A_SECOND: Duration = Duration::from_secs(1);

/// A node of a database that hears of changes, and looks for them so seldom that a test does not see it.
fn node(url: &str, change: impl FnOnce(&mut Settings)) -> Scene {
    Scene::with(|settings| {
        // A stop without the database does not wait for it.
        settings.http.drain_max = A_SECOND;
        settings.store.url = Some(url.to_owned());
        settings.store.tls = Tls::Off;
        settings.store.poll = Duration::from_secs(600);
        change(settings);
    })
}

async fn migrate(settings: &Settings) {
    storage::migrations(&settings.store).unwrap().unwrap().up().await.unwrap();
}

/// Two nodes of one database with one key.
async fn two_nodes(url: &str, change: impl Fn(&mut Settings)) -> [Scene; 2] {
    let first = node(url, &change);
    migrate(&first.settings).await;
    let key = first.key_file();
    let second = node(url, |settings| {
        settings.key_file = Some(key);
        change(settings);
    });
    [first, second]
}

async fn settle(nodes: &[Scene], version: u64) {
    for node in nodes {
        node.until("what changed is in service", SOON, |engine| served(engine) >= version).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s2_nodes_of_a_database_hear_of_changes_serve_on_without_it_and_follow_again_by_themselves() {
    let mut postgres = Postgres::start();
    let url = postgres.url(&postgres.database());
    let mut nodes = two_nodes(&url, |settings| settings.plan = None).await;
    // The schema came after the nodes: they look again by themselves, and a change is heard of once they listen.
    let control: Control = nodes[0].engine().control().clone();
    control.publish_plan(&edit(), PLAN, Expect::Any).await.unwrap();
    put_berit(&control).await;
    settle(&nodes, 4).await;
    for node in &nodes {
        assert_eq!(trunk_of(node, "+46846500411").await, "office-pbx");
    }
    control.put(&edit(), assigned("+46846500412", "berit"), Expect::Any).await.unwrap();
    for node in &nodes {
        node.until("the number is in service", A_SECOND, |engine| served(engine) == 5).await;
        assert_eq!(trunk_of(node, "+46846500412").await, "office-pbx");
    }
    // Without the database all is as it was, and a start begins with the snapshot.
    postgres.stop();
    nodes[1].stop().await;
    nodes[1].start_when_free().await;
    for node in &nodes {
        assert_eq!(trunk_of(node, "+46846500412").await, "office-pbx");
        assert!(node.engine().readiness().ready);
        assert!(node.engine().snapshot_age_s().is_some());
    }
    postgres.start_again();
    let entry = assigned("+46846500413", "berit");
    while control.put(&edit(), entry.clone(), Expect::Any).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for node in &nodes {
        node.until("it follows again", SOON, |engine| served(engine) == 6).await;
        assert_eq!(trunk_of(node, "+46846500413").await, "office-pbx");
    }
    // A faulty plan changes nothing on any of them.
    control.publish_plan(&edit(), "version: 1\nrules: 7\n", Expect::Any).await.unwrap();
    for node in &nodes {
        node.until("the fault is told", SOON, |engine| !engine.readiness().faults.is_empty()).await;
        assert_eq!(node.engine().readiness().plan_revision, 1);
        assert_eq!(trunk_of(node, "+46846500413").await, "office-pbx");
    }
    // What nodes say of themselves tells it as well.
    let told = tokio::time::timeout(SOON, async {
        loop {
            let reports = control.nodes().await.unwrap();
            if reports.len() == 2 && reports.iter().all(|node| node.fault.is_some()) {
                break reports;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    for report in told.await.expect("nobody says what is amiss") {
        assert_eq!((report.plan_revision, report.plan_from.as_str(), report.served_version), (1, "store", 7));
        assert!(report.fault.unwrap().contains("plan revision 2 has faults"), "all of them");
    }
    control.delete::<NumberEntry>(&edit(), &"+46846500413".parse().unwrap(), Expect::Any).await.unwrap();
    settle(&nodes, 8).await;
    for node in &mut nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_the_same_key_on_two_nodes_at_once_is_one_call() {
    let postgres = Postgres::start();
    let url = postgres.url(&postgres.database());
    let mut nodes = two_nodes(&url, |_| {}).await;
    for node in &nodes {
        node.until("the store is there", SOON, |engine| engine.readiness().store_failing.is_none()).await;
    }
    let engines: Vec<_> = nodes.iter().map(Scene::engine).collect();
    let mut ids = Vec::new();
    for number in 0..20 {
        let key = format!("key-{number}");
        let [one, other] = [&engines[0], &engines[1]].map(|engine| {
            let (engine, draft) = (Arc::clone(engine), keyed("+46701740605", &key));
            async move { engine.handle_call(&OFFICE, draft).await.unwrap().record.routing.call_id }
        });
        let (one, other) = tokio::join!(one, other);
        assert_eq!(one, other);
        ids.push(one);
    }
    for engine in &engines {
        for id in &ids {
            assert_eq!(engine.read_call(&OFFICE, *id).await.unwrap().routing.call_id, *id);
        }
    }
    for node in &mut nodes {
        node.stop().await;
    }
    let calls = postgres.sql("t0", "SELECT count(*), count(DISTINCT call_id) FROM calls");
    assert_eq!(calls, "20|20");
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_nodes_of_a_database_with_different_keys_say_so_until_they_have_one() {
    let postgres = Postgres::start();
    let url = postgres.url(&postgres.database());
    let first = node(&url, |_| {});
    migrate(&first.settings).await;
    let mut second = node(&url, |_| {});
    for (node, other) in [(&first, &second), (&second, &first)] {
        node.until("the key is told", SOON, |engine| !engine.readiness().faults.is_empty()).await;
        let (told, name) = (node.engine().readiness().faults.join(""), other.engine().readiness().node);
        assert!(told.contains("identity.key_file") && told.contains(name.as_str()), "{told}");
        assert!(node.engine().readiness().ready, "calls are carried all the same");
        assert!(node.engine().metrics_text().contains("telness_key_differs 1\n"));
    }
    second.stop().await;
    second.settings.key_file = Some(first.key_file());
    second.start();
    for node in [&first, &second] {
        node.until("nothing is amiss", SOON, |engine| engine.readiness().faults.is_empty()).await;
    }
    assert_eq!(first.call(&OFFICE, draft("+46701740605")).await.unwrap().record.routing.tenant.as_str(), "acme");
}

#[tokio::test(flavor = "multi_thread")]
async fn n3_what_waits_has_an_age_before_the_store_has_first_answered() {
    let scene = node("postgres://app@127.0.0.1:1/x", |_| {});
    scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    scene.until("its age is told", SOON, |engine| engine.readiness().backlog_age_s >= 1).await;
    assert!(!scene.engine().metrics_text().contains("telness_backlog_age_seconds 0\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn n5_two_nodes_of_one_name_say_so() {
    let postgres = Postgres::start();
    let url = postgres.url(&postgres.database());
    let nodes = two_nodes(&url, |settings| settings.node = Some("twin".parse().unwrap())).await;
    let told = |engine: &telness_engine::Engine| engine.readiness().faults.join("\n").contains("under the name twin");
    let (first, second) = (&nodes[0], &nodes[1]);
    first.until("one of them says so", SOON, |engine| told(engine) || told(&second.engine())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n3_whoever_may_not_make_the_days_to_come_says_so_before_they_come() {
    let postgres = Postgres::start();
    let database = postgres.database();
    let owner = node(&postgres.url(&database), |_| {});
    migrate(&owner.settings).await;
    drop(owner);
    postgres.sql(
        &database,
        "CREATE ROLE app LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
         SELECT make_day((now() AT TIME ZONE 'UTC')::date)",
    );
    let url = postgres.url(&database).replace("postgres@", "app@");
    let scene = node(&url, |_| {});
    scene.until("it says so", SOON, |engine| engine.readiness().faults.join("\n").contains("days to come")).await;
    scene
        .until("it says why", SOON, |engine| {
            let nodes =
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(engine.control().nodes()));
            nodes.unwrap().iter().any(|node| node.fault.as_ref().is_some_and(|fault| fault.contains("42501")))
        })
        .await;
    scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    scene.until("today's calls are written", SOON, |engine| engine.readiness().backlog_records == 0).await;
    assert!(scene.engine().readiness().store_failing.is_none());
}
