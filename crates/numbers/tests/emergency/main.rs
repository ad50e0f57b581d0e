//! No valid number is an emergency number, as libphonenumber knows valid numbers (E2).
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test; how long it is is chosen by the environment"
)]

mod random;

use std::collections::BTreeMap;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};
use telness_core::class::Place;
use telness_core::emergency::{OUTSIDE_LINE_DIGITS_MAX, emergency_patterns, is_ambiguous_outside_line, regions};
use telness_core::number::{Digits, Number, Region};
use telness_numbers::{DialledIn, read, recognise};

const TYPES: [PhoneNumberType; 10] = [
    PhoneNumberType::FixedLine,
    PhoneNumberType::Mobile,
    PhoneNumberType::TollFree,
    PhoneNumberType::PremiumRate,
    PhoneNumberType::SharedCost,
    PhoneNumberType::VoIP,
    PhoneNumberType::PersonalNumber,
    PhoneNumberType::Pager,
    PhoneNumberType::UAN,
    PhoneNumberType::VoiceMail,
];

/// Every number that a pattern stands for.
fn expanded(pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let (set, after) = match first {
            'x' => ("0123456789", &rest[1..]),
            '[' => rest[1..].split_once(']').unwrap(),
            _ => rest.split_at(1),
        };
        found = found.iter().flat_map(|head| set.chars().map(move |digit| format!("{head}{digit}"))).collect();
        rest = after;
    }
    found
}

fn theirs(region: Region) -> rlibphonenumber::Region {
    rlibphonenumber::Region::from_code(region.as_str()).unwrap()
}

/// Example numbers of a region, of each type.
fn examples(region: Region) -> Vec<rlibphonenumber::PhoneNumber> {
    let example = |kind| PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(theirs(region), kind).ok();
    TYPES.into_iter().filter_map(example).collect()
}

#[test]
fn e2_nothing_that_is_recognised_after_a_plus_is_a_valid_number() {
    let mut tried = 0_u32;
    for region in regions() {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(theirs(region)).unwrap();
        for number in emergency_patterns(region).iter().flat_map(|(pattern, _)| expanded(pattern)) {
            for text in [format!("+{number}"), format!("+{code}{number}")] {
                assert!(recognise(&text, &Place::region(region)).is_some(), "{text} in {region}");
                let valid = PHONE_NUMBER_UTIL.parse(&text, None).is_ok_and(|number| number.is_valid());
                assert!(!valid, "{text} is an emergency number in {region} and a valid number");
                tried += 1;
            }
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn e2_nothing_that_is_recognised_after_an_international_prefix_is_a_valid_number() {
    let mut tried = 0_u32;
    for region in regions() {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(theirs(region)).unwrap();
        for prefix in ["00", "000", "001", "0011", "009", "010", "011", "119", "810", "8810", "0014", "00700"] {
            for number in emergency_patterns(region).iter().flat_map(|(pattern, _)| expanded(pattern)) {
                for text in [format!("{prefix}{number}"), format!("{prefix}{code}{number}")] {
                    if recognise(&text, &Place::region(region)).is_some() {
                        let valid =
                            PHONE_NUMBER_UTIL.parse(&text, Some(theirs(region))).is_ok_and(|one| one.is_valid());
                        assert!(!valid, "{text} is an emergency number in {region} and a valid number");
                        tried += 1;
                    }
                }
            }
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn e2_valid_numbers_are_no_emergency() {
    let all: Vec<Region> = regions().collect();
    let (mut valid, mut at) = (0_u32, 0_usize);
    for region in &all {
        for example in examples(*region) {
            let e164 = example.format_as(PhoneNumberFormat::E164).into_owned();
            // The example's last two digits changed, which mostly stays valid.
            for tail in 0..100 {
                let text = format!("{}{tail:02}", &e164[..e164.len() - 2]);
                let Some(number) = PHONE_NUMBER_UTIL.parse(&text, None).ok().filter(|number| number.is_valid()) else {
                    continue;
                };
                valid += 1;
                at = (at + 1) % all.len();
                let elsewhere = Place { outside_line_prefix: "9".parse().ok(), ..Place::region(all[at]) };
                assert_eq!(recognise(&text, &elsewhere), None, "{text} in {elsewhere:?}");
                assert_eq!(recognise(&text, &Place::region(*region)), None, "{text} in {region}");
                let national = number.format_as(PhoneNumberFormat::National);
                assert_eq!(recognise(&national, &Place::region(*region)), None, "{national} in {region}");
            }
        }
    }
    assert!(valid > 50_000, "{valid}");
}

#[test]
fn e2_valid_national_numbers_are_no_emergency_behind_an_outside_line_prefix() {
    for region in regions() {
        for example in examples(region) {
            let national = example.format_as(PhoneNumberFormat::National);
            for prefix in (0..10).map(|digit| digit.to_string()) {
                let place = Place { outside_line_prefix: prefix.parse().ok(), ..Place::region(region) };
                for text in [national.to_string(), format!("{prefix}{national}")] {
                    assert_eq!(recognise(&text, &place), None, "{text} in {place:?}");
                }
            }
        }
    }
}

/// The lines of the outside-line prefixes behind which an emergency number would be a valid number.
fn ambiguous_outside_lines() -> String {
    let prefixes: Vec<String> = (1..=OUTSIDE_LINE_DIGITS_MAX).flat_map(|len| expanded(&"x".repeat(len))).collect();
    let line = |region: Region| {
        let numbers: Vec<String> = emergency_patterns(region).iter().flat_map(|(one, _)| expanded(one)).collect();
        let is_valid = |text: String| {
            let parsed = PHONE_NUMBER_UTIL.parse(&text, Some(theirs(region)));
            parsed.is_ok_and(|number| number.is_valid())
        };
        let ambiguous = |prefix: &&String| numbers.iter().any(|number| is_valid(format!("{prefix}{number}")));
        let found: Vec<&str> = prefixes.iter().filter(ambiguous).map(String::as_str).collect();
        (!found.is_empty()).then(|| format!("{region}\t{}\n", found.join(" ")))
    };
    regions().filter_map(line).collect()
}

#[test]
fn e2_outside_line_prefixes_that_make_valid_numbers_of_emergency_numbers_are_listed() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src/emergency/data/outside_line.tsv");
    let found = ambiguous_outside_lines();
    if std::env::var_os("TELNESS_BLESS").is_some() {
        std::fs::write(file, &found).unwrap();
    }
    assert!(std::fs::read_to_string(file).unwrap() == found, "{file} is stale; run this test with TELNESS_BLESS=1");
    let ambiguous =
        |region: &str, prefix: &str| is_ambiguous_outside_line(region.parse().unwrap(), prefix.parse().unwrap());
    for (region, prefix) in [("LU", "8"), ("AT", "1"), ("FM", "9"), ("DE", "30"), ("SE", "123")] {
        assert!(ambiguous(region, prefix), "{prefix} in {region}");
    }
    for (region, prefix) in [("SE", "0"), ("SE", "9"), ("US", "9"), ("LU", "0"), ("AT", "0"), ("AT", "9"), ("FM", "0")]
    {
        assert!(!ambiguous(region, prefix), "{prefix} in {region}");
    }
}

#[test]
fn e4_what_is_recognised_is_read_as_a_short_number_whatever_extensions_there_are() {
    for region in regions() {
        let place = Place::region(region);
        for number in emergency_patterns(region).iter().flat_map(|(pattern, _)| expanded(pattern)) {
            let found = read(&number, DialledIn { place: &place, extension_digits: Some((1, 8)) });
            assert_eq!(found, Ok(Number::Short { region, digits: number.parse().unwrap() }));
        }
    }
}

#[test]
fn e3_a_context_that_makes_nobodys_number_leaves_an_emergency_number() {
    let known = [
        ("SE", "112", "+46"),
        ("SE", "112", "+468"),
        ("SE", "112", "+46521"),
        ("SE", "112", "+47"),
        ("SE", "112", "+460"),
        ("NO", "112", "+46"),
        ("US", "911", "+1"),
        ("US", "911", "+1-212"),
        ("US", "911", "+1-202-555"),
        ("GB", "999", "+44-1632"),
        ("DE", "112", "+49-30"),
        ("AT", "112", "+43-1"),
        ("SE", "112", "+999"),
        ("SE", "112", "+123456789012345678"),
        ("SE", "112", "+12345678901234567890123456789012345678901234567890123456789012345"),
    ];
    for (region, number, context) in known {
        let place = Place::region(region.parse().unwrap());
        let host = format!("sip:{number};phone-context={context}@ims.example;user=phone");
        for text in [format!("tel:{number};phone-context={context}"), host] {
            let digits = recognise(&text, &place).and_then(|found| found.digits).map(|digits| digits.to_string());
            assert_eq!(digits.as_deref(), Some(number), "{text} in {region}");
            let read = read(&text, DialledIn { place: &place, extension_digits: None });
            assert_eq!(read, Ok(Number::Short { region: place.region, digits: number.parse().unwrap() }), "{text}");
        }
    }
    let office = Place { outside_line_prefix: "0".parse().ok(), ..Place::region("SE".parse().unwrap()) };
    assert!(recognise("tel:0112;phone-context=+468", &office).is_some());
}

#[test]
fn e2_somebodys_number_on_an_outside_line_is_no_emergency_that_a_careless_normaliser_made() {
    let sweden = Place::region("SE".parse().unwrap());
    let office = |prefix: &str| Place { outside_line_prefix: prefix.parse().ok(), ..sweden.clone() };
    let lund = Ok(Number::E164 { number: "+464690000".parse().unwrap() });
    for text in ["0046-900 00", "0 046-900 00", "tel:004690000"] {
        let place = office("0");
        assert_eq!(recognise(text, &place), None, "{text}");
        assert_eq!(read(text, DialledIn { place: &place, extension_digits: None }), lund, "{text}");
        for place in [&sweden, &office("9")] {
            assert!(recognise(text, place).is_some(), "{text} in {place:?}");
        }
    }
    for text in ["0046112", "00112", "0112", "112", "090000", "90000", "+4690000"] {
        assert!(recognise(text, &office("0")).is_some(), "{text}");
    }
}

#[test]
fn e6_a_number_that_calls_for_help_in_any_region_where_the_caller_may_be_is_an_emergency_there() {
    let anywhere = |prefix: Option<&str>| Place {
        claimed_outside_line_prefixes: prefix.iter().map(|prefix| prefix.parse().unwrap()).collect(),
        elsewhere: ["NO", "IT", "DE", "FR"].map(|region| region.parse().unwrap()).into(),
        ..Place::region("SE".parse().unwrap())
    };
    let found = |dialled: &str, prefix| {
        let found = recognise(dialled, &anywhere(prefix))?;
        let number = read(dialled, DialledIn { place: &anywhere(prefix), extension_digits: None });
        assert_eq!(number, Ok(Number::Short { region: found.region, digits: found.digits.unwrap() }), "{dialled}");
        Some(format!("{} {}", found.region, found.digits.unwrap()))
    };
    for (dialled, is) in [
        ("112", "SE 112"),
        ("90 000", "SE 90000"),
        ("110", "NO 110"),
        ("tel:113", "NO 113"),
        ("118", "IT 118"),
        // A short number in Sweden; that it may be the fire brigade's counts for more.
        ("115", "IT 115"),
        ("15", "FR 15"),
        ("+47110", "NO 110"),
        ("0047110", "NO 110"),
        ("tel:110;phone-context=+49-30", "NO 110"),
        ("tel:17;phone-context=+33", "FR 17"),
    ] {
        assert_eq!(found(dialled, None).as_deref(), Some(is), "{dialled}");
    }
    assert_eq!(found("9-113", Some("9")).as_deref(), Some("NO 113"));
    assert_eq!(found("9-113", None), None);
    for other in ["1100", "11", "911", "999", "070-174 06 05", "+46701740605", "1177", "114 14", "08-113", "ext 110"] {
        assert_eq!(recognise(other, &anywhere(None)), None, "{other}");
    }
}

#[test]
fn e2_what_calls_for_help_elsewhere_and_is_somebodys_number_here_is_theirs() {
    let of_region = |region| emergency_patterns(region).iter().flat_map(|(pattern, _)| expanded(pattern));
    let numbers: BTreeMap<String, Region> =
        regions().flat_map(|region| of_region(region).map(move |number| (number, region))).collect();
    let mut public = 0_u32;
    for here in regions() {
        for (number, there) in &numbers {
            let place = Place { elsewhere: vec![*there], ..Place::region(here) };
            let is_public = PHONE_NUMBER_UTIL.parse(number, Some(theirs(here))).is_ok_and(|number| number.is_valid());
            let is_here = recognise(number, &Place::region(here)).is_some();
            assert_eq!(recognise(number, &place).is_some(), is_here || !is_public, "{number} of {there} in {here}");
            public += u32::from(is_public && !is_here);
        }
    }
    println!("{public} emergency numbers of some region are public numbers of another");
    assert!(public > 0, "the promise would be kept by nothing");
}

#[test]
fn e2_a_context_that_makes_a_number_of_somebody_is_no_emergency() {
    let known =
        [("GB", "999", "+447700900"), ("US", "911", "+1-202-5550"), ("NO", "112", "+4702"), ("LU", "112", "+3528")];
    for (region, number, context) in known {
        let text = format!("tel:{number};phone-context={context}");
        assert_eq!(recognise(&text, &Place::region(region.parse().unwrap())), None, "{text} in {region}");
    }
}

#[test]
fn e2_valid_numbers_parted_into_context_and_emergency_number_are_no_emergency() {
    let mut tried = 0_u32;
    for region in regions() {
        let numbers: Vec<String> = emergency_patterns(region).iter().flat_map(|(one, _)| expanded(one)).collect();
        for example in examples(region) {
            let e164 = example.format_as(PhoneNumberFormat::E164).into_owned();
            for number in &numbers {
                let context = &e164[..e164.len().saturating_sub(number.len())];
                let joined = format!("{context}{number}");
                let valid = PHONE_NUMBER_UTIL.parse(&joined, None).ok().filter(|number| number.is_valid());
                // Where an area code and an emergency number seem to make a number, it is the local number.
                let local = |one: &rlibphonenumber::PhoneNumber| {
                    let code = one.country_code.to_string().len();
                    one.get_length_of_geographical_area_code() + code + 1 == context.len()
                };
                if context.len() > 2 && valid.is_some_and(|one| !local(&one)) {
                    let text = format!("tel:{number};phone-context={context}");
                    assert_eq!(recognise(&text, &Place::region(region)), None, "{text} in {region}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 500, "{tried}");
}
