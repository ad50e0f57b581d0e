//! What a site's people dial, and what it is read as.
#![allow(clippy::unwrap_used, reason = "a test")]

use telness_core::class::Place;
use telness_core::number::Number;
use telness_numbers::{DialledIn, NumberFault, read};

/// A site: region, outside-line prefix, length of extensions.
type Site<'a> = (&'a str, Option<&'a str>, Option<(u8, u8)>);

const MOBILE: Site<'_> = ("SE", None, None);
const OFFICE: Site<'_> = ("SE", Some("0"), Some((4, 4)));
const NINE: Site<'_> = ("SE", Some("9"), Some((3, 4)));
const NO_PREFIX: Site<'_> = ("SE", None, Some((4, 4)));

/// What it is read as, in short: a kind and the number, or the fault.
fn at((region, prefix, extension_digits): Site<'_>, dialled: &str) -> String {
    let outside_line_prefix = prefix.map(|digits| digits.parse().unwrap());
    let place = Place { outside_line_prefix, ..Place::region(region.parse().unwrap()) };
    match read(dialled, DialledIn { place: &place, extension_digits }) {
        Ok(number @ Number::E164 { .. }) => number.to_string(),
        Ok(number @ Number::Service { .. }) => number.to_string(),
        Ok(Number::Short { region, digits }) => format!("short {region} {digits}"),
        Ok(Number::Extension { digits }) => format!("extension {digits}"),
        Err(fault) => fault.as_str().to_owned(),
    }
}

#[track_caller]
fn all_read(site: Site<'_>, dialled: &[&str], expected: &str) {
    for dialled in dialled {
        assert_eq!(at(site, dialled), expected, "{dialled}");
    }
}

#[test]
fn every_spelling_of_a_public_number() {
    let spellings = [
        "+46701740605",
        "+46 70-174 06 05",
        "+46 (0)70 174 06 05",
        "++46701740605",
        "0701740605",
        "070-174 06 05",
        "(070) 174.06.05",
        "004670 1740605",
        "０７０−１７４　０６０５",
        "＋４６７０１７４０６０５",
        "٠٧٠١٧٤٠٦٠٥",
        "\u{202a}+46 70 174 06 05\u{202c}",
        "tel:+46-70-174-06-05",
        "TEL:+46701740605",
        "tel:0701740605",
        "tel:0701740605;phone-context=+46",
        "tel:70-174-06-05;phone-context=+46;isub=1",
        "tel:0701740605;phone-context=pbx.example",
        "tel:+46701740605;ext=12;phone-context=+47",
        "sip:+46701740605@pbx.example;user=phone",
        "sips:0701740605@192.0.2.7:5061;transport=tcp",
        "sip:%2B46701740605@pbx.example",
        "sip:+46701740605;npdi@pbx.example;user=phone?Subject=x",
        "sip:0701740605:secret@pbx.example",
        "<sip:+46701740605@pbx.example>",
        "+46701740605x123",
        "0701740605 ext. 123",
        "0701740605 anknytning: 1 23",
    ];
    all_read(MOBILE, &spellings, "+46701740605");
    let long = format!("sip:+46701740605@{}.example;user=phone", "a".repeat(500));
    all_read(MOBILE, &[&long], "+46701740605");
}

#[test]
fn fixed_lines_and_other_countries() {
    all_read(MOBILE, &["08-465 004 00", "+46846500400", "tel:08-46500400"], "+46846500400");
    all_read(MOBILE, &["031-390 06 00"], "+46313900600");
    all_read(MOBILE, &["001 202 555 0123", "+1 202-555-0123"], "+12025550123");
    all_read(("US", None, None), &["011 46 70 174 06 05", "+46701740605"], "+46701740605");
    all_read(("US", None, None), &["(202) 555-0123", "1 202 555 0123"], "+12025550123");
}

#[test]
fn short_numbers() {
    all_read(MOBILE, &["1177", "11 77", "tel:1177", "sip:1177@pbx.example", "１１７７"], "short SE 1177");
    all_read(MOBILE, &["114 14"], "short SE 11414");
    all_read(MOBILE, &["113 13"], "short SE 11313");
    all_read(OFFICE, &["01177", "0-1177"], "short SE 1177");
    all_read(("US", None, None), &["411"], "short US 411");
}

#[test]
fn emergency_numbers_and_services() {
    all_read(MOBILE, &["112", "1-1-2", "tel:112", "+112", "+46112", "0046112"], "short SE 112");
    all_read(MOBILE, &["90 000"], "short SE 90000");
    all_read(OFFICE, &["112", "0112"], "short SE 112");
    // An extension of the same digits never shadows it (E4).
    all_read(("US", None, Some((3, 3))), &["911"], "short US 911");
    all_read(MOBILE, &["urn:service:sos"], "urn:service:sos");
    all_read(MOBILE, &["URN:service:sos.Police"], "urn:service:sos.police");
    all_read(MOBILE, &["urn:service:test.sos.fire"], "urn:service:test.sos.fire");
}

#[test]
fn extensions_of_a_site() {
    all_read(OFFICE, &["4321", "tel:4321", "sip:4321@pbx.example;user=phone"], "extension 4321");
    all_read(NINE, &["123"], "extension 123");
    // Without an outside-line prefix, four digits are one of four-digit extensions.
    all_read(NO_PREFIX, &["1177"], "extension 1177");
    // What begins like an outside line is none.
    all_read(OFFICE, &["0432"], "too_short");
    all_read(MOBILE, &["432"], "too_short");
}

#[test]
fn outside_lines() {
    for site in [OFFICE, NINE] {
        // A telephone's own memory knows nothing of the prefix.
        all_read(site, &["+46701740605", "0701740605"], "+46701740605");
        all_read(site, &["0012025550123", "+12025550123"], "+12025550123");
    }
    all_read(OFFICE, &["00701740605", "0 070-174 06 05", "0 0046 70 174 06 05"], "+46701740605");
    all_read(NINE, &["90701740605", "9-0046701740605", "sip:90701740605@pbx.example"], "+46701740605");
    all_read(NINE, &["9 001 202 555 0123"], "+12025550123");
}

#[test]
fn numbers_that_are_none() {
    let cases = [
        ("", "empty"),
        (" - ", "empty"),
        ("+", "empty"),
        ("tel:", "empty"),
        ("sip:@pbx.example", "empty"),
        ("alice", "not_a_number"),
        ("sip:alice@pbx.example", "not_a_number"),
        ("sip:192.0.2.1", "not_a_number"),
        ("sip:%zz@pbx.example", "not_a_number"),
        ("sip:%+1@pbx.example", "not_a_number"),
        ("sip:%ff@pbx.example", "not_a_number"),
        ("*21*0701740605#", "not_a_number"),
        ("0701740605#", "not_a_number"),
        ("46+701740605", "not_a_number"),
        ("0701740605x", "not_a_number"),
        ("0701740605 ext 1234567890123456", "not_a_number"),
        ("0701740605\r\nX: y", "not_a_number"),
        ("urn:service:counseling", "unknown_service"),
        ("+999123456789", "unknown_country_code"),
        ("+4670174", "too_short"),
        ("+46701234567890123", "too_long"),
        ("070-123", "not_in_plan"),
        ("+46112233", "not_in_plan"),
        ("1;phone-context=z;tel:1", "too_short"),
    ];
    for (dialled, fault) in cases {
        assert_eq!(at(MOBILE, dialled), fault, "{dialled:?}");
    }
    all_read(MOBILE, &[&"1".repeat(65)], "too_many_bytes");
    all_read(("ZZ", None, None), &["0701740605"], "unknown_region");
    all_read(("ZZ", None, None), &["+46701740605"], "+46701740605");
}

#[test]
fn every_fault_has_a_word_of_its_own() {
    use NumberFault as F;
    let faults = [
        F::Empty,
        F::TooManyBytes,
        F::NotANumber,
        F::UnknownService,
        F::UnknownRegion,
        F::UnknownCountryCode,
        F::TooShort,
        F::TooLong,
        F::NotInPlan,
    ];
    let words: std::collections::HashSet<&str> = faults.iter().map(|fault| fault.as_str()).collect();
    assert_eq!(words.len(), faults.len());
}
