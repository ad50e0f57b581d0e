//! What is found of a call does not depend on the order in which things came, and nothing is found of a sound one.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;

use proptest::prelude::*;
use telness_core::call::{CallId, CallType, Direction};
use telness_core::class::{Class, Workflow};
use telness_core::decide::{Action, Step, Target};
use telness_core::plan::MoveOn;
use telness_core::reason::Reason;
use telness_core::reconcile::{FindingKind, Known, findings};
use telness_core::record::{CallEvent, CallRecord, EventKind, Personal, Routing, cdr};
use telness_core::time::Timestamp;

const START: i64 = 1_790_000_000_000_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(START + ms * 1_000)
}

/// A call that was routed to the legs 1.1 and 2.1.
fn record() -> CallRecord {
    let routing = Routing {
        v: 1,
        tenant: "nordtel".parse().unwrap(),
        call_id: CallId(uuid::Uuid::from_u128(7)),
        received_at: at(0),
        node: "node-a".parse().unwrap(),
        class: Class::Normal,
        workflow: Workflow::Low,
        kind: CallType::Pbx,
        direction: Direction::FromTenant,
        peer: None,
        site: None,
        region: "SE".parse().unwrap(),
        action: Action::Route,
        reason: Reason::Routed,
        rule: None,
        matched_prefix: None,
        trunk: Some("carrier-one".parse().unwrap()),
        gateway: Some("gw-a".parse().unwrap()),
        plan_revision: 17,
        degraded: Vec::new(),
        caller_key: None,
        called_key: None,
        sip_call_id: None,
        request_hash: None,
    };
    let target = |leg: &str| Target {
        leg: leg.parse().unwrap(),
        trunk: "carrier-one".parse().unwrap(),
        gateway: "gw-a".parse().unwrap(),
        user: None,
        uri: Arc::from("sip:+46701740610@192.0.2.1"),
        caller: None,
        response_ms: None,
        setup_ms: 4_000,
        ring_ms: None,
        move_on: Arc::new(MoveOn::default()),
    };
    let steps = ["1.1", "2.1"].map(|leg| Step { targets: vec![target(leg)] }).to_vec();
    CallRecord { routing, personal: Personal { steps, pruned: false, ..Personal::pruned() } }
}

fn event(event_id: &str, leg: &str, kind: EventKind, ms: i64) -> CallEvent {
    CallEvent {
        v: 1,
        event_id: event_id.parse().unwrap(),
        tenant: "nordtel".parse().unwrap(),
        call_id: CallId(uuid::Uuid::from_u128(7)),
        leg: leg.parse().unwrap(),
        kind,
        cause: None,
        occurred_at: at(ms),
        received_at: at(ms + 30),
        node: "node-a".parse().unwrap(),
        sip_call_id: None,
    }
}

/// The kinds that are found an hour after the call.
fn found(record: &CallRecord, events: &[CallEvent], others: &[CallRecord]) -> Vec<FindingKind> {
    let cdr = cdr(events);
    let (routing, personal) = (&record.routing, &record.personal);
    let known = Known { routing, personal, cdr: &cdr, contradicted: &[], others };
    findings(known, at(3_600_000)).into_iter().map(|finding| finding.kind).collect()
}

#[test]
fn n7_a_sound_call_has_no_findings_and_each_fault_has_its_own() {
    let (call, mut rejected) = (record(), record());
    rejected.routing.action = Action::Reject;
    let answered = event("b", "1.1", EventKind::Answered, 2_000);
    let ended = event("c", "1.1", EventKind::Ended, 62_000);
    let sound = [event("a", "1.1", EventKind::Ringing, 100), answered.clone(), ended];
    assert_eq!(found(&call, &sound, &[]), []);
    assert_eq!(found(&call, &[event("a", "1.1", EventKind::Failed, 100)], &[]), []);
    assert_eq!(found(&rejected, &[], &[]), [], "a rejected call has no outcome to wait for");
    for open in [&[][..], &sound[..1], &sound[..2]] {
        assert_eq!(found(&call, open, &[]), [FindingKind::NoOutcome]);
    }
    assert_eq!(found(&rejected, &sound, &[]), [FindingKind::OutcomeOfRejected]);
    let elsewhere = [event("a", "3.1", EventKind::Failed, 100)];
    assert_eq!(found(&call, &elsewhere, &[]), [FindingKind::LegNotOffered]);
    let pruned = CallRecord { personal: Personal::pruned(), ..record() };
    assert_eq!(found(&pruned, &elsewhere, &[]), [], "what was offered is not known any more");
    let backwards = [answered, event("c", "1.1", EventKind::Ended, 1_000)];
    assert_eq!(found(&call, &backwards, &[]), [FindingKind::EndBeforeAnswer]);
    let (mut again, mut other) = (record(), record());
    again.routing.node = "node-b".parse().unwrap();
    other.routing.gateway = Some("gw-b".parse().unwrap());
    assert_eq!(found(&call, &sound, std::slice::from_ref(&again)), [FindingKind::DoubledRecord]);
    let both = [FindingKind::DoubledRecord, FindingKind::ContradictoryRecord];
    assert_eq!(found(&call, &sound, &[other, again]), both);
}

#[test]
fn n7_a_call_is_not_missed_before_its_time() {
    let cdr = cdr(&[]);
    for (received_ms, missed) in [(3_599_999, true), (3_600_000, false), (i64::from(u32::MAX), false)] {
        let mut call = record();
        call.routing.received_at = at(received_ms);
        let (routing, personal) = (&call.routing, &call.personal);
        let known = Known { routing, personal, cdr: &cdr, contradicted: &[], others: &[] };
        assert_eq!(!findings(known, at(3_600_000)).is_empty(), missed, "{received_ms}");
    }
}

#[test]
fn each_kind_has_a_word_of_its_own_and_a_line_in_the_documentation() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/retention.md")).unwrap();
    for kind in FindingKind::ALL.iter().copied() {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        let severity = serde_json::to_value(kind.severity()).unwrap();
        let (severity, meaning, advice) = (severity.as_str().unwrap(), kind.meaning(), kind.advice());
        let line = format!("| `{}` | {severity} | {meaning} | {advice} |", kind.as_str());
        assert!(page.contains(&line), "{line}");
    }
}

fn any_event() -> impl Strategy<Value = CallEvent> {
    let legs = prop::sample::select(vec!["1.1", "2.1", "3.1"]);
    let kinds = prop::sample::select(EventKind::ALL.to_vec());
    (0_u8..6, legs, kinds, 0_i64..100).prop_map(|(id, leg, kind, ms)| event(&format!("e-{id}"), leg, kind, ms))
}

proptest! {
    #[test]
    fn n7_what_is_found_is_the_same_for_every_order_of_arrival(
        events in prop::collection::vec(any_event(), 0..12),
        turn in 0_usize..12,
        rejected in any::<bool>(),
    ) {
        let mut call = record();
        if rejected {
            call.routing.action = Action::Reject;
        }
        let mut other = record();
        other.routing.plan_revision = 18;
        let others = [other, CallRecord { personal: Personal::pruned(), ..record() }];
        let expected = found(&call, &events, &others);
        let mut turned = events.clone();
        turned.rotate_left(turn % events.len().max(1));
        turned.reverse();
        turned.extend(events);
        let mut swapped = others.to_vec();
        swapped.reverse();
        prop_assert_eq!(found(&call, &turned, &swapped), expected);
    }
}
