//! The call detail record is the same for every order of arrival (N6), and sensible where reports contradict.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test")]

use proptest::prelude::*;
use telness_core::call::CallId;
use telness_core::record::{CallEvent, Cause, Cdr, CdrState, EventKind, cdr};
use telness_core::time::Timestamp;

const START: i64 = 1_790_000_000_000_000;

fn event(id: &str, leg: &str, kind: EventKind, at_ms: i64, q850: Option<u8>) -> CallEvent {
    CallEvent {
        v: 1,
        event_id: id.parse().unwrap(),
        tenant: "nordtel".parse().unwrap(),
        call_id: "01a00000-0000-7000-8000-000000000001".parse::<CallId>().unwrap(),
        leg: leg.parse().unwrap(),
        kind,
        cause: q850.map(|q850| Cause { sip: None, q850: Some(q850) }),
        occurred_at: at(at_ms),
        received_at: at(at_ms + 7),
        node: "node-a".parse().unwrap(),
        sip_call_id: None,
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(START + ms * 1000)
}

/// Few ids, legs and times, so that equal, doubled and contradictory reports are common.
fn any_event() -> impl Strategy<Value = CallEvent> {
    let cause = proptest::option::of((proptest::option::of(486_u16..489), proptest::option::of(16_u8..19)));
    (0..9_u8, 0..3_u8, 0..4_usize, 0..5_i64, cause, 0..3_i64, 0..2_u8).prop_map(
        |(id, leg, kind, ms, cause, late, node)| {
            let mut event = event(&format!("e{id}"), &format!("1.{leg}"), EventKind::ALL[kind], ms, None);
            event.cause = cause.map(|(sip, q850)| Cause { sip, q850 });
            event.received_at = at(ms + late);
            event.node = format!("node-{node}").parse().unwrap();
            event
        },
    )
}

/// Events, and the same again: shuffled, some of them doubled and received elsewhere at another time.
fn events_and_another_arrival() -> impl Strategy<Value = (Vec<CallEvent>, Vec<CallEvent>)> {
    proptest::collection::vec(any_event(), 0..14)
        .prop_flat_map(|events| {
            let len = events.len();
            let again = proptest::collection::vec(0..len.max(1), 0..10);
            (Just(events), again)
        })
        .prop_flat_map(|(events, again)| {
            let mut arrival = events.clone();
            for copy in again.into_iter().filter_map(|place| events.get(place)) {
                let mut copy = copy.clone();
                copy.received_at = at(99);
                copy.node = "node-z".parse().unwrap();
                arrival.push(copy);
            }
            (Just(events), Just(arrival).prop_shuffle())
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn n6_same_record_for_every_order_and_doubling((events, arrival) in events_and_another_arrival()) {
        prop_assert_eq!(cdr(&events), cdr(&arrival));
    }

    #[test]
    fn n6_record_never_contradicts_itself(events in proptest::collection::vec(any_event(), 0..14)) {
        let record = cdr(&events);
        prop_assert_eq!(record.state == CdrState::Decided, events.is_empty());
        let over = matches!(record.state, CdrState::Failed | CdrState::Ended);
        prop_assert_eq!(record.ended_at.is_some(), over);
        let talked = matches!(record.state, CdrState::Answered | CdrState::Ended);
        prop_assert_eq!(record.answered_leg.is_some(), talked);
        prop_assert_eq!(record.talk_ms.is_some(), record.answered_at.is_some() && over);
        if record.answered_at.is_some() {
            let first = events.iter().any(|event| Some(event.occurred_at) == record.answered_at);
            prop_assert!(first);
        }
        prop_assert!(record.legs.windows(2).all(|pair| pair[0].leg < pair[1].leg));
    }

    #[test]
    fn n6_of_ends_at_one_time_one_that_says_why_counts(events in proptest::collection::vec(any_event(), 0..14)) {
        let mut events = events;
        for (at, event) in events.iter_mut().enumerate() {
            event.event_id = format!("own{at}").parse().unwrap();
        }
        for leg in cdr(&events).legs.iter().filter(|leg| leg.cause.is_none()) {
            let kind = if leg.state == CdrState::Failed { Failed } else { Ended };
            let says_why = events.iter().find(|event| {
                (&event.leg, event.kind, Some(event.occurred_at)) == (&leg.leg, kind, leg.ended_at)
                    && event.cause.is_some()
            });
            prop_assert!(says_why.is_none(), "{:?}", says_why);
        }
    }

    #[test]
    fn n6_record_survives_json(events in proptest::collection::vec(any_event(), 0..6)) {
        let record = cdr(&events);
        let again: Cdr = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        prop_assert_eq!(record, again);
    }
}

use EventKind::{Answered, Ended, Failed, Ringing};

#[test]
fn n6_plain_call() {
    let record = cdr(&[
        event("a", "1.1", Ringing, 100, None),
        event("b", "1.1", Answered, 2_000, None),
        event("c", "1.1", Ended, 62_500, Some(16)),
    ]);
    assert_eq!(record.state, CdrState::Ended);
    assert_eq!(record.ringing_at, Some(at(100)));
    assert_eq!(record.talk_ms, Some(60_500));
    assert_eq!(record.cause.unwrap().q850, Some(16));
    assert_eq!(record.answered_leg.unwrap().as_str(), "1.1");
}

#[test]
fn n6_first_answer_of_a_fork_wins_and_a_cancel_does_not_end_it() {
    let mut events = vec![
        event("a", "1.1", Ringing, 100, None),
        event("b", "1.2", Ringing, 90, None),
        event("c", "1.2", Answered, 3_000, None),
        event("d", "1.1", Failed, 3_010, Some(26)),
        event("e", "1.3", Answered, 3_005, None),
        event("f", "1.3", Ended, 3_020, Some(26)),
    ];
    let record = cdr(&events);
    assert_eq!((record.state, record.ended_at), (CdrState::Answered, None));
    assert_eq!(record.answered_leg.as_ref().unwrap().as_str(), "1.2");
    events.push(event("g", "1.2", Ended, 9_000, Some(16)));
    let record = cdr(&events);
    assert_eq!((record.state, record.talk_ms), (CdrState::Ended, Some(6_000)));
    assert_eq!(record.cause.unwrap().q850, Some(16));
}

#[test]
fn n6_serial_steps_fail_ring_again_and_fail() {
    let mut events = vec![event("a", "1.1", Failed, 100, Some(34))];
    assert_eq!(cdr(&events).state, CdrState::Failed);
    events.push(event("b", "2.1", Ringing, 200, None));
    let record = cdr(&events);
    assert_eq!((record.state, record.ended_at, record.cause), (CdrState::Ringing, None, None));
    events.push(event("c", "2.1", Failed, 900, Some(17)));
    let record = cdr(&events);
    assert_eq!((record.state, record.ended_at), (CdrState::Failed, Some(at(900))));
    assert_eq!(record.cause.unwrap().q850, Some(17));
}

#[test]
fn n6_answer_outranks_a_failure_before_it() {
    let record = cdr(&[event("a", "1.1", Failed, 100, Some(34)), event("b", "1.1", Answered, 200, None)]);
    assert_eq!((record.state, record.cause), (CdrState::Answered, None));
    let record = cdr(&[event("a", "1.1", Failed, 300, Some(41)), event("b", "1.1", Answered, 200, None)]);
    assert_eq!((record.state, record.talk_ms), (CdrState::Ended, Some(100)));
    assert_eq!(record.cause.unwrap().q850, Some(41));
}

#[test]
fn n6_end_without_answer_has_no_talk_time() {
    let record = cdr(&[event("a", "1.1", Ringing, 100, None), event("b", "1.1", Ended, 900, None)]);
    assert_eq!((record.state, record.answered_at, record.talk_ms), (CdrState::Ended, None, None));
    assert_eq!(record.ended_at, Some(at(900)));
}

#[test]
fn n6_end_before_answer_by_a_wrong_clock_is_no_talk() {
    let record = cdr(&[event("a", "1.1", Answered, 500, None), event("b", "1.1", Ended, 400, None)]);
    assert_eq!((record.state, record.talk_ms), (CdrState::Ended, Some(0)));
    assert_eq!((record.answered_at, record.ended_at), (Some(at(500)), Some(at(400))));
}

#[test]
fn n6_of_two_last_ends_at_one_time_the_one_that_says_why_counts() {
    let mut events = [
        event("a", "1.1", Answered, 5_000, None),
        event("b", "1.1", Ended, 4_000, Some(16)),
        event("c", "1.1", Ended, 4_000, None),
        event("d", "1.1", Ended, 3_000, Some(17)),
    ];
    for _ in 0..events.len() {
        events.rotate_left(1);
        let record = cdr(&events);
        assert_eq!((record.ended_at, record.cause.and_then(|cause| cause.q850)), (Some(at(4_000)), Some(16)));
    }
}

#[test]
fn n6_contradictory_events_with_one_id_have_one_winner() {
    let early = event("a", "1.1", Answered, 200, None);
    let late = event("a", "1.1", Failed, 300, Some(34));
    let one_way = cdr(&[early.clone(), late.clone()]);
    assert_eq!(one_way, cdr(&[late, early]));
    assert_eq!(one_way.state, CdrState::Answered);
}
