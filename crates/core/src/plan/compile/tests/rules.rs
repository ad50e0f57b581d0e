//! Which rules the check refuses, and which it leaves alone.

use super::{one, refused};
use crate::decide::REWRITES_MAX;
use crate::plan::FaultCode;

const RECEPTION: &str = "
users:
  - { name: reception, tenant: acme, numbers: ['+46846500410'], devices: [{ trunk: north, number: 'ext:200' }] }
";

#[test]
fn c1_a_range_may_be_rewritten_to_a_number_of_its_own_that_is_held() {
    let rules = "rules: [{ name: range, match: { called: ['+4684650041'] }, rewrite: { to: '+46846500410' } }]";
    assert_eq!(refused(&format!("{RECEPTION}{rules}")), []);
    assert_eq!(refused(rules), one(FaultCode::RewriteLoop, "/rules/0/rewrite"), "nobody holds it");
    let whole = rules.replace("+4684650041'", "+46846500410'");
    let found = refused(&format!("{RECEPTION}{whole}"));
    assert_eq!(found, one(FaultCode::RewriteLoop, "/rules/0/rewrite"), "a rule of the whole number comes first");
}

#[test]
fn c1_a_change_of_digits_that_this_rule_matches_again_is_refused() {
    let change = |called: &str, rewrite: &str, rest: &str| {
        refused(&format!(
            "rules: [{{ name: change, match: {{ called: ['{called}'] }}, rewrite: {{ {rewrite} }} }}{rest}]\n"
        ))
    };
    let refused_there = one(FaultCode::RewriteLoop, "/rules/0/rewrite");
    for (called, rewrite) in [
        ("+46", "strip: 2, prepend: 46"),
        ("+46", "strip: 1, prepend: 4"),
        ("+46", "strip: 3, prepend: 46"),
        ("+46", "prepend: 46"),
        ("ext:2", "prepend: 22"),
        ("1177", "strip: 4, prepend: 1177"),
        ("any", "strip: 0"),
    ] {
        assert_eq!(change(called, rewrite, ""), refused_there, "{called} {rewrite}");
    }
    for (called, rewrite) in [("+46", "strip: 2, prepend: 47"), ("ext:8", "strip: 1"), ("any", "strip: 2, prepend: 46")]
    {
        assert_eq!(change(called, rewrite, ""), [], "{called} {rewrite}");
    }
    // A longer prefix takes what was put in before this rule is asked again; an unchanged number it does not take.
    let longer = ", { name: longer, match: { called: ['+46870'] }, route: [{ trunk: north }] }";
    assert_eq!(change("+468", "strip: 3, prepend: 46870", longer), []);
    assert_eq!(change("+46", "strip: 2, prepend: 46", longer), refused_there);
}

#[test]
fn c1_a_rule_behind_a_last_route_is_reached_by_carriers() {
    let behind = |rule: &str| {
        let last = "{ name: last, match: { called: ['+46846'] }, route: [{ trunk: north }], last: true }";
        refused(&format!("{RECEPTION}rules: [{last}, {{ name: behind, match: {{ called: ['+46846']{rule} }}]\n"))
    };
    for rule in [", direction: from_carrier }, route: [{ trunk: north }]", "}, user: reception", "}, reject: {}"] {
        assert_eq!(behind(rule), [], "{rule}");
    }
    for rule in ["}, route: [{ trunk: north }]", ", direction: from_tenant }, reject: {}"] {
        assert_eq!(behind(rule), one(FaultCode::UnreachableRule, "/rules/1/name"), "{rule}");
    }
}

#[test]
fn c1_a_rule_behind_a_change_of_digits_is_reached_by_what_it_makes_no_number_of() {
    let rules = "rules:
  - { name: change, match: { called: ['+46'] }, rewrite: { strip: 8, prepend: 47 } }
  - { name: short, match: { called: ['+46'] }, route: [{ trunk: north }] }
";
    assert_eq!(refused(rules), []);
}

#[test]
fn c1_rewrites_that_are_too_many_in_a_row_are_refused() {
    let chain = |length: usize| {
        let rewrites = (0..length).map(|at| {
            let (here, next) = (at + 100, at + 101);
            format!("  - {{ name: r{at}, match: {{ called: ['ext:{here}'] }}, rewrite: {{ to: 'ext:{next}' }} }}\n")
        });
        refused(&format!("rules:\n{}", rewrites.collect::<String>()))
    };
    assert_eq!(chain(REWRITES_MAX), []);
    assert_eq!(chain(REWRITES_MAX + 1), one(FaultCode::RewriteLoop, "/rules/0/rewrite"));
}
