//! Numbers and extensions that a user of the directory holds, numbers in quarantine, and what follows another plan.

use std::sync::Arc;

use telness_core::call::Direction;
use telness_core::decide::{Action, DirectorySaid};
use telness_core::directory::NumberState;
use telness_core::number::E164;
use telness_core::plan::{PrefixTable, TrunkIx};
use telness_core::reason::Reason;
use telness_core::standing::{ReadNumbers, Standing};
use telness_core::time::Timestamp;
use telness_core::world::World;

use crate::book::{Book, NOON, call, decided, digits, from_carrier, moment, number, rules, steps, targets, uris};

const OFFICE: &str = "+46846500400";
const MOBILE: &str = "+46701740606";

fn listed() -> Book {
    Book::default()
        .trunk("carrier", 1)
        .trunk_with("pbx", 2, |trunk| trunk.tenants = Box::new(["acme".parse().unwrap()]))
        .listed("anna", "acme", Some("200"), &[("pbx", "ext:200"), ("carrier", "+46701740620"), ("gone", "ext:7")])
        .listed("quiet-berit", "acme", Some("201"), &[("carrier", "+46701740621"), ("gone", "ext:8")])
        .listed("stranger", "nobodys", Some("200"), &[("carrier", "+46701740622")])
        .entry(OFFICE, NumberState::Assigned, Some("anna"), None)
        .entry(MOBILE, NumberState::Assigned, Some("quiet-berit"), None)
        .route("sweden", "+46", &["carrier"])
        .route("any", "any", &["carrier"])
}

#[test]
fn a_number_of_a_user_of_the_directory_rings_its_devices_and_the_trace_says_so() {
    let world = listed().world();
    for call in [call(OFFICE), from_carrier(OFFICE), call("x200")] {
        let decision = decided(&world, &call);
        assert_eq!((decision.action, decision.reason), (Action::Route, Reason::Routed));
        assert_eq!(steps(&decision), ["pbx/gw1+carrier/gw1"]);
        assert_eq!(uris(&decision), ["sip:200@192.0.2.1:5060", "sip:+46701740620@192.0.2.1:5060;user=phone"]);
        assert!(decision.steps[0].targets.iter().all(|target| target.user.as_ref().unwrap().as_str() == "anna"));
        let kept = ["pbx/gw1: kept", "pbx/gw2: outranked", "carrier/gw1: kept", "gone: unknown_trunk"];
        assert_eq!(targets(&decision), kept);
        assert!(rules(&decision).iter().all(|verdict| verdict.ends_with(": outranked")));
        assert_eq!(decision.matched_prefix, call.to.read.unwrap().digits());
        assert_eq!(decision.trace.directory, Some(DirectorySaid::Held));
        assert_eq!(decision.trace.versions.directory, 0);
    }
    assert_eq!(decided(&world, &call("+46701740699")).trace.directory, None);
}

#[test]
fn a_user_who_is_not_to_be_disturbed_is_busy() {
    let world = listed().world();
    for call in [call(MOBILE), from_carrier(MOBILE), call("x201")] {
        let decision = decided(&world, &call);
        assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::DoNotDisturb));
        assert_eq!(decision.matched_prefix, call.to.read.unwrap().digits());
        assert_eq!(targets(&decision), ["carrier: do_not_disturb", "gone: do_not_disturb"]);
        assert_eq!(decision.trace.targets[0].user.as_ref().unwrap().as_str(), "quiet-berit");
        assert_eq!(decision.trace.directory, Some(DirectorySaid::Held));
    }
    let page = Reason::DoNotDisturb.page();
    assert_eq!((page.code, page.sip, page.q850), (212, 486, 17));
    let world = listed().route("voicemail", MOBILE, &["carrier"]).world();
    assert_eq!(steps(&decided(&world, &call(MOBILE))), ["carrier/gw1"], "a rule for the whole number goes first");
}

#[test]
fn a_number_in_quarantine_is_nobodys_until_it_is_free() {
    let noon = NOON.as_micros();
    for (cutover, reason) in
        [(None, Reason::NumberNotAssigned), (Some(noon + 1), Reason::NumberNotAssigned), (Some(noon), Reason::Routed)]
    {
        let world = listed().entry("+46701740607", NumberState::Quarantined, None, cutover).world();
        let decision = decided(&world, &call("+46701740607"));
        assert_eq!(decision.reason, reason, "{cutover:?}");
        assert_eq!(decision.matched_prefix, Some(digits(if reason == Reason::Routed { "46" } else { "46701740607" })));
        let said = (reason != Reason::Routed).then_some(DirectorySaid::Quarantine);
        assert_eq!(decision.trace.directory, said);
        let verdict = if said.is_some() { "outranked" } else { "kept" };
        assert_eq!(rules(&decision)[0], format!("sweden: {verdict}"));
    }
    let page = Reason::NumberNotAssigned.page();
    assert_eq!((page.sip, page.q850), (404, 1));
    let world = listed()
        .entry("+46701740607", NumberState::Quarantined, None, None)
        .route("tone", "+46701740607", &["carrier"])
        .world();
    assert_eq!(rules(&decided(&world, &call("+46701740607"))), ["tone: kept", "sweden: outranked", "any: outranked"]);
}

#[test]
fn a_ported_number_is_held_from_or_until_the_moment_of_its_cutover() {
    let noon = NOON.as_micros();
    let held = |state, cutover| {
        let world = listed().entry("+46701740608", state, Some("anna"), Some(cutover)).world();
        decided(&world, &call("+46701740608")).trace.directory.is_some()
    };
    assert_eq!((held(NumberState::PortedIn, noon), held(NumberState::PortedIn, noon + 1)), (true, false));
    assert_eq!((held(NumberState::PortedOut, noon), held(NumberState::PortedOut, noon + 1)), (false, true));
}

#[test]
fn the_plans_own_users_go_first_and_a_tenant_is_to_be_known() {
    let world = listed().user("cilla", "acme", &[OFFICE], Some("200"), &[("carrier", "+46701740623")]).world();
    for call in [call(OFFICE), call("x200")] {
        let decision = decided(&world, &call);
        assert_eq!(uris(&decision), ["sip:+46701740623@192.0.2.1:5060;user=phone"]);
        assert_eq!(decision.trace.directory, None);
    }
    let world = listed().world();
    let mut other = call("x200");
    other.tenant = "nobodys".parse().unwrap();
    assert_eq!(decided(&world, &other).rule.unwrap().as_str(), "any", "the tenant's users are not in service");
    let known = world.with_plan({
        let mut plan = (*world.plan).clone();
        plan.tenants.entry("nobodys".parse().unwrap()).or_default();
        plan
    });
    assert_eq!(uris(&decided(&known, &other)), ["sip:+46701740622@192.0.2.1:5060;user=phone"]);
}

#[test]
fn e4_no_entry_of_the_directory_shadows_an_emergency_number() {
    use telness_core::emergency::Service;
    let world = listed()
        .emergency("SE", Service::Any, &["carrier"])
        .listed("quiet-sos", "acme", Some("112"), &[("pbx", "ext:112")])
        .world();
    let mut call = call("x112");
    let decision = decided(&world, &call);
    assert_eq!(uris(&decision), ["sip:112@192.0.2.1:5060;user=phone"], "as a number that a rewrite may lead to");
    call.emergency = crate::book::emergency_call("SE", Service::Any, Some("112"), false).emergency;
    assert_eq!(decided(&world, &call).trace.directory, None);
}

#[test]
fn a_carriers_call_is_the_call_of_the_directorys_holder() {
    let world = listed().world();
    let mut standing = Standing {
        peer: None,
        site: None,
        place: telness_core::class::Place::region("SE".parse().unwrap()),
        extension_digits: None,
        kind: telness_core::call::CallType::Sip,
        trunk: Some(TrunkIx(0)),
        emergency_allowed: false,
        background: false,
        claimed: None,
        tenant: None,
        denials: Vec::new(),
    };
    let to = |text: &str| ReadNumbers { to: Ok(number(text)), from: None, notes: Vec::new() };
    standing.settle_tenant(&to("+46701740699"), &world, NOON);
    assert_eq!(standing.tenant, None);
    standing.settle_tenant(&to(OFFICE), &world, NOON);
    assert_eq!(standing.tenant.unwrap().as_str(), "acme");
    let mut call = from_carrier(OFFICE);
    call.tenant = "fallback".parse().unwrap();
    assert_eq!(call.direction, Direction::FromCarrier);
    assert_eq!(steps(&decided(&world, &call)), ["pbx/gw1+carrier/gw1"]);
}

/// The plan's trunks in the other order.
fn turned(world: &World) -> World {
    let mut plan = (*world.plan).clone();
    plan.trunks.reverse();
    for rule in &mut plan.rules {
        if let telness_core::plan::RuleAction::Route(groups) = &mut rule.action {
            groups.iter_mut().flat_map(|group| &mut group.0).for_each(|(at, _)| *at = TrunkIx(1 - at.0));
        }
    }
    world.with_plan(plan)
}

#[test]
fn devices_and_decks_follow_their_trunks_into_another_plan() {
    let world = listed().deck("carrier", &[("4670", 7)]).world();
    let decision = decided(&world, &call(OFFICE));
    let after = decided(&turned(&world), &call(OFFICE));
    assert_eq!(uris(&decision), uris(&after));
    let price = |decision: &telness_core::decide::Decision| {
        decision.trace.targets.iter().map(|target| target.rate.map(|(_, rate)| rate.0)).collect::<Vec<_>>()
    };
    assert_eq!(price(&decision), [None, None, Some(7), None]);
    assert_eq!(price(&decision), price(&after));
}

#[test]
fn a_deck_is_its_trunks_alone_and_each_change_is_a_version() {
    let book =
        Book::default().trunk("a", 1).trunk("b", 1).trunk("c", 1).deck("c", &[("46", 1)]).deck("a", &[("47", 1)]);
    let world = book.deck("elsewhere", &[("48", 1)]).world();
    assert_eq!(world.decks.version, 3);
    assert!(world.decks.of(TrunkIx(1)).is_none() && world.decks.of(TrunkIx(3)).is_none());
    let first = |world: &World, trunk: u32| world.decks.of(TrunkIx(trunk)).unwrap().matches(digits("4670")).next();
    assert_eq!((first(&world, 2), first(&world, 0)), (Some((digits("46"), 1)), None));
    let table = Arc::new(PrefixTable::build([(digits("467"), 1)]));
    let decks = (*world.decks).clone().with("c".parse().unwrap(), table);
    let changed = World::new(world.plan.clone(), (*world.directory).clone(), decks, Arc::default());
    assert_eq!(first(&changed, 2), Some((digits("467"), 1)));
    assert_eq!(changed.versions().decks, 4);
}

#[test]
fn the_moment_of_the_call_is_what_cutovers_are_held_to() {
    let call = call(OFFICE);
    assert_eq!(moment(&call).now, NOON);
    let world = listed().world();
    let number: E164 = OFFICE.parse().unwrap();
    assert!(matches!(
        world.directory.held(number, Timestamp::from_micros(0)),
        telness_core::directory::HeldBy::User(user) if user.name() == "anna"
    ));
}
