//! Recognition of emergency calls: a pure function of the digits dialled and the place (E1 to E3).
//!
//! **Invariant:** the match is exact, never "starts with" and never "contains": a number that merely begins or ends
//! like an emergency number is an ordinary number (E2). Only the spelling is taken off first.

mod forms;
mod outside_line;
mod reach;
mod service;
mod short;
mod short_table;
mod spelling;

pub use forms::{dialled_forms, is_one_of};
pub use outside_line::{OUTSIDE_LINE_DIGITS_MAX, is_ambiguous_outside_line};
pub use reach::{mistakable, number_for, number_under};
pub use service::Service;
pub use short::{ShortNumber, emergency_patterns, metadata_version, regions, short_number};
pub use spelling::{NUMBER_BYTES_MAX, Spelled, SpelledNumber, SpellingFault, address, spell, user_part};

use serde::{Deserialize, Serialize};

use crate::class::Place;
use crate::number::{Digits, Number, Region};
use short::Entry;

/// An emergency service that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Emergency {
    /// Which one.
    pub service: Service,
    /// Whether it is a test, which never reaches a call-taker.
    pub test: bool,
    /// The region whose service it is.
    pub region: Region,
    /// The number as the region dials it, when a number was dialled.
    pub digits: Option<Digits>,
}

/// Recognises an emergency call of the place's own region, or a test of one, by exact match of what was dialled (E2). Where
/// else the caller may be is asked by `telness_numbers::recognise`.
///
/// Digits in a phone-context count as what both make together; whether they are better taken alone is asked by
/// `telness_numbers::recognise`, which knows what numbers there are.
#[must_use]
pub fn recognise(dialled: &str, place: &Place) -> Option<Emergency> {
    recognise_spelled(&spell(dialled).ok()?, place)
}

/// The same, for what was dialled with its spelling already taken off.
#[must_use]
pub fn recognise_spelled(spelled: &Spelled, place: &Place) -> Option<Emergency> {
    let region = place.region;
    match spelled {
        Spelled::Service { service, test } => Some(Emergency { service: *service, test: *test, region, digits: None }),
        Spelled::Number(number) => emergency_of(number.digits(), number.is_international(), place),
    }
}

/// The same, for a number that was read: what a rule or a translation led to may be an emergency number (E4).
#[must_use]
pub fn recognise_number(number: &Number, place: &Place) -> Option<Emergency> {
    let (digits, international) = match *number {
        Number::E164 { number } => (number.digits(), true),
        Number::Short { digits, .. } | Number::Extension { digits } => (digits, false),
        Number::Service { service, test } => {
            return Some(Emergency { service, test, region: place.region, digits: None });
        }
    };
    let mut text = [0; Digits::MAX];
    emergency_of(spelling::text_of(digits, &mut text), international, place)
}

fn emergency_of(digits: &str, international: bool, place: &Place) -> Option<Emergency> {
    let (digits, service) = emergency_number(digits, international, place, short::entry(place.region))?;
    Some(Emergency { service, test: false, region: place.region, digits: digits.parse().ok() })
}

/// The emergency number that was dialled, as the region dials it, and its service.
///
/// Beside the number itself, and the number after an outside-line prefix, these are what careless normalisers make
/// of it: `+112`, `+46112`, `00112` and `0046112`. None of them is a valid number; a test asks libphonenumber for each.
fn emergency_number<'d>(
    digits: &'d str,
    is_international: bool,
    place: &Place,
    entry: &Entry,
) -> Option<(&'d str, Service)> {
    let exactly = |digits: &'d str| entry.emergency(digits).map(|service| (digits, service));
    let after_country_code = |digits: &'d str| exactly(digits.strip_prefix(entry.country_code)?);
    let international = |digits: &'d str| exactly(digits).or_else(|| after_country_code(digits));
    if is_international {
        return international(digits);
    }
    let after_prefix = |prefix| exactly(spelling::without(digits, prefix)?);
    exactly(digits)
        .or_else(|| place.outside_line_prefixes().find_map(after_prefix))
        .or_else(|| entry.after_international_prefix(digits).find_map(international))
}

#[cfg(test)]
mod tests;
