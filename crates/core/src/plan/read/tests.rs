//! The reader on what is hostile, huge or merely odd. Faults of ordinary documents are in `tests/plan_faults`.

use proptest::prelude::*;

use super::*;

fn scalars(node: &Node, out: &mut Vec<String>) {
    match &node.value {
        Value::Nothing => out.push("<nothing>".to_owned()),
        Value::Scalar(text, _) => out.push(text.clone()),
        Value::List(items) => items.iter().for_each(|item| scalars(item, out)),
        Value::Map(fields) => fields.iter().for_each(|(_, value)| scalars(value, out)),
    }
}

fn read_scalars(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    scalars(&read(text.as_bytes()).unwrap(), &mut out);
    out
}

fn code_of(bytes: &[u8]) -> FaultCode {
    read(bytes).unwrap_err().code
}

#[test]
fn scalars_stay_the_text_that_was_written() {
    let yaml = "a: [+46, NO, 0046, 010, 0x1F, 1_000, 12:30:00, yes, 1e3, .5, 2026-12-24, \"\", null, ~]\nb:\n";
    let expected = [
        "+46",
        "NO",
        "0046",
        "010",
        "0x1F",
        "1_000",
        "12:30:00",
        "yes",
        "1e3",
        ".5",
        "2026-12-24",
        "",
        "<nothing>",
        "<nothing>",
        "<nothing>",
    ];
    assert_eq!(read_scalars(yaml), expected);
}

#[test]
fn json_strings_are_read_exactly() {
    let json = r#"{"a": ["\ud83d\ude00", "\/\\\"\n\u0041", "å", "+46", "", 1e3, -0, true, null]}"#;
    let expected = ["😀", "/\\\"\nA", "å", "+46", "", "1e3", "-0", "true", "<nothing>"];
    assert_eq!(read_scalars(json), expected);
}

#[test]
fn places_are_told_in_characters_of_the_line() {
    let yaml = read("åäö: { name: värde }\nlist:\n  - ett\n  - två\n".as_bytes()).unwrap();
    assert_eq!(yaml.field("åäö").unwrap().field("name").unwrap().mark, Mark { line: 1, column: 14, width: 5 });
    let Value::List(items) = &yaml.field("list").unwrap().value else { panic!("no list") };
    assert_eq!(items[1].mark, Mark { line: 4, column: 5, width: 3 });
    let json = read("{\n \"åä\": [\"ö\",\n  1]}".as_bytes()).unwrap();
    let Value::List(items) = &json.field("åä").unwrap().value else { panic!("no list") };
    assert_eq!(items[0].mark, Mark { line: 2, column: 9, width: 3 });
    assert_eq!(items[1].mark, Mark { line: 3, column: 3, width: 1 });
}

#[test]
fn s3_a_plan_over_the_limits_is_refused() {
    assert_eq!(code_of(&vec![b' '; PLAN_BYTES_MAX + 1]), FaultCode::TooLarge);
    let many = format!("{{\"a\":[0{}]}}", ",0".repeat(PLAN_VALUES_MAX));
    assert_eq!(code_of(many.as_bytes()), FaultCode::TooManyValues);
    let many = "- 0\n".repeat(PLAN_VALUES_MAX + 1);
    assert_eq!(code_of(many.as_bytes()), FaultCode::TooManyValues);
}

#[test]
fn s3_deep_nesting_is_refused_at_once() {
    const DEEP: usize = 200_000;
    for open in ["[", "{\"a\":", "{a: ", "- ", "? ", "a: [", "[{"] {
        let fault = read(open.repeat(DEEP).as_bytes()).unwrap_err();
        let expected = [FaultCode::TooDeep, FaultCode::Syntax, FaultCode::KeyNotText];
        assert!(expected.contains(&fault.code), "{open}: {fault:?}");
    }
    let within = format!("{}1{}", "[".repeat(PLAN_DEPTH_MAX), "]".repeat(PLAN_DEPTH_MAX));
    assert!(read(within.as_bytes()).is_ok());
    assert!(read(format!("{{\"a\":{}}}", within.get(1..within.len() - 1).unwrap()).as_bytes()).is_ok());
}

#[test]
fn s3_duplicate_fields_are_refused_in_both_forms() {
    assert_eq!(code_of(b"a: 1\nb: 2\na: 3\n"), FaultCode::DuplicateField);
    assert_eq!(code_of(b"{\"a\": 1, \"\\u0061\": 2}"), FaultCode::DuplicateField);
}

#[test]
fn a_byte_order_mark_and_other_line_ends_are_read() {
    assert_eq!(read_scalars("\u{feff}a: 1\r\nb: 2\r\n"), ["1", "2"]);
    assert_eq!(read_scalars("\u{feff} {\"a\": 1,\r\n\"b\": 2}"), ["1", "2"]);
}

proptest! {
    #[test]
    fn s3_no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }

    #[test]
    fn s3_no_punctuation_makes_the_reader_panic(text in "[\\[\\]{}:,\\-?&*!|>'\"%@`#<~ \\n\\ta0é]{0,120}") {
        let _ = read(text.as_bytes());
    }

    #[test]
    fn json_agrees_with_another_reader(text in "[\\[\\]{}:,\"\\\\ nutrefalsd0-9.eE+\\-]{0,40}") {
        let text = format!("{{\"a\":{text}}}");
        let other = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        match read(text.as_bytes()) {
            Ok(_) => prop_assert!(other, "{text}"),
            // What is stricter here: duplicates are refused.
            Err(fault) => prop_assert!(!other || fault.code == FaultCode::DuplicateField, "{text}: {fault:?}"),
        }
    }
}
