//! How long a decision takes with its complete trace, by the size of the tables.
//!
//! `cargo bench -p telness-core --bench decide`. The prefixes are 316,652 real ones, once as a trunk's rate deck and
//! once as one rule for each. The called numbers are spread over them, so that the tables do not stay in the cache
//! better than they would in service.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a benchmark"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use telness_core::call::{Call, CallId, CallType, Direction, Metadata, Party, Privacy};
use telness_core::class::{Class, Place};
use telness_core::decide::{decide, reserve, wanted};
use telness_core::directory::Directory;
use telness_core::emergency::{Emergency, Service};
use telness_core::facts::{Facts, Wanted};
use telness_core::number::{Digits, Number};
use telness_core::plan::{
    CalledIndex, Condition, EmergencyTable, Gateway, MoveOn, NumberFormat, Plan, PrefixTable, RouteGroup, Rule,
    RuleAction, RuleIx, Run, Tenant, Translations, Transport, Trunk, TrunkIx,
};
use telness_core::time::Timestamp;
use telness_core::world::{Decks, Moment, World};

mod million;
#[allow(dead_code, reason = "the numbers of that module are for another benchmark")]
mod prefixes;

/// The allocator of the service itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Called numbers that the calls go round through.
const CALLS: usize = 4096;

/// A number with one of the prefixes, filled up to twelve digits.
fn number(prefix: Digits) -> Number {
    let text = format!("+{prefix}5550100500");
    Number::E164 { number: text[..13].parse().unwrap() }
}

fn call(to: Number) -> Call {
    let caller = Number::E164 { number: "+46701740605".parse().unwrap() };
    Call {
        id: CallId("01900000-0000-7000-8000-000000000001".parse().unwrap()),
        tenant: "acme".parse().unwrap(),
        class: Class::Normal,
        emergency: None,
        callback: None,
        kind: CallType::Mobile,
        direction: Direction::FromTenant,
        peer: None,
        site: None,
        place: Place::region("SE".parse().unwrap()),
        from: Some(Party { sent: Arc::from("+46701740605"), read: Some(caller) }),
        to: Party { sent: Arc::from(to.to_string()), read: Some(to) },
        privacy: Privacy::None,
        diversions: Vec::new(),
        metadata: Metadata::new(),
        location: None,
        sip_call_id: None,
        received_at: Timestamp::from_micros(0),
        notes: Vec::new(),
    }
}

/// Calls to numbers spread evenly over the prefixes, in no order that the tables know.
fn calls(prefixes: &[Digits]) -> Vec<Call> {
    (0..CALLS).map(|at| call(number(prefixes[at * 7919 % CALLS * (prefixes.len() / CALLS)]))).collect()
}

fn trunk(name: &str, gateways: u8) -> Trunk {
    let gateway = |at: u8| Gateway {
        name: format!("gw{at}").parse().unwrap(),
        address: Arc::from(format!("192.0.2.{at}:5060")),
        transport: Transport::Udp,
        enabled: true,
        priority: 0,
        weight: 10,
    };
    Trunk {
        name: name.parse().unwrap(),
        enabled: true,
        emergency_service: false,
        tenants: Box::default(),
        gateways: (1..=gateways).map(gateway).collect(),
        translations: Translations::default(),
        number_format: NumberFormat::E164,
        default_caller: None,
        setup_ms: 4000,
        ring_ms: 60_000,
        move_on: Arc::new(MoveOn::default()),
        probe: None,
    }
}

fn rule(name: &str, groups: &[&[(u32, u16)]]) -> Rule {
    let group =
        |members: &&[(u32, u16)]| RouteGroup(members.iter().map(|(at, weight)| (TrunkIx(*at), *weight)).collect());
    Rule {
        name: name.parse().unwrap(),
        enabled: true,
        priority: 0,
        condition: Condition { kinds: Box::new([CallType::Mobile, CallType::Sip]), ..Condition::default() },
        action: RuleAction::Route(groups.iter().map(group).collect()),
        last: false,
        wants: Wanted::NONE,
    }
}

fn plan(rules: Vec<Rule>, called: CalledIndex) -> Plan {
    let sos = RouteGroup(Box::new([(TrunkIx(0), 1), (TrunkIx(1), 1)]));
    Plan {
        revision: 1,
        default_region: "SE".parse().unwrap(),
        default_tenant: "acme".parse().unwrap(),
        tenants: BTreeMap::from([("acme".parse().unwrap(), Tenant::default())]),
        sites: Box::default(),
        elsewhere: Box::default(),
        peers: Box::default(),
        trunks: Box::new([trunk("carrier-a", 1), trunk("carrier-b", 1), trunk("carrier-c", 2)]),
        users: Box::default(),
        holders: BTreeMap::new(),
        extensions: BTreeMap::new(),
        schedules: Box::default(),
        rules: rules.into(),
        called,
        emergency: EmergencyTable { default: Box::new([sos]), ..EmergencyTable::default() },
        vital: BTreeMap::new(),
        warnings: Box::default(),
    }
}

/// One catch-all rule over two carriers, the first of which has all the prefixes as its rate deck.
fn with_deck(prefixes: &[Digits]) -> World {
    let rules = vec![rule("everything", &[&[(0, 1)], &[(1, 1)]])];
    let any = Run::new(&rules, [RuleIx(0)]);
    let plan = plan(rules, CalledIndex { any, ..CalledIndex::default() });
    let deck = PrefixTable::build(prefixes.iter().zip(1..).map(|(prefix, rate)| (*prefix, rate)));
    let decks = Decks::default().with("carrier-a".parse().unwrap(), Arc::new(deck));
    World::new(Arc::new(plan), Directory::default(), decks, Arc::default())
}

/// One rule for each prefix, each over two carriers by weight; a shorter prefix has a rule too.
fn with_rules(prefixes: &[Digits]) -> World {
    let rules: Vec<Rule> = (0..prefixes.len()).map(|at| rule(&format!("rule-{at}"), &[&[(0, 70), (1, 30)]])).collect();
    let sets = (0..u32::try_from(rules.len()).unwrap()).map(|at| Run::new(&rules, [RuleIx(at)])).collect();
    let e164 = PrefixTable::build(prefixes.iter().zip(0..).map(|(prefix, set)| (*prefix, set)));
    World::of_plan(plan(rules, CalledIndex { e164, sets, ..CalledIndex::default() }))
}

/// The same world with a directory of a million numbers.
fn with_directory(world: &World, million: &Directory) -> World {
    let decks = (*world.decks).clone();
    World::new(Arc::clone(&world.plan), million.clone(), decks, Arc::default())
}

/// A decision as the live path makes it: ranked, then reserved.
fn measure(criterion: &mut Criterion, name: &str, world: &World, calls: &[Call]) {
    let facts = Facts::default();
    let mut at = 0;
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let call = &calls[at % calls.len()];
            at += 1;
            let moment = Moment { now: call.received_at, draw: at as u64 };
            reserve(decide(black_box(world), black_box(call), &facts, moment), |_| true)
        });
    });
}

fn benches(criterion: &mut Criterion) {
    let prefixes = prefixes::real();
    let calls = calls(&prefixes);
    let deck = with_deck(&prefixes);
    let rules = with_rules(&prefixes);
    measure(criterion, "decide/two targets, no table", &with_deck(&prefixes[..1]), &[call(number(prefixes[0]))]);
    measure(criterion, "decide/two targets, 316k-prefix deck", &deck, &calls);
    measure(criterion, "decide/two targets by weight, 316k rules", &rules, &calls);
    let million = million::directory();
    let listed = with_directory(&deck, &million);
    measure(criterion, "decide/two targets, 316k-prefix deck, a million numbers held", &listed, &calls);
    let held: Vec<Call> = (0..CALLS as u32)
        .map(|at| call(Number::E164 { number: million::number(at * 244_007 % million::USERS) }))
        .collect();
    measure(criterion, "decide/held number of a million", &listed, &held);
    let mut emergency = calls[0].clone();
    emergency.class = Class::Emergency;
    let digits = Some("112".parse().unwrap());
    let region = "SE".parse().unwrap();
    emergency.emergency = Some(Emergency { service: Service::Any, test: false, region, digits });
    measure(criterion, "decide/emergency, two targets", &rules, &[emergency]);
    measure_wanted(criterion, "wanted/316k rules", &rules, &calls);
    measure_wanted(criterion, "wanted/316k rules, a million numbers held", &with_directory(&rules, &million), &calls);
}

fn measure_wanted(criterion: &mut Criterion, name: &str, world: &World, calls: &[Call]) {
    let mut at = 0;
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            at += 1;
            wanted(black_box(world), black_box(&calls[at % calls.len()]))
        });
    });
}

criterion_group!(all, benches);
criterion_main!(all);
