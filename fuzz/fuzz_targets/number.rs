//! Reads any text as a number: `cargo fuzz run number`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telness_core::class::Place;
use telness_core::emergency::recognise;
use telness_core::number::Number;
use telness_numbers::{DialledIn, panics_caught, read};

fuzz_target!(|text: &str| {
    for region in ["SE", "US", "DE", "IT"] {
        let Ok(region) = region.parse() else { continue };
        let place = Place { outside_line_prefix: "0".parse().ok(), ..Place::region(region) };
        let found = read(text, DialledIn { place: &place, extension_digits: Some((3, 5)) });
        assert_eq!(panics_caught(), 0);
        if recognise(text, &place).is_some() {
            assert!(matches!(found, Ok(Number::Short { .. } | Number::Service { .. })));
        } else if let Ok(number @ Number::E164 { .. }) = found {
            let again = read(&number.to_string(), DialledIn { place: &place, extension_digits: None });
            assert_eq!(again, Ok(number));
        }
    }
});
