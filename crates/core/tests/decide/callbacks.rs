//! The emergency service calls back: past all that keeps other calls away, and by whatever still leads to who called (E15).

use std::sync::Arc;

use telness_core::call::{Call, Direction, Privacy};
use telness_core::class::{Callback, Class};
use telness_core::decide::{Action, decide, reserve, wanted};
use telness_core::directory::NumberState;
use telness_core::emergency::Service;
use telness_core::facts::{FactKind, Facts, Wanted};
use telness_core::plan::{Rewrite, RuleAction, Translation};
use telness_core::reason::Reason;

use crate::book::{Book, decided, diverted, from_carrier, moment, number, rules, steps};

const HELD: &str = "+46701740606";
const OF_NOBODY: &str = "+46846500400";

/// Everything that may stand between a caller and a user who does not want to be disturbed.
fn book() -> Book {
    Book::default()
        .trunk("carrier", 1)
        .trunk("pbx", 2)
        .listed("quiet-berit", "acme", Some("201"), &[("pbx", "ext:201")])
        .entry(HELD, NumberState::Assigned, Some("quiet-berit"), None)
        .rule("screening", "any", RuleAction::Reject(Reason::CallerBlocked), |rule| {
            rule.priority = 9;
            rule.wants = Wanted::of(FactKind::FraudScore);
        })
}

fn forward(book: Book, from: &str) -> Book {
    let away = RuleAction::Rewrite(Rewrite::To(number("+46701740620")));
    book.rule("away", from, away, |rule| rule.priority = 5).route("out", "+4670174062", &["carrier"])
}

fn back(to: &str) -> Call {
    Call { class: Class::Emergency, callback: Some(Callback::Known), ..from_carrier(to) }
}

#[test]
fn e15_do_not_disturb_forwards_and_screening_keep_no_callback_away() {
    let world = forward(book(), HELD).world();
    for callback in [Callback::Known, Callback::Assumed] {
        let call = Call { callback: Some(callback), privacy: Privacy::Withheld, ..back(HELD) };
        let decision = decided(&world, &call);
        assert_eq!((decision.action, decision.reason), (Action::Route, Reason::Routed));
        assert_eq!(steps(&decision), ["pbx/gw1"]);
        assert_eq!(decision.matched_prefix, number(HELD).digits());
        assert_eq!(decision.trace.callback, Some(callback));
        assert_eq!(wanted(&world, &call), Wanted::NONE, "it waits for nobody");
    }
    let other = Call { callback: None, class: Class::Normal, ..back(HELD) };
    assert_eq!(steps(&decided(&world, &other)), ["carrier/gw1"], "any other call is forwarded");
    let world = book().world();
    assert_eq!(decided(&world, &other).reason, Reason::DoNotDisturb);
    assert_eq!(steps(&decided(&world, &back(HELD))), ["pbx/gw1"]);
}

#[test]
fn e15_no_forward_that_comes_round_and_no_capacity_stops_it() {
    let world = book().world();
    let call = diverted(back(HELD), &[HELD, HELD, HELD, HELD, HELD, HELD]);
    let ranked = decide(&world, &call, &Facts::default(), moment(&call));
    assert!(ranked.is_emergency());
    assert_eq!(steps(&reserve(ranked, |_| false)), ["pbx/gw1"], "a full trunk takes it");
}

#[test]
fn e15_a_number_that_no_user_holds_is_reached_by_what_routes_it_before_what_leads_elsewhere() {
    let routed = |book: Book| {
        book.route_if("to-pbx", "+468465004", &["pbx"], |rule| {
            rule.condition.direction = Some(Direction::FromCarrier);
        })
    };
    let decision = decided(&routed(forward(book(), OF_NOBODY)).world(), &back(OF_NOBODY));
    assert_eq!(steps(&decision), ["pbx/gw1", "pbx/gw2"]);
    assert_eq!(rules(&decision), ["away: callback", "to-pbx: kept", "screening: outranked"]);
    let forwarded = forward(book(), OF_NOBODY).world();
    let mut call = back(OF_NOBODY);
    call.direction = Direction::FromTenant;
    assert_eq!(steps(&decided(&forwarded, &call)), ["carrier/gw1"], "elsewhere is better than nowhere");
}

#[test]
fn e15_what_a_forward_allowed_is_over_when_the_number_itself_is_tried_again() {
    let from_carrier = Some(Direction::FromCarrier);
    let world = book()
        .rule("away", OF_NOBODY, RuleAction::Rewrite(Rewrite::To(number("+46701740620"))), |rule| {
            rule.condition.direction = from_carrier;
            rule.priority = 5;
        })
        .route("out", "+4670174062", &["carrier"])
        .route("of-tenants", "+468465004", &["pbx"])
        .down("carrier", "gw1")
        .world();
    let decision = decided(&world, &back(OF_NOBODY));
    assert_eq!(steps(&decision), ["carrier/gw1"], "a rule that is not for calls from carriers is for none");
}

#[test]
fn e15_the_emergency_service_is_not_sent_to_itself_by_what_a_trunk_makes_of_a_device() {
    let strip = Translation { prefix: Arc::from("8"), strip: 1, prepend: Arc::from("") };
    for user in ["berit", "quiet-berit"] {
        let world = Book::default()
            .trunk("carrier", 1)
            .trunk_with("pbx", 1, |trunk| trunk.translations.out_called = Box::new([strip.clone()]))
            .emergency("SE", Service::Any, &["carrier"])
            .listed(user, "acme", Some("8112"), &[("pbx", "ext:8112")])
            .entry(HELD, NumberState::Assigned, Some(user), None)
            .world();
        let decision = decided(&world, &back(HELD));
        assert!(decision.steps.is_empty(), "{user}: {:?}", steps(&decision));
    }
}

#[test]
fn e15_gateways_that_are_believed_down_are_tried_before_it_is_given_up() {
    let world = book().down("pbx", "gw1").world();
    assert_eq!(steps(&decided(&world, &back(HELD))), ["pbx/gw2"], "one that is up goes first");
    let world = book().down("pbx", "gw1").down("pbx", "gw2").world();
    assert_eq!(steps(&decided(&world, &back(HELD))), ["pbx/gw1"]);
    let decision = decided(&book().world(), &back("+46846500499"));
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::NoRoute), "a number of nobody is nobody's");
}
