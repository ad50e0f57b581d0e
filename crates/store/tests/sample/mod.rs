//! Calls and events as the service records them, for tests and benchmarks.

use std::sync::Arc;

use telness_core::call::{CallId, CallType, Direction, Metadata, Party, Privacy};
use telness_core::class::{Class, Workflow};
use telness_core::decide::{Action, RuleVerdict, Step, Target, TargetVerdict, Trace, Verdict};
use telness_core::number::Number;
use telness_core::plan::MoveOn;
use telness_core::reason::Reason;
use telness_core::record::{CallEvent, CallRecord, Cause, EventKind, NumberKey, Personal, Routing};
use telness_core::time::Timestamp;
use telness_store::Entry;
use uuid::Uuid;

/// 2026-09-21T14:13:20Z.
const START: i64 = 1_790_000_000_000_000;

pub(crate) fn at_ms(ms: i64) -> Timestamp {
    Timestamp::from_micros(START + ms * 1000)
}

/// An id of version 7 of a millisecond.
pub(crate) fn id(ms: i64, lot: u64) -> CallId {
    let ms = u64::try_from(START / 1000 + ms).unwrap();
    let high = ms << 16 | 0x7000 | (lot >> 52 & 0xfff);
    let low = 0x8000_0000_0000_0000 | lot.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2;
    CallId(Uuid::from_u64_pair(high, low))
}

/// The call of a millisecond.
pub(crate) fn call(tenant: &str, ms: i64) -> CallRecord {
    let called: Number = Number::E164 { number: "+46701740610".parse().unwrap() };
    let caller: Number = Number::E164 { number: "+46846500400".parse().unwrap() };
    let routing = Routing {
        v: 1,
        tenant: tenant.parse().unwrap(),
        call_id: id(ms, u64::try_from(ms).unwrap()),
        received_at: at_ms(ms),
        node: "node-a".parse().unwrap(),
        class: Class::Normal,
        workflow: Workflow::Low,
        kind: CallType::Pbx,
        direction: Direction::FromTenant,
        peer: Some("office-pbx".parse().unwrap()),
        site: Some("stockholm".parse().unwrap()),
        region: "SE".parse().unwrap(),
        action: Action::Route,
        reason: Reason::Routed,
        rule: Some("swedish-mobile".parse().unwrap()),
        matched_prefix: Some("467".parse().unwrap()),
        trunk: Some("carrier-one".parse().unwrap()),
        gateway: Some("gw-a".parse().unwrap()),
        plan_revision: 17,
        degraded: Vec::new(),
        caller_key: Some(NumberKey::of(&caller, [1; 16])),
        called_key: Some(NumberKey::of(&called, [1; 16])),
        sip_call_id: Some(Arc::from(format!("{ms}-a84b4c76e66710@pbx.example"))),
        request_hash: None,
    };
    CallRecord { routing, personal: personal(caller, called, ms) }
}

fn personal(caller: Number, called: Number, ms: i64) -> Personal {
    let target = |leg: &str, gateway: &str| Target {
        leg: leg.parse().unwrap(),
        trunk: "carrier-one".parse().unwrap(),
        gateway: gateway.parse().unwrap(),
        user: None,
        uri: Arc::from(format!("sip:+46701740610@{gateway}.carrier.example:5060")),
        caller: Some(Arc::from("+46846500400")),
        response_ms: None,
        setup_ms: 4_000,
        ring_ms: Some(60_000),
        move_on: Arc::new(MoveOn::default()),
    };
    let verdict = |gateway: &str| TargetVerdict {
        rule: Some("swedish-mobile".parse().unwrap()),
        trunk: "carrier-one".parse().unwrap(),
        gateway: Some(gateway.parse().unwrap()),
        user: None,
        rate: None,
        verdict: Verdict::Kept,
    };
    let rule = RuleVerdict {
        rule: "swedish-mobile".parse().unwrap(),
        prefix: Some("467".parse().unwrap()),
        priority: 10,
        verdict: Verdict::Kept,
        rewritten: None,
    };
    Personal {
        from: Some(Party { sent: Arc::from("08-465 004 00"), read: Some(caller) }),
        to: Party { sent: Arc::from("070-174 06 10"), read: Some(called) },
        privacy: Privacy::None,
        diversions: Vec::new(),
        metadata: Metadata::from([(Arc::from("desk"), Arc::from("front"))]),
        location: None,
        notes: Vec::new(),
        steps: vec![Step { targets: vec![target("1.1", "gw-a")] }, Step { targets: vec![target("2.1", "gw-b")] }],
        trace: Trace {
            now: at_ms(ms),
            draw: 0x1234_5678_9abc_def0,
            rules: vec![rule],
            targets: vec![verdict("gw-a"), verdict("gw-b")],
            ..Trace::default()
        },
        pruned: false,
    }
}

pub(crate) fn entry(record: &CallRecord) -> Entry {
    Entry::decode(&Entry::encode_call(record).unwrap()).unwrap()
}

/// An event of the call of a millisecond, so many milliseconds after it.
pub(crate) fn event(tenant: &str, ms: i64, event_id: &str, kind: EventKind, after_ms: i64) -> CallEvent {
    let over = matches!(kind, EventKind::Failed | EventKind::Ended);
    CallEvent {
        v: 1,
        event_id: event_id.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        call_id: id(ms, u64::try_from(ms).unwrap()),
        leg: "1.1".parse().unwrap(),
        kind,
        cause: over.then_some(Cause { sip: None, q850: Some(16) }),
        occurred_at: at_ms(ms + after_ms),
        received_at: at_ms(ms + after_ms + 30),
        node: "node-a".parse().unwrap(),
        sip_call_id: Some(Arc::from("a84b4c76e66710@pbx.example")),
    }
}
