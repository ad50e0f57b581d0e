//! What the directory is made of: tenants, users with their devices, blocks of numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::names::{TenantName, TrunkName, UserName};
use crate::number::{Digits, E164, Number};
use crate::retention::TenantRetention;
use crate::short_text::short_texts;

/// The most calls a second that can be a tenant's limit.
pub const CALLS_PER_S_LIMIT_MAX: u32 = 1_000_000;

/// A customer or operator: the boundary of data, rules, limits and keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Its name.
    pub name: TenantName,
    /// Whether its calls are refused, all but emergency calls.
    #[serde(default)]
    pub suspended: bool,
    /// How many calls a second it may make, and as many at once; without one there is no limit. Emergency and vital calls and
    /// those of carriers are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_per_s_max: Option<u32>,
    /// What its people dial before an outside number, such as 0 or 9.
    #[serde(default)]
    pub outside_line_prefixes: Vec<Digits>,
    /// How long its records are kept, where that differs from what is usual.
    #[serde(default, skip_serializing_if = "TenantRetention::is_usual")]
    pub retention: TenantRetention,
}

/// A person or a function that can be called. The name is the tenant's own: another tenant may have the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name.
    pub name: UserName,
    /// Whose user it is.
    pub tenant: TenantName,
    /// The extension held; nobody else of the tenant has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Digits>,
    /// What rings, all at once.
    #[serde(default)]
    pub devices: Vec<UserDevice>,
    /// What the user chose.
    #[serde(default)]
    pub preferences: Preferences,
}

/// Something that rings: a number reached by a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserDevice {
    /// The trunk that reaches it, by its name in the plan.
    pub trunk: TrunkName,
    /// What is dialled there.
    pub number: DeviceNumber,
}

/// What a user chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preferences {
    /// Whether the user is not to be called now.
    #[serde(default)]
    pub do_not_disturb: bool,
    /// The language the user is spoken to in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// What a device is dialled by: a public number (`+46…`) or an extension of a PBX (`ext:201`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum DeviceNumber {
    /// A public number.
    E164(E164),
    /// An extension.
    Extension(Digits),
}

/// The text is neither a public number nor an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a device's number: write a public number with its plus (+46…) or an extension (ext:201)")]
pub struct DeviceNumberError;

impl DeviceNumber {
    /// The number as calls have it.
    #[must_use]
    pub const fn number(self) -> Number {
        match self {
            Self::E164(number) => Number::E164 { number },
            Self::Extension(digits) => Number::Extension { digits },
        }
    }
}

impl FromStr for DeviceNumber {
    type Err = DeviceNumberError;

    fn from_str(text: &str) -> Result<Self, DeviceNumberError> {
        match text.strip_prefix("ext:") {
            Some(digits) => digits.parse().map(Self::Extension).map_err(|_| DeviceNumberError),
            None => text.parse().map(Self::E164).map_err(|_| DeviceNumberError),
        }
    }
}

impl TryFrom<String> for DeviceNumber {
    type Error = DeviceNumberError;

    fn try_from(text: String) -> Result<Self, DeviceNumberError> {
        text.parse()
    }
}

impl Serialize for DeviceNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::E164(number) => number.fmt(f),
            Self::Extension(digits) => write!(f, "ext:{digits}"),
        }
    }
}

/// A run of public numbers, from the first to the last, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// The first number.
    pub first: E164,
    /// The last number, of as many digits as the first.
    pub last: E164,
    /// Whose it is; none if it is not given out yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantName>,
    /// What people say of it.
    #[serde(default)]
    pub note: String,
}

/// Why a block is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Numbers of different lengths have none in between.
    #[error("the first and the last number have different lengths; give both as many digits")]
    Lengths,
    /// It would be empty.
    #[error("the last number is before the first; exchange them")]
    Backwards,
    /// The note is too long.
    #[error("the note is longer than {} characters; shorten it", Block::NOTE_CHARS_MAX)]
    Note,
}

impl Block {
    /// The longest note.
    pub const NOTE_CHARS_MAX: usize = 256;

    /// Whether it is a block.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), BlockError> {
        if self.first.digits().len() != self.last.digits().len() {
            return Err(BlockError::Lengths);
        }
        if self.last < self.first {
            return Err(BlockError::Backwards);
        }
        if self.note.chars().count() > Self::NOTE_CHARS_MAX { Err(BlockError::Note) } else { Ok(()) }
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: E164) -> bool {
        (self.first..=self.last).contains(&number)
    }
}

/// Why a text is not a language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: write its tag of BCP 47, such as sv or en-GB")]
pub struct LanguageError {
    /// What it was to be.
    pub what: &'static str,
}

/// Whether a text has the shape of a language's tag: letters and digits in groups of 1 to 8, the first of 2 or 3
/// letters.
fn is_language(text: &str) -> bool {
    const BYTES_MAX: usize = 35;
    let mut groups = text.split('-');
    let first = groups.next().unwrap_or_default();
    text.len() <= BYTES_MAX
        && (2..=3).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_lowercase())
        && groups.all(|group| (1..=8).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

short_texts! {
    is_language, LanguageError;

    /// A language, by its tag (BCP 47).
    Language = "language";
}
