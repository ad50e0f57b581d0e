//! One process with two listeners, or two processes: an emergency call is carried by either.

use std::collections::BTreeSet;
use std::net::TcpStream;

use telness_testkit::{Client, Service};

use super::{emergency, normal, options};

/// Emergency calls to each listener.
const CALLS: u64 = 200;

fn status_of(client: &mut Client, call: &serde_json::Value) -> u16 {
    client.post("/v1/calls", call).unwrap().status
}

/// How often the system has let each thread of the high workflow's listener run so far.
fn runs_of_high(service: &Service) -> Vec<u64> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", service.pid())).unwrap();
    let files = |task: std::io::Result<std::fs::DirEntry>| {
        let path = task.unwrap().path();
        let read = |file| std::fs::read_to_string(path.join(file)).ok();
        Some((read("comm")?, read("status")?))
    };
    let of_high = tasks.filter_map(files).filter(|(name, _)| name.trim() == "telness-high");
    let runs = |(_, status): (String, String)| {
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        line.trim().parse().unwrap()
    };
    of_high.map(runs).collect()
}

#[test]
fn e12_the_high_workflow_has_a_listener_and_threads_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder).set("workflow.high.listen", "127.0.0.1:0").set("workflow.high.threads", "3");
    let service = Service::start(&options);
    let (mut low, mut high) = (service.client(), service.client_of_high());
    assert_ne!(service.address(), service.address_of_high().unwrap());
    assert_eq!([status_of(&mut high, &normal()), status_of(&mut high, &emergency())], [421, 201]);
    assert_eq!([status_of(&mut low, &normal()), status_of(&mut low, &emergency())], [201, 201]);
    assert_eq!(runs_of_high(&service).len(), 3);
    // They serve what comes to that listener, and nothing that comes to the other.
    let runs_for = |client: &mut Client| {
        let before: u64 = runs_of_high(&service).iter().sum();
        (0..CALLS).for_each(|_| assert_eq!(status_of(client, &emergency()), 201));
        runs_of_high(&service).iter().sum::<u64>() - before
    };
    let (for_low, for_high) = (runs_for(&mut low), runs_for(&mut high));
    assert!(for_low < CALLS / 4 && for_high > CALLS / 4, "{for_low} runs for the low listener, {for_high} for its own");
}

#[test]
fn e12_a_flood_of_connections_to_one_listener_takes_no_open_file_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder).set("workflow.high.listen", "127.0.0.1:0").open_files_max(160);
    let options = options.set("http.header_read_ms_max", "3600000");
    let service = Service::start(&options);
    assert!(service.log().contains("fewer open files"), "{}", service.log());
    let flood: Vec<_> = (0..150).map(|_| TcpStream::connect(service.address()).unwrap()).collect();
    for _ in 0..10 {
        assert_eq!(status_of(&mut service.client_of_high(), &emergency()), 201);
    }
    drop(flood);
}

#[test]
fn e13_either_process_carries_an_emergency_call_and_goes_on_when_the_other_is_killed() {
    let (of_high, of_low) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let start = |folder, workflow| Service::start(&options(folder).argument("--workflow").argument(workflow));
    let (mut high, mut low) = (start(&of_high, "high"), start(&of_low, "low"));
    assert_eq!(high.address_of_high(), Some(high.address()), "it has one listener, the high workflow's");
    assert_eq!(low.address_of_high(), None);
    // Where it may go, whichever of equal gateways is the first.
    let ways = |service: &Service| {
        let answer = service.client().post("/v1/calls", &emergency()).unwrap().json();
        assert_eq!((&answer["class"], &answer["action"]), (&"emergency".into(), &"route".into()), "{answer}");
        let steps = answer["steps"].as_array().unwrap().iter();
        let ways: BTreeSet<String> = steps.map(|step| step["targets"][0]["uri"].to_string()).collect();
        ways
    };
    let carried = ways(&high);
    assert_eq!(carried.len(), 4, "{carried:?}");
    assert_eq!(ways(&low), carried, "the same engine knows the same ways");
    assert_eq!(status_of(&mut high.client(), &normal()), 421);
    high.kill();
    assert_eq!(ways(&low), carried);
    high.restart();
    low.kill();
    assert_eq!(ways(&high), carried);
}
