//! Numbers and extensions that a user of the plan holds, and whose tenant a carrier's call is.

use telness_core::call::Direction;
use telness_core::decide::{Action, Holder, held};
use telness_core::plan::{RuleAction, UserIx};
use telness_core::reason::Reason;

use crate::book::{Book, NOON, call, decided, digits, from_carrier, number, rules, steps, targets, uris};

const OFFICE: &str = "+46846500400";

fn office() -> Book {
    Book::default()
        .trunk("carrier", 1)
        .trunk_with("pbx", 2, |trunk| trunk.tenants = Box::new(["acme".parse().unwrap()]))
        .user("anna", "acme", &[OFFICE], Some("200"), &[("pbx", "x200"), ("carrier", "+46701740620")])
        .user("berit", "other", &["+46313900600"], Some("200"), &[("carrier", "+46701740621")])
}

#[test]
fn a_held_number_rings_all_devices_of_its_user_at_once() {
    let world = office().route("sweden", "+46", &["carrier"]).route("any", "any", &["carrier"]).world();
    for call in [call(OFFICE), from_carrier(OFFICE), call("x200")] {
        let decision = decided(&world, &call);
        assert_eq!((decision.action, decision.reason), (Action::Route, Reason::Routed));
        assert_eq!(steps(&decision), ["pbx/gw1+carrier/gw1"]);
        assert_eq!(uris(&decision), ["sip:200@192.0.2.1:5060", "sip:+46701740620@192.0.2.1:5060;user=phone"]);
        let legs: Vec<_> = decision.steps[0].targets.iter().map(|target| target.leg.as_str()).collect();
        assert_eq!(legs, ["1.1", "1.2"]);
        assert!(decision.steps[0].targets.iter().all(|target| target.user.as_ref().unwrap().as_str() == "anna"));
        assert_eq!(targets(&decision), ["pbx/gw1: kept", "pbx/gw2: outranked", "carrier/gw1: kept"]);
        assert_eq!(decision.rule, None);
        assert_eq!(decision.matched_prefix, call.to.read.unwrap().digits());
        assert!(rules(&decision).iter().all(|verdict| verdict.ends_with(": outranked")));
    }
    assert_eq!(rules(&decided(&world, &call(OFFICE))), ["sweden: outranked", "any: outranked"]);
}

#[test]
fn an_extension_is_its_tenants_own() {
    let world = office().world();
    let mut call = call("x200");
    call.tenant = "other".parse().unwrap();
    assert_eq!(uris(&decided(&world, &call)), ["sip:+46701740621@192.0.2.1:5060;user=phone"]);
    call.tenant = "third".parse().unwrap();
    assert_eq!(decided(&world, &call).reason, Reason::NoRoute);
    let holder = |to: &str, tenant: &str| {
        held(&world, &number(to), &tenant.parse().unwrap(), NOON).holder().and_then(Holder::name)
    };
    assert_eq!(holder(OFFICE, "third").unwrap().as_str(), "anna");
    assert!(holder("SE/1177", "acme").is_none());
}

#[test]
fn a_users_devices_are_reached_for_the_users_tenant_whoever_calls() {
    let world = office().world();
    let mut call = call(OFFICE);
    call.tenant = "other".parse().unwrap();
    assert_eq!(steps(&decided(&world, &call)), ["pbx/gw1+carrier/gw1"]);
}

#[test]
fn only_a_rule_that_names_the_whole_number_takes_it_from_its_user() {
    let whole = "+46846500400";
    let world = office().route("mine", whole, &["carrier"]).route("block", "+468465004", &["carrier"]).world();
    for call in [call(OFFICE), from_carrier(OFFICE)] {
        let decision = decided(&world, &call);
        assert_eq!(rules(&decision), ["mine: kept", "block: outranked"]);
        assert_eq!(uris(&decision), ["sip:+46846500400@192.0.2.1:5060;user=phone"]);
    }
    let world = office()
        .route_if("mine", whole, &["carrier"], |rule| rule.enabled = false)
        .route("any", "any", &["carrier"])
        .world();
    let decision = decided(&world, &call(OFFICE));
    assert_eq!(rules(&decision), ["mine: disabled", "any: outranked"]);
    assert_eq!(steps(&decision), ["pbx/gw1+carrier/gw1"]);
    let world = office().route("closed", "x200", &["carrier"]).world();
    assert_eq!(rules(&decided(&world, &call("x200"))), ["closed: kept"]);
}

#[test]
fn a_user_without_a_usable_device_is_not_looked_for_at_a_carrier() {
    let world =
        office().down("pbx", "gw1").down("pbx", "gw2").down("carrier", "gw1").route("any", "any", &["carrier"]).world();
    let decision = decided(&world, &call(OFFICE));
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::NoUsableTarget));
    assert_eq!(targets(&decision), ["pbx/gw1: down", "pbx/gw2: down", "carrier/gw1: down"]);
}

#[test]
fn a_device_goes_by_its_trunks_first_usable_gateway() {
    let world = office().down("pbx", "gw1").world();
    let decision = decided(&world, &call(OFFICE));
    assert_eq!(steps(&decision), ["pbx/gw2+carrier/gw1"]);
    let world = office().change(|plan| plan.trunks[1].enabled = false).world();
    let decision = decided(&world, &call(OFFICE));
    assert_eq!(targets(&decision), ["pbx: disabled", "carrier/gw1: kept"]);
    assert_eq!(decision.steps[0].targets[0].leg.as_str(), "1.1");
}

#[test]
fn two_devices_behind_one_gateway_both_ring_and_the_same_one_rings_once() {
    let two = Book::default().trunk("pbx", 2).user(
        "anna",
        "acme",
        &[],
        Some("200"),
        &[("pbx", "x200"), ("pbx", "x201"), ("pbx", "x200")],
    );
    let decision = decided(&two.world(), &call("x200"));
    assert_eq!(uris(&decision), ["sip:200@192.0.2.1:5060", "sip:201@192.0.2.1:5060"]);
    assert_eq!(targets(&decision)[4..], ["pbx/gw1: repeated", "pbx/gw2: repeated"]);
}

#[test]
fn a_rule_may_ring_a_user_for_a_carriers_call_too() {
    let world = office().rule("reception", "+463139006", RuleAction::User(UserIx(0)), |_| {}).world();
    for call in [call("+46313900601"), from_carrier("+46313900601")] {
        let decision = decided(&world, &call);
        assert_eq!(rules(&decision), ["reception: kept"]);
        assert_eq!(decision.rule.as_ref().unwrap().as_str(), "reception");
        assert_eq!(decision.matched_prefix, Some(digits("463139006")));
        assert_eq!(decision.trace.targets[0].rule, decision.rule);
    }
}

#[test]
fn a_carriers_call_is_of_the_tenant_that_holds_the_number() {
    let world = office()
        .route_if("theirs", OFFICE, &["carrier"], |rule| {
            rule.condition.tenants = Box::new(["third".parse().unwrap()]);
        })
        .route_if("ours", OFFICE, &["pbx"], |rule| rule.condition.tenants = Box::new(["acme".parse().unwrap()]))
        .world();
    let mut call = from_carrier(OFFICE);
    call.tenant = "third".parse().unwrap();
    let decision = decided(&world, &call);
    assert_eq!(rules(&decision), ["ours: kept"]);
    assert_eq!(steps(&decision), ["pbx/gw1", "pbx/gw2"], "the trunk is for acme alone");
    call.direction = Direction::FromTenant;
    assert_eq!(rules(&decided(&world, &call)), ["theirs: kept"]);
}
