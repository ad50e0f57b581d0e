//! Holds the alerts to what they stand on: every metric and label exists, and the rules for Prometheus are those of the page.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// The cells of a table's rows whose first cell begins so. A bar that is escaped is none of the table.
fn rows(page: &str, first: &str) -> Vec<Vec<String>> {
    let row = |line: &str| -> Vec<String> {
        let line = line.replace("\\|", "\u{0}");
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect()
    };
    page.lines().filter(|line| line.starts_with(first)).map(row).collect()
}

fn alerts() -> Vec<Vec<String>> {
    let page = read("docs/alerts.md");
    let all = rows(page.split("\n## ").next().unwrap(), "| `");
    assert!(all.len() > 10 && all.iter().all(|row| row.len() == 6), "{all:#?}");
    all
}

/// Each metric with its labels.
fn metrics() -> BTreeMap<String, BTreeSet<String>> {
    let labels = |cell: &str| cell.split(',').map(|label| label.trim().trim_matches('`').to_owned()).collect();
    let rows = rows(&read("docs/metrics.md"), "| `telness_");
    rows.iter().map(|row| (row[0].trim_matches('`').to_owned(), labels(&row[3]))).collect()
}

#[test]
fn e17_every_alert_is_of_metrics_and_labels_that_there_are() {
    let metrics = metrics();
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let [name, severity, hold, expression, meaning, todo] = &alert[..] else { panic!("{alert:?}") };
        assert!(names.insert(name.clone()), "{name} is there twice");
        assert!(["page", "ticket"].contains(&severity.as_str()) && hold.ends_with('m'), "{name}");
        assert!(meaning.ends_with('.') && todo.ends_with('.'), "{name} needs a meaning and what to do, in sentences");
        let mut seen = 0;
        for (at, _) in expression.match_indices("telness_") {
            let rest = &expression[at..];
            let end = rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_').unwrap_or(rest.len());
            let labels = metrics.get(&rest[..end]).unwrap_or_else(|| panic!("{name}: no metric {}", &rest[..end]));
            let matchers = rest[end..].strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(inner, _)| inner);
            for matcher in matchers.into_iter().flat_map(|inner| inner.split(',')) {
                let label = matcher.split(['=', '!']).next().unwrap().trim();
                assert!(labels.contains(label), "{name}: {} has no label {label}", &rest[..end]);
            }
            seen += 1;
        }
        assert!(seen > 0, "{name} is of no metric: {expression}");
        // One series of several that stays as it is would be an alert for ever.
        assert!(!expression.ends_with("== 0") || !expression.starts_with("increase("), "{name} does not add up first");
    }
}

/// The rules as a file for Prometheus.
fn rules() -> String {
    let mut text = "# Rules for Prometheus, made from docs/alerts.md; change them there, and run\n\
                    # TELNESS_BLESS=1 cargo test -p telness --test alerts\n\
                    groups:\n  - name: telness\n    rules:\n"
        .to_owned();
    let quoted = |cell: &str| serde_json::to_string(&cell.replace('`', "")).unwrap();
    for alert in alerts() {
        let [name, severity, hold, expression, meaning, todo] = &alert[..] else { panic!("{alert:?}") };
        let expression = serde_json::to_string(expression.trim_matches('`')).unwrap();
        write!(
            text,
            "      - alert: {}\n        expr: {expression}\n        for: {hold}\n        labels: {{ severity: {severity} }}\n        \
             annotations:\n          summary: {}\n          description: {}\n",
            name.trim_matches('`'),
            quoted(meaning),
            quoted(todo),
        )
        .unwrap();
    }
    text
}

#[test]
fn e17_the_rules_for_prometheus_are_those_of_the_page() {
    let path = root().join("examples/alerts.yaml");
    if std::env::vars().any(|(name, value)| name == "TELNESS_BLESS" && value == "1") {
        fs::write(&path, rules()).unwrap();
    }
    assert!(
        read("examples/alerts.yaml") == rules(),
        "examples/alerts.yaml is stale; run this test with TELNESS_BLESS=1"
    );
}

#[test]
fn every_metric_that_must_stay_at_zero_has_an_alert() {
    let page = read("docs/alerts.md");
    let must = read("docs/metrics.md");
    let must = must.lines().filter(|line| line.starts_with("| `telness_") && line.contains("**Must stay 0"));
    let names: Vec<&str> = must.map(|row| row.split('`').nth(1).unwrap()).collect();
    assert!(names.len() > 3, "the page does not say any more which they are: {names:?}");
    for name in names {
        assert!(page.contains(name), "{name} must stay 0, and no alert says when it does not");
    }
}
