//! Which rule settles a call, on which targets, and what the trace says of the others.

use std::sync::Arc;

use telness_core::call::{Call, CallType, Direction};
use telness_core::decide::{Action, Decision, decide, reserve, wanted};
use telness_core::facts::{Absence, Fact, FactKind, Facts, Wanted};
use telness_core::plan::{CallerPattern, MoveOn, RouteGroup, Rule, RuleAction, Schedule, ScheduleIx, Window};
use telness_core::reason::Reason;
use telness_core::world::{Moment, Rate, World};

use crate::book::{Book, NOON, call, decided, digits, from_carrier, moment, number, rules, steps, targets, uris};

const MOBILE: &str = "+46701740610";

fn two_carriers() -> Book {
    Book::default().trunk("carrier-a", 2).trunk("carrier-b", 1)
}

#[test]
fn the_longest_prefix_then_priority_then_place_decides() {
    let world = two_carriers()
        .route("any", "any", &["carrier-b"])
        .route("sweden", "+46", &["carrier-b"])
        .route("mobile-first", "+4670", &["carrier-a"])
        .route_if("mobile-high", "+4670", &["carrier-b"], |rule| rule.priority = 5)
        .route("mobile-second", "+4670", &["carrier-a"])
        .world();
    let decision = decided(&world, &call(MOBILE));
    assert_eq!(decision.rule.as_ref().unwrap().as_str(), "mobile-high");
    assert_eq!(decision.matched_prefix, Some(digits("4670")));
    assert_eq!(
        rules(&decision),
        [
            "mobile-high: kept",
            "mobile-first: outranked",
            "mobile-second: outranked",
            "sweden: outranked",
            "any: outranked",
        ]
    );
    assert_eq!((decision.action, decision.reason), (Action::Route, Reason::Routed));
    let prefixes: Vec<_> = decision.trace.rules.iter().map(|rule| rule.prefix).collect();
    let expected = ["4670", "4670", "4670", "46"].map(|prefix| Some(digits(prefix)));
    assert_eq!(prefixes[..4], expected);
    assert_eq!(prefixes[4], None);
    assert_eq!(decision.trace.rules[0].priority, 5);
}

#[test]
fn a_rule_of_another_prefix_is_no_candidate() {
    let world = two_carriers()
        .route("norway", "+47", &["carrier-a"])
        .route("longer", "+467017406105", &["carrier-a"])
        .route("extension", "x46", &["carrier-a"])
        .route("short", "SE/46701740610", &["carrier-a"])
        .world();
    let decision = decided(&world, &call(MOBILE));
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::NoRoute));
    assert!(decision.trace.rules.is_empty());
    assert_eq!(decision.rule, None);
}

#[test]
fn short_numbers_match_whole_and_by_region_and_extensions_by_prefix() {
    let world = two_carriers()
        .route("health-line", "SE/1177", &["carrier-a"])
        .route("office", "x2", &["carrier-b"])
        .route("rest", "any", &["carrier-b"])
        .world();
    let by = |to: &str| decided(&world, &call(to)).rule.unwrap().to_string();
    assert_eq!(by("SE/1177"), "health-line");
    assert_eq!(by("NO/1177"), "rest");
    assert_eq!(by("SE/117"), "rest");
    assert_eq!(by("x200"), "office");
    assert_eq!(by("x300"), "rest");
}

/// A rule that would route the call but for one condition.
fn unless(change: impl FnOnce(&mut Rule)) -> Decision {
    let closed = Schedule {
        name: "never".parse().unwrap(),
        zone_name: Arc::from("UTC"),
        zone: jiff::tz::TimeZone::UTC,
        windows: Box::default(),
        holidays: Box::default(),
    };
    let window = Window { days: [true; 7], from_minute: 0, to_minute: 1440 };
    let open = Schedule { name: "always".parse().unwrap(), windows: Box::new([window]), ..closed.clone() };
    let book = two_carriers().route_if("picky", "+46", &["carrier-a"], change).route("rest", "any", &["carrier-b"]);
    let world = book.change(|plan| plan.schedules = Box::new([closed, open])).world();
    let mut call = call(MOBILE);
    call.metadata.insert(Arc::from("campaign"), Arc::from("spring"));
    decided(&world, &call)
}

type Change = Box<dyn FnOnce(&mut Rule)>;

#[test]
fn each_condition_that_fails_is_named_in_the_trace() {
    let failing: Vec<(&str, Change)> = vec![
        ("disabled", Box::new(|rule| rule.enabled = false)),
        ("kind", Box::new(|rule| rule.condition.kinds = Box::new([CallType::Pbx, CallType::Api]))),
        ("direction", Box::new(|rule| rule.condition.direction = Some(Direction::FromCarrier))),
        ("caller", Box::new(|rule| rule.condition.caller = Box::new([CallerPattern::E164Prefix(digits("47"))]))),
        ("caller", Box::new(|rule| rule.condition.caller = Box::new([CallerPattern::ExtensionPrefix(digits("46"))]))),
        ("caller", Box::new(|rule| rule.condition.caller = Box::new([CallerPattern::Unknown]))),
        ("region", Box::new(|rule| rule.condition.regions = Box::new(["NO".parse().unwrap()]))),
        ("schedule", Box::new(|rule| rule.condition.schedule = Some((ScheduleIx(0), true)))),
        ("schedule", Box::new(|rule| rule.condition.schedule = Some((ScheduleIx(1), false)))),
        ("metadata", Box::new(|rule| rule.condition.metadata = metadata("campaign", &["autumn"]))),
        ("metadata", Box::new(|rule| rule.condition.metadata = metadata("season", &["spring"]))),
    ];
    for (reason, change) in failing {
        let decision = unless(change);
        assert_eq!(rules(&decision), [format!("picky: {reason}"), "rest: kept".to_owned()]);
        assert_eq!(steps(&decision), ["carrier-b/gw1"]);
    }
}

#[test]
fn p1_a_rule_of_another_tenant_is_no_candidate() {
    let decision = unless(|rule| rule.condition.tenants = Box::new(["other".parse().unwrap()]));
    assert_eq!(rules(&decision), ["rest: kept"]);
    assert_eq!(steps(&decision), ["carrier-b/gw1"]);
}

#[test]
fn p1_what_a_plan_says_for_other_tenants_makes_no_call_heavier() {
    let trace = |tenants: usize| {
        let mut book = two_carriers().route("shared", "any", &["carrier-b"]);
        for at in 0..tenants {
            for (name, called) in [("mobile", "+4670"), ("rest", "any")] {
                book = book.route_if(&format!("{name}-{at}"), called, &["carrier-a"], |rule| {
                    rule.condition.tenants = Box::new([format!("tenant-{at}").parse().unwrap()]);
                });
            }
        }
        let call = Call { tenant: "tenant-0".parse().unwrap(), ..call(MOBILE) };
        rules(&decided(&book.world(), &call))
    };
    assert_eq!(trace(1), ["mobile-0: kept", "shared: outranked", "rest-0: outranked"]);
    assert_eq!(trace(1), trace(300));
}

#[test]
fn a_rule_whose_conditions_all_hold_settles_the_call() {
    let decision = unless(|rule| {
        let condition = &mut rule.condition;
        condition.tenants = Box::new(["other".parse().unwrap(), "acme".parse().unwrap()]);
        condition.kinds = Box::new([CallType::Pbx, CallType::Mobile]);
        condition.direction = Some(Direction::FromTenant);
        condition.caller = Box::new([CallerPattern::Unknown, CallerPattern::E164Prefix(digits("4670"))]);
        condition.regions = Box::new(["SE".parse().unwrap()]);
        condition.schedule = Some((ScheduleIx(1), true));
        condition.metadata = metadata("campaign", &["autumn", "spring"]);
    });
    assert_eq!(rules(&decision), ["picky: kept", "rest: outranked"]);
}

#[test]
fn the_first_condition_that_fails_is_the_one_named() {
    let decision = unless(|rule| {
        rule.condition.kinds = Box::new([CallType::Pbx]);
        rule.condition.regions = Box::new(["NO".parse().unwrap()]);
    });
    assert_eq!(rules(&decision)[0], "picky: kind");
}

type Metadata = Box<[(Arc<str>, Box<[Arc<str>]>)]>;

fn metadata(key: &str, values: &[&str]) -> Metadata {
    Box::new([(Arc::from(key), values.iter().map(|value| Arc::from(*value)).collect())])
}

#[test]
fn an_unknown_caller_and_an_extension_match_their_patterns() {
    let world = two_carriers()
        .route_if("hidden", "any", &["carrier-a"], |rule| rule.condition.caller = Box::new([CallerPattern::Unknown]))
        .route_if("desk", "any", &["carrier-b"], |rule| {
            rule.condition.caller = Box::new([CallerPattern::ExtensionPrefix(digits("2"))]);
        })
        .world();
    let mut call = call(MOBILE);
    call.from = None;
    assert_eq!(rules(&decided(&world, &call)), ["hidden: kept", "desk: outranked"]);
    call.from = Some(telness_core::call::Party { sent: Arc::from("200"), read: Some(number("x200")) });
    assert_eq!(rules(&decided(&world, &call)), ["hidden: caller", "desk: kept"]);
}

#[test]
fn c5_what_cannot_be_used_takes_no_rank_and_the_trace_says_why() {
    let world = Book::default()
        .trunk_with("off", 1, |trunk| trunk.enabled = false)
        .trunk_with("theirs", 1, |trunk| trunk.tenants = Box::new(["other".parse().unwrap()]))
        .trunk("unpriced", 1)
        .trunk_with("half", 3, |trunk| trunk.gateways[0].enabled = false)
        .trunk("empty", 0)
        .deck("unpriced", &[("47", 100)])
        .down("half", "gw2")
        .route("sweden", "+46", &["off", "theirs", "unpriced", "empty", "half", "half"])
        .world();
    let decision = decided(&world, &call(MOBILE));
    assert_eq!(steps(&decision), ["half/gw3"]);
    assert_eq!(decision.steps[0].targets[0].leg.as_str(), "1.1");
    assert_eq!(
        targets(&decision),
        [
            "off: disabled",
            "theirs: tenant",
            "unpriced: no_rate",
            "empty: no_usable_target",
            "half/gw1: disabled",
            "half/gw2: down",
            "half/gw3: kept",
            "half/gw1: disabled",
            "half/gw2: down",
            "half/gw3: repeated",
        ]
    );
}

#[test]
fn c5_a_rule_without_a_usable_target_lets_the_next_one_try() {
    let book = |last: bool| {
        two_carriers()
            .down("carrier-b", "gw1")
            .route_if("mobile", "+4670", &["carrier-b"], |rule| rule.last = last)
            .route("sweden", "+46", &["carrier-a"])
            .world()
    };
    let decision = decided(&book(false), &call(MOBILE));
    assert_eq!(rules(&decision), ["mobile: no_usable_target", "sweden: kept"]);
    assert_eq!(steps(&decision), ["carrier-a/gw1", "carrier-a/gw2"]);
    let decision = decided(&book(true), &call(MOBILE));
    assert_eq!(rules(&decision), ["mobile: no_usable_target", "sweden: outranked"]);
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::NoUsableTarget));
    assert_eq!(decision.rule.unwrap().as_str(), "mobile");
}

#[test]
fn a_call_whose_rules_all_lack_targets_says_so() {
    let world = two_carriers().down("carrier-b", "gw1").route("sweden", "+46", &["carrier-b"]).world();
    let decision = decided(&world, &call(MOBILE));
    assert_eq!((decision.reason, &decision.rule), (Reason::NoUsableTarget, &None));
    assert_eq!(targets(&decision), ["carrier-b/gw1: down"]);
}

#[test]
fn a_rejection_carries_the_rules_reason() {
    let reject = RuleAction::Reject(Reason::PremiumDenied);
    let world = two_carriers().rule("premium", "+46900", reject, |_| {}).route("sweden", "+46", &["carrier-a"]).world();
    let decision = decided(&world, &call("+46900123456"));
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::PremiumDenied));
    assert_eq!(decision.rule.as_ref().unwrap().as_str(), "premium");
    assert_eq!(rules(&decision), ["premium: kept", "sweden: outranked"]);
    assert!(decision.trace.targets.is_empty());
}

#[test]
fn the_rate_that_matched_stands_in_the_trace() {
    let world = two_carriers()
        .deck("carrier-a", &[("46", 900), ("4670", 1200), ("47", 1)])
        .route("any", "any", &["carrier-a", "carrier-b"])
        .world();
    let decision = decided(&world, &call(MOBILE));
    let rates: Vec<_> = decision.trace.targets.iter().map(|target| target.rate).collect();
    let matched = Some((digits("4670"), Rate(1200)));
    assert_eq!(rates, [matched, matched, None]);
    // A deck prices public numbers: it neither stops nor prices a short one.
    let decision = decided(&world, &call("SE/46"));
    assert_eq!(steps(&decision).len(), 3);
    assert_eq!(decision.trace.targets[0].rate, None);
}

#[test]
fn a_group_shares_by_weight_and_the_others_follow() {
    let book = two_carriers();
    let group = RouteGroup(Box::new([(book.ix("carrier-a"), 70), (book.ix("carrier-b"), 30)]));
    let world = book.rule("shared", "+46", RuleAction::Route(Box::new([group])), |_| {}).world();
    let mut first = 0_u32;
    for at in 0..100_000_u128 {
        let mut call = call(MOBILE);
        call.id.0 = uuid::Uuid::from_u128(at);
        let decision = decided(&world, &call);
        assert_eq!(decision.steps.len(), 3);
        first += u32::from(decision.steps[0].targets[0].trunk.as_str() == "carrier-a");
        if at < 100 {
            assert_eq!(decision, decided(&world, &call), "the same call goes the same way again");
        }
    }
    let share = f64::from(first) / 100_000.0;
    // Six standard deviations of a fair draw of 100,000.
    assert!((share - 0.7).abs() < 0.0087, "{share}");
}

#[test]
fn gateways_go_by_priority_and_among_equals_by_weight() {
    let world = Book::default()
        .trunk_with("carrier", 3, |trunk| {
            trunk.gateways[0].priority = 1;
            (trunk.gateways[1].priority, trunk.gateways[1].weight) = (2, 90);
            (trunk.gateways[2].priority, trunk.gateways[2].weight) = (2, 10);
        })
        .route("any", "any", &["carrier"])
        .world();
    let call = call(MOBILE);
    let mut second = 0_u32;
    for draw in 0..10_000_u64 {
        let ranked =
            decide(&world, &call, &Facts::default(), Moment { now: NOON, draw: draw.wrapping_mul(0x9e37_79b9) });
        let decision = reserve(ranked, |_| true);
        let steps = steps(&decision);
        assert_eq!(steps[0], "carrier/gw1");
        second += u32::from(steps[1] == "carrier/gw2");
    }
    assert!((8800..9200).contains(&second), "{second}");
}

#[test]
fn a_carriers_call_goes_to_a_carrier_by_no_rule_that_does_not_say_so() {
    let world = two_carriers().route("any", "any", &["carrier-a"]).world();
    let decision = decided(&world, &from_carrier(MOBILE));
    assert_eq!((decision.reason, rules(&decision)), (Reason::TransitDenied, vec!["any: direction".to_owned()]));
    assert!(decision.trace.targets.is_empty());
    let world = two_carriers()
        .route_if("transit", "+4670", &["carrier-b"], |rule| rule.condition.direction = Some(Direction::FromCarrier))
        .route("any", "any", &["carrier-a"])
        .world();
    assert_eq!(steps(&decided(&world, &from_carrier(MOBILE))), ["carrier-b/gw1"]);
    let tenants = |rule: &mut Rule| rule.condition.direction = Some(Direction::FromTenant);
    let world = two_carriers().route_if("out", "any", &["carrier-a"], tenants).world();
    let decision = decided(&world, &from_carrier(MOBILE));
    assert_eq!((decision.reason, rules(&decision)), (Reason::TransitDenied, vec!["out: direction".to_owned()]));
    let world = two_carriers().route("norway", "+47", &["carrier-a"]).world();
    assert_eq!(decided(&world, &from_carrier(MOBILE)).reason, Reason::NoRoute);
    let reject = RuleAction::Reject(Reason::CallerBlocked);
    let world = two_carriers().rule("block", "any", reject, |_| {}).world();
    assert_eq!(decided(&world, &from_carrier(MOBILE)).reason, Reason::CallerBlocked);
}

#[test]
fn only_a_carriers_call_that_a_route_was_closed_to_is_told_that_it_may_not_pass_through() {
    let ended = |book: Book, call: &Call| decided(&book.world(), call).reason;
    let for_tenants = |rule: &mut Rule| rule.condition.direction = Some(Direction::FromTenant);
    let for_carriers = |rule: &mut Rule| rule.condition.direction = Some(Direction::FromCarrier);
    let two = two_carriers().route_if("mobile", "+4670", &["carrier-a"], for_tenants);
    let two = two.route_if("rest", "any", &["carrier-b"], for_tenants);
    assert_eq!(ended(two, &from_carrier(MOBILE)), Reason::TransitDenied, "however many were closed to it");
    let of_carriers = two_carriers().route_if("in", "any", &["carrier-a"], for_carriers);
    assert_eq!(ended(of_carriers, &call(MOBILE)), Reason::NoRoute, "a tenant's call passes through nothing");
    let reject = RuleAction::Reject(Reason::CallerBlocked);
    let block = two_carriers().rule("block", "any", reject, for_tenants);
    assert_eq!(ended(block, &from_carrier(MOBILE)), Reason::NoRoute, "no route was closed to it");
    let off = two_carriers().route_if("off", "any", &["carrier-a"], |rule| rule.enabled = false);
    assert_eq!(ended(off, &from_carrier(MOBILE)), Reason::NoRoute, "it was closed to everybody");
}

#[test]
fn c5_a_full_target_is_dropped_and_the_ranks_close() {
    let world = two_carriers().route("any", "any", &["carrier-a", "carrier-b"]).world();
    let call = call(MOBILE);
    let ranked = decide(&world, &call, &Facts::default(), moment(&call));
    let mut asked = Vec::new();
    let decision = reserve(ranked.clone(), |target| {
        asked.push(format!("{}/{}", target.trunk, target.gateway));
        asked.len() != 2
    });
    assert_eq!(asked, ["carrier-a/gw1", "carrier-a/gw2", "carrier-b/gw1"]);
    assert_eq!(steps(&decision), ["carrier-a/gw1", "carrier-b/gw1"]);
    let legs: Vec<_> = decision.steps.iter().map(|step| step.targets[0].leg.as_str()).collect();
    assert_eq!(legs, ["1.1", "2.1"]);
    assert_eq!(targets(&decision), ["carrier-a/gw1: kept", "carrier-a/gw2: full", "carrier-b/gw1: kept"]);
    assert_eq!(decision.action, Action::Route);
    let decision = reserve(ranked, |_| false);
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::NoUsableTarget));
    assert_eq!(rules(&decision), ["any: no_usable_target"]);
    assert_eq!(targets(&decision), ["carrier-a/gw1: full", "carrier-a/gw2: full", "carrier-b/gw1: full"]);
    assert!(decision.steps.is_empty());
}

fn with_wants() -> World {
    let wants = |kind: FactKind| move |rule: &mut Rule| rule.wants = Wanted::of(kind);
    two_carriers()
        .route_if("ported", "+4670", &["carrier-a"], wants(FactKind::Portability))
        .route_if("other-tenants", "+46", &["carrier-a"], |rule| {
            rule.wants = Wanted::of(FactKind::CallerName);
            rule.condition.tenants = Box::new(["other".parse().unwrap()]);
        })
        .route_if("norway", "+47", &["carrier-a"], wants(FactKind::CallerName))
        .route_if("by-day", "any", &["carrier-a"], |rule| {
            rule.wants = Wanted::of(FactKind::FraudScore);
            rule.condition.schedule = Some((ScheduleIx(9), true));
        })
        .world()
}

#[test]
fn what_is_wanted_is_what_a_rule_that_can_match_could_use() {
    let wanted = wanted(&with_wants(), &call(MOBILE));
    assert!(wanted.has(FactKind::Portability));
    assert!(wanted.has(FactKind::FraudScore), "the time is not known yet");
    assert!(!wanted.has(FactKind::CallerName));
}

#[test]
fn a_wanted_fact_that_failed_degrades_the_answer() {
    let facts = Facts {
        portability: Fact::Unknown { why: Absence::Timeout },
        caller_name: Fact::Unknown { why: Absence::Unreachable },
        fraud_score: Fact::Unknown { why: Absence::NotFound },
    };
    let call = call(MOBILE);
    let decision = reserve(decide(&with_wants(), &call, &facts, moment(&call)), |_| true);
    assert_eq!(decision.degraded, [Arc::from("portability:timeout")]);
    assert_eq!(decision.trace.facts, facts);
    assert!(decided(&with_wants(), &call).degraded.is_empty());
}

#[test]
fn the_trace_names_the_tables_the_time_and_the_draw() {
    let world = two_carriers().deck("carrier-a", &[("46", 1)]).route("any", "any", &["carrier-a"]).world();
    let call = call(MOBILE);
    let decision = decided(&world, &call);
    assert_eq!(decision.trace.versions, world.versions());
    assert_eq!((decision.trace.versions.plan, decision.trace.versions.decks), (7, 1));
    assert_eq!((decision.trace.now, decision.trace.draw), (NOON, moment(&call).draw));
}

#[test]
fn a_call_without_a_number_that_could_be_read_is_rejected_not_lost() {
    let world = two_carriers().route("any", "any", &["carrier-a"]).world();
    let mut call = call(MOBILE);
    call.to.read = None;
    let decision = decided(&world, &call);
    assert_eq!((decision.action, decision.reason), (Action::Reject, Reason::NumberInvalid));
    assert!(uris(&decision).is_empty());
}

#[test]
fn c6_a_decision_is_kept_whole_and_what_is_usual_takes_no_room() {
    let moves_on = MoveOn { sip: vec![486, 503], ..MoveOn::default() };
    let world = two_carriers()
        .trunk_with("picky", 1, |trunk| trunk.move_on = Arc::new(moves_on))
        .route_if("first", "+4670", &["picky"], |rule| (rule.priority, rule.enabled) = (3, false))
        .route("rest", "+46", &["picky", "carrier-b"])
        .world();
    let decision = decided(&world, &call(MOBILE));
    let kept = serde_json::to_value(&decision).unwrap();
    assert_eq!(serde_json::from_value::<Decision>(kept.clone()).unwrap(), decision);
    let has = |of: &serde_json::Value, fields: &[&str]| {
        fields.iter().map(|field| of.get(field).is_some()).collect::<Vec<_>>()
    };
    let rules = &kept["trace"]["r"];
    assert_eq!((has(&rules[0], &["i", "v"]), has(&rules[1], &["i", "v"])), (vec![true; 2], vec![false; 2]));
    let (picky, usual) = (&kept["steps"][0]["t"][0], &kept["steps"][1]["t"][0]);
    assert_eq!((has(picky, &["m"]), has(usual, &["m"])), (vec![true], vec![false]));
}
