//! A node follows the control plane of its own store: what is put there is in service by itself, and what is wrong there
//! changes nothing.

use std::time::Duration;

use telness_core::deck::DeckRow;
use telness_core::directory::{NumberEntry, NumberState, Preferences, Tenant, User, UserDevice};
use telness_core::reason::Reason;
use telness_core::time::Timestamp;
use telness_core::world::Rate;
use telness_engine::clock::Clock;
use telness_engine::config::{KeyHolder, KeySetting};
use telness_engine::snapshot::SnapshotFolder;
use telness_engine::{Asker, Engine, PlanFrom};
use telness_store::control::{Control, DeckHead, Edit, Expect};

use crate::scene::{KEY, KEY_SHA256, NOBODY, OFFICE, PLAN, Scene, draft};

pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) fn edit() -> Edit {
    Edit { author: "anna".to_owned(), comment: String::new(), at: Clock::system().now() }
}

pub(crate) fn tenant(name: &str) -> Tenant {
    Tenant {
        name: name.parse().unwrap(),
        suspended: false,
        calls_per_s_max: None,
        outside_line_prefixes: Vec::new(),
        retention: Default::default(),
    }
}

pub(crate) fn user(name: &str, extension: &str) -> User {
    User {
        name: name.parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        extension: Some(extension.parse().unwrap()),
        devices: vec![UserDevice {
            trunk: "office-pbx".parse().unwrap(),
            number: format!("ext:{extension}").parse().unwrap(),
        }],
        preferences: Preferences::default(),
    }
}

pub(crate) fn assigned(number: &str, user: &str) -> NumberEntry {
    NumberEntry {
        number: number.parse().unwrap(),
        state: NumberState::Assigned,
        tenant: "acme".parse().unwrap(),
        user: Some(user.parse().unwrap()),
        cutover: None,
    }
}

/// A tenant, a user, and a number that she holds.
pub(crate) async fn put_berit(control: &Control) {
    control.put(&edit(), tenant("acme"), Expect::Any).await.unwrap();
    control.put(&edit(), user("berit", "201"), Expect::Any).await.unwrap();
    control.put(&edit(), assigned("+46846500411", "berit"), Expect::Any).await.unwrap();
}

/// The trunk that a call to a number goes by.
pub(crate) async fn trunk_of(scene: &Scene, number: &str) -> String {
    let record = scene.call(&OFFICE, draft(number)).await.unwrap().record;
    record.routing.trunk.as_ref().unwrap().to_string()
}

pub(crate) fn served(engine: &Engine) -> u64 {
    engine.world().directory.version
}

/// A node that looks often, by the store's plan.
fn without_plan() -> Scene {
    Scene::with(|settings| {
        settings.plan = None;
        settings.store.poll = Duration::from_millis(10);
    })
}

fn with_plan() -> Scene {
    Scene::with(|settings| settings.store.poll = Duration::from_millis(10))
}

#[tokio::test]
async fn s2_a_number_that_is_put_in_the_store_is_in_service_and_after_a_start_without_the_store_as_well() {
    let mut scene = with_plan();
    let engine = scene.engine();
    scene.until("the store was asked", SOON, |engine| engine.readiness().snapshot_age_s.is_some()).await;
    assert_eq!(engine.snapshot_age_s(), None, "nothing of it is the store's");
    assert_eq!(trunk_of(&scene, "+46846500411").await, "north");
    put_berit(engine.control()).await;
    scene.until("the number is in service", SOON, |engine| served(engine) == 3).await;
    assert_eq!(trunk_of(&scene, "+46846500411").await, "office-pbx");
    // What is served is confirmed a moment after it is.
    scene
        .until("it is known to be the store's", SOON, |engine| engine.snapshot_age_s().is_some_and(|age| age < 5))
        .await;
    engine.control().delete::<NumberEntry>(&edit(), &"+46846500411".parse().unwrap(), Expect::Any).await.unwrap();
    scene.until("the number is gone", SOON, |engine| served(engine) == 4).await;
    assert_eq!(trunk_of(&scene, "+46846500411").await, "north");
    engine.control().put(&edit(), assigned("+46846500412", "berit"), Expect::Any).await.unwrap();
    scene.until("the other number is in service", SOON, |engine| served(engine) == 5).await;
    drop(engine);
    scene.stop().await;
    // What a stop leaves is current, though it was written moments before.
    let store = scene.settings.data.join("calls.sqlite");
    std::fs::rename(&store, store.with_extension("away")).unwrap();
    std::fs::create_dir(&store).unwrap();
    scene.start();
    assert_eq!(trunk_of(&scene, "+46846500412").await, "office-pbx");
    assert!(scene.engine().snapshot_age_s().unwrap() < 60);
    std::fs::remove_dir(&store).unwrap();
    std::fs::rename(store.with_extension("away"), &store).unwrap();
    let control = scene.engine().control().clone();
    let entry = assigned("+46846500413", "berit");
    while control.put(&edit(), entry.clone(), Expect::Any).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.until("it follows again", SOON, |engine| served(engine) == 6).await;
    assert!(scene.engine().readiness().faults.is_empty());
}

#[tokio::test]
async fn s3_a_faulty_plan_in_the_store_changes_nothing_but_what_is_told_and_a_good_one_mends_it() {
    let mut scene = without_plan();
    let engine = scene.engine();
    let control = engine.control().clone();
    assert_eq!(engine.readiness().plan_from, PlanFrom::Example);
    control.publish_plan(&edit(), PLAN, Expect::Any).await.unwrap();
    scene.until("the plan is in service", SOON, |engine| engine.readiness().plan_from == PlanFrom::Store).await;
    assert_eq!(engine.readiness().plan_revision, 1);
    control.publish_plan(&edit(), "version: 1\ntrunks: 7\n", Expect::Any).await.unwrap();
    scene.until("the fault is told", SOON, |engine| !engine.readiness().faults.is_empty()).await;
    let told = engine.readiness().faults.join("\n");
    assert!(told.contains("plan revision 2 has faults") && !told.contains("trunks"), "{told}");
    assert!(engine.metrics_text().contains("telness_snapshot_faulty 1\n"));
    assert!(engine.metrics_text().contains("telness_snapshot_refused_total 1\n"));
    assert_eq!(engine.readiness().plan_revision, 1);
    // What else changes is taken over all the same.
    put_berit(&control).await;
    scene.until("the number is in service", SOON, |engine| served(engine) == 5).await;
    assert_eq!(trunk_of(&scene, "+46846500411").await, "office-pbx");
    // And another change, so that whoever follows has told of the one before.
    control.put(&edit(), assigned("+46846500412", "berit"), Expect::Any).await.unwrap();
    scene.until("the other number is in service", SOON, |engine| served(engine) == 6).await;
    assert!(engine.readiness().faults.join("\n").contains("plan revision 2 has faults"), "a number mended no plan");
    assert!(engine.metrics_text().contains("telness_snapshot_faulty 1\n"));
    // A start begins with the last good one, and finds the fault again.
    drop(engine);
    scene.restart().await;
    assert_eq!(scene.engine().readiness().plan_revision, 1);
    scene.until("the fault is told again", SOON, |engine| !engine.readiness().faults.is_empty()).await;
    let control = scene.engine().control().clone();
    control.publish_plan(&edit(), PLAN, Expect::Any).await.unwrap();
    scene.until("the next one is in service", SOON, |engine| engine.readiness().plan_revision == 3).await;
    scene.until("nothing is amiss", SOON, |engine| engine.readiness().faults.is_empty()).await;
    assert!(scene.engine().metrics_text().contains("telness_snapshot_faulty 0\n"));
}

#[tokio::test]
async fn a_plans_file_goes_before_the_stores_plan_and_a_reload_keeps_the_stores_tenants() {
    let scene = with_plan();
    let engine = scene.engine();
    engine.control().publish_plan(&edit(), "version: 1\n", Expect::Any).await.unwrap();
    engine.control().put(&edit(), tenant("fourth"), Expect::Any).await.unwrap();
    let has = |engine: &Engine| engine.world().plan.tenants.contains_key(&"fourth".parse().unwrap());
    scene.until("the tenant is in service", SOON, has).await;
    assert_eq!(engine.readiness().plan_from, PlanFrom::File);
    assert!(engine.readiness().faults.is_empty(), "a plan that is not served needs no check");
    let file = scene.file("again.yaml", &format!("{PLAN}\n"));
    assert_eq!(engine.reload_plan(Some(&file)).unwrap(), 2);
    assert!(has(&engine));
}

#[tokio::test]
async fn s3_a_store_that_was_emptied_takes_no_number_away() {
    let scene = with_plan();
    let engine = scene.engine();
    put_berit(engine.control()).await;
    scene.until("the number is in service", SOON, |engine| served(engine) == 3).await;
    let file = scene.settings.data.join("calls.sqlite");
    let emptied = "UPDATE change_counter SET version = 0; DELETE FROM changes; DELETE FROM numbers";
    sql(&file, emptied);
    scene.until("the fault is told", SOON, |engine| !engine.readiness().faults.is_empty()).await;
    assert_eq!(trunk_of(&scene, "+46846500411").await, "office-pbx");
    // One that was set back to something is taken as it is.
    engine.control().put(&edit(), assigned("+46846500412", "berit"), Expect::Any).await.unwrap();
    scene.until("what is there is in service", SOON, |engine| served(engine) == 1).await;
    assert_eq!(trunk_of(&scene, "+46846500411").await, "north");
    assert_eq!(trunk_of(&scene, "+46846500412").await, "office-pbx");
    scene.until("nothing is amiss", SOON, |engine| engine.readiness().faults.is_empty()).await;
}

#[tokio::test]
async fn n1_a_store_that_was_set_back_while_the_node_was_down_and_went_on_differently_is_read_anew() {
    let mut scene = with_plan();
    put_berit(scene.engine().control()).await;
    scene.until("the number is in service", SOON, |engine| served(engine) == 3).await;
    scene.stop().await;
    let file = scene.settings.data.join("calls.sqlite");
    sql(&file, "DELETE FROM changes WHERE version = 3; DELETE FROM numbers; UPDATE change_counter SET version = 2");
    {
        let opened = telness_engine::storage::open(&scene.settings.store, &file, telness_engine::storage::unobserved());
        let control = opened.unwrap().control;
        control.put(&edit(), assigned("+46846500412", "berit"), Expect::Any).await.unwrap();
        control.put(&edit(), assigned("+46846500413", "berit"), Expect::Any).await.unwrap();
    }
    scene.start();
    assert_eq!(trunk_of(&scene, "+46846500411").await, "office-pbx", "by the snapshot");
    scene.until("the store's is in service", SOON, |engine| served(engine) == 4).await;
    for (number, trunk) in [("+46846500411", "north"), ("+46846500412", "office-pbx"), ("+46846500413", "office-pbx")] {
        assert_eq!(trunk_of(&scene, number).await, trunk, "{number}");
    }
}

#[tokio::test]
async fn s2_a_damaged_snapshot_is_the_one_before_and_is_written_again() {
    let mut scene = with_plan();
    put_berit(scene.engine().control()).await;
    scene.until("the number is in service", SOON, |engine| served(engine) == 3).await;
    scene.stop().await;
    scene.start();
    scene.engine().control().put(&edit(), assigned("+46846500412", "berit"), Expect::Any).await.unwrap();
    scene.until("the other number too", SOON, |engine| served(engine) == 4).await;
    scene.stop().await;
    let current = scene.settings.data.join("snapshot/current");
    let mut bytes = std::fs::read(&current).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&current, bytes).unwrap();
    scene.start();
    assert_eq!(trunk_of(&scene, "+46846500411").await, "office-pbx", "the one before is in service at once");
    scene.until("it is current by itself", SOON, |engine| served(engine) == 4).await;
    scene.stop().await;
    let found = SnapshotFolder::new(scene.settings.data.join("snapshot")).load();
    assert!(found.refused.is_empty());
    assert_eq!(found.loaded.unwrap().tables.version, 4);
}

#[tokio::test]
async fn a_rate_deck_is_in_service_when_it_is_loaded_and_its_rows_at_their_time() {
    let scene = with_plan();
    let engine = scene.engine();
    let control = engine.control();
    let soon = Timestamp::from_micros(Clock::system().now().as_micros() + 1_000_000);
    let row = |price, valid_from, valid_until| DeckRow {
        prefix: "4670".parse().unwrap(),
        price: Rate(price),
        connection_fee: Rate(0),
        first_s: 1,
        next_s: 1,
        origin: None,
        surcharge: Rate(0),
        valid_from,
        valid_until,
    };
    let head = DeckHead { trunk: "north".parse().unwrap(), currency: "SEK".parse().unwrap() };
    let load = control.begin_deck(&head, edit().at).await.unwrap();
    control.add_deck_rows(load, &[row(5, None, Some(soon)), row(6, Some(soon), None)], edit().at).await.unwrap();
    control.finish_deck(&edit(), load, Expect::Any).await.unwrap();
    let rate = |engine: &Engine| {
        let world = engine.world();
        let deck = world.decks.of(telness_core::plan::TrunkIx(0));
        deck.and_then(|deck| deck.get("4670".parse().unwrap()))
    };
    scene.until("the deck is in service", SOON, |engine| rate(engine).is_some()).await;
    scene.until("the later row is", SOON, |engine| rate(engine) == Some(6)).await;
    assert!(Clock::system().now() >= soon);
    let record = scene.call(&OFFICE, draft("+46701740605")).await.unwrap().record;
    assert_eq!((record.routing.reason, record.personal.trace.versions.decks), (Reason::Routed, 2));
}

#[tokio::test]
async fn s3_a_deck_without_its_rows_holds_up_nothing_else_and_is_told_until_it_is_loaded_again() {
    let mut scene = with_plan();
    let control = scene.engine().control().clone();
    let rows = [DeckRow {
        prefix: "4670".parse().unwrap(),
        price: Rate(5),
        connection_fee: Rate(0),
        first_s: 1,
        next_s: 1,
        origin: None,
        surcharge: Rate(0),
        valid_from: None,
        valid_until: None,
    }];
    let head = DeckHead { trunk: "north".parse().unwrap(), currency: "SEK".parse().unwrap() };
    let load = control.begin_deck(&head, edit().at).await.unwrap();
    control.add_deck_rows(load, &rows, edit().at).await.unwrap();
    sql(&scene.settings.data.join("calls.sqlite"), "DELETE FROM deck_rows");
    control.finish_deck(&edit(), load, Expect::Any).await.unwrap();
    put_berit(&control).await;
    scene.until("the number is in service", SOON, |engine| served(engine) == 5).await;
    let faulty = |engine: &Engine| engine.readiness().faults.join("\n").contains("rate deck of north");
    scene.until("the deck's fault is told", SOON, faulty).await;
    drop(control);
    scene.restart().await;
    scene.until("it is told again", SOON, faulty).await;
    assert_eq!(trunk_of(&scene, "+46846500411").await, "office-pbx");
    let control = scene.engine().control().clone();
    let load = control.begin_deck(&head, edit().at).await.unwrap();
    control.add_deck_rows(load, &rows, edit().at).await.unwrap();
    control.finish_deck(&edit(), load, Expect::Any).await.unwrap();
    scene.until("nothing is amiss", SOON, |engine| engine.readiness().faults.is_empty()).await;
    assert!(scene.engine().world().decks.of(telness_core::plan::TrunkIx(0)).is_some());
}

#[tokio::test]
async fn s2_a_snapshot_that_somebody_took_away_is_written_again() {
    let scene = with_plan();
    put_berit(scene.engine().control()).await;
    let current = scene.settings.data.join("snapshot").join("current");
    scene.until("the snapshot is written", SOON, |_| current.exists()).await;
    std::fs::remove_dir_all(current.parent().unwrap()).unwrap();
    scene.until("it is written again", SOON, |_| current.exists()).await;
}

/// Changes the store's file behind the node's back.
pub(crate) fn sql(file: &std::path::Path, statements: &str) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.busy_timeout(SOON).unwrap();
    connection.execute_batch(statements).unwrap();
}

#[tokio::test]
async fn p5_a_tenant_that_only_the_store_has_is_held_to_its_rate_and_no_emergency_call_is() {
    let scene = Scene::with(|settings| {
        settings.store.poll = Duration::from_millis(10);
        let holder = KeyHolder::Tenant("sydtel".parse().unwrap());
        settings.keys = vec![KeySetting { holder, sha256: KEY_SHA256 }];
    });
    let asker = Asker { key: Some(KEY), ..NOBODY };
    let put = async |calls_per_s_max| {
        let sydtel = Tenant { calls_per_s_max, ..tenant("sydtel") };
        scene.engine().control().put(&edit(), sydtel, Expect::Any).await.unwrap();
        let is_so = |engine: &Engine| {
            let found = engine.world().plan.tenants.get(&"sydtel".parse().unwrap()).cloned();
            found.is_some_and(|found| found.calls_per_s_max == calls_per_s_max)
        };
        scene.until("the tenant is in service", SOON, is_so).await;
    };
    // Of so many calls one is beyond one a second, however slow the machine.
    let is_limited = async || {
        for _ in 0..50 {
            let refused = scene.call(&asker, draft("+46701740605")).await.err();
            if refused.is_some_and(|refused| refused.reason() == Reason::RateLimited) {
                return true;
            }
        }
        false
    };
    put(Some(1)).await;
    assert!(is_limited().await);
    assert!(scene.call(&asker, draft("112")).await.is_ok());
    put(None).await;
    assert!(!is_limited().await);
}
