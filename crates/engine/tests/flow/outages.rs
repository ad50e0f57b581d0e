//! Outages of others whose cause is made again here, each named after the one that it is of (docs/outages.md): an
//! emergency call is routed by two gateways all the while.

use std::time::Duration;

use telness_core::call::{Diversion, Draft};
use telness_core::class::Class;
use telness_core::decide::Action;
use telness_core::reason::Reason;
use telness_engine::PlanFrom;
use telness_engine::clock::Clock;
use telness_engine::health::GatewayState;
use telness_engine::incidents::{IncidentKind, IncidentList};
use telness_store::control::Expect;
use telness_testkit::Dice;
use tokio::task::JoinSet;

use crate::following::{SOON, edit, put_berit, served, trunk_of};
use crate::gateways::{self, Gateway, report, trunks_of, until_state};
use crate::scene::{CARRIER, OFFICE, OTHER, PLAN, STREET, Scene, draft, keyed};

const EXAMPLE: &str = include_str!("../../../../examples/sweden.yaml");

/// 112 is answered with both of the emergency trunks, one after the other.
async fn an_emergency_call_goes(scene: &Scene, what: &str) {
    let answer = scene.call(&OFFICE, draft("112")).await.unwrap_or_else(|refused| panic!("{what}: {refused}"));
    assert_eq!(answer.record.routing.class, Class::Emergency, "{what}");
    let trunks = answer.record.personal.steps.iter().flat_map(|step| &step.targets).map(|target| target.trunk.as_str());
    assert_eq!(trunks.collect::<Vec<_>>(), ["north", "south"], "{what}");
}

/// Planned work broke short numbers for five days while all other calls went well.
#[tokio::test]
async fn telenor_2019_short_numbers_are_routed_as_the_rest_is() {
    let scene = Scene::with(|settings| settings.plan = None);
    let file = scene.file("example.yaml", EXAMPLE);
    scene.engine().reload_plan(Some(&file)).unwrap();
    let local = telness_engine::Asker { address: [127, 0, 0, 1].into(), ..OFFICE };
    for (dialled, class) in [
        ("112", Class::Emergency),
        ("90000", Class::Emergency),
        ("1177", Class::Vital),
        ("11414", Class::Normal),
        ("11313", Class::Normal),
        ("+46701740605", Class::Normal),
    ] {
        let record = scene.call(&local, draft(dialled)).await.unwrap().record;
        assert_eq!((record.routing.action, record.routing.class), (Action::Route, class), "{dialled}");
    }
}

/// A generated file came out twice as long as the program that read it allowed.
#[tokio::test]
async fn cloudflare_2025_a_file_that_is_doubled_or_far_too_long_changes_nothing() {
    let scene = Scene::new();
    let rules = "  - { name: out, match: { called: [any] }, route: [{ trunk: north }] }\n".repeat(20_000);
    let nested = "[".repeat(100_000);
    let long = PLAN.replace("rules:\n", &format!("rules:\n{rules}"));
    for (what, text) in [("doubled", format!("{PLAN}\n{PLAN}")), ("long", long), ("nested", nested)] {
        let file = scene.file("generated.yaml", &text);
        let refused = scene.engine().reload_plan(Some(&file)).unwrap_err();
        assert!(refused.to_string().contains("error["), "{what}: {refused}");
        an_emergency_call_goes(&scene, what).await;
        assert_eq!(trunk_of(&scene, "+46701740605").await, "north");
    }
}

/// A policy with blank fields ended every program that read it.
#[tokio::test]
async fn google_cloud_2025_a_blank_field_is_a_fault_or_means_nothing() {
    let scene = Scene::new();
    for (at, line) in PLAN.lines().enumerate() {
        let Some((name, _)) = line.split_once(':') else { continue };
        let blank: Vec<String> = PLAN
            .lines()
            .enumerate()
            .map(|(other, kept)| if other == at { format!("{name}:") } else { kept.to_owned() })
            .collect();
        let file = scene.file("blank.yaml", &blank.join("\n"));
        // Whichever it is, the node goes on, and so does what nothing may take away.
        let _ = scene.engine().reload_plan(Some(&file));
        an_emergency_call_goes(&scene, line).await;
    }
}

/// One file ended the agents' system again with each call that came.
#[tokio::test]
async fn bt_2023_a_poison_call_is_one_call() {
    let scene = Scene::new();
    let mut dice = Dice::seeded(999);
    let mut noise = |bytes: u64| -> String {
        let alphabet: Vec<char> = "0129+*#;:@<>%=\u{0}\u{7f}\u{202e}é٣sip:tel:urn:service:sos".chars().collect();
        (0..bytes).map(|_| alphabet[usize::try_from(dice.below(alphabet.len() as u64)).unwrap()]).collect()
    };
    for turn in 0..400_u32 {
        let poison = Draft {
            from: Some(noise(40).into()),
            sip_call_id: Some(noise(80).into()),
            diversions: vec![Diversion { by: noise(30).into(), cause: noise(10).into() }; 9],
            ..draft(&noise(u64::from(turn % 60)))
        };
        for asker in [OFFICE, STREET, CARRIER] {
            // What becomes of it is its own affair.
            let _ = scene.call(&asker, poison.clone()).await;
        }
        an_emergency_call_goes(&scene, "after a poison call").await;
    }
    assert!(scene.engine().readiness().ready);
}

/// Content that was not checked came to every machine at once, and to each again after its restart.
#[tokio::test]
async fn crowdstrike_2024_content_that_nobody_checked_is_refused_by_each_node_and_after_each_start() {
    let mut scene = Scene::with(|settings| {
        settings.plan = None;
        settings.store.poll = Duration::from_millis(10);
    });
    let control = scene.engine().control().clone();
    control.publish_plan(&edit(), PLAN, Expect::Any).await.unwrap();
    scene.until("the plan is in service", SOON, |engine| engine.readiness().plan_from == PlanFrom::Store).await;
    // Past every check, as a defect in them would let it.
    control.publish_plan(&edit(), "version: 1\nemergency: 7\n", Expect::Any).await.unwrap();
    for _ in 0..2 {
        scene.until("the fault is told", SOON, |engine| !engine.readiness().faults.is_empty()).await;
        an_emergency_call_goes(&scene, "beside faulty content").await;
        assert_eq!(trunk_of(&scene, "+46701740605").await, "north");
        scene.restart().await;
    }
}

/// Of two programs that wrote one record, the slower one left it empty.
#[tokio::test]
async fn aws_2025_a_table_that_was_emptied_takes_nothing_away() {
    let scene = Scene::with(|settings| settings.store.poll = Duration::from_millis(10));
    put_berit(scene.engine().control()).await;
    scene.until("the number is in service", SOON, |engine| served(engine) == 3).await;
    let emptied = "UPDATE change_counter SET version = 0; DELETE FROM changes; DELETE FROM numbers; DELETE FROM users";
    crate::following::sql(&scene.settings.data.join("calls.sqlite"), emptied);
    scene.until("the fault is told", SOON, |engine| !engine.readiness().faults.is_empty()).await;
    assert_eq!(trunk_of(&scene, "+46846500411").await, "office-pbx");
    an_emergency_call_goes(&scene, "with an emptied store").await;
}

/// Names could not be looked up, and what would have mended that needed names.
#[tokio::test]
async fn facebook_2021_a_start_needs_no_name_to_be_looked_up() {
    let scene = Scene::with(|settings| {
        let url = "postgres://telness@database.invalid/telness";
        settings.store.url = Some(url.parse().unwrap());
        settings.store.tls = telness_store::Tls::Off;
    });
    an_emergency_call_goes(&scene, "without names").await;
    let answer = scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    assert_eq!((answer.record.routing.action, answer.proof.as_str()), (Action::Route, "journaled"));
    assert!(scene.engine().readiness().ready);
}

/// A counter reached a limit that somebody had once thought large enough, and nothing was routed any more.
#[tokio::test]
async fn intrado_2014_no_limit_on_calls_holds_an_emergency_call_up() {
    let scene = Scene::with(|settings| {
        settings.low.calls_in_flight_max = 0;
        settings.high.calls_in_flight_max = 0;
        settings.journal.queue_records_max = 1;
    });
    assert_eq!(scene.call(&OFFICE, draft("+46701740605")).await.unwrap_err().reason(), Reason::Overloaded);
    for key in 0..500 {
        let answer = scene.call(&OFFICE, keyed("112", &key.to_string())).await.unwrap();
        assert_eq!(answer.record.personal.steps.len(), 2);
    }
}

/// A filter was taken out as a clean-up, and what it had held back took everything down.
#[tokio::test]
async fn rogers_2022_a_clean_up_that_takes_the_way_of_emergency_calls_is_refused() {
    let scene = Scene::new();
    let changes = [
        ("the emergency section", "emergency:\n  default: [{ trunk: north }, { trunk: south }]\n", ""),
        ("one of two trunks", "default: [{ trunk: north }, { trunk: south }]", "default: [{ trunk: north }]"),
        ("a trunk", "  - name: south\n    gateways: [{ name: gw1, address: \"203.0.113.17:5060\" }]\n", ""),
        ("an extension that is 112", "extension: 200", "extension: 112"),
        ("a translation of 112", "prefix: \"77#\", strip: 3", "prefix: \"112\", strip: 3"),
        ("112 as a vital number", "numbers: [\"1177\"", "numbers: [\"112\""),
    ];
    for (what, from, to) in changes {
        let changed = PLAN.replace(from, to);
        assert_ne!(changed, PLAN, "{what}");
        let file = scene.file("cleaned.yaml", &changed);
        assert!(scene.engine().reload_plan(Some(&file)).is_err(), "{what} is put in service");
        an_emergency_call_goes(&scene, what).await;
    }
}

/// A message without an end was passed on for ever.
#[tokio::test]
async fn centurylink_2018_a_call_that_is_forwarded_for_ever_ends_and_an_emergency_call_does_not() {
    let scene = Scene::new();
    let forwarded = |to: &str| Draft {
        diversions: (0..5)
            .map(|at| Diversion { by: format!("+4684650042{at}").into(), cause: "no-answer".into() })
            .collect(),
        ..draft(to)
    };
    let record = scene.call(&OFFICE, forwarded("+46701740605")).await.unwrap().record;
    assert_eq!((record.routing.action, record.routing.reason), (Action::Reject, Reason::ForwardLoop));
    let record = scene.call(&OFFICE, forwarded("112")).await.unwrap().record;
    assert_eq!((record.routing.action, record.personal.steps.len()), (Action::Route, 2));
}

/// Whatever had lost its connection tried again at once, and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t_mobile_2020_a_storm_of_retries_holds_no_emergency_call_up_and_ends() {
    let scene = Scene::with(|settings| settings.low.calls_in_flight_max = 4);
    let engine = scene.engine();
    let mut storm = JoinSet::new();
    for retry in 0..600_u32 {
        let engine = std::sync::Arc::clone(&engine);
        // Ten retries of each.
        let call = keyed("+46701740605", &(retry % 60).to_string());
        storm.spawn(async move { engine.handle_call(&OFFICE, call).await.map_err(|refused| refused.reason()) });
        if retry % 10 == 0 {
            an_emergency_call_goes(&scene, "in the storm").await;
        }
    }
    for answered in storm.join_all().await {
        assert!(matches!(answered, Ok(_) | Err(Reason::Overloaded)), "{answered:?}");
    }
    assert_eq!(trunk_of(&scene, "+46701740605").await, "north");
}

/// The emergency numbers of most of a country were away by night.
#[test]
fn deutsche_telekom_2021_no_hour_closes_an_emergency_route() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let scene = runtime.block_on(async { Scene::new() });
    let timed = PLAN.replace("default: [{ trunk: north }", "default: [{ trunk: north, schedule: day }");
    let file = scene.file("timed.yaml", &timed);
    let refused = scene.engine().reload_plan(Some(&file)).unwrap_err().to_string();
    assert!(refused.contains("unknown_field"), "an emergency route knows no hours: {refused}");
    runtime.block_on(async {
        for hour in 0..48 {
            let at = Clock::system().now().as_micros() + hour * 3_600_000_000;
            let clock = Clock::manual(telness_core::time::Timestamp::from_micros(at));
            let scene = Scene::at(clock);
            an_emergency_call_goes(&scene, "at some hour").await;
        }
    });
}

/// Emergency calls alone failed for half a day, while every other call went well and nobody looked.
#[tokio::test]
async fn optus_2025_emergency_calls_that_alone_fail_are_noticed_by_the_first() {
    let scene = Scene::new();
    for _ in 0..20 {
        let normal = scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
        report(&scene, &OFFICE, &normal, "1.1", None).await;
    }
    let call = scene.call(&OFFICE, draft("112")).await.unwrap();
    report(&scene, &OFFICE, &call, "1.1", Some(503)).await;
    report(&scene, &OFFICE, &call, "2.1", Some(503)).await;
    scene.until("an incident is open", SOON, |engine| !engine.incidents().is_empty()).await;
    let incidents = scene.engine().incidents();
    assert_eq!((incidents.len(), incidents[0].kind), (1, IncidentKind::EmergencyCallsLost));
    assert_eq!((incidents[0].closed_at, incidents[0].emergency_calls_failed), (None, 1));
    let metrics = scene.engine().metrics_text();
    assert!(metrics.contains("telness_emergency_calls_lost_total{why=\"all_targets_failed\"} 1\n"), "{metrics}");
    let counted = "telness_incidents_total{kind=\"emergency_calls_lost\"} 1\n";
    scene.until("it is counted", SOON, |engine| engine.metrics_text().contains(counted)).await;
    // It is there for whoever looks at the machine alone, and after it died.
    let file = telness_engine::incidents_file(&scene.settings.data);
    scene.until("it is on the disk", SOON, |_| IncidentList::read(&file).unwrap().incidents == incidents).await;
}

/// After an update half of the network was dead: it said that it was there, and calls failed.
#[tokio::test]
async fn tdc_2024_a_gateway_that_is_half_dead_is_tried_last_though_it_says_that_it_is_there() {
    let (north, south) = (Gateway::at("127.0.0.4").await, Gateway::at("127.0.0.5").await);
    let scene = gateways::scene(&north.address, &south.address);
    until_state(&scene, "north", GatewayState::Up).await;
    for turn in 0..10 {
        let asker = if turn % 2 == 0 { OFFICE } else { OTHER };
        let answer = scene.call(&asker, draft("+46701740605")).await.unwrap();
        report(&scene, &asker, &answer, "1.1", Some(408)).await;
    }
    until_state(&scene, "north", GatewayState::Down).await;
    let answer = scene.call(&OFFICE, draft("112")).await.unwrap();
    assert_eq!(trunks_of(&answer), ["south", "north"], "it is tried last, and tried");
    let north = scene.engine().gateways().gateways.into_iter().find(|one| one.trunk.as_str() == "north").unwrap();
    assert_eq!(&*north.last.unwrap().result, "200", "it still says that it is there");
}
