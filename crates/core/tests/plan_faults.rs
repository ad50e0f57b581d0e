//! Documents with faults, and what is told of each: `plan_faults/NAME.yaml` beside `plan_faults/NAME.faults`.
//!
//! A case says only what it is about: the sections of `base.yaml` that it lacks are put behind it. With
//! `TELNESS_BLESS=1` the expected texts are written anew; read the difference before it is kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use telness_core::plan::{FaultCode, read_plan};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plan_faults")
}

/// The cases: the files of the folder but for the base.
fn cases() -> Vec<PathBuf> {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let is_case = |path: &PathBuf| {
        let kind = path.extension().and_then(|kind| kind.to_str());
        matches!(kind, Some("yaml" | "json")) && path.file_stem().unwrap() != "base"
    };
    let mut cases: Vec<PathBuf> = files.filter(is_case).collect();
    cases.sort();
    cases
}

/// The sections of a YAML document, by the field that each begins with.
fn sections(text: &str) -> Vec<(&str, String)> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            sections.push((line.split(':').next().unwrap(), String::new()));
        }
        if let Some((_, section)) = sections.last_mut() {
            section.push_str(line);
            section.push('\n');
        }
    }
    sections
}

/// The whole document of a case. One that begins with `# whole` stands as it is.
fn document(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let Ok(text) = std::str::from_utf8(&bytes) else { return bytes };
    if text.trim_start().starts_with('{') || text.starts_with("# whole") {
        return bytes;
    }
    let base = fs::read_to_string(folder().join("base.yaml")).unwrap();
    let there: Vec<&str> = sections(text).into_iter().map(|(field, _)| field).collect();
    let missing = sections(&base).into_iter().filter(|(field, _)| !there.contains(field));
    let rest: String = missing.map(|(_, section)| section).collect();
    format!("{text}{rest}").into_bytes()
}

fn told(path: &Path) -> String {
    let bytes = document(path);
    let name = path.file_name().unwrap().to_str().unwrap();
    match read_plan(&bytes, 0) {
        Ok(_) => "no fault\n".to_owned(),
        Err(faults) => faults.render(name, &String::from_utf8_lossy(&bytes)),
    }
}

#[test]
fn s3_each_faulty_document_is_refused_with_the_expected_faults() {
    let bless = std::env::var_os("TELNESS_BLESS").is_some();
    let mut wrong = String::new();
    for path in cases() {
        let expected_file = path.with_extension("faults");
        let found = told(&path);
        if bless {
            fs::write(&expected_file, &found).unwrap();
        }
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if found != expected {
            wrong.push_str(&format!("{}\n--- expected\n{expected}--- found\n{found}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_base_of_the_cases_is_a_plan() {
    let base = fs::read(folder().join("base.yaml")).unwrap();
    if let Err(faults) = read_plan(&base, 0) {
        panic!("{}", faults.render("base.yaml", &String::from_utf8_lossy(&base)));
    }
}

#[test]
fn every_fault_code_has_a_case() {
    // Files of such a size are made by the tests of the reader in place of being kept; a warning refuses no plan.
    let made_elsewhere = [FaultCode::TooLarge, FaultCode::TooManyValues];
    let warnings = [FaultCode::EmergencySharedHost, FaultCode::EmergencyElsewhere];
    let mut seen: BTreeSet<FaultCode> = made_elsewhere.into_iter().chain(warnings).collect();
    for path in cases() {
        let faults = read_plan(&document(&path), 0).expect_err(&path.display().to_string());
        seen.extend(faults.faults.iter().map(|fault| fault.code));
    }
    let missing: Vec<_> = FaultCode::ALL.iter().filter(|code| !seen.contains(code)).collect();
    assert!(missing.is_empty(), "no case in tests/plan_faults has {missing:?}");
}

#[test]
fn faults_have_a_line_of_their_own_and_serialise() {
    for path in cases() {
        let bytes = document(&path);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
        let faults = read_plan(&bytes, 0).expect_err(&path.display().to_string());
        let json = serde_json::to_value(&faults).unwrap();
        for (fault, json) in faults.faults.iter().zip(json["faults"].as_array().unwrap()) {
            assert!(usize::try_from(fault.line).unwrap() <= lines, "{}: {fault:?}", path.display());
            assert_eq!(json["code"], fault.code.as_str());
            assert_eq!(json["path"], fault.path);
            assert_eq!(json["line"], fault.line);
            assert!(!fault.message.is_empty() && !fault.help.is_empty(), "{fault:?}");
        }
    }
}

#[test]
fn s3_the_fuzzers_corpus_is_read_without_a_panic() {
    let corpus = folder().join("../../../../fuzz/corpus/plan");
    let mut files = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        if let Err(faults) = read_plan(&bytes, 0) {
            assert!(!faults.render("plan", &String::from_utf8_lossy(&bytes)).is_empty());
        }
        files += 1;
    }
    assert!(files > 0);
}
