//! What a compiled plan is made of, beside the example and the faults that `tests/` has.

use proptest::prelude::*;

use crate::number::Digits;
use crate::plan::{CalledIndex, FaultCode, NumberFormat, Plan, RuleAction, TrunkIx, read_plan};

const HEAD: &str = "
version: 1
default_region: SE
default_tenant: acme
tenants: [{ name: acme }]
emergency: { default: [{ trunk: north }] }
";

const EXAMPLE: &str = include_str!("../../../../../examples/sweden.yaml");

fn plan(rest: &str) -> Plan {
    let text = format!("{HEAD}{rest}");
    read_plan(text.as_bytes(), 7).unwrap_or_else(|faults| panic!("{}", faults.render("test", &text)))
}

const TRUNKS: &str = "
trunks:
  - name: north
    gateways:
      - { name: late, address: 192.0.2.3, priority: 9 }
      - { name: first, address: 192.0.2.1 }
      - { name: second, address: 192.0.2.2 }
";

fn names(plan: &Plan, set: u32) -> Vec<&str> {
    let run = &plan.called.sets[set as usize];
    run.iter().map(|ix| plan.rules[ix.index()].name.as_str()).collect()
}

fn digits(text: &str) -> Digits {
    text.parse().unwrap()
}

#[test]
fn gateways_stand_by_priority_and_then_as_written() {
    let plan =
        plan(&format!("{TRUNKS}rules: [{{ name: all, match: {{ called: [any] }}, route: [{{ trunk: north }}] }}]"));
    let north = plan.trunk(TrunkIx(0)).unwrap();
    let order: Vec<&str> = north.gateways.iter().map(|gateway| gateway.name.as_str()).collect();
    assert_eq!(order, ["first", "second", "late"]);
    assert_eq!((north.setup_ms, north.ring_ms, north.number_format), (4_000, 60_000, NumberFormat::E164));
    assert_eq!(plan.revision, 7);
}

#[test]
fn rules_of_one_prefix_stand_by_priority_and_then_as_written() {
    let plan = plan(&format!(
        "{TRUNKS}
rules:
  - {{ name: a, match: {{ called: ['+46', '+467', any] }}, route: [{{ trunk: north }}] }}
  - {{ name: b, match: {{ called: ['+46', '+46', any] }}, route: [{{ trunk: north }}] }}
  - {{ name: c, priority: 5, match: {{ called: ['+46', any] }}, route: [{{ trunk: north }}] }}
  - {{ name: d, priority: -5, match: {{ called: ['+46', 'ext:2', any] }}, route: [{{ trunk: north }}] }}
  - {{ name: e, match: {{ called: ['1177'], regions: [SE, 'NO'] }}, route: [{{ trunk: north }}] }}
  - {{ name: f, match: {{ called: ['1177'] }}, route: [{{ trunk: north }}] }}
"
    ));
    let CalledIndex { e164, extensions, short, any, .. } = &plan.called;
    let found: Vec<_> = e164.matches(digits("46701740605")).collect();
    assert_eq!(found.iter().map(|(prefix, _)| prefix.to_string()).collect::<Vec<_>>(), ["467", "46"]);
    assert_eq!(names(&plan, found[0].1), ["a"]);
    assert_eq!(names(&plan, found[1].1), ["c", "a", "b", "d"]);
    assert_eq!(names(&plan, extensions.get(digits("2")).unwrap()), ["d"]);
    assert_eq!(names(&plan, short[&("SE".parse().unwrap(), digits("1177"))]), ["e", "f"]);
    assert_eq!(names(&plan, short[&("NO".parse().unwrap(), digits("1177"))]), ["e"]);
    assert_eq!(any.iter().map(|ix| plan.rules[ix.index()].name.as_str()).collect::<Vec<_>>(), ["c", "a", "b", "d"]);
}

#[test]
fn json_and_yaml_give_the_same_plan() {
    let rules = r#""rules": [{"name": "all", "match": {"called": ["any", "+46"], "metadata": {"q": ["1", "2"]}},
        "route": [{"split": [{"trunk": "north", "weight": 3}]}]}]"#;
    let json = format!(
        r#"{{"version": 1, "default_region": "SE", "default_tenant": "acme", "tenants": [{{"name": "acme"}}],
        "emergency": {{"default": [{{"trunk": "north"}}]}},
        "trunks": [{{"name": "north", "gateways": [{{"name": "g1", "address": "192.0.2.1"}},
        {{"name": "g2", "address": "192.0.2.2"}}]}}], {rules}}}"#
    );
    let yaml = "
trunks:
  - name: north
    gateways: [{ name: g1, address: 192.0.2.1 }, { name: g2, address: 192.0.2.2 }]
rules:
  - name: all
    match:
      called: [any, +46]
      metadata: { q: [1, 2] }
    route:
      - split: [{ trunk: north, weight: 3 }]
";
    let from_json = read_plan(json.as_bytes(), 7).unwrap();
    assert_eq!(format!("{from_json:?}"), format!("{:?}", plan(yaml)));
    assert!(matches!(&from_json.rules[0].action, RuleAction::Route(groups) if *groups[0].0 == [(TrunkIx(0), 3)]));
}

#[test]
fn more_faults_than_are_shown_are_counted() {
    let rule = "  - { name: BAD, match: { called: [any] }, route: [{ trunk: north }] }\n";
    let text = format!("{HEAD}{TRUNKS}rules:\n{}", rule.repeat(1_000));
    let faults = read_plan(text.as_bytes(), 0).unwrap_err();
    assert_eq!(faults.faults.len(), crate::plan::FAULTS_SHOWN_MAX);
    assert_eq!(faults.faults.len() + faults.not_shown, 1_000);
    assert!(faults.render("p.yaml", &text).ends_with("and 800 more faults\n"));
}

proptest! {
    #[test]
    fn s3_no_damaged_plan_makes_the_compiler_panic(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..40, "[ -~\\n]{0,12}"), 1..6),
    ) {
        let mut text = EXAMPLE.to_owned();
        for (at, gone, put) in cuts {
            let from = at.index(text.len());
            let to = from.saturating_add(gone).min(text.len());
            if text.is_char_boundary(from) && text.is_char_boundary(to) {
                text.replace_range(from..to, &put);
            }
        }
        if let Err(faults) = read_plan(text.as_bytes(), 0) {
            prop_assert!(!faults.faults.is_empty());
            prop_assert!(!faults.render("damaged.yaml", &text).is_empty());
        }
    }
}

/// The paths of the faults with a code in one of the documents of `tests/plan_faults`.
fn paths_of(case: &str, code: FaultCode) -> Vec<String> {
    let faults = read_plan(format!("{case}{HEAD}").as_bytes(), 0).unwrap_err().faults;
    faults.into_iter().filter(|fault| fault.code == code).map(|fault| fault.path).collect()
}

#[test]
fn e4_nothing_in_a_plan_stands_before_an_emergency_number() {
    let case = include_str!("../../../tests/plan_faults/shadows_emergency.yaml");
    let expected = [
        "/trunks/0/translations/in_called/0/prefix",
        "/trunks/0/translations/out_called/0/prefix",
        "/users/0/numbers/0",
        "/users/0/extension",
        "/users/0/devices/0/number",
        "/rules/0/match/called/0",
        "/rules/1/match/called/0",
        "/rules/2/rewrite/to",
        "/vital/0/numbers/0",
    ];
    assert_eq!(paths_of(case, FaultCode::ShadowsEmergency), expected);
}

#[test]
fn e9_two_addresses_of_one_host_are_one_gateway() {
    let faults = |first: &str, second: &str| {
        let gateways = format!("[{{ name: a, address: '{first}' }}, {{ name: b, address: '{second}' }}]");
        let rules = "rules: [{ name: all, match: { called: [any] }, route: [{ trunk: north }] }]";
        let text = format!("{HEAD}trunks: [{{ name: north, gateways: {gateways} }}]\n{rules}\n");
        read_plan(text.as_bytes(), 0).map_or_else(|found| found.faults, |_| Vec::new())
    };
    let same = [
        ("203.0.113.1", "203.0.113.1:5060"),
        ("sip.example", "SIP.example:5061"),
        ("[2001:db8::1]", "[2001:DB8:0::1]:5060"),
    ];
    for (first, second) in same {
        let found: Vec<FaultCode> = faults(first, second).iter().map(|fault| fault.code).collect();
        assert_eq!(found, [FaultCode::EmergencySingleGateway], "{first} and {second}");
    }
    for (first, second) in [("203.0.113.1", "203.0.113.2"), ("[2001:db8::1]", "[2001:db8::2]:5060")] {
        assert_eq!(faults(first, second), [], "{first} and {second}");
    }
}

#[test]
fn e4_an_extension_that_is_an_emergency_number_behind_the_outside_line_is_refused() {
    let site = |prefix: &str| {
        format!(
            "{TRUNKS}
sites: [{{ name: office, tenant: acme, region: SE, outside_line_prefix: {prefix} }}]
users: [{{ name: anna, tenant: acme, extension: 9112, devices: [{{ trunk: north, number: 'ext:200' }}] }}]
rules: [{{ name: all, match: {{ called: [any] }}, route: [{{ trunk: north }}] }}]
"
        )
    };
    assert_eq!(paths_of(&site("9"), FaultCode::ShadowsEmergency), ["/users/0/extension"]);
    assert!(plan(&site("8")).extensions.contains_key(&("acme".parse().unwrap(), digits("9112"))));
}

#[test]
fn e4_the_usual_translations_are_no_fault() {
    let plan = plan(
        "
trunks:
  - name: north
    translations:
      in_called: [{ prefix: '00', strip: 2, prepend: '+' }, { prefix: '0', strip: 1, prepend: '+46' }]
      out_called: [{ prefix: '+46', strip: 3, prepend: '0' }, { prefix: '+', strip: 1, prepend: '7777#' }]
    gateways: [{ name: g1, address: 192.0.2.1 }, { name: g2, address: 192.0.2.2 }]
rules: [{ name: all, match: { called: [any] }, route: [{ trunk: north }] }]
",
    );
    assert_eq!(plan.trunk(TrunkIx(0)).unwrap().translations.in_called.len(), 2);
}

#[test]
fn c1_an_empty_prefix_is_refused() {
    for called in ["''", "'+'", "'*'", "'ext:'"] {
        let rules = format!("rules: [{{ name: all, match: {{ called: [{called}] }}, route: [{{ trunk: north }}] }}]");
        let found = paths_of(&format!("{TRUNKS}{rules}\n"), FaultCode::ImplicitCatchAll);
        assert_eq!(found, ["/rules/0/match/called/0"], "{called}");
    }
}
