//! The list of reasons holds together, and `docs/reasons.md` is what it says.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use telness_core::reason::Reason;

/// The groups of codes, by their hundreds.
const GROUPS: [(u16, &str); 5] = [
    (1, "The call went"),
    (2, "The plan ended it"),
    (3, "The request is wrong"),
    (4, "The caller may not"),
    (5, "The service cannot"),
];

const HEAD: &str = "\
# Reasons

Why a call ended, or a request was refused. Codes and names are permanent: a code is never used again for another
thing. `telness explain CODE` prints the same page for a code or a name.

This page is generated from `crates/core/src/reason_list.rs`; do not edit it. To write it anew:
`TELNESS_BLESS=1 cargo test -p telness-core --test reasons`.

A policy's rejection is never a SIP 6xx, which would stop other forks of the call. A Q.850 cause of 0 means that there
is none to send.

";

/// The page, as the list has it.
fn page() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("| Code | Name | HTTP | SIP | Q.850 | What happened |\n|---|---|---|---|---|---|\n");
    for reason in Reason::ALL {
        let page = reason.page();
        let (code, name) = (page.code, page.name);
        let numbers = format!("{} | {} | {}", page.http, page.sip, page.q850);
        writeln!(text, "| {code} | [`{name}`](#{code}-{name}) | {numbers} | {} |", page.what).unwrap();
    }
    for (hundred, title) in GROUPS {
        writeln!(text, "\n## {title}").unwrap();
        for reason in Reason::ALL.iter().filter(|reason| reason.code() / 100 == hundred) {
            let page = reason.page();
            writeln!(text, "\n### {} {}\n", page.code, page.name).unwrap();
            writeln!(text, "HTTP {}, SIP {}, Q.850 {}\n", page.http, page.sip, page.q850).unwrap();
            writeln!(text, "**What:** {}\n\n**Why:** {}\n\n**What to do:** {}", page.what, page.why, page.todo)
                .unwrap();
        }
    }
    text
}

#[test]
fn the_page_of_reasons_is_not_stale() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reasons.md");
    if std::env::var_os("TELNESS_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page(), "docs/reasons.md is stale: TELNESS_BLESS=1 cargo test -p telness-core --test reasons");
}

#[test]
fn codes_and_names_are_unique_and_in_order() {
    assert!(Reason::ALL.is_sorted_by(|a, b| a.code() < b.code()));
    let names: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
    for name in names {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
    }
}

#[test]
fn every_page_has_codes_that_the_protocols_know_and_says_something() {
    for reason in Reason::ALL {
        let page = reason.page();
        assert!(matches!(page.http, 200 | 400..=599), "{reason}");
        assert!(matches!(page.sip, 200 | 400..=599), "{reason}: a policy's rejection is never 6xx");
        assert!(page.q850 <= 127, "{reason}");
        assert_eq!(page.q850 == 0, page.sip == 200, "{reason}: a rejection has a cause");
        for text in [page.what, page.why, page.todo] {
            assert!(text.ends_with('.') && text.len() > 7, "{reason}: {text:?}");
        }
        assert!(GROUPS.iter().any(|(hundred, _)| reason.code() / 100 == *hundred), "{reason}");
    }
}

#[test]
fn a_reason_is_found_by_code_and_by_name_and_kept_by_name() {
    for reason in Reason::ALL {
        assert_eq!(Reason::from_code(reason.code()), Some(*reason));
        assert_eq!(reason.code().to_string().parse(), Ok(*reason));
        assert_eq!(reason.name().parse(), Ok(*reason));
        let text = serde_json::to_string(reason).unwrap();
        assert_eq!(text, format!("\"{}\"", reason.name()));
        assert_eq!(serde_json::from_str::<Reason>(&text).unwrap(), *reason);
    }
    for none in ["", "0", "99999", "no_such_reason", "ROUTED"] {
        assert!(none.parse::<Reason>().is_err(), "{none}");
    }
    assert!(serde_json::from_str::<Reason>("\"nothing\"").is_err());
    assert_eq!(Reason::from_code(1), None);
}
