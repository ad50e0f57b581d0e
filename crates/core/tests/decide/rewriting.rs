//! Rewrites: matched again, bounded, followed by what is wanted, and never past an emergency number.

use telness_core::call::Direction;
use telness_core::decide::{Action, REWRITES_MAX, wanted};
use telness_core::emergency::Service;
use telness_core::facts::{FactKind, Wanted};
use telness_core::number::Number;
use telness_core::plan::{Rewrite, Rule, RuleAction};
use telness_core::reason::Reason;

use crate::book::{Book, call, decided, digits, diverted, from_carrier, number, rules, steps, uris};

fn to(text: &str) -> RuleAction {
    RuleAction::Rewrite(Rewrite::To(number(text)))
}

fn change(strip: u8, prepend: Option<&str>) -> RuleAction {
    RuleAction::Rewrite(Rewrite::Digits { strip, prepend: prepend.map(digits) })
}

fn none(_: &mut Rule) {}

#[test]
fn a_rewritten_number_is_matched_again_and_both_rounds_are_traced() {
    let world = Book::default()
        .trunk("carrier", 1)
        .rule("old-number", "+46846500401", to("+46701740622"), none)
        .route("any", "any", &["carrier"])
        .world();
    let decision = decided(&world, &call("+46846500401"));
    assert_eq!(rules(&decision), ["old-number: kept", "any: outranked", "any: kept"]);
    assert_eq!(decision.trace.rules[0].rewritten, Some(number("+46701740622")));
    assert_eq!(uris(&decision), ["sip:+46701740622@192.0.2.1:5060;user=phone"]);
    assert_eq!(decision.rule.unwrap().as_str(), "any");
}

#[test]
fn digits_come_off_and_go_before_and_the_kind_stays() {
    let dialled = |action: RuleAction, called: &str| {
        let world = Book::default()
            .trunk("carrier", 1)
            .rule("change", called, action, none)
            .route("e164", "any", &["carrier"])
            .world();
        let decision = decided(&world, &call(called));
        decision.trace.rules[0].rewritten
    };
    assert_eq!(dialled(change(2, Some("47")), "+46846500401"), Some(number("+47846500401")));
    assert_eq!(dialled(change(0, Some("9")), "x200"), Some(number("x9200")));
    assert_eq!(dialled(change(1, None), "x200"), Some(number("x00")));
    assert_eq!(dialled(change(3, Some("500")), "x200"), Some(number("x500")));
    assert_eq!(dialled(change(1, None), "SE/1177"), Some(number("SE/177")));
    assert_eq!(dialled(change(3, None), "x200"), None, "nothing is left");
    assert_eq!(dialled(change(2, Some("0")), "+46846500401"), None, "no E.164 number begins with 0");
    assert_eq!(dialled(change(0, Some("123456789")), "+46846500401"), None, "too long");
}

#[test]
fn a_rewrite_that_makes_no_number_lets_the_next_rule_try() {
    let world = Book::default()
        .trunk("carrier", 1)
        .rule("broken", "x2", change(3, None), none)
        .route("any", "any", &["carrier"])
        .world();
    assert_eq!(rules(&decided(&world, &call("x200"))), ["broken: unwritable", "any: kept"]);
}

#[test]
fn c7_rewrites_that_go_in_circles_end() {
    let world = Book::default()
        .trunk("carrier", 1)
        .rule("there", "x1", to("x2"), none)
        .rule("back", "x2", to("x1"), none)
        .world();
    let decision = decided(&world, &call("x1"));
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::RewriteLoop));
    assert_eq!(decision.trace.rules.len(), REWRITES_MAX + 1);
    assert_eq!((decision.rule.unwrap().as_str(), decision.matched_prefix), ("back", Some(digits("2"))));
}

#[test]
fn five_rewrites_are_not_too_many() {
    let mut book = Book::default().trunk("carrier", 1);
    for at in 1..=5 {
        book = book.rule(&format!("r{at}"), &format!("x{at}"), to(&format!("x{}", at + 1)), none);
    }
    let world = book.route("end", "x6", &["carrier"]).world();
    assert_eq!(steps(&decided(&world, &call("x1"))), ["carrier/gw1"]);
}

#[test]
fn c7_a_rewrite_to_who_forwarded_the_call_is_stopped() {
    let world = Book::default()
        .trunk("carrier", 1)
        .rule("forward", "x200", to("+46701740622"), none)
        .route("any", "any", &["carrier"])
        .world();
    assert_eq!(decided(&world, &diverted(call("x200"), &["+46701740622"])).reason, Reason::ForwardLoop);
    assert_eq!(decided(&world, &diverted(call("x200"), &["+46701740623"])).reason, Reason::Routed);
}

#[test]
fn e4_a_rewrite_to_an_emergency_service_takes_the_emergency_table() {
    let emergency = RuleAction::Rewrite(Rewrite::To(Number::Service { service: Service::Fire, test: false }));
    let world = Book::default()
        .trunk("carrier", 1)
        .trunk("sos", 1)
        .emergency("SE", Service::Any, &["sos"])
        .rule("fire-desk", "x200", emergency, none)
        .route("any", "any", &["carrier"])
        .world();
    let decision = decided(&world, &call("x200"));
    assert_eq!(steps(&decision), ["sos/gw1"]);
    assert_eq!((decision.reason, decision.rule.clone()), (Reason::Routed, None));
    assert_eq!(rules(&decision), ["fire-desk: kept", "any: outranked"]);
    assert_eq!(decision.steps[0].targets[0].ring_ms, None);
}

#[test]
fn e4_an_emergency_number_is_recognised_behind_as_many_rewrites_as_there_may_be() {
    let last = REWRITES_MAX + 1;
    let leading_to = |end: &str| {
        let mut book = Book::default().trunk("sos", 1).emergency("SE", Service::Any, &["sos"]);
        for at in 1..last {
            book = book.rule(&format!("r{at}"), &format!("x{at}"), to(&format!("x{}", at + 1)), none);
        }
        decided(&book.rule("last", &format!("x{last}"), to(end), none).world(), &call("x1"))
    };
    let decision = leading_to("SE/112");
    assert_eq!(steps(&decision), ["sos/gw1"]);
    assert_eq!((decision.reason, decision.trace.rules.len()), (Reason::Routed, last));
    assert_eq!(leading_to("+46701740622").reason, Reason::RewriteLoop, "another number is one rewrite too many");
}

#[test]
fn a_forward_of_a_held_number_may_leave_by_a_carrier() {
    let book = || {
        Book::default()
            .trunk_with("carrier", 1, |trunk| trunk.tenants = Box::new(["acme".parse().unwrap()]))
            .user("anna", "acme", &["+46846500400"], None, &[])
            .route("any", "any", &["carrier"])
    };
    let mut call = from_carrier("+46846500400");
    call.tenant = "third".parse().unwrap();
    let world = book().rule("away", "+46846500400", to("+46701740622"), none).world();
    let decision = decided(&world, &call);
    assert_eq!(uris(&decision), ["sip:+46701740622@192.0.2.1:5060;user=phone"], "for acme, who forwarded");
    // A number that nobody holds is forwarded by a rule that says it is for carriers' calls, and by no other.
    let unheld = from_carrier("+46846500401");
    let world = book().rule("away", "+468465004", to("+46701740622"), none).world();
    assert_eq!(decided(&world, &unheld).reason, Reason::TransitDenied);
    let for_carriers = |rule: &mut Rule| rule.condition.direction = Some(Direction::FromCarrier);
    let world = book().rule("away", "+468465004", to("+46701740622"), for_carriers).world();
    assert_eq!(steps(&decided(&world, &unheld)), ["carrier/gw1"]);
}

#[test]
fn what_is_wanted_follows_rewrites_and_their_circles_end() {
    let wants = |kind: FactKind| move |rule: &mut Rule| rule.wants = Wanted::of(kind);
    let world = Book::default()
        .trunk("carrier", 1)
        .rule("there", "x1", to("x2"), none)
        .rule("back", "x2", to("x1"), wants(FactKind::FraudScore))
        .rule("on", "x2", to("+46701740622"), none)
        .route_if("out", "+4670", &["carrier"], wants(FactKind::Portability))
        .world();
    let wanted = wanted(&world, &call("x1"));
    assert!(wanted.has(FactKind::Portability) && wanted.has(FactKind::FraudScore));
    assert!(!wanted.has(FactKind::CallerName));
}

#[test]
fn what_is_wanted_is_looked_for_behind_thirty_two_numbers_however_far_a_plan_leads() {
    let asked_for = |step: usize| {
        let mut book = Book::default();
        for at in 10..60 {
            let onward = to(&format!("x{}", at + 1));
            book = book.rule(&format!("r{at}"), &format!("x{at}"), onward, |rule| {
                rule.wants = if at == 9 + step { Wanted::of(FactKind::FraudScore) } else { Wanted::NONE };
            });
        }
        wanted(&book.world(), &call("x10")).has(FactKind::FraudScore)
    };
    assert!(asked_for(1) && asked_for(32));
    assert!(!asked_for(33), "a call waits for no fact of a number that it is not led to");
}
