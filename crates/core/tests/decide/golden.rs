//! Decisions as data: each file of `tests/golden` names a plan and lists calls with what is decided of them.
//!
//! `TELNESS_BLESS=1 cargo test -p telness-core --test decide golden` writes what is decided now into the files, so
//! that a change of behaviour is a difference that a reviewer reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use telness_core::call::{Call, CallType, Direction, Diversion, Party, Privacy};
use telness_core::class::{Place, classify};
use telness_core::decide::{Decision, RuleVerdict, Target, TargetVerdict, decide, reserve};
use telness_core::directory::Directory;
use telness_core::emergency::recognise;
use telness_core::facts::Facts;
use telness_core::number::{Number, Region};
use telness_core::plan::{Plan, PrefixTable, read_plan};
use telness_core::time::Timestamp;
use telness_core::world::{Decks, Moment, World};

use crate::book::{call, digits, verdict};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    /// The plan's path from this file's folder.
    plan: String,
    /// Rate decks by trunk: prefix and rate.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    decks: BTreeMap<String, BTreeMap<String, u32>>,
    calls: Vec<Case>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    call: Asked,
    #[serde(default)]
    decided: Decided,
}

/// A call. Numbers are written as in plans: `+46…`, `ext:200`, or a short number.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    tenant: String,
    #[serde(rename = "type")]
    kind: CallType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    direction: Option<Direction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outside_line_prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    draw: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    diverted_by: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<Arc<str>, Arc<str>>,
    /// Gateways that are down, as `trunk/gateway`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    down: BTreeSet<String>,
    /// Gateways that have no capacity left, as `trunk/gateway`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    full: BTreeSet<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_zero(draw: &u64) -> bool {
    *draw == 0
}

/// A decision, a line for each thing.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    answer: String,
    steps: Vec<String>,
    rules: Vec<String>,
    targets: Vec<String>,
}

impl Decided {
    fn of(decision: &Decision) -> Self {
        let action = serde_json::to_value(decision.action).unwrap();
        let mut answer = format!("{} {}", action.as_str().unwrap(), decision.reason);
        if let Some(rule) = &decision.rule {
            answer.push_str(&format!(" by {rule}"));
        }
        if let Some(prefix) = &decision.matched_prefix {
            answer.push_str(&format!(" on {prefix}"));
        }
        let targets = decision.steps.iter().flat_map(|step| &step.targets);
        Self {
            answer,
            steps: targets.map(target).collect(),
            rules: decision.trace.rules.iter().map(rule).collect(),
            targets: decision.trace.targets.iter().map(target_verdict).collect(),
        }
    }
}

fn target(target: &Target) -> String {
    let user = target.user.as_ref().map_or_else(String::new, |user| format!(" for {user}"));
    let caller = target.caller.as_deref().unwrap_or("nobody");
    let ring = target.ring_ms.map_or_else(|| "no limit".to_owned(), |ms| format!("{ms} ms"));
    let place = format!("{} {}/{}{user}", target.leg, target.trunk, target.gateway);
    let causes = (target.move_on.q850.len(), target.move_on.sip.len());
    let limits = format!("setup {} ms, ring {ring}, moves on by {} + {} causes", target.setup_ms, causes.0, causes.1);
    format!("{place}: {} from {caller}, {limits}", target.uri)
}

fn rule(rule: &RuleVerdict) -> String {
    let prefix = rule.prefix.map_or_else(|| "any".to_owned(), |prefix| prefix.to_string());
    let rewritten = rule.rewritten.as_ref().map_or_else(String::new, |number| format!(", now {number}"));
    format!("{} ({prefix}, priority {}): {}{rewritten}", rule.rule, rule.priority, verdict(rule.verdict))
}

fn target_verdict(target: &TargetVerdict) -> String {
    let gateway = target.gateway.as_ref().map_or_else(String::new, |gateway| format!("/{gateway}"));
    let by = target.rule.as_ref().map_or_else(String::new, |rule| format!(" by {rule}"));
    let user = target.user.as_ref().map_or_else(String::new, |user| format!(" for {user}"));
    let rate = target.rate.as_ref().map_or_else(String::new, |(prefix, rate)| format!(", {} for {prefix}", rate.0));
    format!("{}{gateway}{by}{user}: {}{rate}", target.trunk, verdict(target.verdict))
}

fn number(text: &str, region: Region) -> Number {
    match text.strip_prefix("ext:") {
        Some(extension) => Number::Extension { digits: digits(extension) },
        None if text.starts_with('+') => Number::E164 { number: text.parse().unwrap() },
        None => Number::Short { region, digits: digits(text) },
    }
}

fn call_of(asked: &Asked, plan: &Plan) -> Call {
    let region = asked.region.unwrap_or(plan.default_region);
    let outside_line_prefix = asked.outside_line_prefix.as_deref().map(digits);
    let place = Place { outside_line_prefix, ..Place::region(region) };
    let dialled = asked.to.trim_start_matches("ext:");
    let classified = classify(recognise(dialled, &place), dialled, &place, plan);
    let party = |text: &String| Party { sent: Arc::from(text.as_str()), read: Some(number(text, region)) };
    let read = classified.emergency.is_none().then(|| number(&asked.to, region));
    let diversion = |by: &String| Diversion { by: Arc::from(by.as_str()), cause: Arc::from("unknown") };
    Call {
        tenant: asked.tenant.parse().unwrap(),
        class: classified.class,
        emergency: classified.emergency,
        kind: asked.kind,
        direction: asked.direction.unwrap_or(Direction::FromTenant),
        place,
        from: asked.from.as_ref().map(party),
        to: Party { sent: Arc::from(asked.to.as_str()), read },
        privacy: if asked.withheld { Privacy::Withheld } else { Privacy::None },
        diversions: asked.diverted_by.iter().map(diversion).collect(),
        metadata: asked.metadata.clone(),
        ..call("x0")
    }
}

fn decided(world: &World, asked: &Asked) -> Decided {
    let mut world = world.clone();
    let pair = |text: &String| {
        let (trunk, gateway) = text.split_once('/').unwrap();
        (trunk.parse().unwrap(), gateway.parse().unwrap())
    };
    Arc::make_mut(&mut world.health).down = asked.down.iter().map(pair).collect();
    let call = call_of(asked, &world.plan);
    let now = asked.at.unwrap_or(crate::book::NOON);
    let ranked = decide(&world, &call, &Facts::default(), Moment { now, draw: asked.draw });
    Decided::of(&reserve(ranked, |target| !asked.full.contains(&format!("{}/{}", target.trunk, target.gateway))))
}

fn world_of(file: &File, folder: &Path) -> World {
    let path = folder.join(&file.plan);
    let text = std::fs::read(&path).unwrap();
    let plan = match read_plan(&text, 1) {
        Ok(plan) => plan,
        Err(faults) => panic!("{}", faults.render(&file.plan, &String::from_utf8_lossy(&text))),
    };
    let mut decks = Decks::default();
    for (trunk, rates) in &file.decks {
        let table = PrefixTable::build(rates.iter().map(|(prefix, rate)| (digits(prefix), *rate)));
        decks = decks.with(trunk.parse().unwrap(), Arc::new(table));
    }
    World::new(Arc::new(plan), Directory::default(), decks, Arc::default())
}

#[test]
fn golden_decisions_are_as_they_were() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    assert!(!files.is_empty());
    let bless = std::env::var_os("TELNESS_BLESS").is_some();
    let mut differ = Vec::new();
    for path in files {
        let mut file: File = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let world = world_of(&file, &folder);
        for case in &mut file.calls {
            let now = decided(&world, &case.call);
            if now != case.decided {
                differ.push(format!("{}: {}: {now:#?}", path.display(), case.about));
                case.decided = now;
            }
        }
        if bless {
            std::fs::write(&path, serde_json::to_string_pretty(&file).unwrap() + "\n").unwrap();
        }
    }
    assert!(bless || differ.is_empty(), "decided otherwise now:\n{}", differ.join("\n"));
}
