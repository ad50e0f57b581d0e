//! Nodes are replaced one after the other behind a balancer, as a deployment does, while switches call and report.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use telness_testkit::{Balancer, Client, eventually, now};

use crate::acknowledged::from_environment;
use crate::scene::Scene;

/// How long a node goes on after it was told to stop: many times what the balancer takes to see it.
const ANNOUNCED_MS: &str = "3000";

const PATIENCE: Duration = Duration::from_secs(60);

/// Switches, each of which has one call open the whole time. Every other one places emergency calls.
const SWITCHES: usize = 8;

/// How often a switch reports its open call, so that fewer events come than count for a call.
const REPORT_EVERY: Duration = Duration::from_millis(500);

/// What all switches count.
#[derive(Default)]
struct Board {
    calls: AtomicU64,
    enough: AtomicBool,
}

/// What a switch did: the call that it kept open, and the events of it that were acknowledged.
struct Kept {
    call: String,
    events: BTreeSet<String>,
}

/// Calls, and reports on its open call now and then, until there were enough. Nothing is ever sent twice.
fn switch(balancer: SocketAddr, at: usize, board: &Board) -> Kept {
    let mut client = Client::new(balancer);
    let emergency = at.is_multiple_of(2);
    let (to, class) = if emergency { ("112", "emergency") } else { ("+46701740605", "normal") };
    let mut place = || {
        let call = json!({ "from": "+46846500401", "to": to, "type": "mobile" });
        let answer = client.post("/v1/calls", &call).unwrap_or_else(|error| panic!("a call to {to} failed: {error}"));
        assert_eq!(answer.status, 201, "{}", answer.text());
        let answer = answer.json();
        assert_eq!((answer["class"].as_str(), answer["action"].as_str()), (Some(class), Some("route")), "{answer}");
        board.calls.fetch_add(1, Ordering::SeqCst);
        answer["id"].as_str().unwrap().to_owned()
    };
    let call = place();
    let mut events = BTreeSet::new();
    let mut reporter = Client::new(balancer);
    let mut report = |kind: &str| {
        let event = format!("e-{at}-{}", events.len());
        let report = json!({ "event_id": event, "leg": "1.1", "kind": kind });
        let taken = reporter.post(&format!("/v1/calls/{call}/events"), &report);
        let taken = taken.unwrap_or_else(|error| panic!("an event of {call} was lost: {error}"));
        assert!(taken.is_success(), "{}", taken.text());
        events.insert(event);
    };
    report("ringing");
    report("answered");
    let mut reported = now();
    while !board.enough.load(Ordering::SeqCst) {
        place();
        if reported.elapsed() >= REPORT_EVERY {
            report("ringing");
            reported = now();
        }
    }
    report("ended");
    Kept { call, events }
}

#[test]
fn e14_a_rolling_restart_fails_no_call_and_ends_no_open_one() {
    let mut scene = Scene::new(2, &[("http.drain_announce_ms", ANNOUNCED_MS)]);
    let balancer = Balancer::start(&[scene.nodes[0].address(), scene.nodes[1].address()]);
    let leads_to = |node| assert!(eventually(PATIENCE, || balancer.leads_to(node).then_some(())).is_some());
    scene.nodes.iter().for_each(|node| leads_to(node.address()));
    let board = Arc::new(Board::default());
    let switches: Vec<_> = (0..SWITCHES)
        .map(|at| {
            let (board, address) = (Arc::clone(&board), balancer.address());
            std::thread::spawn(move || switch(address, at, &board))
        })
        .collect();
    let calls = |more| {
        let wanted = board.calls.load(Ordering::SeqCst) + more;
        let went_on = eventually(PATIENCE, || (board.calls.load(Ordering::SeqCst) >= wanted).then_some(()));
        assert!(went_on.is_some(), "no call is answered any more");
    };
    for round in 0..from_environment("TELNESS_ROLLING_RESTARTS", || 4) {
        calls(50);
        let node = &mut scene.nodes[usize::try_from(round % 2).unwrap()];
        node.ask_to_stop();
        assert!(eventually(PATIENCE, || (!balancer.leads_to(node.address())).then_some(())).is_some());
        assert!(node.stopped().success(), "{}", node.log());
        balancer.remove(node.address());
        calls(50);
        node.restart();
        balancer.add(node.address());
        leads_to(node.address());
    }
    board.enough.store(true, Ordering::SeqCst);
    let kept: Vec<Kept> = switches.into_iter().map(|switch| switch.join().expect("the switch says why")).collect();
    println!("{} calls, none failed", board.calls.load(Ordering::SeqCst));
    // Whatever node is asked, once the last event has reached the database.
    for (kept, node) in kept.iter().zip(scene.nodes.iter().cycle()) {
        let whole = || {
            let call = node.client().get(&format!("/v1/calls/{}", kept.call)).ok().filter(|one| one.status == 200)?;
            let call = call.json();
            let told = call["events"].as_array()?.iter();
            let told: BTreeSet<String> = told.map(|event| event["event_id"].as_str().unwrap().to_owned()).collect();
            (told == kept.events).then_some(call)
        };
        let call = eventually(PATIENCE, whole).unwrap_or_else(|| panic!("{} lacks events", kept.call));
        assert!(call.to_string().contains("\"ended\""), "{call}");
    }
}
