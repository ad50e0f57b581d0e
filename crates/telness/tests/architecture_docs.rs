//! Holds the documentation to the code: links lead somewhere, metrics are listed as they are, and a test that
//! carries an invariant's number carries one that exists.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use telness_core::class::{Callback, Class, Workflow};
use telness_core::location::Located;
use telness_core::reason::Reason;
use telness_engine::telemetry::{GatewayInState, Metrics, Outcome};
use telness_store::Transacted;

/// The invariants: their letter and the highest number of each.
const INVARIANTS: [(char, u32); 5] = [('e', 17), ('n', 7), ('s', 7), ('c', 7), ('p', 5)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file with an ending, outside what is built or hidden.
fn files(ending: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let skipped = name.starts_with('.') || name == "target" || name == "telness-data";
            if path.is_dir() && !skipped {
                folders.push(path);
            } else if path.is_file() && name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn how_many_events_count_is_told_as_it_is() {
    let told = format!("{} ", telness_store::EVENTS_OF_A_KIND_MAX);
    let first = |page: &str| fs::read_to_string(root().join(page)).unwrap().contains(&format!("first {told}"));
    assert!(first("docs/api.md") && first("docs/openapi.json") && first("ARCHITECTURE.md"), "first {told}");
    assert!(fs::read_to_string(root().join("docs/metrics.md")).unwrap().contains(&told));
}

#[test]
fn every_link_in_the_documentation_leads_to_a_file() {
    let (mut seen, mut broken) = (0, Vec::new());
    for page in files(".md") {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()) {
            let target = link.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            seen += 1;
            let path = page.parent().unwrap().join(target);
            if !path.exists() {
                broken.push(format!("{}: {link}", page.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
    assert!(seen > 5, "only {seen} links were found");
}

#[test]
fn every_invariant_in_the_name_of_a_test_exists() {
    let known = invariants();
    for (guarded, name) in guarded() {
        let (letter, number) = guarded;
        assert!(known.contains(&guarded), "there is no invariant {letter}{number}: {name}");
    }
}

#[test]
fn the_changelog_says_of_every_invariant_how_far_it_is_kept() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let promises = text.split("### Promises").nth(1).unwrap().split("\n#").next().unwrap();
    let told = |heading: &str| -> Vec<(char, u32)> {
        let list = promises.split(&format!("- {heading}: ")).nth(1).unwrap().split('.').next().unwrap();
        list.split(',').map(|id| invariant(&format!("{}_", id.trim().to_lowercase())).unwrap()).collect()
    };
    let (tested, untested) = ([told("Kept"), told("In part")].concat(), told("Not yet"));
    let mut all = [tested.clone(), untested.clone()].concat();
    all.sort_unstable();
    let known: Vec<(char, u32)> = invariants().into_iter().collect();
    assert_eq!(all, known, "left: the changelog, where each stands once; right: the invariants");
    let guarded: BTreeSet<(char, u32)> = guarded().into_keys().collect();
    for id in tested {
        assert!(guarded.contains(&id), "no test has the name of {id:?}");
    }
    for id in untested {
        assert!(!guarded.contains(&id), "{id:?} has a test of its name, so it is kept in part at least");
    }
}

fn invariants() -> BTreeSet<(char, u32)> {
    INVARIANTS.iter().flat_map(|(letter, most)| (1..=*most).map(|number| (*letter, number))).collect()
}

/// The invariants that tests carry in their names, each with one of them.
fn guarded() -> BTreeMap<(char, u32), String> {
    let mut guarded = BTreeMap::new();
    for file in files(".rs") {
        let text = fs::read_to_string(&file).unwrap();
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            is_test = is_test || line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            let Some(name) = line.split("fn ").nth(1).filter(|_| is_test) else { continue };
            is_test = false;
            if let Some(id) = invariant(name) {
                guarded.insert(id, format!("{}: {name}", file.display()));
            }
        }
    }
    assert!(guarded.contains_key(&('n', 2)), "the tests that carry an invariant were not found: {guarded:?}");
    guarded
}

/// The invariant that a test's name begins with. `e164` is a number's form and no invariant.
fn invariant(name: &str) -> Option<(char, u32)> {
    let letter = name.chars().next().filter(char::is_ascii)?;
    let digits: String = name[1..].chars().take_while(char::is_ascii_digit).collect();
    let ends = name[1 + digits.len()..].starts_with('_');
    let known = INVARIANTS.iter().any(|(known, _)| *known == letter);
    if known && ends && digits != "164" { Some((letter, digits.parse().ok()?)) } else { None }
}

/// Metrics with at least one of each family's labels, as `/metrics` would show them.
fn rendered() -> String {
    let metrics = std::sync::Arc::new(Metrics::new());
    let transacted = Transacted { name: "write_batch", took: Duration::ZERO, retries: 1, ok: true };
    Metrics::observe_store(&metrics)(&transacted);
    metrics.call(Class::Normal, Workflow::Low, Outcome::Routed, Reason::NoRoute, Duration::ZERO);
    metrics.callback(Callback::Known);
    metrics.located(&Located::default(), true, true);
    metrics.journal_batch(1, Duration::ZERO, true);
    metrics.shipped_batch(1, 0, Duration::ZERO);
    let gateway = GatewayInState { trunk: "t", gateway: "g", emergency: true, state: "up" };
    metrics.health.gateways([gateway].into_iter(), false);
    metrics.health.incident("last_resort_used");
    metrics.health.probed("answered", Some(Duration::ZERO));
    metrics.sip.answered(Workflow::High, "OPTIONS", 200);
    metrics.render()
}

/// Each metric's type and labels, out of the rendered text.
fn in_code() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let text = rendered();
    let mut metrics = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (family, kind) = line.split_once(' ').unwrap();
        let name = if kind == "counter" { format!("{family}_total") } else { family.to_owned() };
        let is_sample = |line: &&str| {
            let rest = line.strip_prefix(family).unwrap_or_default();
            ["_total", "_bucket", ""].iter().any(|suffix| {
                rest.strip_prefix(suffix).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' '))
            })
        };
        let labels = text.lines().filter(is_sample).filter_map(|line| line.split_once('{'));
        let labels = labels.flat_map(|(_, rest)| rest.split_once('}').unwrap().0.split(','));
        let labels = labels.filter_map(|label| label.split_once('=')).map(|(name, _)| name.to_owned());
        let labels = labels.filter(|name| name != "le").collect();
        metrics.insert(name, (kind.to_owned(), labels));
    }
    metrics
}

/// Each metric's type and labels, out of the table in docs/metrics.md.
fn in_docs() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let text = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].trim_matches('`').to_owned();
        let labels = cells[3].split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let labels = labels.filter(|label| !label.is_empty() && label != "-").collect();
        (name, (cells[1].to_owned(), labels))
    };
    text.lines().filter(|line| line.starts_with("| `telness_")).map(row).collect()
}

#[test]
fn every_metric_is_documented_as_it_is() {
    let code = in_code();
    assert_eq!(code, in_docs(), "left: the code; right: docs/metrics.md");
    let sources = fs::read_dir(root().join("crates/engine/src/telemetry")).unwrap();
    let sources = sources.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let registered: usize = sources.map(|source| source.matches("registry.register").count()).sum();
    assert_eq!(code.len(), registered, "`rendered` above must give each family a sample, or it is not seen here");
}

/// `docs/outages.md` names the test of each outage, and each test that is named after one stands there.
#[test]
fn every_outage_that_is_told_of_has_its_test() {
    let page = fs::read_to_string(root().join("docs/outages.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| outage"));
    let named: BTreeSet<String> = rows
        .map(|row| row.rsplit('`').nth(1).unwrap_or_else(|| panic!("no test is named in: {row}")).to_owned())
        .collect();
    assert!(named.len() >= 12, "{named:?}");
    let of_a_year = |name: &str| name.split('_').any(|word| word.len() == 4 && word.starts_with("20"));
    let mut tests = BTreeSet::new();
    for file in files(".rs") {
        let text = fs::read_to_string(&file).unwrap();
        let names = text.split("fn ").skip(1).filter_map(|rest| rest.split_once("()")).map(|(name, _)| name);
        tests.extend(names.filter(|name| of_a_year(name)).map(str::to_owned));
    }
    assert_eq!(named, tests);
}
