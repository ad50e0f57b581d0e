//! Holds the service to the ledger: replays after a restart, and at the end the whole call log.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use telness_testkit::{Client, Dice, Service, eventually};

use super::callers::post_keyed;
use super::ledger::{Ledger, decision};

/// How long the store may take to catch up with the journal.
const CATCH_UP_MAX: Duration = Duration::from_secs(120);

/// Keys that are tried again after each restart, besides all those without an answer.
const REPLAYS: u64 = 20;

/// Calls that are read one by one at the end.
const READ_ONE_BY_ONE: usize = 400;

/// Sends keys again: an answered one gets the first answer, one without an answer gets the only one there will be.
pub(crate) fn replays(service: &Service, ledger: &mut Ledger, dice: &mut Dice) {
    let one_in = (ledger.keys().len() as u64 / REPLAYS).max(1);
    let keys: Vec<u64> = ledger
        .keys()
        .iter()
        .filter(|(_, answered)| answered.is_none() || dice.one_in(one_in))
        .map(|(key, _)| *key)
        .collect();
    let mut client = service.client();
    for key in keys {
        let kept = || post_keyed(&mut client, key).unwrap();
        let response = accepted(kept);
        ledger.add_keyed(key, &decision(&response));
    }
}

/// The answer, once there is one that is not "not now".
fn accepted(mut ask: impl FnMut() -> telness_testkit::Response) -> Value {
    let answer = eventually(CATCH_UP_MAX, || {
        let response = ask();
        assert!(response.is_success() || response.status == 503, "{}: {}", response.status, response.text());
        response.is_success().then(|| response.json())
    });
    answer.expect("the service goes on answering 503")
}

fn get(client: &mut Client, path: &str) -> Value {
    accepted(|| client.get(path).unwrap())
}

/// Reads the whole call log and compares it with the ledger.
pub(crate) fn everything(service: &Service, ledger: &Ledger) {
    let mut client = service.client();
    let listed = listed(&mut client);
    let missing: Vec<_> = ledger.decisions().keys().filter(|id| !listed.contains(*id)).collect();
    assert!(missing.is_empty(), "{} acknowledged calls are not in the log, such as {:?}", missing.len(), missing[0]);
    let more = listed.len() - ledger.calls();
    let unanswered = ledger.unanswered();
    assert!(more <= unanswered, "{more} calls are in the log that nobody was told of; {unanswered} could be");
    let one_in = (ledger.calls() / READ_ONE_BY_ONE).max(1);
    for (id, decided) in ledger.decisions().iter().step_by(one_in) {
        let call = get(&mut client, &format!("/v1/calls/{id}"));
        assert_eq!(call["id"].as_str(), Some(id.as_str()), "{call}");
        for part in ["class", "action", "steps", "plan_revision"] {
            assert_eq!(call[part], decided[part], "the {part} of {id} is not what was answered: {call}");
        }
    }
    for (call_id, acknowledged) in ledger.events_by_call() {
        let call = get(&mut client, &format!("/v1/calls/{call_id}"));
        let events: Vec<&str> = call["events"].as_array().unwrap().iter().map(event_id).collect();
        let once: BTreeSet<&str> = events.iter().copied().collect();
        assert_eq!(once.len(), events.len(), "an event of {call_id} is doubled: {events:?}");
        assert!(acknowledged.is_subset(&once), "events of {call_id} are lost: {acknowledged:?}, but {once:?}");
        assert!(once.iter().all(|event| ledger.was_sent(call_id, event)), "{call_id} has events of another call");
    }
}

fn event_id(event: &Value) -> &str {
    event["event_id"].as_str().unwrap()
}

/// All ids in the call log, page by page; each must come once.
fn listed(client: &mut Client) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut path = "/v1/calls?limit=1000".to_owned();
    loop {
        let page = get(client, &path);
        for call in page["calls"].as_array().unwrap() {
            let id = call["id"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is in the log twice");
        }
        let Some(next) = page["next"].as_str() else { return ids };
        path = format!("/v1/calls?limit=1000&cursor={next}");
    }
}
