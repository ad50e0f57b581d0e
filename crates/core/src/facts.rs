//! What look-ups add to a call: facts, never verdicts, and absence is said with its cause.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::number::Digits;

/// Why a fact is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// No rule that matches could use it, so nobody was asked.
    NotWanted,
    /// No service is declared that could tell.
    NotConfigured,
    /// The service did not answer within the call's time.
    Timeout,
    /// The service refused or could not be reached.
    Unreachable,
    /// The service answered something that could not be read.
    Unreadable,
    /// The service answered that there is nothing.
    NotFound,
}

impl Absence {
    /// The word used in answers, traces and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotWanted => "not_wanted",
            Self::NotConfigured => "not_configured",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::Unreadable => "unreadable",
            Self::NotFound => "not_found",
        }
    }

    /// Whether an answer that needed the fact is degraded by this.
    #[must_use]
    pub const fn degrades(self) -> bool {
        matches!(self, Self::Timeout | Self::Unreachable | Self::Unreadable)
    }
}

/// A value that a look-up found, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact<T> {
    /// It is known.
    Known {
        /// What it is.
        value: T,
        /// How old the value is, in milliseconds.
        age_ms: u64,
        /// Who told.
        source: Arc<str>,
    },
    /// It is not known.
    Unknown {
        /// Why not.
        why: Absence,
    },
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self::Unknown { why: Absence::NotWanted }
    }
}

impl<T> Fact<T> {
    /// Why it is not known, if it is not.
    #[must_use]
    pub const fn absence(&self) -> Option<Absence> {
        match self {
            Self::Known { .. } => None,
            Self::Unknown { why } => Some(*why),
        }
    }

    /// The value, if it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known { value, .. } => Some(value),
            Self::Unknown { .. } => None,
        }
    }
}

/// Where a number is held now (RFC 4694).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Portability {
    /// The routing number, if the number was ported.
    pub routing_number: Option<Digits>,
    /// The operator that holds it, as the source names it.
    pub operator: Option<Arc<str>>,
}

/// Everything that look-ups told about one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Where the called number is held.
    pub portability: Fact<Portability>,
    /// The caller's name.
    pub caller_name: Fact<Arc<str>>,
    /// How likely the call is fraud, from 0 to 100.
    pub fraud_score: Fact<u8>,
}

impl Facts {
    /// Whether there is nothing to tell: no rule that matched could use a fact.
    #[must_use]
    pub fn nobody_was_asked(&self) -> bool {
        FactKind::ALL.into_iter().all(|kind| self.absence(kind) == Some(Absence::NotWanted))
    }

    /// Why a kind of fact is not known, if it is not.
    #[must_use]
    pub const fn absence(&self, kind: FactKind) -> Option<Absence> {
        match kind {
            FactKind::Portability => self.portability.absence(),
            FactKind::CallerName => self.caller_name.absence(),
            FactKind::FraudScore => self.fraud_score.absence(),
        }
    }
}

/// A kind of fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// [`Facts::portability`].
    Portability,
    /// [`Facts::caller_name`].
    CallerName,
    /// [`Facts::fraud_score`].
    FraudScore,
}

impl FactKind {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Portability, Self::CallerName, Self::FraudScore];

    /// The word used in plans, answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Portability => "portability",
            Self::CallerName => "caller_name",
            Self::FraudScore => "fraud_score",
        }
    }
}

/// The facts that a matching rule can use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted(u8);

impl Wanted {
    /// Nothing at all.
    pub const NONE: Self = Self(0);

    /// One kind of fact.
    #[must_use]
    pub const fn of(kind: FactKind) -> Self {
        Self(1 << kind as u8)
    }

    /// What either wants.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it wants this kind.
    #[must_use]
    pub const fn has(self, kind: FactKind) -> bool {
        self.0 & Self::of(kind).0 != 0
    }
}
