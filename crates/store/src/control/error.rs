//! Why a change was not made.

use std::fmt;

use super::Version;
use crate::StoreError;

/// How many faults of one request are told; of the others only how many there are.
pub const FAULTS_MAX: usize = 100;

/// Why the control plane could not do it. Nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ControlError {
    /// The database could not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One thing was refused.
    #[error("{entity} {key}: {refusal}")]
    Refused {
        /// What it is, such as `user`.
        entity: &'static str,
        /// Which one.
        key: String,
        /// Why.
        refusal: Refusal,
    },
    /// Of several things at once, some were refused.
    #[error("{count} of the items were refused, and so all of them: {}", shown(.faults))]
    Faults {
        /// The first of them, by place.
        faults: Vec<Fault>,
        /// How many there are.
        count: usize,
    },
}

/// What is wrong with one of several items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its place, from 0.
    pub place: usize,
    /// Which one.
    pub key: String,
    /// Why it was refused.
    pub refusal: Refusal,
}

/// Why something was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot be so.
    Invalid(String),
    /// There is none.
    NotFound,
    /// What is there is not what was expected.
    Unexpected {
        /// The version of what is there.
        found: Option<Version>,
    },
    /// Something else speaks against it.
    Conflict {
        /// What that is, such as `user nordtel/anna`.
        with: String,
        /// Why that speaks against it.
        why: &'static str,
    },
    /// The same thing is among the items before.
    Twice {
        /// The first one's place.
        first: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => f.write_str(why),
            Self::NotFound => f.write_str("there is none"),
            Self::Unexpected { found: Some(version) } => {
                write!(f, "it was changed meanwhile, or made: its version is {version}; read it again")
            }
            Self::Unexpected { found: None } => f.write_str("it was expected to be there, and is not"),
            Self::Conflict { with, why } => write!(f, "{why}: {with}"),
            Self::Twice { first } => write!(f, "it is there twice; the first is at place {first}"),
        }
    }
}

fn shown(faults: &[Fault]) -> String {
    const SHOWN_MAX: usize = 3;
    let each = faults.iter().take(SHOWN_MAX).map(|one| format!("[{}] {}: {}", one.place, one.key, one.refusal));
    each.collect::<Vec<_>>().join("; ")
}

/// The faults of several items, in the order of their places, or nothing if there are none.
pub(super) fn faults(mut all: Vec<Fault>) -> Result<(), ControlError> {
    if all.is_empty() {
        return Ok(());
    }
    let count = all.len();
    all.sort_by_key(|fault| fault.place);
    all.truncate(FAULTS_MAX);
    Err(ControlError::Faults { faults: all, count })
}
