//! Where emergency calls go: the table alone, always a next route, and tests never for real.

use std::sync::Arc;

use telness_core::call::{Call, Diversion, Party, Privacy};
use telness_core::decide::{Action, EMERGENCY_SETUP_MS, decide, emergency_move_on, reserve, wanted};
use telness_core::emergency::Service;
use telness_core::facts::{Absence, Fact, FactKind, Facts, Wanted};
use telness_core::plan::{
    NumberFormat, Rewrite, RouteGroup, RuleAction, TestRoute, Translation, Translations, Trunk, TrunkIx,
};
use telness_core::reason::Reason;

use crate::book::{Book, call, decided, emergency_call, moment, number, rules, steps, targets, uris};

fn table() -> Book {
    Book::default()
        .trunk("sos-a", 2)
        .trunk("sos-b", 1)
        .trunk("last-resort", 1)
        .emergency("SE", Service::Any, &["sos-a", "sos-b"])
        .emergency("NO", Service::Ambulance, &["sos-b"])
        .rule("no-calls", "any", RuleAction::Reject(Reason::DeniedByPlan), |rule| {
            rule.wants = Wanted::of(FactKind::FraudScore);
        })
        .change(|plan| {
            plan.emergency.default = Box::new([RouteGroup(Box::new([(TrunkIx(2), 1)]))]);
        })
}

#[test]
fn e9_the_table_is_asked_by_service_then_region_then_default() {
    let world = table().world();
    let of = |region, service| steps(&decided(&world, &emergency_call(region, service, Some("112"), false)));
    assert_eq!(of("SE", Service::Any), ["sos-a/gw1", "sos-a/gw2", "sos-b/gw1"]);
    assert_eq!(of("SE", Service::Fire), ["sos-a/gw1", "sos-a/gw2", "sos-b/gw1"]);
    assert_eq!(of("NO", Service::Ambulance), ["sos-b/gw1"]);
    assert_eq!(of("NO", Service::Fire), ["last-resort/gw1"]);
    assert_eq!(of("DK", Service::Any), ["last-resort/gw1"]);
}

#[test]
fn e4_no_rule_is_asked_and_no_forward_stops_it() {
    let world = table().world();
    let mut call = emergency_call("SE", Service::Any, Some("112"), false);
    call.diversions = vec![Diversion { by: Arc::from("112"), cause: Arc::from("unknown") }; 9];
    let decision = decided(&world, &call);
    assert_eq!((decision.action, decision.reason, &decision.rule), (Action::Route, Reason::Routed, &None));
    assert!(rules(&decision).is_empty());
    assert_eq!(wanted(&world, &call), Wanted::NONE);
    let facts = Facts { fraud_score: Fact::Unknown { why: Absence::Timeout }, ..Facts::default() };
    assert!(reserve(decide(&world, &call, &facts, moment(&call)), |_| true).degraded.is_empty());
}

#[test]
fn e9_down_and_switched_off_come_last_and_are_still_tried() {
    let world = table()
        .down("sos-a", "gw1")
        .change(|plan| {
            plan.trunks[1].enabled = false;
            plan.trunks[1].tenants = Box::new(["other".parse().unwrap()]);
        })
        .change(|plan| plan.trunks[0].tenants = Box::new(["other".parse().unwrap()]))
        .deck("sos-a", &[("47", 1)])
        .world();
    let decision = decided(&world, &emergency_call("SE", Service::Any, Some("112"), false));
    assert_eq!(steps(&decision), ["sos-a/gw2", "sos-a/gw1", "sos-b/gw1"]);
    assert_eq!(targets(&decision), ["sos-a/gw1: last down", "sos-a/gw2: kept", "sos-b/gw1: last disabled"]);
    let legs: Vec<_> = decision.steps.iter().map(|step| step.targets[0].leg.as_str()).collect();
    assert_eq!(legs, ["1.1", "2.1", "3.1"]);
    let world = table().down("sos-a", "gw1").down("sos-a", "gw2").down("sos-b", "gw1").world();
    let decision = decided(&world, &emergency_call("SE", Service::Any, Some("112"), false));
    assert_eq!(steps(&decision), ["sos-a/gw1", "sos-a/gw2", "sos-b/gw1"], "all down: try anyway");
}

#[test]
fn e9_a_switched_off_gateway_comes_after_a_down_one() {
    let world = table().down("sos-a", "gw2").change(|plan| plan.trunks[0].gateways[0].enabled = false).world();
    let decision = decided(&world, &emergency_call("SE", Service::Any, Some("112"), false));
    assert_eq!(steps(&decision), ["sos-b/gw1", "sos-a/gw2", "sos-a/gw1"]);
}

#[test]
fn e9_a_list_without_a_gateway_counts_as_none() {
    let world = table().trunk("hollow", 0).emergency("SE", Service::Fire, &["hollow"]).world();
    let of = |service| steps(&decided(&world, &emergency_call("SE", service, Some("112"), false)));
    assert_eq!(of(Service::Fire), ["sos-a/gw1", "sos-a/gw2", "sos-b/gw1"]);
}

#[test]
fn a_gateway_named_twice_is_tried_once() {
    let world = table().emergency("SE", Service::Fire, &["sos-b", "sos-b"]).world();
    let decision = decided(&world, &emergency_call("SE", Service::Fire, Some("112"), false));
    assert_eq!(targets(&decision), ["sos-b/gw1: kept", "sos-b/gw1: repeated"]);
    assert_eq!(decision.steps.len(), 1);
}

#[test]
fn e16_without_any_route_the_answer_says_so() {
    let world = Book::default().world();
    let decision = decided(&world, &emergency_call("SE", Service::Any, Some("112"), false));
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::NoEmergencyRoute));
}

#[test]
fn e9_after_18x_it_rings_on_and_every_failure_moves_on() {
    let world = table().world();
    let decision = decided(&world, &emergency_call("SE", Service::Any, Some("112"), false));
    for target in decision.steps.iter().flat_map(|step| &step.targets) {
        assert_eq!((target.setup_ms, target.ring_ms), (EMERGENCY_SETUP_MS, None));
        assert_eq!(target.move_on, emergency_move_on());
    }
    let move_on = emergency_move_on();
    assert!(move_on.silence);
    for busy_or_broken in [17, 18, 21, 34, 38, 41, 42, 1] {
        assert!(move_on.q850.contains(&busy_or_broken), "{busy_or_broken}");
    }
    for busy_or_broken in [302, 403, 404, 408, 480, 486, 500, 503, 504, 600, 603] {
        assert!(move_on.sip.contains(&busy_or_broken), "{busy_or_broken}");
    }
    assert!(!move_on.q850.contains(&16) && !move_on.sip.contains(&487), "somebody hung up");
    assert!(move_on.q850.is_sorted() && move_on.sip.is_sorted());
}

#[test]
fn e4_no_translation_or_format_changes_the_emergency_number() {
    let world = table()
        .change(|plan| {
            for trunk in &mut plan.trunks {
                trunk.number_format = NumberFormat::DoubleZero;
                let away = Translation { prefix: Arc::from("1"), strip: 3, prepend: Arc::from("0900") };
                trunk.translations.out_called = Box::new([away]);
            }
        })
        .world();
    let decision = decided(&world, &emergency_call("SE", Service::Any, Some("112"), false));
    assert_eq!(uris(&decision)[0], "sip:112@192.0.2.1:5060;user=phone");
}

#[test]
fn a_service_asked_for_by_name_is_dialled_by_a_number() {
    let world = table().world();
    let decision = decided(&world, &emergency_call("SE", Service::Any, None, false));
    assert_eq!(uris(&decision)[0], "sip:112@192.0.2.1:5060;user=phone");
}

#[test]
fn a_service_asked_for_by_name_is_dialled_by_its_own_number_where_it_has_one() {
    let world = table().world();
    let dialled = |region, service| {
        let decision = decided(&world, &emergency_call(region, service, None, false));
        uris(&decision)[0].to_owned()
    };
    let to = |digits: &str| format!("sip:{digits}@192.0.2.1:5060;user=phone");
    assert_eq!(dialled("NO", Service::Ambulance), to("113"));
    assert_eq!(dialled("NO", Service::Fire), to("110"));
    assert_eq!(dialled("FR", Service::Police), to("17"));
    assert_eq!(dialled("SE", Service::Fire), to("112"), "one number for all");
    assert_eq!(dialled("US", Service::Any), to("911"));
    assert_eq!(dialled("NO", Service::Any), to("112"));
    assert_eq!(dialled("NO", Service::Gas), to("112"));
}

#[test]
fn e4_a_rewrite_to_an_emergency_number_takes_the_emergency_table() {
    let rewrite = RuleAction::Rewrite(Rewrite::Digits { strip: 1, prepend: None });
    let world = table().rule("strip", "x9", rewrite, |_| {}).world();
    let decision = decided(&world, &call("x9112"));
    assert_eq!(
        (steps(&decision), decision.rule.clone()),
        (vec!["sos-a/gw1".to_owned(), "sos-a/gw2".to_owned(), "sos-b/gw1".to_owned(),], None)
    );
    assert_eq!(uris(&decision)[0], "sip:112@192.0.2.1:5060;user=phone");
    assert_eq!(rules(&decision), ["strip: kept", "no-calls: outranked"]);
    assert_eq!(decided(&world, &call("x91120")).reason, Reason::DeniedByPlan, "112 and no more (E2)");
}

#[test]
fn e4_a_number_that_is_an_emergency_number_as_it_comes_takes_the_emergency_table() {
    let world = table().world();
    for comes in ["SE/112", "x112"] {
        let decision = decided(&world, &call(comes));
        assert_eq!(steps(&decision), ["sos-a/gw1", "sos-a/gw2", "sos-b/gw1"], "{comes}");
        assert!(rules(&decision).is_empty(), "{comes}");
    }
}

#[test]
fn e4_a_translation_that_makes_an_emergency_number_takes_the_emergency_table() {
    let strip = Translation { prefix: Arc::from("8"), strip: 1, prepend: Arc::from("") };
    let book = || table().trunk_with("pbx", 1, |trunk| trunk.translations.out_called = Box::new([strip.clone()]));
    let world = book().route("office", "x8", &["pbx"]).world();
    let decision = decided(&world, &call("x8112"));
    assert_eq!(steps(&decision), ["sos-a/gw1", "sos-a/gw2", "sos-b/gw1"]);
    assert_eq!(decision.steps[0].targets[0].ring_ms, None);
    assert_eq!(rules(&decision), ["office: no_usable_target", "no-calls: outranked"]);
    assert_eq!(targets(&decision)[0], "pbx: unwritable");
    let world = book().user("anna", "acme", &[], Some("200"), &[("pbx", "x8112")]).world();
    assert_eq!(steps(&decided(&world, &call("x200"))), ["sos-a/gw1", "sos-a/gw2", "sos-b/gw1"]);
}

#[test]
fn e7_the_caller_is_presented_over_any_withholding() {
    let shown = |from: Option<&str>, default: bool| {
        let book = table().change(|plan| {
            plan.trunks[0].default_caller = default.then(|| "+46846500400".parse().unwrap());
        });
        let mut call = emergency_call("SE", Service::Any, Some("112"), false);
        call.privacy = Privacy::Withheld;
        call.from = from.map(|text| Party { sent: Arc::from(text), read: Some(number(text)) });
        let decision = decided(&book.world(), &call);
        decision.steps[0].targets[0].caller.as_ref().map(ToString::to_string)
    };
    assert_eq!(shown(Some("+46701740605"), true).as_deref(), Some("+46701740605"));
    assert_eq!(shown(Some("x200"), true).as_deref(), Some("+46846500400"));
    assert_eq!(shown(None, true).as_deref(), Some("+46846500400"));
    assert_eq!(shown(None, false), None);
}

#[test]
fn e11_a_call_that_no_cap_may_stop_is_one_that_goes_to_a_call_taker_and_no_other() {
    let strip = RuleAction::Rewrite(Rewrite::Digits { strip: 1, prepend: None });
    let world = table().rule("strip", "x9", strip, |_| {}).world();
    let is_emergency = |call: &Call| decide(&world, call, &Facts::default(), moment(call)).is_emergency();
    assert!(is_emergency(&emergency_call("SE", Service::Any, Some("112"), false)));
    assert!(is_emergency(&call("x9112")), "a rewrite led there");
    assert!(!is_emergency(&call("+46701740605")));
    assert!(!is_emergency(&emergency_call("SE", Service::Any, None, true)), "a test of one is none");
}

#[test]
fn e11_no_capacity_is_asked_for_it() {
    let world = table().world();
    let call = emergency_call("SE", Service::Any, Some("112"), false);
    let ranked = decide(&world, &call, &Facts::default(), moment(&call));
    let decision = reserve(ranked, |_| panic!("asked for capacity"));
    assert_eq!(decision.steps.len(), 3);
}

#[test]
fn e3_a_test_call_goes_to_the_test_route_or_nowhere() {
    let test = emergency_call("SE", Service::Fire, None, true);
    let decision = decided(&table().world(), &test);
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::EmergencyTest));
    assert!(decision.steps.is_empty() && decision.trace.targets.is_empty());
    let book = |off: bool| {
        let book = table().trunk_with("echo", 1, |trunk| trunk.enabled = !off);
        let echo = book.groups(&["echo"]);
        book.change(|plan| {
            let test = TestRoute { route: echo, number: None, calls_per_h_max: 12 };
            plan.emergency.tests.insert("SE".parse().unwrap(), test);
        })
        .world()
    };
    let decision = decided(&book(false), &test);
    assert_eq!(uris(&decision), ["sip:urn%3Aservice%3Atest.sos.fire@192.0.2.1:5060"], "never the digits");
    let full = reserve(decide(&book(false), &test, &Facts::default(), moment(&test)), |_| false);
    assert_eq!(full.reason, Reason::NoUsableTarget, "a test takes capacity like any call");
    let decision = decided(&book(true), &test);
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::NoUsableTarget));
    assert_eq!(targets(&decision), ["echo: disabled"]);
    let elsewhere = emergency_call("NO", Service::Fire, None, true);
    assert_eq!(decided(&book(false), &elsewhere).reason, Reason::EmergencyTest);
}

#[test]
fn e17_a_test_call_is_dialled_by_the_number_that_was_agreed_on_and_never_by_one_for_help() {
    let world = |translations: Vec<Translation>| {
        let out_called = translations.into();
        let translated =
            |trunk: &mut Trunk| trunk.translations = Translations { out_called, ..Translations::default() };
        let book = table().trunk_with("echo", 1, translated);
        let route = book.groups(&["echo"]);
        let number = "+46846500499".parse().ok();
        book.change(|plan| {
            let test = TestRoute { route, number, calls_per_h_max: 12 };
            plan.emergency.tests.insert("SE".parse().unwrap(), test);
        })
        .world()
    };
    let test = emergency_call("SE", Service::Fire, None, true);
    assert_eq!(uris(&decided(&world(Vec::new()), &test)), ["sip:+46846500499@192.0.2.1:5060;user=phone"]);
    let to_help = Translation { prefix: Arc::from("+46"), strip: 12, prepend: Arc::from("112") };
    let decision = decided(&world(vec![to_help]), &test);
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::NoUsableTarget));
}
