//! What is recognised as an emergency call, and what is not.
#![allow(clippy::string_slice, clippy::arithmetic_side_effects, reason = "a test")]

use std::collections::HashSet;

use proptest::prelude::*;

use super::short::entry;
use super::*;

fn region(text: &str) -> Region {
    text.parse().unwrap()
}

fn at(text: &str) -> Place {
    Place::region(region(text))
}

fn with_prefix(text: &str, outside: Option<&str>, claimed: Option<&str>) -> Place {
    let digits = |prefix: &str| prefix.parse().unwrap();
    Place {
        outside_line_prefix: outside.map(digits),
        claimed_outside_line_prefixes: claimed.map(digits).into_iter().collect(),
        ..at(text)
    }
}

fn dialled(text: &str, place: &Place) -> Option<(Service, bool, Option<String>)> {
    recognise(text, place).map(|found| {
        assert_eq!(found.region, place.region);
        (found.service, found.test, found.digits.map(|digits| digits.to_string()))
    })
}

fn whichever(digits: &str) -> Option<(Service, bool, Option<String>)> {
    Some((Service::Any, false, Some(digits.to_owned())))
}

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

/// Every text of a plus and digits that is an emergency number in a place: the slow way, by listing them all.
fn all_of(place: &Place) -> HashSet<String> {
    let row = entry(place.region);
    let mut found = HashSet::new();
    for number in row.emergency.iter().flat_map(|(pattern, _)| expanded(pattern)) {
        for prefix in place.outside_line_prefixes() {
            found.insert(format!("{prefix}{number}"));
        }
        for prefix in row.international_prefixes.iter().flat_map(|pattern| expanded(pattern)) {
            found.insert(format!("{prefix}{number}"));
            found.insert(format!("{prefix}{}{number}", row.country_code));
        }
        found.insert(format!("+{}{number}", row.country_code));
        found.insert(format!("+{number}"));
        found.insert(number);
    }
    found
}

#[test]
fn e1_recognised_from_digits_place_and_prefix_alone() {
    assert_eq!(dialled("112", &at("SE")), whichever("112"));
    assert_eq!(dialled("0112", &at("SE")), None);
    assert_eq!(dialled("0112", &with_prefix("SE", Some("0"), None)), whichever("112"));
    assert_eq!(
        dialled("0112", &with_prefix("SE", None, Some("0"))),
        whichever("112"),
        "a claimed prefix may raise the class"
    );
    assert_eq!(dialled("9911", &with_prefix("US", Some("9"), Some("0"))), whichever("911"));
    assert_eq!(
        dialled("911", &with_prefix("US", Some("9"), None)),
        whichever("911"),
        "recognised before a prefix comes off"
    );
}

#[test]
fn e2_exact_match_only() {
    let place = with_prefix("SE", Some("0"), None);
    let others = [
        "1120",
        "1112",
        "11",
        "0701121120",
        "+46701120112",
        "112112",
        "000112",
        "0 112 0",
        "1-1-2-3",
        "+4611200",
        "004611212",
        "+47112",
        "0047112",
        "46112",
        "911",
        "*112",
        "112#",
        "112*",
        "#112",
        "9*112",
        "112,112",
        "112a",
        "112 y5",
        "112 x",
        "112 x5a",
        "x112",
        "a112",
        "5+112",
        "112 ext 1234567890123456",
        "112\u{66a}",
        "sos",
        "tel:1120",
        "sip:1120@pbx.example;user=phone",
        "sip:alice@112.example",
        "sip:alice112@pbx.example",
        "urn:service:counseling",
        "urn:service:sosx",
        "urn:service:test",
        "urn:nena:service:sos",
        "\"112\" <sip:1120@pbx.example>",
        "112 <sip:alice@pbx.example>",
        "\"<sip:112@pbx.example>\" <sip:1120@pbx.example>",
        "<sip:1120@pbx.example>;to=112",
        "sip:++112",
        "",
        "+",
        "tel:",
    ];
    for other in others {
        assert_eq!(dialled(other, &place), None, "{other}");
    }
}

#[test]
fn e2_a_context_makes_a_longer_number() {
    let place = at("GB");
    assert_eq!(dialled("tel:999", &place), whichever("999"));
    assert_eq!(dialled("tel:999;phone-context=pbx.example", &place), whichever("999"));
    assert_eq!(dialled("tel:999;phone-context=+44", &place), whichever("999"));
    assert_eq!(dialled("tel:999;phone-context=+447700900", &place), None, "+447700900999 is a subscriber");
}

#[test]
fn e3_spellings_are_one_number() {
    let spellings = [
        "112",
        "1-1-2",
        " 1 1 2 ",
        "(112)",
        "1.1.2",
        "１１２",
        "١١٢",
        "१-१-२",
        "\u{202d}112\u{202c}",
        "tel:112",
        "TEL:1-1-2",
        "tel:112;phone-context=+46",
        "tel:112;phone-context=ims.example",
        "sip:112@host.example;user=phone",
        "sip:112@192.0.2.1",
        "sips:112@host.example",
        "SIP:112@host.example",
        "sip:1%312@host.example",
        "<sip:112@host.example>",
        "sip:112;phone-context=+46@host.example;user=phone",
        "sip:112:secret@host.example",
        "sip:112",
        "sip:+112",
        "sip:+46112;user=phone",
        "\"Alarm\" <sip:112@host.example>",
        "\"a \\\" <b> c\" <sip:112@host.example>;tag=1",
        "Alarm <sip:112@host.example>;tag=a",
        "112 <sip:112@host.example>",
        "< tel:112 >;user=phone",
        "<112>",
        "<sip:112@host.example",
        "tel:112;phone-context=+",
        "tel:112;phone-context=+a",
        "tel:112;phone-context=46",
        "tel:+46112;phone-context=+46",
        "+112",
        "+46112",
        "+46 112",
        "0046112",
        "00 46 112",
        "00112",
        "tel:+46112",
        "tel:112;ext=5",
        "112 x5",
        "112 EXT. 5",
        "112 ext: 12-34",
        "112 anknytning 123456789012345",
    ];
    for spelling in spellings {
        assert_eq!(dialled(spelling, &at("SE")), whichever("112"), "{spelling}");
    }
    let long_host = format!("sip:112@{}.example;user=phone", "a".repeat(2000));
    assert_eq!(dialled(&long_host, &at("SE")), whichever("112"));
}

#[test]
fn e3_what_is_spelled_is_told_from_what_stands_around_it() {
    for (written, user) in [
        ("\"Anna\" <sip:anna%2Eb@pbx.example;user=phone>;tag=1", "anna.b"),
        ("TEL:8846-112;phone-context=+46", "8846-112"),
        ("sips:1234#46", "1234#46"),
        ("anonymous", "anonymous"),
        ("sip:an%na@pbx.example", "an%na"),
    ] {
        assert_eq!(user_part(written), user, "{written}");
    }
    let number = |written: &str| match spell(written) {
        Ok(Spelled::Number(number)) => number,
        other => panic!("{written}: {other:?}"),
    };
    let local = number("tel:9-11;phone-context=+1");
    assert_eq!(format!("{local:?}"), "+1911");
    let (context, alone) = local.without_context().unwrap();
    assert_eq!((context, alone.as_str()), ("1", "911"));
    assert_eq!(number("+1911").without_context(), None, "nobody said where it was dialled");
    // The bytes of a number are limited, and no digit of another script is any other sign.
    let apart = |spaces: usize| format!("1{}2", " ".repeat(spaces));
    assert_eq!(number(&apart(NUMBER_BYTES_MAX - 2)).as_str(), "12");
    assert_eq!(spell(&apart(NUMBER_BYTES_MAX - 1)), Err(SpellingFault::TooManyBytes));
    assert_eq!(
        spell("11\u{66a}2"),
        Err(SpellingFault::NotANumber),
        "a percent sign that follows the digits of a script"
    );
}

#[test]
fn e3_services_asked_for_by_name() {
    let service = |urn: &str| dialled(urn, &at("SE"));
    assert_eq!(service("urn:service:sos"), Some((Service::Any, false, None)));
    for urn in [
        "urn:service:sos.ambulance",
        "\"x\" <urn:service:sos.ambulance>;tag=1",
        "URN:SERVICE:SOS.AMBULANCE",
        "urn:service:sos.ambulance.air",
    ] {
        assert_eq!(service(urn), Some((Service::Ambulance, false, None)), "{urn}");
    }
    for urn in ["urn:service:sos.ecall.manual", "urn:service:sos.unheard-of", "urn:service:sos."] {
        assert_eq!(service(urn), Some((Service::Any, false, None)), "{urn}");
    }
    assert_eq!(service("urn:service:test.sos"), Some((Service::Any, true, None)));
    assert_eq!(service("Urn:Service:Test.Sos.fire"), Some((Service::Fire, true, None)));
    for known in Service::ALL {
        assert_eq!(service(&known.urn(false)), Some((known, false, None)));
        assert_eq!(service(&known.urn(true)), Some((known, true, None)));
    }
}

#[test]
fn e3_services_of_norway_stay_three() {
    for (digits, service) in [("110", Service::Fire), ("112", Service::Police), ("113", Service::Ambulance)] {
        assert_eq!(dialled(digits, &at("NO")), Some((service, false, Some(digits.to_owned()))));
        assert_eq!(dialled(&format!("+47{digits}"), &at("NO")), Some((service, false, Some(digits.to_owned()))));
    }
}

#[test]
fn e3_numbers_of_the_metadata_and_of_the_overrides() {
    let known = [
        ("SE", "90000"),
        ("US", "911"),
        ("US", "112"),
        ("GB", "999"),
        ("DE", "110"),
        ("AU", "000"),
        ("MX", "066"),
        ("BR", "190"),
        ("CI", "110"),
        ("FR", "15"),
        ("GA", "1399"),
        ("GN", "112"),
        ("TA", "911"),
    ];
    for (region, digits) in known {
        assert!(dialled(digits, &at(region)).is_some(), "{region} {digits}");
    }
    for (region, digits) in [("SE", "911"), ("GB", "911"), ("GB", "111"), ("DE", "116117"), ("CI", "112")] {
        assert_eq!(dialled(digits, &at(region)), None, "{region} {digits}");
    }
}

#[test]
fn e3_the_table_names_its_source_and_each_number_that_it_has() {
    let version: Vec<&str> = metadata_version().split('.').collect();
    assert!(version.len() == 3 && version.iter().all(|part| part.parse::<u16>().is_ok()), "{version:?}");
    for region in regions() {
        let numbers = emergency_patterns(region).iter().flat_map(|(pattern, _)| expanded(pattern));
        let found: Vec<_> = numbers.map(|number| recognise(&number, &Place::region(region))).collect();
        assert!(!found.is_empty() && found.iter().all(Option::is_some), "{region}");
    }
}

#[test]
fn e2_a_site_dials_outside_by_no_prefix_that_makes_a_public_number_of_an_emergency_number() {
    let is_ambiguous = |text: &str, prefix: &str| is_ambiguous_outside_line(region(text), prefix.parse().unwrap());
    for (text, prefix) in [("LU", "8"), ("LU", "22"), ("SE", "99"), ("SE", "000"), ("US", "123")] {
        assert!(is_ambiguous(text, prefix), "{text} {prefix}");
    }
    for (text, prefix) in [("SE", "0"), ("SE", "9"), ("SE", "00"), ("LU", "9"), ("US", "91")] {
        assert!(!is_ambiguous(text, prefix), "{text} {prefix}");
    }
}

#[test]
fn e4_a_number_that_was_read_means_what_its_digits_would_mean_dialled() {
    let place = with_prefix("SE", Some("9"), None);
    let public = |text: &str| Number::E164 { number: text.parse().unwrap() };
    let extension = |text: &str| Number::Extension { digits: text.parse().unwrap() };
    let short = |text: &str| Number::Short { region: place.region, digits: text.parse().unwrap() };
    for number in [public("+46112"), extension("112"), extension("9112"), extension("00112"), short("112")] {
        let found = recognise_number(&number, &place).unwrap();
        assert_eq!(found.digits, "112".parse().ok(), "{number}");
        assert_eq!(recognise(&number.to_string(), &place), Some(found), "{number}");
    }
    for number in [public("+9112"), public("+46701740605"), extension("8112"), extension("1120"), short("1177")] {
        assert_eq!(recognise_number(&number, &place), None, "{number}");
        assert_eq!(recognise(&number.to_string(), &place), None, "{number}");
    }
}

#[test]
fn e6_the_region_is_the_place_and_an_unknown_one_has_the_numbers_of_every_handset() {
    assert_eq!(dialled("+46112", &at("NO")), None);
    for digits in ["112", "911"] {
        assert_eq!(dialled(digits, &at("ZZ")), whichever(digits));
    }
    assert_eq!(dialled("999", &at("ZZ")), None);
    assert!(recognise("urn:service:sos", &at("ZZ")).is_some());
}

fn places() -> impl Strategy<Value = Place> {
    let regions: Vec<Region> = regions().collect();
    let prefix = prop::option::of(prop_oneof!["[0-9]", "[0-9]{2}"].prop_map(|text| text.parse().unwrap()));
    let claimed = prop::collection::vec(prop_oneof!["[0-9]", "[0-9]{2}"].prop_map(|text| text.parse().unwrap()), 0..3);
    (prop::sample::select(regions), prefix, claimed).prop_map(|(region, outside, claimed)| Place {
        outside_line_prefix: outside,
        claimed_outside_line_prefixes: claimed,
        ..Place::region(region)
    })
}

/// A place, and a text that is one of its emergency numbers or nearly: up to three digits put in or taken out.
fn near_misses() -> impl Strategy<Value = (Place, String)> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), prop::option::of(0..10_u8)), 0..=3);
    (places(), any::<prop::sample::Index>(), edits).prop_map(|(place, which, edits)| {
        let mut all: Vec<String> = all_of(&place).into_iter().collect();
        all.sort_unstable();
        let mut text = which.get(&all).clone();
        for (at, digit) in edits {
            let at = at.index(text.len()).max(usize::from(text.starts_with('+')));
            match digit {
                Some(digit) => text.insert(at, char::from(b'0' + digit)),
                None if at < text.len() && text.len() > 2 => drop(text.remove(at)),
                None => {}
            }
        }
        (place, text)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn e2_near_misses_are_no_emergency((place, text) in near_misses()) {
        prop_assert_eq!(recognise(&text, &place).is_some(), all_of(&place).contains(&text), "{} in {:?}", text, place);
    }

    #[test]
    fn e2_random_numbers_are_no_emergency(place in places(), text in r"\+?[0-9]{1,15}") {
        prop_assert_eq!(recognise(&text, &place).is_some(), all_of(&place).contains(&text), "{} in {:?}", text, place);
    }

    #[test]
    fn e3_separators_and_scripts_change_nothing(
        (place, text) in near_misses(),
        separators in prop::collection::vec(prop::sample::select(vec!["", " ", "-", ".", "(", "\u{a0}", "/"]), 20),
        script in prop::sample::select(vec![0x30_u32, 0x660, 0xff10]),
    ) {
        let spelled: String = text
            .chars()
            .zip(separators)
            .map(|(character, separator)| match character.to_digit(10) {
                Some(digit) => format!("{separator}{}", char::from_u32(script + digit).unwrap()),
                None => character.to_string(),
            })
            .collect();
        prop_assert_eq!(recognise(&spelled, &place), recognise(&text, &place), "{}", spelled);
    }

    #[test]
    fn e1_recognition_takes_any_text(place in places(), text in "\\PC{0,80}") {
        let found = recognise(&text, &place);
        prop_assert_eq!(found, spell(&text).ok().and_then(|spelled| recognise_spelled(&spelled, &place)));
    }
}
