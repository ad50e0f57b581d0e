//! `telness number`.

use super::{CALLED, run, run_with};

#[test]
fn a_number_is_read_in_its_region() {
    assert_eq!(run(&["number", "070-174 06 05"]).out(), format!("{CALLED}  a public number (E.164)\n"));
    assert_eq!(
        run(&["number", "--region", "NO", "0046 70 174 06 05"]).out(),
        format!("{CALLED}  a public number (E.164)\n")
    );
    let outside = run(&["number", "--outside-line-prefix", "0", "0070-1740605", "--json"]).json();
    assert_eq!(outside["read"]["number"], CALLED);
    let extension = run(&["number", "--extension-digits", "3-4", "401", "--json"]).json();
    assert_eq!(extension["read"]["kind"], "extension");
}

#[test]
fn e3_an_emergency_number_is_recognised_in_every_spelling() {
    for spelling in ["112", "1-1-2", "tel:112", "+46112", "0046112", "urn:service:sos"] {
        let ran = run(&["number", spelling, "--json"]);
        assert_eq!(ran.code(), 0, "{spelling}");
        assert_eq!(ran.json()["emergency"]["region"], "SE", "{spelling}");
    }
    assert_eq!(run(&["number", CALLED, "--json"]).json()["emergency"], serde_json::Value::Null);
}

#[test]
fn what_is_no_number_is_code_1_with_its_reason() {
    let ran = run(&["number", "12345678901234567890"]);
    assert_eq!(ran.code(), 1);
    assert!(ran.out().starts_with("invalid  "), "{}", ran.out());
    let json = run(&["number", "abc", "--json"]);
    assert_eq!(json.code(), 1);
    assert_eq!(json.json()["invalid"], "not_a_number");
    assert_eq!(run(&["number", "--region", "Sweden", "112"]).code(), 2);
}

#[test]
fn a_batch_answers_every_line_however_hostile() {
    let mut input = b"SE\t070-1740605\nSE\t112\nSE\t\nno tab\n\xff\xfe\t\xff\nse\t112\nNO\t+46701740605\r\n\n".to_vec();
    input.extend(std::iter::repeat_n(b'7', 5_000_000));
    input.extend(b"\nSE\t1;phone-context=z;tel:1\nSE\turn:service:sos.fire\nSE\t+46701740605");
    let ran = run_with(&["number", "--batch"], &input);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    let out = ran.out();
    let lines: Vec<&str> = out.lines().collect();
    let expected = [
        CALLED,
        "112",
        "invalid\tempty",
        "invalid\tno_tab",
        "invalid\tnot_utf8",
        "invalid\tregion_unknown",
        CALLED,
        "invalid\tno_tab",
        "invalid\tline_too_long",
    ];
    assert_eq!(lines[..expected.len()], expected);
    assert!(lines[expected.len()].starts_with("invalid\t"), "{}", lines[expected.len()]);
    assert_eq!(lines[expected.len() + 1..], ["urn:service:sos.fire", CALLED]);
}

#[test]
fn a_batch_in_json_is_an_object_a_line() {
    let ran = run_with(&["number", "--batch", "--json"], b"SE\t112\nSE\txyz\nnothing\n");
    let out = ran.out();
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["emergency"]["service"], "any");
    assert_eq!((&lines[1]["invalid"], &lines[2]["invalid"]), (&"not_a_number".into(), &"no_tab".into()));
}

#[test]
fn a_batch_answers_a_line_before_the_next_is_asked() {
    use std::io::{BufRead as _, BufReader, Write as _};
    let folder = super::folder();
    let mut command = super::telness(&folder, &["number", "--batch"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    for _ in 0..3 {
        to.write_all(b"SE\t0701740605\n").unwrap();
        let mut answer = String::new();
        from.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim_end(), CALLED);
    }
    drop(to);
    assert!(child.wait().unwrap().success());
}
