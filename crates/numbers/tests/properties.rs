//! Reading takes any text, gives nothing but what it should, and reads what it gave to the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use proptest::prelude::*;
use telness_core::class::Place;
use telness_core::emergency::{recognise, regions};
use telness_core::number::{Number, Region};
use telness_numbers::{DialledIn, panics_caught, read};

fn places() -> impl Strategy<Value = Place> {
    let regions: Vec<Region> = regions().collect();
    let prefix = prop::option::of("[0-9]{1,2}".prop_map(|text| text.parse().unwrap()));
    (prop::sample::select(regions), prefix)
        .prop_map(|(region, outside_line_prefix)| Place { outside_line_prefix, ..Place::region(region) })
}

/// Texts that look like numbers, and texts that do not.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,70}",
        r"\+?[0-9 ()./-]{0,24}",
        r"(tel|sip|sips|TEL)?:?\+?[0-9-]{0,16}(;(ext|phone-context|isub|tel)[:=]\+?[0-9a-z.]{0,6}){0,3}(@[a-z.]{0,9})?",
        r"[0-9]{3,12} ?(x|ext\.?|X) ?[0-9]{0,9}",
        r"urn:service:(test\.)?(sos|SOS)?[.a-z]{0,12}",
    ]
}

/// Checks what must hold for every text; the fuzzer's seeds are run through it too.
fn check(text: &str, place: &Place, extension_digits: Option<(u8, u8)>) {
    let found = read(text, DialledIn { place, extension_digits });
    assert_eq!(panics_caught(), 0, "{text:?} in {place:?}");
    assert_eq!(found, read(text, DialledIn { place, extension_digits }), "{text:?}");
    if let Some(emergency) = recognise(text, place) {
        match found {
            Ok(Number::Short { region, digits }) => {
                assert_eq!((Some(digits), region), (emergency.digits, place.region), "{text:?}");
            }
            Ok(Number::Service { service, test }) => assert_eq!((service, test), (emergency.service, emergency.test)),
            other => panic!("{text:?} is an emergency and was read as {other:?}"),
        }
    } else if let Ok(number @ (Number::E164 { .. } | Number::Short { .. })) = found {
        let again = number.to_string();
        assert_eq!(recognise(&again, &Place::region(place.region)), None, "{text:?}");
        let plain = Place::region(place.region);
        assert_eq!(read(&again, DialledIn { place: &plain, extension_digits: None }), Ok(number), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn reading_takes_any_text(text in texts(), place in places(), extensions in prop::option::of((1..4_u8, 4..7_u8))) {
        check(&text, &place, extensions);
    }

    #[test]
    fn reading_in_sweden_takes_any_text(text in texts()) {
        check(&text, &Place::region("SE".parse().unwrap()), None);
    }
}

#[test]
fn the_fuzzers_seeds_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/number");
    let mut seeds = 0;
    for file in std::fs::read_dir(folder).expect("the corpus of the fuzzer") {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        seeds += 1;
        let text = String::from_utf8_lossy(&bytes);
        for region in ["SE", "US", "DE", "IT"] {
            let place = Place { outside_line_prefix: "0".parse().ok(), ..Place::region(region.parse().unwrap()) };
            check(&text, &place, Some((3, 5)));
            check(&text, &Place::region(place.region), None);
        }
    }
    assert!(seeds >= 20, "{seeds}");
}
