//! What was dialled, read to a number or to a typed reason why not.
//!
//! The heavy port of libphonenumber lives in this crate alone, and sees nothing but a plus and digits: all spelling
//! is taken off before, by the same code that recognises emergency calls.

mod fault;
mod public;

pub use fault::NumberFault;
pub use public::{panics_caught, warm};

use telness_core::class::Place;
use telness_core::emergency::{Emergency, Spelled, SpelledNumber, recognise_spelled, short_number, spell};
use telness_core::number::{Digits, Number, Region};

/// Where a number was dialled, as far as it matters to reading it.
#[derive(Clone, Copy, Debug)]
pub struct DialledIn<'a> {
    /// The region and the outside-line prefix.
    pub place: &'a Place,
    /// How many digits an extension has there, from and to, if there are extensions.
    pub extension_digits: Option<(u8, u8)>,
}

/// Recognises an emergency call, or a test of one, in what a person or a switch sent.
///
/// It is [`telness_core::emergency::recognise`], and knows besides what numbers there are (E2, E3): digits that came in a
/// phone-context are an emergency number alone unless both make somebody's number together; and what a careless
/// normaliser may have made of an emergency number is none if it is somebody's number behind the site's outside-line
/// prefix. With the prefix 0 in Sweden, 0 046-900 00 is a number in Lund and not 90 000 after 0046.
///
/// Where nobody knows in which of some regions the caller is, an emergency number of any is one, the place's own before the
/// others (E6), unless it is somebody's public number where numbers are read (E2). What is no more than another short number
/// there does not stand before it: that would cost a call for help, and this a call to an office.
#[must_use]
pub fn recognise(dialled: &str, place: &Place) -> Option<Emergency> {
    recognised(&spell(dialled).ok()?, place)
}

fn recognised(spelled: &Spelled, place: &Place) -> Option<Emergency> {
    let elsewhere = || place.elsewhere.iter().find_map(|region| recognised_in(spelled, &place.if_in(*region)));
    recognised_in(spelled, place).or_else(|| elsewhere().filter(|_| !is_public(spelled, place)))
}

/// Whether it is somebody's public number where numbers are read, also on an outside line. What a phone-context makes of it
/// was asked before.
fn is_public(spelled: &Spelled, place: &Place) -> bool {
    let Spelled::Number(number) = spelled else { return false };
    let dialled = number.as_str();
    let outside = place.outside_line_prefix.map(|prefix| prefix.to_string());
    let after_prefix = outside.and_then(|prefix| dialled.strip_prefix(prefix.as_str()));
    let is_read = |digits: &str| public::read(digits, place.region).is_ok();
    number.without_context().is_none() && (is_read(dialled) || after_prefix.is_some_and(is_read))
}

fn recognised_in(spelled: &Spelled, place: &Place) -> Option<Emergency> {
    let found = recognise_spelled(spelled, place).filter(|found| !is_outside_number(spelled, *found, place));
    found.or_else(|| {
        let Spelled::Number(number) = spelled else { return None };
        let (context, alone) = number.without_context()?;
        let found = recognise_spelled(&Spelled::Number(alone), place)?;
        (!public::is_subscriber(number.as_str(), context)).then_some(found)
    })
}

/// Whether what was found in digits is not what was dialled, and those are somebody's number on an outside line.
fn is_outside_number(spelled: &Spelled, found: Emergency, place: &Place) -> bool {
    let (Spelled::Number(number), Some(emergency)) = (spelled, found.digits) else { return false };
    let (false, Some(prefix)) = (number.is_international(), place.outside_line_prefix) else { return false };
    let dialled = number.digits();
    let is_emergency = |digits: &str| digits.parse() == Ok(emergency);
    let after =
        |prefix: Digits| dialled.parse::<Digits>().ok()?.starts_with(prefix).then(|| dialled.get(prefix.len()..))?;
    let claimed = place.claimed_outside_line_prefixes.iter().copied();
    if is_emergency(dialled) || claimed.chain([prefix]).filter_map(after).any(is_emergency) {
        return false;
    }
    after(prefix).is_some_and(|outside| public::read(outside, place.region).is_ok())
}

/// Reads what a person or a switch sent.
///
/// The first of these that holds is what it is:
/// 1. a service URN, or an emergency number in any spelling that [`recognise`] knows;
/// 2. an extension: as many digits as extensions have, not beginning with the outside-line prefix;
/// 3. after the outside-line prefix, a short or a public number;
/// 4. a short or a public number as it stands, for telephones dial from their own memory too. A number that is
///    valid with its first digits taken for the prefix and as it stands is the former: so the site dials.
///
/// A plus leaves a public number alone. Extensions after a number are read over.
///
/// # Errors
/// Why it is no number there.
pub fn read(dialled: &str, within: DialledIn<'_>) -> Result<Number, NumberFault> {
    let spelled = spell(dialled)?;
    let place = within.place;
    if let Some(emergency) = recognised(&spelled, place) {
        return Ok(match emergency.digits {
            Some(digits) => Number::Short { region: emergency.region, digits },
            None => Number::Service { service: emergency.service, test: emergency.test },
        });
    }
    match spelled {
        Spelled::Service { service, test } => Ok(Number::Service { service, test }),
        Spelled::Number(number) if number.is_international() => public::read(number.as_str(), place.region),
        Spelled::Number(number) => local(&number, within),
    }
}

/// Reads a number without a plus.
fn local(number: &SpelledNumber, within: DialledIn<'_>) -> Result<Number, NumberFault> {
    let (digits, region) = (number.digits(), within.place.region);
    let whole = digits.parse::<Digits>().ok();
    let outside = within.place.outside_line_prefix.zip(whole).filter(|(prefix, whole)| whole.starts_with(*prefix));
    if let (Some(digits), Some((from, to)), None) = (whole, within.extension_digits, outside)
        && (usize::from(from)..=usize::from(to)).contains(&digits.len())
    {
        return Ok(Number::Extension { digits });
    }
    let after_prefix = outside.and_then(|(prefix, _)| digits.get(prefix.len()..));
    if let Some(found) = after_prefix.and_then(|digits| short_or_public(digits, region).ok()) {
        return Ok(found);
    }
    short_or_public(digits, region)
}

/// Reads digits as people of the region dial them on a line of their own.
fn short_or_public(digits: &str, region: Region) -> Result<Number, NumberFault> {
    match digits.parse::<Digits>() {
        Ok(digits) if short_number(region, digits).is_some() => Ok(Number::Short { region, digits }),
        _ => public::read(digits, region),
    }
}
