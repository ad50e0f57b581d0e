//! The single fields of a deck's row, read from their texts.

use crate::number::{Digits, E164_DIGITS_MAX};
use crate::time::Timestamp;
use crate::world::Rate;

/// The most decimals: a millionth.
const DECIMALS_MAX: usize = 6;
const MILLION: u64 = 1_000_000;

/// Reads an amount such as `0.0125`, exactly.
pub(super) fn amount(text: &str) -> Result<Rate, String> {
    let bad =
        || format!("`{text}` is no amount: write digits, at most with a point and {DECIMALS_MAX} more, such as 0.0125");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(decimals) || decimals.len() > DECIMALS_MAX {
        return Err(bad());
    }
    let too_much = || format!("`{text}` is too much: an amount is at most {}", Rate(u32::MAX));
    let whole: u64 = whole.parse().map_err(|_| too_much())?;
    let millionths: u64 = format!("{decimals:0<DECIMALS_MAX$}").parse().map_err(|_| bad())?;
    let all = whole.checked_mul(MILLION).and_then(|whole| whole.checked_add(millionths));
    all.and_then(|all| u32::try_from(all).ok()).map(Rate).ok_or_else(too_much)
}

/// Reads the beginning of public numbers, with or without the plus.
pub(super) fn prefix(text: &str) -> Result<Digits, String> {
    let bad = || format!("`{text}` is no prefix: write 1 to {E164_DIGITS_MAX} digits of which the first is not 0");
    let digits = text.strip_prefix('+').unwrap_or(text);
    let read: Digits = digits.parse().map_err(|_| bad())?;
    if digits.starts_with('0') || read.len() > E164_DIGITS_MAX { Err(bad()) } else { Ok(read) }
}

/// Reads seconds.
pub(super) fn seconds(text: &str, min: u16) -> Result<u16, String> {
    const MAX: u16 = 3600;
    let read = text.parse().ok().filter(|seconds| (min..=MAX).contains(seconds));
    read.ok_or_else(|| format!("`{text}` is no number of seconds from {min} to {MAX}"))
}

/// Reads a time, or a date, which begins at midnight in UTC.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    const DATE: usize = "2026-12-01".len();
    let read = if text.len() == DATE { format!("{text}T00:00:00Z").parse() } else { text.parse() };
    read.map_err(|_| {
        format!("`{text}` is no time: write a date such as 2026-12-01, or a time with an offset such as 2026-12-01T00:00:00+01:00")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, millionths) in [
            ("0", 0),
            ("1", 1_000_000),
            ("0.0125", 12_500),
            ("0.000001", 1),
            ("007.10", 7_100_000),
            ("4294.967295", u32::MAX),
        ] {
            assert_eq!(amount(text), Ok(Rate(millionths)), "{text}");
        }
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1,5",
            "1e3",
            "0.0000001",
            "4294.967296",
            "99999999999999999999",
            "½",
            "1 ",
        ] {
            assert!(amount(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_date_begins_at_midnight_in_utc() {
        assert_eq!(time("2026-12-01"), time("2026-12-01T01:00:00+01:00"));
        assert!(time("2026-12-01T00:00:00").is_err() && time("tomorrow").is_err() && time("2026-02-30").is_err());
    }

    #[test]
    fn prefixes_are_of_public_numbers() {
        assert_eq!(prefix("+4670"), prefix("4670"));
        for bad in ["", "+", "0046", "46 70", "1234567890123456", "any"] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
    }
}
