//! What holds for every plan and call, tried on random ones.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use telness_core::call::{Call, CallType, Direction};
use telness_core::decide::{Action, Decision, Dropped, Verdict, decide, reserve};
use telness_core::facts::Facts;
use telness_core::plan::RouteGroup;

use crate::book::{call, decided, moment, steps};
use crate::reference::{PlainAction, PlainPlan, PlainRule, PlainTrunk};

const NUMBERS: [&str; 7] = ["+46701740605", "+46701740606", "+46846500400", "+447700900000", "x200", "x201", "SE/1177"];
const PATTERNS: [&str; 12] =
    ["any", "+4", "+46", "+4670", "+46701740605", "+46846500400", "+44", "x2", "x200", "x201", "SE/1177", "NO/1177"];

fn trunk() -> impl Strategy<Value = PlainTrunk> {
    let rates = proptest::option::weighted(0.3, subsequence(vec!["46", "4670", "44"], 0..=3));
    let gateways = proptest::collection::vec((prop::bool::weighted(0.8), prop::bool::weighted(0.8)), 0..=3);
    (prop::bool::weighted(0.8), proptest::option::weighted(0.2, select(vec!["acme", "other"])), rates, gateways)
        .prop_map(|(enabled, tenant, rates, gateways)| PlainTrunk { enabled, tenant, rates, gateways })
}

fn action(trunks: usize) -> impl Strategy<Value = PlainAction> {
    prop_oneof![
        5 => proptest::collection::vec(0..trunks, 1..=3).prop_map(PlainAction::Route),
        1 => Just(PlainAction::User),
        2 => select(NUMBERS.to_vec()).prop_map(PlainAction::Rewrite),
        1 => Just(PlainAction::Reject),
    ]
}

fn direction() -> impl Strategy<Value = Direction> {
    select(vec![Direction::FromTenant, Direction::FromCarrier])
}

fn rule(trunks: usize) -> impl Strategy<Value = PlainRule> {
    let conditions = (
        prop::bool::weighted(0.9),
        proptest::option::weighted(0.2, select(vec!["acme", "other"])),
        proptest::option::weighted(0.2, select(CallType::ALL.to_vec())),
        proptest::option::weighted(0.3, direction()),
    );
    (select(PATTERNS.to_vec()), 0..3_i32, conditions, action(trunks), prop::bool::weighted(0.15)).prop_map(
        |(called, priority, (enabled, tenant, kind, direction), action, last)| PlainRule {
            called,
            enabled,
            priority,
            tenant,
            kind,
            direction,
            action,
            last,
        },
    )
}

fn plan() -> impl Strategy<Value = PlainPlan> {
    proptest::collection::vec(trunk(), 1..=4).prop_flat_map(|trunks| {
        let count = trunks.len();
        (
            Just(trunks),
            proptest::collection::vec(rule(count), 0..=8),
            proptest::option::of(select(NUMBERS[..6].to_vec())),
            proptest::collection::vec((0..count, select(vec!["x200", "+46701740606", "+447700900000"])), 0..=3),
        )
            .prop_map(|(trunks, rules, held, devices)| PlainPlan { trunks, rules, held, devices })
    })
}

fn a_call() -> impl Strategy<Value = Call> {
    (
        select(NUMBERS.to_vec()),
        direction(),
        select(CallType::ALL.to_vec()),
        select(vec!["acme", "other"]),
        any::<u128>(),
    )
        .prop_map(|(to, direction, kind, tenant, id)| {
            let mut call = Call { direction, kind, tenant: tenant.parse().unwrap(), ..call(to) };
            call.id.0 = uuid::Uuid::from_u128(id);
            call
        })
}

/// Every rule of the tenant in each round once and in order, with one at most that settles it (P1).
fn assert_rules_complete(plan: &PlainPlan, call: &Call, decision: &Decision) {
    let mut traced = decision.trace.rules.iter();
    let mut to = call.to.sent.to_string();
    let mut tenant = call.tenant.to_string();
    loop {
        let mut next = None;
        let mut settled = 0;
        let held = plan.held == Some(to.as_str()) && (to.starts_with('+') || tenant == "acme");
        if held && call.direction == Direction::FromCarrier {
            "acme".clone_into(&mut tenant);
        }
        let theirs = |at: &usize| plan.rules[*at].tenant.is_none_or(|only| only == tenant);
        for at in plan.matching(&to).into_iter().filter(theirs) {
            let verdict = traced.next().expect("every rule with a matching prefix is traced");
            assert_eq!(verdict.rule.as_str(), format!("r{at}"));
            if verdict.verdict == Verdict::Kept {
                settled += 1;
                next = verdict.rewritten;
            } else if settled > 0 {
                assert_eq!(verdict.verdict, Verdict::Dropped(Dropped::Outranked));
            }
        }
        assert!(settled <= 1);
        match next {
            Some(number) if traced.len() > 0 => {
                to = NUMBERS.into_iter().find(|text| crate::book::number(text) == number).unwrap().to_owned();
            }
            _ => break,
        }
    }
    assert_eq!(traced.len(), 0, "and no other");
}

/// The position of the trunk that is called `t` and its position.
fn trunk_at(name: &str) -> usize {
    name.strip_prefix('t').unwrap().parse().unwrap()
}

/// Every gateway of each trunk that was considered, and exactly the kept ones among the targets.
fn assert_targets_complete(plan: &PlainPlan, decision: &Decision) {
    let mut seen: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for verdict in &decision.trace.targets {
        let Some(gateway) = &verdict.gateway else { continue };
        let at: usize = gateway.as_str().strip_prefix("gw").unwrap().parse().unwrap();
        seen.entry(verdict.trunk.as_str()).or_default().push(at);
        let (enabled, up) = plan.trunks[trunk_at(verdict.trunk.as_str())].gateways[at - 1];
        if verdict.verdict == Verdict::Kept {
            assert!(enabled && up, "c5: a target that cannot be used was ranked");
        }
    }
    for (trunk, gateways) in seen {
        let all = plan.trunks[trunk_at(trunk)].gateways.len();
        assert_eq!(gateways.len() % all, 0);
        assert!(gateways.chunks(all).all(|round| round.iter().copied().eq(1..=all)));
    }
    let kept = decision.trace.targets.iter().filter(|one| one.verdict == Verdict::Kept);
    let kept: Vec<_> = kept.map(|one| (one.trunk.clone(), one.gateway.clone().unwrap())).collect();
    let listed = decision.steps.iter().flat_map(|step| &step.targets);
    let listed: Vec<_> = listed.map(|target| (target.trunk.clone(), target.gateway.clone())).collect();
    assert_eq!(kept, listed);
}

fn assert_legs_in_order(decision: &Decision) {
    for (step, at) in decision.steps.iter().zip(1..) {
        assert!(!step.targets.is_empty());
        for (target, place) in step.targets.iter().zip(1..) {
            assert_eq!(target.leg.as_str(), format!("{at}.{place}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn c6_decide_agrees_with_the_plainest_way_to_decide(plan in plan(), call in a_call()) {
        let decision = decided(&plan.world(), &call);
        let (reason, rule, expected) = plan.decide(&call);
        prop_assert_eq!(decision.reason, reason);
        prop_assert_eq!(decision.rule.as_ref().map(ToString::to_string), rule);
        prop_assert_eq!(steps(&decision), expected);
        prop_assert_eq!(decision.action == Action::Route, reason == telness_core::reason::Reason::Routed);
    }

    #[test]
    fn c6_the_trace_has_every_candidate_and_the_answer_repeats(plan in plan(), call in a_call()) {
        let world = plan.world();
        let decision = decided(&world, &call);
        assert_rules_complete(&plan, &call, &decision);
        assert_targets_complete(&plan, &decision);
        assert_legs_in_order(&decision);
        prop_assert_eq!(&decision, &decided(&world, &call));
        let text = serde_json::to_string(&decision).unwrap();
        prop_assert_eq!(serde_json::from_str::<Decision>(&text).unwrap(), decision, "it can be kept and read again");
    }

    #[test]
    fn c5_whatever_is_full_the_ranks_close_and_the_trace_says_so(
        plan in plan(), call in a_call(), room in any::<u64>(),
    ) {
        let world = plan.world();
        let ranked = decide(&world, &call, &Facts::default(), moment(&call));
        let all: Vec<_> = decided(&world, &call).steps.into_iter().flat_map(|step| step.targets).collect();
        let mut at = 0_u32;
        let mut taken = Vec::new();
        let decision = reserve(ranked, |target| {
            let free = room >> (at % 64) & 1 == 1;
            at += 1;
            taken.extend(free.then(|| target.uri.clone()));
            free
        });
        prop_assert_eq!(usize::try_from(at).unwrap(), all.len(), "each target is asked for once");
        let left: Vec<_> = decision.steps.iter().flat_map(|step| &step.targets).map(|one| one.uri.clone()).collect();
        prop_assert_eq!(&left, &taken);
        assert_legs_in_order(&decision);
        assert_targets_complete(&plan, &decision);
        let full = decision.trace.targets.iter().filter(|one| one.verdict == Verdict::Dropped(Dropped::Full)).count();
        prop_assert_eq!(full, all.len() - taken.len());
        prop_assert_eq!(decision.action == Action::Reject, left.is_empty());
    }

    #[test]
    fn weights_change_the_order_and_nothing_else(
        plan in plan(), call in a_call(), weights in proptest::collection::vec(0_u16..4, 4),
    ) {
        let mut world = plan.world();
        let trunks = std::sync::Arc::make_mut(&mut world.plan);
        for rule in &mut trunks.rules {
            if let telness_core::plan::RuleAction::Route(groups) = &mut rule.action {
                let members = groups.iter().flat_map(|group| group.0.iter().map(|(trunk, _)| *trunk));
                let group = members.zip(weights.iter().copied().cycle()).collect();
                *groups = Box::new([RouteGroup(group)]);
            }
        }
        let decision = decided(&world, &call);
        let (reason, rule, mut expected) = plan.decide(&call);
        let mut drawn = steps(&decision);
        drawn.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!((decision.reason, decision.rule.map(|rule| rule.to_string())), (reason, rule));
        prop_assert_eq!(drawn, expected);
    }
}
