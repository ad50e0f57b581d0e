//! Why a dialled text is no number.

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
            Self::UnknownCountryCode => "unknown_country_code",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::NotInPlan => "not_in_plan",
        }
    }
}
