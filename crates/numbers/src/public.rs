//! Public numbers: libphonenumber's parser and its ranges, behind a guard.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use rlibphonenumber::{
    PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationError,
};
use telness_core::number::{Digits, E164, Number, Region};

use crate::NumberFault;

/// The most digits that a country code and an area code have together, as in +44 15396.
const AREA_CODE_DIGITS_MAX: usize = 7;

/// How often the library has panicked.
static PANICS: AtomicU64 = AtomicU64::new(0);

/// How often libphonenumber has panicked and was caught. It does not on a plus and digits, as far as millions of
/// tries can tell; should this ever count, the text that did it is a fault of the number and not of the process.
#[must_use]
pub fn panics_caught() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// Reads a plus and digits, or digits alone, to a valid public number.
pub(crate) fn read(text: &str, region: Region) -> Result<Number, NumberFault> {
    guarded(|| parse(text, region)).unwrap_or(Err(NumberFault::NotANumber))
}

/// Whether a context and the digits after it are together the number of somebody.
///
/// Where subscribers' numbers have any length, as in Berlin and Vienna, nearly all digits after an area code are a
/// valid number to the library. What is dialled within an area is a local number, and none of those begins as an
/// emergency number does: only a longer context makes a subscriber's number of one. One that is longer than all area
/// codes is a block of somebody's numbers, in a range that the library has yet to learn perhaps.
pub(crate) fn is_subscriber(joined: &str, context: &str) -> bool {
    let of_area = |number: &PhoneNumber| {
        let code = number.country_code.to_string();
        let area = context.strip_prefix(code.as_str()).unwrap_or("");
        !area.is_empty() && number.get_length_of_geographical_area_code() == area.len()
    };
    let block = |number: &PhoneNumber| context.len() > AREA_CODE_DIGITS_MAX && number.is_possible_with_reason().is_ok();
    let subscriber = |number: &PhoneNumber| (number.is_valid() && !of_area(number)) || block(number);
    guarded(|| PHONE_NUMBER_UTIL.parse(joined, None).is_ok_and(|number| subscriber(&number))).unwrap_or(false)
}

/// What the library finds; nothing if it panics.
fn guarded<T>(ask: impl FnOnce() -> T) -> Option<T> {
    let found = catch_unwind(AssertUnwindSafe(ask)).ok();
    if found.is_none() {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }
    found
}

fn parse(text: &str, region: Region) -> Result<Number, NumberFault> {
    let region = rlibphonenumber::Region::from_code(region.as_str())
        .ok()
        .filter(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(*region).is_some());
    if region.is_none() && !text.starts_with('+') {
        return Err(NumberFault::UnknownRegion);
    }
    let number = PHONE_NUMBER_UTIL.parse(text, region).map_err(|error| parse_fault(&error))?;
    if !number.is_valid() {
        return Err(range_fault(&number));
    }
    let digits = digits_of(&number).ok_or(NumberFault::TooLong)?;
    E164::try_from(digits).map(|number| Number::E164 { number }).map_err(|_| NumberFault::TooLong)
}

/// The country code, the zeros that belong to the number (as in Italy) and the rest.
fn digits_of(number: &PhoneNumber) -> Option<Digits> {
    number.format_as(PhoneNumberFormat::E164).strip_prefix('+')?.parse().ok()
}

const fn parse_fault(error: &ParseError) -> NumberFault {
    match error {
        ParseError::InvalidCountryCode => NumberFault::UnknownCountryCode,
        // Digits alone are no number to the library when there are fewer than two.
        ParseError::NotANumber(_) | ParseError::TooShortAfterIdd | ParseError::TooShortNsn => NumberFault::TooShort,
        ParseError::TooLongNsn => NumberFault::TooLong,
    }
}

/// Why a number that could be parsed is not valid.
fn range_fault(number: &PhoneNumber) -> NumberFault {
    match number.is_possible_with_reason() {
        Err(ValidationError::InvalidCountryCode) => NumberFault::UnknownCountryCode,
        Err(ValidationError::TooShort) => NumberFault::TooShort,
        Err(ValidationError::TooLong) => NumberFault::TooLong,
        Err(ValidationError::InvalidLength) | Ok(_) => NumberFault::NotInPlan,
    }
}

/// The kinds of numbers that are read before a start is done.
const WARMED: [PhoneNumberType; 5] = [
    PhoneNumberType::FixedLine,
    PhoneNumberType::Mobile,
    PhoneNumberType::TollFree,
    PhoneNumberType::PremiumRate,
    PhoneNumberType::SharedCost,
];

/// Reads a number of each kind in each region, so that the first caller does not wait for the patterns of a region
/// to be compiled (2 to 14 ms). A process warms the regions of its sites when it starts.
pub fn warm(regions: impl IntoIterator<Item = Region>) {
    for region in regions {
        let Ok(code) = rlibphonenumber::Region::from_code(region.as_str()) else { continue };
        for kind in WARMED {
            let Ok(example) = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(code, kind) else { continue };
            for format in [PhoneNumberFormat::E164, PhoneNumberFormat::National] {
                let digits: String =
                    example.format_as(format).chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
                // Only what it leaves compiled is wanted.
                let _ = read(&digits, region);
            }
        }
    }
}
