//! What a compiled plan is made of, beside the example and the faults that `tests/` has.

use proptest::prelude::*;

use crate::number::Digits;
use crate::plan::{CalledIndex, FaultCode, NumberFormat, Plan, RuleAction, Run, TrunkIx, read_plan};

mod rules;

const HEAD: &str = "
version: 1
default_region: SE
default_tenant: acme
tenants: [{ name: acme }]
emergency: { default: [{ trunk: north }, { trunk: spare }] }
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
  - { name: spare, gateways: [{ name: g1, address: 192.0.2.9 }] }
";

fn names(plan: &Plan, set: u32) -> Vec<&str> {
    names_in(plan, &plan.called.sets[set as usize], "acme")
}

fn names_in<'p>(plan: &'p Plan, run: &Run, tenant: &str) -> Vec<&'p str> {
    run.of(&tenant.parse().unwrap()).map(|ix| plan.rules[ix.index()].name.as_str()).collect()
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
    assert_eq!(names_in(&plan, any, "acme"), ["c", "a", "b", "d"]);
}

#[test]
fn json_and_yaml_give_the_same_plan() {
    let rules = r#""rules": [{"name": "all", "match": {"called": ["any", "+46"], "metadata": {"q": ["1", "2"]}},
        "route": [{"split": [{"trunk": "north", "weight": 3}]}]}]"#;
    let json = format!(
        r#"{{"version": 1, "default_region": "SE", "default_tenant": "acme", "tenants": [{{"name": "acme"}}],
        "emergency": {{"default": [{{"trunk": "north"}}, {{"trunk": "spare"}}]}},
        "trunks": [{{"name": "north", "gateways": [{{"name": "g1", "address": "192.0.2.1"}},
        {{"name": "g2", "address": "192.0.2.2"}}]}},
        {{"name": "spare", "gateways": [{{"name": "g1", "address": "192.0.2.9"}}]}}], {rules}}}"#
    );
    let yaml = "
trunks:
  - name: north
    gateways: [{ name: g1, address: 192.0.2.1 }, { name: g2, address: 192.0.2.2 }]
  - { name: spare, gateways: [{ name: g1, address: 192.0.2.9 }] }
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
        let trunk =
            |name: &str, address: &str| format!("{{ name: {name}, gateways: [{{ name: a, address: '{address}' }}] }}");
        let rules = "rules: [{ name: all, match: { called: [any] }, route: [{ trunk: north }] }]";
        let text = format!("{HEAD}trunks: [{}, {}]\n{rules}\n", trunk("north", first), trunk("spare", second));
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
sites: [{{ name: office, tenant: acme, region: SE, outside_line_prefix: {prefix}, extension_digits: {{ from: 4, to: 4 }} }}]
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
  - { name: spare, gateways: [{ name: g1, address: 192.0.2.9 }] }
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

#[test]
fn e1_a_region_whose_emergency_numbers_are_not_known_is_refused() {
    let site =
        |region: &str| format!("{TRUNKS}rules: []\nsites: [{{ name: office, tenant: acme, region: {region} }}]\n");
    for (region, help) in [("UK", "write GB"), ("uk", "write GB"), ("se", "write SE"), ("XX", "such as SE")] {
        let text = format!("{HEAD}{}", site(region));
        let faults = read_plan(text.as_bytes(), 0).unwrap_err().faults;
        assert_eq!(faults[0].path, "/sites/0/region", "{faults:?}");
        assert!(faults[0].help.contains(help), "{faults:?}");
    }
    assert_eq!(plan(&site("GB")).sites[0].region.as_str(), "GB");
}

#[test]
fn c1_an_unknown_region_is_refused_wherever_a_plan_names_one() {
    let case = "
version: 1
default_region: EN
default_tenant: acme
tenants: [{ name: acme }]
trunks: [{ name: north, gateways: [{ name: a, address: 192.0.2.1 }, { name: b, address: 192.0.2.2 }] }]
sites: [{ name: office, tenant: acme, region: UK }]
rules: [{ name: all, match: { called: [any], regions: [SE, SW] }, route: [{ trunk: north }] }]
vital: [{ region: WW, numbers: ['+46846500400'] }]
emergency:
  routes: [{ region: XX, route: [{ trunk: north }] }]
  default: [{ trunk: north }]
  tests: [{ region: YY, route: [{ trunk: north }] }]
";
    let mut paths: Vec<String> =
        read_plan(case.as_bytes(), 0).unwrap_err().faults.into_iter().map(|f| f.path).collect();
    paths.sort();
    let expected = [
        "/default_region",
        "/emergency/routes/0/region",
        "/emergency/tests/0/region",
        "/rules/0/match/regions/1",
        "/sites/0/region",
        "/vital/0/region",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn c1_an_emergency_route_of_a_region_where_nobody_calls_is_refused() {
    let case = format!(
        "{TRUNKS}rules: []
sites: [{{ name: oslo, tenant: acme, region: 'NO' }}]
vital: [{{ region: SV, numbers: ['+46846500400'] }}, {{ region: SE, numbers: ['+46846500400'] }}]
emergency:
  routes: [{{ region: SV, route: [{{ trunk: north }}, {{ trunk: spare }}] }}, {{ region: 'NO', route: [{{ trunk: north }}, {{ trunk: spare }}] }}]
  default: [{{ trunk: north }}, {{ trunk: spare }}]
  tests: [{{ region: SE, route: [{{ trunk: north }}] }}, {{ region: SV, route: [{{ trunk: north }}] }}]
"
    );
    let text = format!("{}{case}", HEAD.replace("emergency: { default: [{ trunk: north }, { trunk: spare }] }\n", ""));
    let faults = read_plan(text.as_bytes(), 0).unwrap_err().faults;
    let found: Vec<_> = faults.iter().map(|fault| (fault.path.as_str(), fault.code)).collect();
    let expected = ["/vital/0/region", "/emergency/routes/0/region", "/emergency/tests/1/region"];
    assert_eq!(found, expected.map(|path| (path, FaultCode::RegionNotInUse)));
}

#[test]
fn e6_of_two_peers_on_one_network_the_one_of_the_listener_is_asked() {
    let of_listener = "{ name: pbx, networks: [192.0.2.0/24], listener: http }";
    let of_any = "{ name: any, networks: [192.0.2.0/24] }";
    let longer = "{ name: longer, networks: [192.0.2.128/25] }";
    for peers in [[of_listener, of_any, longer], [longer, of_any, of_listener]] {
        let plan = plan(&format!("{TRUNKS}rules: []\npeers: [{}]\n", peers.join(", ")));
        let of =
            |listener, address: &str| plan.peer_of(listener, address.parse().unwrap()).map(|peer| peer.name.as_str());
        assert_eq!(of("http", "192.0.2.7"), Some("pbx"), "{peers:?}");
        assert_eq!(of("other", "192.0.2.7"), Some("any"), "{peers:?}");
        assert_eq!(of("http", "192.0.2.200"), Some("longer"), "{peers:?}");
    }
}

#[test]
fn p1_a_rewrite_to_an_extension_says_whose_it_is() {
    let found = |condition: &str| {
        let rule = format!("{{ name: to-200, match: {{ {condition} }}, rewrite: {{ to: 'ext:200' }} }}");
        let head = HEAD.replace("tenants: [{ name: acme }]", "tenants: [{ name: acme }, { name: other }]");
        let read = read_plan(format!("{head}{TRUNKS}rules: [{rule}]\n").as_bytes(), 0);
        let faults = read.map_or_else(|faults| faults.faults, |_| Vec::new());
        faults.into_iter().map(|fault| (fault.code, fault.path)).collect::<Vec<_>>()
    };
    let refused = [(FaultCode::Contradiction, "/rules/0/rewrite/to".to_owned())];
    for condition in [
        "called: ['+46846500412']",
        "called: [any]",
        "called: ['1177', 'ext:3']",
        "called: ['+46846500412'], tenants: [acme, other]",
    ] {
        assert_eq!(found(condition), refused, "{condition}");
    }
    for condition in ["called: ['+46846500412'], tenants: [acme]", "called: ['ext:3']", "called: ['ext:3', 'ext:4']"] {
        assert_eq!(found(condition), [], "{condition}");
    }
}

/// What the check refuses in a plan, by code and path.
fn refused(rest: &str) -> Vec<(FaultCode, String)> {
    let head =
        if rest.starts_with("tenants:") { HEAD.replace("tenants: [{ name: acme }]\n", "") } else { HEAD.to_owned() };
    let text = format!("{head}{TRUNKS}{rest}");
    let faults = read_plan(text.as_bytes(), 0).map_or_else(|faults| faults.faults, |_| Vec::new());
    faults.into_iter().map(|fault| (fault.code, fault.path)).collect()
}

fn one(code: FaultCode, path: &str) -> Vec<(FaultCode, String)> {
    vec![(code, path.to_owned())]
}

#[test]
fn c1_an_extension_that_nobody_can_dial_is_refused() {
    let users = |extension: &str, rules: &str| {
        refused(&format!(
            "tenants: [{{ name: acme }}, {{ name: other }}]
sites:
  - {{ name: office, tenant: acme, region: SE, outside_line_prefix: 0, extension_digits: {{ from: 3, to: 3 }} }}
  - {{ name: works, tenant: acme, region: SE, extension_digits: {{ from: 5, to: 6 }} }}
  - {{ name: theirs, tenant: other, region: SE, extension_digits: {{ from: 4, to: 4 }} }}
users: [{{ name: anna, tenant: acme, extension: '{extension}', devices: [{{ trunk: north, number: 'ext:200' }}] }}]
rules: [{rules}]
"
        ))
    };
    for extension in ["201", "20111", "01234"] {
        assert_eq!(users(extension, ""), [], "{extension}");
    }
    for extension in ["2011", "012", "20", "2011111"] {
        assert_eq!(users(extension, ""), one(FaultCode::UndialableExtension, "/users/0/extension"), "{extension}");
    }
    for rewrite in ["to: 'ext:2011'", "prepend: 20", "strip: 1, prepend: 2011", "strip: 1"] {
        let rule = format!("{{ name: made, match: {{ called: ['ext:3'] }}, rewrite: {{ {rewrite} }} }}");
        assert_eq!(users("2011", &rule), [], "{rewrite}");
    }
}

#[test]
fn e9_ways_of_emergency_calls_that_share_an_address_are_told_and_not_refused() {
    let rest = "
trunks:
  - { name: north, gateways: [{ name: a, address: 192.0.2.1 }, { name: b, address: 'SBC.carrier.example:5060' }] }
  - { name: spare, gateways: [{ name: a, address: sbc.carrier.example }] }
rules: []
";
    let plan = plan(rest);
    let told: Vec<_> = plan.warnings.iter().map(|warning| (warning.code, warning.path.as_str())).collect();
    assert_eq!(told, [(FaultCode::EmergencySharedHost, "/emergency/default")]);
    assert!(plan.warnings[0].message.contains("north and spare"), "{:?}", plan.warnings);
    let shown = crate::plan::render_warnings(&plan.warnings, "plan.yaml", &format!("{HEAD}{rest}"));
    assert!(shown.starts_with("warning[emergency_shared_host]: ") && shown.contains("--> plan.yaml:6:"), "{shown}");
}

#[test]
fn e6_a_number_that_calls_for_help_in_another_region_in_use_is_told_and_not_refused() {
    let site = |name: &str, region: &str| format!("{{ name: {name}, tenant: acme, region: {region} }}");
    let of = |sites: &[String]| plan(&format!("{TRUNKS}rules: []\nsites: [{}]\n", sites.join(", ")));
    let germany = of(&[site("berlin", "DE"), site("rome", "IT"), site("milan", "IT"), site("zurich", "CH")]);
    let regions: Vec<&str> = germany.elsewhere.iter().map(|region| region.as_str()).collect();
    assert_eq!((germany.default_region.as_str(), &*regions), ("SE", &["DE", "IT", "CH"][..]));
    let told: Vec<_> = germany.warnings.iter().map(|warning| (warning.code, warning.path.as_str())).collect();
    assert_eq!(told, [(FaultCode::EmergencyElsewhere, "/sites/1/region")], "115 in Italy, and once");
    assert!(germany.warnings[0].message.starts_with("115: a call for help in IT"), "{:?}", germany.warnings);
    assert!(of(&[site("malmo", "SE"), site("oslo", "\"NO\"")]).warnings.is_empty());
}

#[test]
fn s3_a_polygon_has_so_many_corners_and_a_format_so_many_characters() {
    let faults = |emergency: &str| {
        let head = HEAD.replace("emergency: { ", &format!("emergency: {{ {emergency}, "));
        let text = format!("{head}{TRUNKS}rules: []\n");
        let found = read_plan(text.as_bytes(), 0).map_or_else(|found| found.faults, |_| Vec::new());
        found.into_iter().map(|fault| (fault.code, fault.path)).collect::<Vec<_>>()
    };
    let polygon = |corners: u32| {
        let corner = |at: u32| {
            let turned = f64::from(at) / f64::from(corners) * std::f64::consts::TAU;
            format!("{{ lat: {:.6}, lon: {:.6} }}", 59.0 + turned.sin(), 18.0 + turned.cos())
        };
        let corners: Vec<String> = (0..corners).map(corner).collect();
        faults(&format!("areas: [{{ name: round, region: SE, polygons: [[{}]] }}]", corners.join(", ")))
    };
    assert_eq!(polygon(2_000), []);
    assert_eq!(polygon(2_001), [(FaultCode::BadValue, "/emergency/areas/0/polygons/0".to_owned())]);
    let format = |digits: usize| {
        faults(&format!("codes: [{{ region: SE, format: '{{code}}{}', municipalities: [] }}]", "0".repeat(digits)))
    };
    assert_eq!(format(26), []);
    assert_eq!(format(27), [(FaultCode::BadValue, "/emergency/codes/0/format".to_owned())]);
}
