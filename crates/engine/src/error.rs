//! Why the engine did not do what it was asked. No HTTP here: the edge maps each variant in one place.

use std::sync::Arc;

use telness_core::reason::Reason;
use telness_core::standing::{Denial, Refusal};

use crate::recorder::NotKept;

/// Why a call or an event was not taken. Nothing of it is kept, unless it was only late ([`CallError::NotKept`]).
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// Who asked may not, or the request is wrong.
    #[error("refused")]
    Refused(Refusal),
    /// The idempotency key stands for another request.
    #[error("the idempotency key was used before for another request")]
    Conflict,
    /// There are more calls than are taken.
    #[error("there are more calls than are taken now")]
    Overloaded {
        /// When there is room again if all who are refused stay away so long.
        retry_after_s: u64,
    },
    /// The tenant makes more calls a second than the plan lets it.
    #[error("the tenant makes more than {calls_per_s_max} calls a second")]
    RateLimited {
        /// How many it may make.
        calls_per_s_max: u32,
        /// When there is room for the next.
        retry_after_s: u64,
    },
    /// As many test calls to an emergency service went out as the plan says was agreed on.
    #[error("more than {calls_per_h_max} test calls an hour")]
    TestsLimited {
        /// How many may go out.
        calls_per_h_max: u32,
        /// When there is room for the next.
        retry_after_s: u64,
    },
    /// The listener is the high workflow's and the call is the low one's.
    #[error("the call is the low workflow's, which {send_to} takes")]
    Misdirected {
        /// Who takes it.
        send_to: Arc<str>,
    },
    /// It could not be made durable, or not in time: then it may be kept yet.
    #[error(transparent)]
    NotKept(#[from] NotKept),
    /// An emergency call that leads nowhere from here. Another node or network may carry it (E16).
    #[error("no way for an emergency call: {why}")]
    NoEmergencyRoute {
        /// Why.
        why: String,
    },
    /// A defect, or a system without randomness.
    #[error("{0}")]
    Internal(String),
}

/// Why something could not be read from the call log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// Who asked may not.
    #[error("denied")]
    Denied(Vec<Denial>),
    /// There is no such call, or it is another tenant's.
    #[error("there is no such call")]
    NotFound,
    /// The store does not answer, or has not caught up with the journal in time.
    #[error("the call log cannot be read now: {0}")]
    Unavailable(String),
}

impl CallError {
    /// The stable reason: of several, the first.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Refused(refusal) => {
                let denial = refusal.denials.first().map(|denial| denial.reason);
                let fault = refusal.faults.first().map(|fault| fault.reason);
                denial.or(fault).unwrap_or(Reason::FieldInvalid)
            }
            Self::Conflict => Reason::IdempotencyConflict,
            Self::Overloaded { .. } => Reason::Overloaded,
            Self::RateLimited { .. } => Reason::RateLimited,
            Self::TestsLimited { .. } => Reason::EmergencyTestsLimited,
            Self::Misdirected { .. } => Reason::Misdirected,
            Self::NotKept(NotKept::Stopped) => Reason::ShuttingDown,
            Self::NotKept(_) => Reason::RecordNotKept,
            Self::NoEmergencyRoute { .. } => Reason::NoEmergencyRoute,
            Self::Internal(_) => Reason::Internal,
        }
    }
}

impl ReadError {
    /// The stable reason: of several, the first.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Denied(denials) => denials.first().map_or(Reason::Unauthenticated, |denial| denial.reason),
            Self::NotFound => Reason::NotFound,
            Self::Unavailable(_) => Reason::StoreUnavailable,
        }
    }
}
