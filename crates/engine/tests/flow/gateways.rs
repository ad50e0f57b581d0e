//! Gateways that are asked and do not answer, on a whole node: what changes for calls, and what never does.

use std::time::Duration;

use telness_core::decide::Action;
use telness_core::last_resort::LastResort;
use telness_core::record::{Cause, EventKind, LegName};
use telness_engine::clock::Clock;
use telness_engine::health::{GatewayList, GatewayState};
use telness_engine::incidents::IncidentKind;
use telness_engine::{Answer, EventReport, gateways_file};
use tokio::net::UdpSocket;

use crate::following::SOON;
use crate::scene::{OFFICE, OTHER, PLAN, Scene, draft};

/// A gateway that answers what it is asked until it is dropped.
pub(crate) struct Gateway {
    pub(crate) address: String,
    answering: tokio::task::JoinSet<()>,
}

impl Gateway {
    pub(crate) async fn at(host: &str) -> Self {
        let socket = UdpSocket::bind((host, 0)).await.unwrap();
        let mut gateway =
            Self { address: socket.local_addr().unwrap().to_string(), answering: tokio::task::JoinSet::new() };
        gateway.answering.spawn(answer(socket));
        gateway
    }

    fn die(&mut self) {
        self.answering.abort_all();
    }

    async fn live(&mut self) {
        let socket = UdpSocket::bind(&self.address).await.unwrap();
        self.answering.spawn(answer(socket));
    }
}

async fn answer(socket: UdpSocket) {
    let mut buffer = [0; 2048];
    while let Ok((bytes, from)) = socket.recv_from(&mut buffer).await {
        let request = String::from_utf8_lossy(&buffer[..bytes]).into_owned();
        let kept = request.lines().filter(|line| line.contains(": ") && !line.starts_with("Max"));
        let answer = format!("SIP/2.0 200 OK\r\n{}\r\n\r\n", kept.collect::<Vec<_>>().join("\r\n"));
        let _ = socket.send_to(answer.as_bytes(), from).await;
    }
}

/// A node whose trunks north and south have these gateways.
pub(crate) fn scene(north: &str, south: &str) -> Scene {
    let plan = PLAN.replace("203.0.113.1:5060", north).replace("203.0.113.17:5060", south);
    let mut scene = Scene::with(|settings| {
        settings.plan = None;
        settings.probe.every = Duration::from_millis(50);
        settings.probe.wait_max = Duration::from_millis(500);
    });
    scene.settings.plan = Some(scene.file("gateways.yaml", &plan));
    scene.engine().reload_plan(scene.settings.plan.as_deref()).unwrap();
    scene
}

pub(crate) async fn until_state(scene: &Scene, trunk: &str, state: GatewayState) {
    let is_so = |engine: &telness_engine::Engine| {
        engine.gateways().gateways.iter().any(|one| one.trunk.as_str() == trunk && one.state == state)
    };
    scene.until(&format!("{trunk} is {}", state.as_str()), SOON, is_so).await;
}

async fn trunks(scene: &Scene, to: &str) -> Vec<String> {
    trunks_of(&scene.call(&OFFICE, draft(to)).await.unwrap())
}

pub(crate) fn trunks_of(answer: &Answer) -> Vec<String> {
    let steps = &answer.record.personal.steps;
    steps.iter().flat_map(|step| &step.targets).map(|target| target.trunk.to_string()).collect()
}

#[tokio::test]
async fn e9_e17_a_gateway_that_falls_silent_is_seen_and_costs_an_emergency_call_its_order_alone() {
    let (mut north, south) = (Gateway::at("127.0.0.2").await, Gateway::at("127.0.0.3").await);
    let scene = scene(&north.address, &south.address);
    until_state(&scene, "north", GatewayState::Up).await;
    until_state(&scene, "south", GatewayState::Up).await;
    assert_eq!(trunks(&scene, "112").await, ["north", "south"]);
    assert_eq!(trunks(&scene, "+46701740605").await, ["north", "south"]);

    north.die();
    until_state(&scene, "north", GatewayState::Down).await;
    assert_eq!(trunks(&scene, "112").await, ["south", "north"], "it is still tried, after the other");
    assert_eq!(trunks(&scene, "+46701740605").await, ["south"], "it takes no rank (C5)");
    let metrics = scene.engine().metrics_text();
    let told = "telness_gateway{trunk=\"north\",gateway=\"gw1\",emergency=\"true\",state=\"down\"} 1\n";
    assert!(metrics.contains(told), "{metrics}");
    scene
        .until("it is kept on the disk", SOON, |_| {
            let kept = GatewayList::read(&gateways_file(&scene.settings.data)).unwrap();
            kept.is_some_and(|kept| kept.gateways.iter().any(|one| one.state == GatewayState::Down))
        })
        .await;

    north.live().await;
    until_state(&scene, "north", GatewayState::Up).await;
    assert_eq!(trunks(&scene, "112").await, ["north", "south"]);
}

#[tokio::test]
async fn e9_when_all_fall_silent_at_once_the_fault_is_taken_to_be_here_and_all_are_tried() {
    let (mut north, mut south) = (Gateway::at("127.0.0.2").await, Gateway::at("127.0.0.3").await);
    let scene = scene(&north.address, &south.address);
    until_state(&scene, "north", GatewayState::Up).await;
    until_state(&scene, "south", GatewayState::Up).await;
    north.die();
    south.die();
    scene.until("the node takes itself to be cut off", SOON, |engine| engine.gateways().blind).await;
    // Each may have been down for a moment before the other was.
    until_state(&scene, "north", GatewayState::Unknown).await;
    until_state(&scene, "south", GatewayState::Unknown).await;
    assert_eq!(trunks(&scene, "+46701740605").await, ["north", "south"]);
    assert_eq!(trunks(&scene, "112").await, ["north", "south"]);
    assert!(scene.engine().metrics_text().contains("telness_probes_blind 1\n"));
    let is_told = |engine: &telness_engine::Engine| {
        engine.incidents().iter().any(|one| one.kind == IncidentKind::EmergencyGatewaysDown)
    };
    scene.until("somebody is told of it", SOON, is_told).await;
}

pub(crate) async fn report(
    scene: &Scene,
    asker: &telness_engine::Asker<'_>,
    answer: &Answer,
    leg: &str,
    cause: Option<u16>,
) {
    let report = EventReport {
        event_id: None,
        leg: leg.parse::<LegName>().unwrap(),
        kind: if cause.is_some() { EventKind::Failed } else { EventKind::Ringing },
        cause: cause.map(|sip| Cause { sip: Some(sip), q850: None }),
        occurred_at: None,
        sip_call_id: None,
    };
    scene.engine().take_event(asker, answer.record.routing.call_id, report).await.unwrap();
}

#[tokio::test]
async fn e9_a_gateway_whose_calls_fail_is_left_alone_though_it_answers_when_asked() {
    let (north, south) = (Gateway::at("127.0.0.2").await, Gateway::at("127.0.0.3").await);
    let scene = scene(&north.address, &south.address);
    until_state(&scene, "north", GatewayState::Up).await;
    for turn in 0..10 {
        let asker = if turn % 2 == 0 { OFFICE } else { OTHER };
        let answer = scene.call(&asker, draft("+46701740605")).await.unwrap();
        assert_eq!(trunks_of(&answer), ["north", "south"], "{turn}");
        // What the called party wants tells nothing of the gateway but that it lives.
        report(&scene, &asker, &answer, "2.1", Some(486)).await;
        report(&scene, &asker, &answer, "1.1", Some(503)).await;
    }
    until_state(&scene, "north", GatewayState::Down).await;
    let answer = scene.call(&OFFICE, draft("+46701740605")).await.unwrap();
    assert_eq!((trunks_of(&answer), answer.record.routing.action), (vec!["south".to_owned()], Action::Route));
    assert_eq!(trunks(&scene, "112").await, ["south", "north"]);
    // An emergency call that gets through brings it back at once.
    let emergency = scene.call(&OFFICE, draft("112")).await.unwrap();
    report(&scene, &OFFICE, &emergency, "2.1", None).await;
    until_state(&scene, "north", GatewayState::Up).await;
    assert_eq!(trunks(&scene, "112").await, ["north", "south"]);
}

#[tokio::test]
async fn e17_an_emergency_call_that_reaches_nobody_and_one_at_the_last_resort_are_counted_once() {
    let scene = Scene::with(|settings| settings.last_resort = LastResort::parse("198.51.100.9").unwrap());
    let counted = |what: &str| scene.engine().metrics_text().contains(what);
    let lost = "telness_emergency_calls_lost_total{why=\"all_targets_failed\"} ";
    let tried = "telness_emergency_last_resort_total{how=\"tried\"} ";
    let call = scene.call(&OFFICE, draft("112")).await.unwrap();
    assert_eq!(trunks_of(&call), ["north", "south", "node.last-resort"]);
    report(&scene, &OFFICE, &call, "1.1", Some(503)).await;
    report(&scene, &OFFICE, &call, "2.1", Some(486)).await;
    assert!(counted(&format!("{lost}0\n")) && counted(&format!("{tried}0\n")));
    report(&scene, &OFFICE, &call, "3.1", Some(408)).await;
    report(&scene, &OFFICE, &call, "3.1", Some(408)).await;
    assert!(counted(&format!("{lost}1\n")) && counted(&format!("{tried}1\n")), "{}", scene.engine().metrics_text());
    assert!(counted("telness_emergency_last_resort_total{how=\"answered\"} 0\n"));

    // Nor is one lost that somebody answered, or that is no emergency call.
    for to in ["112", "+46701740605"] {
        let other = scene.call(&OFFICE, draft(to)).await.unwrap();
        let legs = trunks_of(&other).len();
        if to == "112" {
            report(&scene, &OFFICE, &other, "2.1", None).await;
        }
        for leg in 1..=legs {
            report(&scene, &OFFICE, &other, &format!("{leg}.1"), Some(503)).await;
        }
    }
    assert!(counted(&format!("{lost}1\n")), "{}", scene.engine().metrics_text());
}

/// Has the calls to a trunk fail until it is believed to be down; calls of two tenants, who share it.
async fn take_down(scene: &Scene, trunk: &str) {
    for turn in 0..10 {
        let asker = if turn % 2 == 0 { OFFICE } else { OTHER };
        let answer = scene.call(&asker, draft("+46701740605")).await.unwrap();
        let step = trunks_of(&answer).iter().position(|one| one == trunk).unwrap() + 1;
        report(scene, &asker, &answer, &format!("{step}.1"), Some(503)).await;
    }
    until_state(scene, trunk, GatewayState::Down).await;
}

#[tokio::test]
async fn e17_when_no_gateway_of_emergency_calls_is_left_an_incident_says_so_and_names_them() {
    let south = "{ name: gw1, address: \"203.0.113.17:5060\" }";
    let with_spare = format!("{south}, {{ name: spare, enabled: false, address: \"203.0.113.18:5060\" }}");
    assert_eq!(PLAN.matches(south).count(), 1, "the scene's plan has changed");
    let scene = Scene::new();
    let file = scene.file("spare.yaml", &PLAN.replace(south, &with_spare));
    scene.engine().reload_plan(Some(&file)).unwrap();
    let counted = || {
        let ready = scene.engine().emergency_readiness();
        (ready.ready, ready.gateways_up, ready.gateways_unknown, ready.gateways_down)
    };
    take_down(&scene, "north").await;
    assert_eq!(counted(), (true, 0, 1, 1), "neither the one that is switched off nor the office's is one of them");
    let one_left = Clock::system().now();
    take_down(&scene, "south").await;
    assert_eq!(counted(), (true, 0, 0, 2), "they are tried all the same");
    scene.until("an incident is open", SOON, |engine| !engine.incidents().is_empty()).await;
    let incidents = scene.engine().incidents();
    assert_eq!((incidents.len(), incidents[0].kind), (1, IncidentKind::EmergencyGatewaysDown));
    assert_eq!(&*incidents[0].scope, "north/gw1, south/gw1");
    assert!(incidents[0].opened_at >= one_left, "while one was left there was none");
    let told = "telness_incidents_total{kind=\"emergency_gateways_down\"} 1\n";
    scene.until("it is counted", SOON, |engine| engine.metrics_text().contains(told)).await;
}
