//! What a dialled text can mean as plain digits, for lists of numbers that a plan names.

use smallvec::SmallVec;

use super::short::{Entry, entry};
use super::spelling::{Spelled, spell, without};
use crate::class::Place;
use crate::number::Digits;

/// The forms gathered for one dialled text; a site with a prefix gives the most.
type Forms = SmallVec<[Digits; 8]>;

/// The digits that a dialled text stands for: as dialled without its spelling, without an outside-line prefix, and
/// as the digits of E.164, for each way in which the place's numbering plan can mean them. None for a service.
///
/// It says what the text may mean and not whether that number exists, so it serves to look for a number in a list
/// and for nothing else.
pub fn dialled_forms(dialled: &str, place: &Place) -> impl Iterator<Item = Digits> {
    let mut forms = Forms::new();
    if let Ok(Spelled::Number(number)) = spell(dialled) {
        if number.is_international() {
            keep(number.digits(), &mut forms);
        } else {
            let outside = place.outside_line_prefixes().filter_map(|prefix| without(number.digits(), prefix));
            for digits in std::iter::once(number.digits()).chain(outside) {
                keep(digits, &mut forms);
                as_e164(digits, entry(place.region), &mut forms);
            }
        }
    }
    forms.into_iter()
}

/// Whether a dialled text can mean one of these numbers, each as it is dialled or as the digits of E.164.
#[must_use]
pub fn is_one_of(dialled: &str, place: &Place, numbers: &[Digits]) -> bool {
    !numbers.is_empty() && dialled_forms(dialled, place).any(|form| numbers.contains(&form))
}

/// The digits of E.164 that digits dialled in a region mean: after the international prefix, or as a national number.
fn as_e164(digits: &str, entry: &Entry, forms: &mut Forms) {
    for rest in entry.after_international_prefix(digits) {
        keep(rest, forms);
    }
    let national = digits.strip_prefix(entry.national_prefix).filter(|_| !entry.country_code.is_empty());
    if let (Some(national), Ok(code)) = (national, entry.country_code.parse::<Digits>()) {
        let joined = national.parse().ok().and_then(|national| joined(code, national));
        forms.extend(joined.filter(|form| !forms.contains(form)));
    }
}

/// Two runs of digits as one, if it is not too long.
fn joined(first: Digits, second: Digits) -> Option<Digits> {
    use std::fmt::Write as _;
    let mut text = Text::default();
    write!(text, "{first}{second}").ok()?;
    std::str::from_utf8(&text.0).ok()?.parse().ok()
}

/// A short text on the stack.
#[derive(Default)]
struct Text(SmallVec<[u8; 36]>);

impl std::fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Keeps digits once, if there are at least one and no more than fit.
fn keep(digits: &str, forms: &mut Forms) {
    if let Ok(digits) = digits.parse()
        && !forms.contains(&digits)
    {
        forms.push(digits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(dialled: &str, prefix: Option<&str>) -> Vec<String> {
        let mut place = Place::region("SE".parse().unwrap());
        place.outside_line_prefix = prefix.map(|digits| digits.parse().unwrap());
        dialled_forms(dialled, &place).map(|digits| digits.to_string()).collect()
    }

    #[test]
    fn a_short_number_is_among_the_forms_however_it_is_spelled() {
        for dialled in ["1177", "11 77", "tel:1177", "sip:1177@pbx.example;user=phone", "１１７７"] {
            assert!(forms(dialled, None).contains(&"1177".to_owned()), "{dialled}");
        }
        assert!(forms("0-1177", Some("0")).contains(&"1177".to_owned()));
        assert!(!forms("91177", Some("0")).contains(&"1177".to_owned()));
    }

    #[test]
    fn a_public_number_has_its_e164_form_however_it_is_dialled() {
        for dialled in ["+46701740605", "0046701740605", "070-174 06 05", "tel:701740605;phone-context=+46"] {
            assert!(forms(dialled, None).contains(&"46701740605".to_owned()), "{dialled}");
        }
        for dialled in ["90701740605", "9-0046 70 174 06 05", "+46701740605"] {
            assert!(forms(dialled, Some("9")).contains(&"46701740605".to_owned()), "{dialled}");
        }
    }

    #[test]
    fn a_list_names_numbers_as_dialled_or_in_e164() {
        let list: Vec<Digits> = ["1177", "46701740605"].iter().map(|digits| digits.parse().unwrap()).collect();
        let place = Place { outside_line_prefix: "0".parse().ok(), ..Place::region("SE".parse().unwrap()) };
        for dialled in ["1177", "0 1177", "tel:11-77", "070-174 06 05", "+46701740605", "00046701740605"] {
            assert!(is_one_of(dialled, &place, &list), "{dialled}");
        }
        for dialled in ["11770", "91177", "117", "+461177", "070-174 06 06", "urn:service:sos", ""] {
            assert!(!is_one_of(dialled, &place, &list), "{dialled}");
        }
        assert!(!is_one_of("1177", &place, &[]));
    }

    #[test]
    fn nothing_is_made_of_services_and_nonsense() {
        for dialled in ["urn:service:sos", "alice", "", "+", &"1".repeat(40)] {
            assert!(forms(dialled, Some("0")).is_empty(), "{dialled}");
        }
    }
}
