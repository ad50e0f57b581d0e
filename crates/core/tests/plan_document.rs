//! The example plan, the JSON Schema and the page about plans agree with the decoder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use telness_core::names::TrunkName;
use telness_core::plan::{FaultCode, Plan, RuleAction, TrunkIx, read_plan, schema};
use telness_core::reason::Reason;

fn project(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)
}

fn example() -> Plan {
    let text = fs::read_to_string(project("examples/sweden.yaml")).unwrap();
    read_plan(text.as_bytes(), 0).unwrap_or_else(|faults| panic!("{}", faults.render("examples/sweden.yaml", &text)))
}

#[test]
fn the_example_is_a_plan_that_lets_this_machine_call() {
    let plan = example();
    for address in ["127.0.0.1", "::1"] {
        let address: std::net::IpAddr = address.parse().unwrap();
        let peer = plan.peers.iter().find(|peer| peer.networks.iter().any(|net| net.contains(&address))).unwrap();
        assert!(peer.trusted && peer.emergency_allowed, "{peer:?}");
        assert_eq!(peer.tenant.as_ref(), Some(&plan.default_tenant));
    }
}

#[test]
fn the_example_denies_the_premium_numbers() {
    let plan = example();
    for premium in ["469001234567", "469391234567", "469441234567"] {
        let (prefix, set) = plan.called.e164.matches(premium.parse().unwrap()).next().unwrap();
        let first = plan.called.sets[set as usize].of(&plan.default_tenant).next().unwrap();
        let rule = &plan.rules[first.index()];
        assert!(matches!(rule.action, RuleAction::Reject(Reason::PremiumDenied)), "{prefix}: {rule:?}");
    }
    // 090 is Umeå, whose numbers do not go on with 0.
    let (prefix, _) = plan.called.e164.matches("4690123456".parse().unwrap()).next().unwrap();
    assert_eq!(prefix.to_string(), "46");
}

#[test]
fn the_example_has_two_carriers_for_emergency_calls() {
    let plan = example();
    let names = |groups: &[telness_core::plan::RouteGroup]| -> Vec<TrunkName> {
        let trunks = groups.iter().flat_map(|group| group.0.iter());
        trunks.map(|(ix, _): &(TrunkIx, u16)| plan.trunk(*ix).unwrap().name.clone()).collect()
    };
    assert_eq!(names(&plan.emergency.default).len(), 2);
    for groups in plan.emergency.routes.values() {
        assert_eq!(names(groups).len(), 2);
    }
}

#[test]
fn the_committed_schema_is_the_one_of_the_code() {
    let committed = fs::read_to_string(project("schema/plan.schema.json")).unwrap();
    let made = format!("{:#}\n", schema());
    assert!(
        committed == made,
        "schema/plan.schema.json is stale: \
         cargo run -p telness-core --example print-plan-schema > schema/plan.schema.json"
    );
}

/// Where an instance of each definition stands, by walking the schema from the document on.
fn places(schema: &Value) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    let mut open = vec![(schema.clone(), Vec::new())];
    while let Some((here, path)) = open.pop() {
        let name = here["$ref"].as_str().and_then(|to| to.strip_prefix("#/$defs/"));
        if let Some(name) = name.filter(|name| !found.contains_key(*name)) {
            found.insert(name.to_owned(), path.clone());
            for (field, inner) in schema["$defs"][name]["properties"].as_object().unwrap() {
                open.push((inner.clone(), [path.clone(), vec![field.clone()]].concat()));
            }
        }
        if here["items"].is_object() {
            open.push((here["items"].clone(), [path, vec!["[]".to_owned()]].concat()));
        }
    }
    found
}

/// A document with nothing but one value at a path.
fn document_with(path: &[String], value: Value) -> Value {
    path.iter().rev().fold(value, |inner, step| if step == "[]" { json!([inner]) } else { json!({ step: inner }) })
}

#[test]
fn the_schema_has_the_fields_of_the_decoder_and_no_others() {
    let schema = schema();
    let places = places(&schema);
    let definitions = schema["$defs"].as_object().unwrap();
    assert_eq!(places.len(), definitions.len(), "a definition is out of reach");
    for (name, definition) in definitions {
        let known: Vec<&String> = definition["properties"].as_object().unwrap().keys().collect();
        // A mapping with every field that the schema has, and one that it has not.
        let mut all: serde_json::Map<String, Value> = known.iter().map(|key| ((*key).clone(), Value::Null)).collect();
        all.insert("no-such-field".to_owned(), Value::Null);
        let pointer: String = places[name].iter().map(|step| format!("/{}", step.replace("[]", "0"))).collect();
        let faults = faults_at(&places[name], all.into());
        let unknown: Vec<_> = faults.iter().filter(|fault| fault.0 == FaultCode::UnknownField).collect();
        assert_eq!(unknown, [&(FaultCode::UnknownField, format!("{pointer}/no-such-field"))], "{name}");
        // Each of them is read: it has no value, and that is told.
        for key in &known {
            assert!(faults.contains(&(FaultCode::EmptyValue, format!("{pointer}/{key}"))), "{name}: {key} is not read");
        }
        // What the schema requires is what is missing from a mapping without fields.
        let mut missing: Vec<String> = missing_at(&places[name]);
        let mut required: Vec<String> = serde_json::from_value(definition["required"].clone()).unwrap();
        missing.sort();
        required.sort();
        assert_eq!(missing, required, "{name}");
        assert_eq!(definition["additionalProperties"], false, "{name}");
        assert!(!definition["description"].as_str().unwrap().is_empty(), "{name}");
    }
}

fn faults_at(path: &[String], value: Value) -> Vec<(FaultCode, String)> {
    let text = document_with(path, value).to_string();
    let faults = read_plan(text.as_bytes(), 0).unwrap_err();
    faults.faults.into_iter().map(|fault| (fault.code, fault.path)).collect()
}

fn missing_at(path: &[String]) -> Vec<String> {
    let pointer: String = path.iter().map(|step| format!("/{}", step.replace("[]", "0"))).collect();
    let text = document_with(path, json!({})).to_string();
    let faults = read_plan(text.as_bytes(), 0).unwrap_err().faults;
    let here = faults.into_iter().filter(|fault| fault.path == pointer && fault.code == FaultCode::MissingField);
    here.map(|fault| fault.help.trim_start_matches("add `").trim_end_matches('`').to_owned()).collect()
}

#[test]
fn the_page_about_plans_tells_of_every_field_and_every_fault() {
    let page = fs::read_to_string(project("docs/plan.md")).unwrap();
    let schema = schema();
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        for field in definition["properties"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{field}`")), "docs/plan.md does not tell of `{field}` of {name}");
        }
    }
    for code in FaultCode::ALL {
        assert!(page.contains(&format!("`{code}`")), "docs/plan.md does not tell of the fault `{code}`");
    }
}
