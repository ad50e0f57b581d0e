//! Ordinary calls: routed, recorded, read back, refused with everything that is wrong.

use telness_core::call::{CallType, Draft, FieldFault};
use telness_core::class::{Class, Workflow};
use telness_core::decide::Action;
use telness_core::reason::Reason;
use telness_core::record::{CdrState, EventKind};
use telness_engine::{Asker, CallError, EventReport, ReadError};
use telness_store::CallQuery;

use crate::scene::{CARRIER, KEY, NOBODY, OFFICE, OTHER, STREET, SUSPENDED, Scene, draft};

#[tokio::test]
async fn a_call_is_routed_recorded_and_read_back() {
    let scene = Scene::new();
    let answer = scene.call(&OFFICE, draft("9070-174 06 05")).await.unwrap();
    let routing = &answer.record.routing;
    assert_eq!((routing.action, routing.class, routing.workflow), (Action::Route, Class::Normal, Workflow::Low));
    assert_eq!(answer.proof.as_str(), "journaled");
    assert_eq!(&*answer.record.personal.steps[0].targets[0].uri, "sip:+46701740605@203.0.113.1:5060;user=phone");

    let stored = scene.engine().read_call(&OFFICE, routing.call_id).await.unwrap();
    assert_eq!(stored.routing, answer.record.routing);
    assert_eq!(stored.personal, answer.record.personal);
    let page = scene.engine().list_calls(&OFFICE, &CallQuery { limit: 10, ..CallQuery::default() }).await.unwrap();
    assert_eq!(page.calls.len(), 1);
}

#[tokio::test]
async fn p1_another_tenants_call_answers_as_if_it_did_not_exist() {
    let scene = Scene::new();
    let id = scene.call(&OFFICE, draft("+46701740605")).await.unwrap().record.routing.call_id;
    let engine = scene.engine();
    assert!(matches!(engine.read_call(&OTHER, id).await, Err(ReadError::NotFound)));
    let others = engine.list_calls(&OTHER, &CallQuery { limit: 10, ..CallQuery::default() }).await.unwrap();
    assert!(others.calls.is_empty());
}

#[tokio::test]
async fn events_make_the_detail_record_though_they_come_before_their_call() {
    let scene = Scene::new();
    let engine = scene.engine();
    let keyed = crate::scene::keyed("+46701740605", "early");
    let first = scene.call(&OFFICE, keyed).await.unwrap();
    let id = first.record.routing.call_id;
    let report = |kind| EventReport {
        event_id: None,
        leg: "1.1".parse().unwrap(),
        kind,
        cause: None,
        occurred_at: Some("2026-11-23T08:00:00Z".parse().unwrap()),
        sip_call_id: None,
    };
    let taken = engine.take_event(&OFFICE, id, report(EventKind::Answered)).await.unwrap();
    let again = engine.take_event(&OFFICE, id, report(EventKind::Answered)).await.unwrap();
    assert_eq!(taken.event_id, again.event_id, "a doubled report is one event");
    engine.take_event(&OFFICE, id, report(EventKind::Ringing)).await.unwrap();
    let stored = engine.read_call(&OFFICE, id).await.unwrap();
    assert_eq!(stored.events.len(), 2);
    assert_eq!(stored.cdr.state, CdrState::Answered);
}

#[tokio::test]
async fn every_wrong_field_is_reported_at_once_and_nothing_is_kept() {
    let scene = Scene::new();
    let mut wrong = draft("12");
    wrong.kind = Some(CallType::Api);
    wrong.from = Some("nonsense".into());
    wrong.faults.push(FieldFault { field: "metadata".into(), reason: Reason::FieldInvalid, detail: "too many".into() });
    let Err(CallError::Refused(refusal)) = scene.call(&OFFICE, wrong).await else { panic!("it is to be refused") };
    let fields: Vec<&str> = refusal.faults.iter().map(|fault| &*fault.field).collect();
    assert_eq!(fields, ["metadata", "to", "from"]);
    let page = scene.engine().list_calls(&OFFICE, &CallQuery { limit: 10, ..CallQuery::default() }).await.unwrap();
    assert!(page.calls.is_empty());
}

#[tokio::test]
async fn a_switchs_odd_caller_is_noted_and_the_call_goes_on() {
    let scene = Scene::new();
    let mut odd = draft("+46701740605");
    odd.from = Some("sip:front desk@office.example".into());
    let answer = scene.call(&OFFICE, odd).await.unwrap();
    assert_eq!(answer.record.routing.action, Action::Route);
    assert_eq!(answer.record.personal.notes[0].field.as_ref(), "from");
}

#[tokio::test]
async fn a_caller_who_is_not_shown_is_no_fault_of_whoever_sends_the_call() {
    let scene = Scene::new();
    for from in ["anonymous", "sip:Anonymous@anonymous.invalid", "\"Unknown\" <sip:unknown@pbx.example>;tag=1"] {
        for kind in [None, Some(CallType::Api)] {
            let hidden = Draft { from: Some(from.into()), kind, ..draft("+46701740605") };
            let answer = scene.call(&OFFICE, hidden).await.unwrap_or_else(|refused| panic!("{from}: {refused}"));
            assert!(answer.record.personal.notes.is_empty(), "{from}: {:?}", answer.record.personal.notes);
        }
    }
}

#[tokio::test]
async fn who_may_not_is_told_why() {
    let scene = Scene::new();
    let reason = |outcome: Result<_, CallError>| outcome.map(|_: telness_engine::Answer| ()).unwrap_err().reason();
    assert_eq!(reason(scene.call(&NOBODY, draft("+46701740605")).await), Reason::PeerUnknown);
    assert_eq!(reason(scene.call(&STREET, draft("+46701740605")).await), Reason::Unauthenticated);
    assert_eq!(reason(scene.call(&SUSPENDED, draft("+46701740605")).await), Reason::TenantSuspended);
    let wrong = Asker { key: Some("telness_key_of_nobody"), ..STREET };
    assert_eq!(reason(scene.call(&wrong, draft("+46701740605")).await), Reason::Unauthenticated);
    let right = Asker { key: Some(KEY), ..STREET };
    assert_eq!(scene.call(&right, draft("+46701740605")).await.unwrap().record.routing.tenant.as_str(), "acme");
}

#[tokio::test]
async fn a_carriers_call_is_the_called_tenants_and_never_goes_to_another_carrier() {
    let scene = Scene::new();
    let inward = scene.call(&CARRIER, draft("88+46846500410")).await.unwrap();
    assert_eq!(inward.record.routing.tenant.as_str(), "acme");
    assert_eq!(inward.record.routing.trunk.as_ref().unwrap().as_str(), "office-pbx");
    assert_eq!(&*inward.record.personal.to.sent, "88+46846500410", "what was sent is kept");
    let through = scene.call(&CARRIER, draft("88+46701740605")).await.unwrap();
    assert_eq!(through.record.routing.action, Action::Reject);
}

#[tokio::test]
async fn an_inward_translation_is_of_the_number_however_it_is_spelled() {
    let scene = Scene::new();
    for dialled in [
        "880046846500410",
        "88 08-465 004 10",
        "sip:880846500410@203.0.113.1",
        "<SIP:8846846500410@203.0.113.1;user=phone>",
        "sip:88+46846500410@203.0.113.1;user=phone",
        "tel:880846500410",
        "TEL:88-08-465-004-10;phone-context=carrier.example",
        "\"Anna\" <sip:88+46846500410@203.0.113.1>;tag=1",
        "sip:77%23+46846500410@203.0.113.1",
        "sip:88%2B46846500410@203.0.113.1",
        "77#0846500410",
    ] {
        let inward = scene.call(&CARRIER, draft(dialled)).await.unwrap_or_else(|error| panic!("{dialled}: {error}"));
        assert_eq!(inward.record.routing.trunk.as_ref().unwrap().as_str(), "office-pbx", "{dialled}");
        assert_eq!(&*inward.record.personal.to.sent, dialled, "what was sent is kept");
    }
    for from in ["sip:880846500401@203.0.113.1", "880846500401"] {
        let asked = Draft { from: Some(from.into()), ..draft("+46846500410") };
        let caller = scene.call(&CARRIER, asked).await.unwrap().record.personal.from.clone().unwrap();
        assert_eq!(caller.read.unwrap().to_string(), "+46846500401", "{from}");
    }
}

#[tokio::test]
async fn a_full_node_refuses_and_takes_calls_again() {
    let scene = Scene::with(|settings| settings.low.calls_in_flight_max = 0);
    let refused = scene.call(&OFFICE, draft("+46701740605")).await.unwrap_err();
    assert_eq!(refused.reason(), Reason::Overloaded);
}
