//! Numbers as they are once read: E.164, short, extension or service; and runs of digits to match them by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::emergency::Service;

/// The most digits that an E.164 number has (ITU-T E.164, 6.2.1).
pub const E164_DIGITS_MAX: usize = 15;

/// One to eighteen decimal digits, leading zeros kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Digits {
    len: u8,
    value: u64,
}

/// The text is not one to eighteen digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a run of 1 to 18 digits")]
pub struct DigitsError;

impl Digits {
    /// The most digits that fit.
    pub const MAX: usize = 18;

    /// How many digits there are.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there is always one digit at least")]
    pub const fn len(self) -> usize {
        self.len as usize
    }

    /// The digits read as one decimal number.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.value
    }

    /// The first `len` digits, if there are as many and `len` is not zero.
    #[must_use]
    pub fn prefix(self, len: usize) -> Option<Self> {
        let cut = u32::try_from(self.len().checked_sub(len)?).ok()?;
        let value = self.value.checked_div(10_u64.checked_pow(cut)?)?;
        (len > 0).then_some(Self { len: u8::try_from(len).ok()?, value })
    }

    /// These digits without the first `count`; nothing if none would be left.
    #[must_use]
    pub fn without_first(self, count: usize) -> Option<Self> {
        let len = self.len().checked_sub(count).filter(|len| *len > 0)?;
        let value = self.value.checked_rem(10_u64.checked_pow(u32::try_from(len).ok()?)?)?;
        Some(Self { len: u8::try_from(len).ok()?, value })
    }

    /// These digits and then `rest`, if they fit.
    #[must_use]
    pub fn followed_by(self, rest: Self) -> Option<Self> {
        let len = self.len.checked_add(rest.len).filter(|len| usize::from(*len) <= Self::MAX)?;
        let shifted = self.value.checked_mul(10_u64.checked_pow(u32::from(rest.len))?)?;
        Some(Self { len, value: shifted.checked_add(rest.value)? })
    }

    /// Writes them at the end of a text: what `Display` does, without its machinery, for the data path.
    pub fn push_to(self, text: &mut String) {
        let mut bytes = [b'0'; Self::MAX];
        let mut rest = self.value;
        for byte in bytes.iter_mut().rev().take(self.len()) {
            *byte = b"0123456789".get(usize::try_from(rest % 10).unwrap_or(0)).copied().unwrap_or(b'0');
            rest /= 10;
        }
        let digits = bytes.get(Self::MAX.saturating_sub(self.len())..).unwrap_or_default();
        text.push_str(std::str::from_utf8(digits).unwrap_or_default());
    }

    /// The number that is read when a 1 is put before the digits: leading zeros and the length are kept, it is never
    /// zero, and that of the next shorter prefix is a tenth.
    #[must_use]
    #[inline]
    pub fn packed(self) -> u64 {
        // At most 18 digits: the sum is below 2 * 10^18.
        let one = POWERS_OF_TEN.get(self.len()).copied().unwrap_or(0);
        one.saturating_add(self.value)
    }

    /// The digits of which [`Digits::packed`] made this.
    #[must_use]
    pub fn of_packed(packed: u64) -> Option<Self> {
        let len = usize::try_from(packed.checked_ilog10()?).ok()?;
        let value = packed.checked_sub(*POWERS_OF_TEN.get(len)?)?;
        let fits = len > 0 && value < *POWERS_OF_TEN.get(len)?;
        fits.then_some(Self { len: u8::try_from(len).ok()?, value })
    }

    /// Whether these digits begin with `prefix`.
    #[must_use]
    pub fn starts_with(self, prefix: Self) -> bool {
        self.prefix(prefix.len()) == Some(prefix)
    }
}

impl FromStr for Digits {
    type Err = DigitsError;

    fn from_str(text: &str) -> Result<Self, DigitsError> {
        if text.is_empty() || text.len() > Self::MAX || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DigitsError);
        }
        let value = text.parse().map_err(|_| DigitsError)?;
        Ok(Self { len: u8::try_from(text.len()).map_err(|_| DigitsError)?, value })
    }
}

impl TryFrom<String> for Digits {
    type Error = DigitsError;

    fn try_from(text: String) -> Result<Self, DigitsError> {
        text.parse()
    }
}

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.value, width = self.len())
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses an index out of range")]
const POWERS_OF_TEN: [u64; Digits::MAX + 1] = {
    let mut powers = [1; Digits::MAX + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// An international public number: a country code and a national number, at most fifteen digits in all.
///
/// Only `telness_numbers` makes one from what somebody dialled; this type keeps the shape, not the validity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct E164(Digits);

/// The text is not `+` and 4 to 15 digits of which the first is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an E.164 number: '+', then 4 to 15 digits of which the first is not 0")]
pub struct E164Error;

impl E164 {
    /// The digits after the plus.
    #[must_use]
    pub const fn digits(self) -> Digits {
        self.0
    }
}

impl TryFrom<Digits> for E164 {
    type Error = E164Error;

    fn try_from(digits: Digits) -> Result<Self, E164Error> {
        let first = digits.prefix(1).map_or(0, Digits::value);
        let shaped = first != 0 && (4..=E164_DIGITS_MAX).contains(&digits.len());
        if shaped { Ok(Self(digits)) } else { Err(E164Error) }
    }
}

impl FromStr for E164 {
    type Err = E164Error;

    fn from_str(text: &str) -> Result<Self, E164Error> {
        let digits: Digits = text.strip_prefix('+').ok_or(E164Error)?.parse().map_err(|_| E164Error)?;
        Self::try_from(digits)
    }
}

impl TryFrom<String> for E164 {
    type Error = E164Error;

    fn try_from(text: String) -> Result<Self, E164Error> {
        text.parse()
    }
}

impl Serialize for E164 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A country or territory by its two letters (ISO 3166-1 alpha-2, with libphonenumber's additions such as `AC`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Region([u8; 2]);

/// The text is not two capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a region: two capital letters of ISO 3166-1, such as SE")]
pub struct RegionError;

impl Region {
    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Two ASCII capitals by construction.
        std::str::from_utf8(&self.0).unwrap_or("ZZ")
    }
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(RegionError),
        }
    }
}

impl TryFrom<String> for Region {
    type Error = RegionError;

    fn try_from(text: String) -> Result<Self, RegionError> {
        text.parse()
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a dialled text was read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "k", rename_all = "snake_case")]
pub enum Number {
    /// A public number, valid in its numbering plan.
    E164 {
        /// The number.
        #[serde(rename = "n")]
        number: E164,
    },
    /// A short number of a region, such as 1177 in Sweden; it has no E.164 form.
    Short {
        /// Where it means what it means.
        #[serde(rename = "r")]
        region: Region,
        /// What is dialled.
        #[serde(rename = "d")]
        digits: Digits,
    },
    /// A number inside one site.
    Extension {
        /// What is dialled.
        #[serde(rename = "d")]
        digits: Digits,
    },
    /// An emergency service asked for by name (RFC 5031).
    Service {
        /// The service.
        #[serde(rename = "s")]
        service: Service,
        /// Whether it is `urn:service:test.…`, which never reaches a call-taker.
        #[serde(rename = "t")]
        test: bool,
    },
}

impl Number {
    /// The digits that prefixes are matched on; none for a service.
    #[must_use]
    pub const fn digits(&self) -> Option<Digits> {
        match *self {
            Self::E164 { number } => Some(number.digits()),
            Self::Short { digits, .. } | Self::Extension { digits } => Some(digits),
            Self::Service { .. } => None,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::E164 { number } => number.fmt(f),
            Self::Short { digits, .. } | Self::Extension { digits } => digits.fmt(f),
            Self::Service { service, test } => f.write_str(&service.urn(*test)),
        }
    }
}
