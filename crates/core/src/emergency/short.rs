//! The short numbers of a region, and the prefixes by which its people dial other numbers.

use super::service::Service;
use super::short_table::{METADATA_VERSION, REGIONS};
use crate::number::{Digits, Region};

/// What a short number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShortNumber {
    /// An emergency number.
    Emergency(Service),
    /// Any other.
    Other,
}

/// What these digits are in the region, if they are one of its short numbers.
#[must_use]
pub fn short_number(region: Region, digits: Digits) -> Option<ShortNumber> {
    let mut text = [0; Digits::MAX];
    entry(region).short_number(super::spelling::text_of(digits, &mut text))
}

/// The emergency numbers of a region as patterns (`x` is any digit, brackets hold a set of digits) with the service
/// of each; where a number fits several, the first counts.
#[must_use]
pub fn emergency_patterns(region: Region) -> &'static [(&'static str, Service)] {
    entry(region).emergency
}

/// The regions of the table.
pub fn regions() -> impl Iterator<Item = Region> {
    REGIONS.iter().filter_map(|entry| std::str::from_utf8(&entry.region).ok()?.parse().ok())
}

/// The version of libphonenumber whose short-number metadata is in use.
#[must_use]
pub const fn metadata_version() -> &'static str {
    METADATA_VERSION
}

/// A region's row in the table. A pattern has a digit, `x` for any digit, or a set of digits in brackets for each
/// place: `118[023]x`.
pub(super) struct Entry {
    /// The region's two letters.
    pub(super) region: [u8; 2],
    /// Its country code.
    pub(super) country_code: &'static str,
    /// Patterns of what is dialled before a country code.
    pub(super) international_prefixes: &'static [&'static str],
    /// What is dialled before a national number; empty if nothing.
    pub(super) national_prefix: &'static str,
    /// Patterns of emergency numbers with the service of each; the first that matches is taken.
    pub(super) emergency: &'static [(&'static str, Service)],
    /// The number of each service that is reached by one of its own.
    pub(super) by_name: &'static [(Service, &'static str)],
    /// Patterns of all short numbers.
    pub(super) short: &'static [&'static str],
}

/// What holds in a region that the table lacks: a handset takes 112 and 911 for emergency numbers everywhere
/// (3GPP TS 22.101, 10.1.1), and so do we.
static UNKNOWN: Entry = Entry {
    region: *b"ZZ",
    country_code: "",
    international_prefixes: &[],
    national_prefix: "",
    emergency: &[("112", Service::Any), ("911", Service::Any)],
    by_name: &[],
    short: &[],
};

/// The row of a region.
pub(super) fn entry(region: Region) -> &'static Entry {
    let found = REGIONS.binary_search_by(|entry| entry.region.as_slice().cmp(region.as_str().as_bytes()));
    found.ok().and_then(|at| REGIONS.get(at)).unwrap_or(&UNKNOWN)
}

impl Entry {
    /// The service that an emergency number reaches.
    pub(super) fn emergency(&self, digits: &str) -> Option<Service> {
        self.emergency.iter().find(|(pattern, _)| matches(pattern, digits)).map(|(_, service)| *service)
    }

    /// What a short number is.
    pub(super) fn short_number(&self, digits: &str) -> Option<ShortNumber> {
        if let Some(service) = self.emergency(digits) {
            return Some(ShortNumber::Emergency(service));
        }
        self.short.iter().any(|pattern| matches(pattern, digits)).then_some(ShortNumber::Other)
    }

    /// What follows the international prefix, for each pattern that it can be.
    pub(super) fn after_international_prefix<'d>(&self, digits: &'d str) -> impl Iterator<Item = &'d str> {
        self.international_prefixes.iter().filter_map(move |pattern| rest_after(pattern, digits))
    }
}

/// Whether the digits are what the pattern says, whole.
fn matches(pattern: &str, digits: &str) -> bool {
    rest_after(pattern, digits).is_some_and(str::is_empty)
}

/// What follows the digits that the pattern stands for.
fn rest_after<'d>(pattern: &str, digits: &'d str) -> Option<&'d str> {
    let mut at = 0_usize;
    for fitting in places(pattern) {
        fitting.contains(digits.as_bytes().get(at)?).then_some(())?;
        at = at.saturating_add(1);
    }
    digits.get(at..)
}

/// The first number that a pattern stands for and that begins with a prefix.
pub(super) fn first_under(pattern: &str, prefix: &str) -> Option<String> {
    let mut before = prefix.bytes();
    let mut number = String::new();
    for fitting in places(pattern) {
        let digit = match before.next() {
            Some(digit) => fitting.contains(&digit).then_some(digit)?,
            None => *fitting.first()?,
        };
        number.push(char::from(digit));
    }
    before.next().is_none().then_some(number)
}

/// Every number that a pattern stands for.
pub(super) fn numbers_of(pattern: &str) -> Vec<String> {
    places(pattern).fold(vec![String::new()], |begun, fitting| {
        let longer = |number: &String| fitting.iter().map(|digit| format!("{number}{}", char::from(*digit))).collect();
        begun.iter().flat_map::<Vec<String>, _>(longer).collect()
    })
}

/// The digits that fit each place of a pattern.
fn places(pattern: &str) -> impl Iterator<Item = &[u8]> {
    let mut rest = pattern.as_bytes();
    std::iter::from_fn(move || {
        let (place, after) = rest.split_at_checked(1)?;
        let (fitting, after) = match place {
            b"x" => (b"0123456789".as_slice(), after),
            b"[" => {
                let mut parts = after.splitn(2, |byte| *byte == b']');
                (parts.next()?, parts.next()?)
            }
            digit => (digit, after),
        };
        rest = after;
        Some(fitting)
    })
}

#[cfg(test)]
mod tests {
    use super::super::short_table::INPUTS;
    use super::*;

    /// FNV-1a, as the generator computes it over its inputs.
    fn checksum(inputs: &[&[u8]]) -> u64 {
        let bytes = inputs.iter().copied().flatten();
        bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    }

    #[test]
    fn the_table_was_generated_from_the_committed_inputs() {
        let inputs: [&[u8]; 2] = [include_bytes!("data/metadata.tsv"), include_bytes!("data/overrides.tsv")];
        assert_eq!(checksum(&inputs), INPUTS, "stale: run scripts/generate-short-numbers");
    }

    #[test]
    fn the_table_is_in_order_and_whole() {
        assert!(REGIONS.is_sorted_by(|a, b| a.region < b.region));
        for entry in &REGIONS {
            let region: Region = std::str::from_utf8(&entry.region).unwrap().parse().unwrap();
            assert_eq!(super::entry(region).region, entry.region);
            assert!(!entry.emergency.is_empty(), "{region} has no emergency number");
            assert!(entry.country_code.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }

    #[test]
    fn a_pattern_matches_whole_numbers_alone() {
        assert!(matches("118[023]x", "11829"));
        for other in ["", "1182", "118299", "11849", "21829"] {
            assert!(!matches("118[023]x", other), "{other}");
        }
        assert_eq!(rest_after("00[1-9]", "00"), None);
        assert_eq!(rest_after("00", "0046"), Some("46"));
    }

    #[test]
    fn the_first_number_of_a_pattern_that_begins_with_a_prefix() {
        for (prefix, number) in [("", "11800"), ("118", "11800"), ("1183", "11830"), ("11825", "11825")] {
            assert_eq!(first_under("118[023]x", prefix).as_deref(), Some(number), "{prefix}");
        }
        for prefix in ["2", "1184", "118255", "x"] {
            assert_eq!(first_under("118[023]x", prefix), None, "{prefix}");
        }
    }

    #[test]
    fn swedish_short_numbers() {
        let short = |digits: &str| short_number("SE".parse().unwrap(), digits.parse().unwrap());
        for emergency in ["112", "90000"] {
            assert_eq!(short(emergency), Some(ShortNumber::Emergency(Service::Any)), "{emergency}");
        }
        for other in ["1177", "11414", "11313", "116117", "118118"] {
            assert_eq!(short(other), Some(ShortNumber::Other), "{other}");
        }
        for none in ["911", "1120", "11", "900000", "0"] {
            assert_eq!(short(none), None, "{none}");
        }
    }
}
