//! Why a dialled text is no number.

use telness_core::emergency::SpellingFault;

/// Why a dialled text is no number in the region it was dialled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NumberFault {
    /// Nothing but separators.
    #[error("it is empty")]
    Empty,
    /// Over the limit of bytes.
    #[error("it is longer than 64 bytes")]
    TooManyBytes,
    /// A character that no number has.
    #[error("it is not a number")]
    NotANumber,
    /// A service URN that is none of the emergency services.
    #[error("it names a service that is not an emergency service")]
    UnknownService,
    /// A number without a plus, in a region whose numbering plan is not known.
    #[error("the numbering plan of its region is not known; write it with a plus and a country code")]
    UnknownRegion,
    /// A plus with a country code that is not in use.
    #[error("its country code is not in use")]
    UnknownCountryCode,
    /// Too few digits for the numbering plan.
    #[error("it has too few digits")]
    TooShort,
    /// Too many digits for the numbering plan.
    #[error("it has too many digits")]
    TooLong,
    /// In no range of the numbering plan.
    #[error("it is in no range of the numbering plan")]
    NotInPlan,
}

impl NumberFault {
    /// The word that command output and tests use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooManyBytes => "too_many_bytes",
            Self::NotANumber => "not_a_number",
            Self::UnknownService => "unknown_service",
            Self::UnknownRegion => "unknown_region",
            Self::UnknownCountryCode => "unknown_country_code",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::NotInPlan => "not_in_plan",
        }
    }
}

impl From<SpellingFault> for NumberFault {
    fn from(fault: SpellingFault) -> Self {
        match fault {
            SpellingFault::Empty => Self::Empty,
            SpellingFault::TooManyBytes => Self::TooManyBytes,
            SpellingFault::NotANumber => Self::NotANumber,
            SpellingFault::UnknownService => Self::UnknownService,
        }
    }
}
