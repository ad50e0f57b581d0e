//! One number of the inventory: what became of it, and who holds it when.

use serde::{Deserialize, Serialize};

use crate::names::{TenantName, UserName};
use crate::number::E164;
use crate::time::Timestamp;

/// What became of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberState {
    /// Its user holds it.
    Assigned,
    /// Nobody holds it until the cutover, or for ever if there is none; then it is free.
    Quarantined,
    /// It comes from another carrier: its user holds it from the cutover on.
    PortedIn,
    /// It goes to another carrier: its user, if it has one, holds it until the cutover.
    PortedOut,
}

impl NumberState {
    /// All states with their words.
    pub const WORDS: [(Self, &'static str); 4] = [
        (Self::Assigned, "assigned"),
        (Self::Quarantined, "quarantined"),
        (Self::PortedIn, "ported_in"),
        (Self::PortedOut, "ported_out"),
    ];

    /// The state's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Quarantined => "quarantined",
            Self::PortedIn => "ported_in",
            Self::PortedOut => "ported_out",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(_, known)| *known == word).map(|(state, _)| state)
    }
}

/// What a number is at a time, by its entry and the cutover in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberStanding {
    /// It is in no block, and nobody said anything of it.
    NotOurs,
    /// It can be given to somebody.
    Free,
    /// Its user holds it.
    Assigned,
    /// Nobody holds it, and nobody is to get it yet.
    Quarantined,
    /// Another carrier has it until the cutover.
    AwaitedFromElsewhere,
    /// It came from another carrier, and its user holds it.
    PortedIn,
    /// Its user holds it until the cutover, and another carrier afterwards.
    Leaving,
    /// Another carrier has it.
    PortedOut,
}

impl NumberStanding {
    /// The standing's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotOurs => "not_ours",
            Self::Free => "free",
            Self::Assigned => "assigned",
            Self::Quarantined => "quarantined",
            Self::AwaitedFromElsewhere => "awaited_from_elsewhere",
            Self::PortedIn => "ported_in",
            Self::Leaving => "leaving",
            Self::PortedOut => "ported_out",
        }
    }
}

/// A number that is not free. A number of a block without an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NumberEntry {
    /// The number.
    pub number: E164,
    /// What became of it.
    pub state: NumberState,
    /// Whose it is, or was.
    pub tenant: TenantName,
    /// The user of this tenant who holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// When that changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cutover: Option<Timestamp>,
}

/// What an entry lacks or has too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberEntryError {
    /// Somebody has to hold it.
    #[error("a number that is {} needs its user", .0.word())]
    UserMissing(NumberState),
    /// Nobody may hold it.
    #[error("nobody holds a quarantined number; leave its user out")]
    UserOfQuarantined,
    /// It changes at some time.
    #[error("a number that is {} needs the time of its cutover", .0.word())]
    CutoverMissing(NumberState),
    /// It does not change.
    #[error("an assigned number has no cutover; leave it out")]
    CutoverOfAssigned,
}

impl NumberEntry {
    /// Whether it has what its state needs, and nothing that its state does not have.
    ///
    /// # Errors
    /// What is wrong with it.
    pub const fn check(&self) -> Result<(), NumberEntryError> {
        match (self.state, self.user.is_some(), self.cutover.is_some()) {
            (state @ (NumberState::Assigned | NumberState::PortedIn), false, _) => {
                Err(NumberEntryError::UserMissing(state))
            }
            (NumberState::Quarantined, true, _) => Err(NumberEntryError::UserOfQuarantined),
            (NumberState::Assigned, _, true) => Err(NumberEntryError::CutoverOfAssigned),
            (state @ (NumberState::PortedIn | NumberState::PortedOut), _, false) => {
                Err(NumberEntryError::CutoverMissing(state))
            }
            _ => Ok(()),
        }
    }

    /// What it is at a time.
    #[must_use]
    pub fn standing_at(&self, now: Timestamp) -> NumberStanding {
        let is_over = self.cutover.is_some_and(|cutover| cutover <= now);
        match (self.state, is_over) {
            (NumberState::Assigned, _) => NumberStanding::Assigned,
            (NumberState::Quarantined, false) => NumberStanding::Quarantined,
            (NumberState::Quarantined, true) => NumberStanding::Free,
            (NumberState::PortedIn, false) => NumberStanding::AwaitedFromElsewhere,
            (NumberState::PortedIn, true) => NumberStanding::PortedIn,
            (NumberState::PortedOut, false) => NumberStanding::Leaving,
            (NumberState::PortedOut, true) => NumberStanding::PortedOut,
        }
    }

    /// Who holds it at a time.
    #[must_use]
    pub fn holder_at(&self, now: Timestamp) -> Option<&UserName> {
        let held = match self.state {
            NumberState::Assigned => true,
            NumberState::Quarantined => false,
            NumberState::PortedIn => self.cutover.is_some_and(|cutover| cutover <= now),
            NumberState::PortedOut => self.cutover.is_some_and(|cutover| now < cutover),
        };
        self.user.as_ref().filter(|_| held)
    }
}
