//! Everything that is ours as one file, and back: from a store of either kind into one of either kind.
//!
//! A file is a line of JSON that says what it is, frames of records packed as one LZ4 block each, and a trailer that
//! counts them (`docs/export.md`). Each frame carries a checksum over itself and all before it, so a file that was cut
//! or changed is refused, and is before anything is written: it is read whole first. Calls and events go into a store as
//! a shipper brings them, so bringing them twice changes nothing; what people edited and what was issued for billing
//! comes in one transaction before them.

mod apply;
mod check;
mod frames;
mod head;
mod make;
pub(crate) mod place;
mod records;
mod source;

use std::io;

use serde::{Deserialize, Serialize};
use telness_core::names::TenantName;
use telness_core::time::Timestamp;

use crate::StoreError;
use crate::control::ControlError;

pub use apply::{Applied, Merge, import};
pub use check::{Checked, check};
pub use head::{FORMAT, Format, Head, SectionHead};
pub use make::export;
pub use records::SECTIONS;

/// What is to be in a file.
#[derive(Clone, Debug)]
pub struct What {
    /// Of one tenant only; then without what is nobody's: plans and rate decks.
    pub tenant: Option<TenantName>,
    /// The version of telness that makes it.
    pub telness: String,
    /// When it is made.
    pub at: Timestamp,
    /// What tells the server's key from others, if it is known.
    pub key_check: Option<String>,
}

/// How many records of one section there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The section's name.
    pub section: String,
    /// How many.
    pub records: u64,
}

/// Told again and again of how far it has come: the records so far.
pub type Tell<'a> = &'a mut (dyn FnMut(u64) + Send);

/// Why a store could not be written to a file, or a file not read into a store.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The system refused.
    #[error("the file: {0}")]
    Io(#[from] io::Error),
    /// It is not what an export is.
    #[error("the file is no whole export: byte {at} (record {record}): {why}; nothing of it is used")]
    Damaged {
        /// How many bytes were well.
        at: u64,
        /// How many records were well.
        record: u64,
        /// What is wrong there.
        why: String,
    },
    /// A later telness made it.
    #[error("a later telness ({telness}) made the file: {why}; import it with that one, or a later one")]
    Later {
        /// Which.
        telness: String,
        /// What is not known here.
        why: String,
    },
    /// The store has something already.
    #[error(
        "the store is not empty: it has {0}; import into an empty one, or say --merge to add what is not there \
         (docs/export.md has the rules)"
    )]
    NotEmpty(&'static str),
    /// What was to be added does not go with what is there.
    #[error("it does not go with what the store has, and nothing was changed: {0}")]
    Refused(ControlError),
    /// Both have files of a tenant for billing, and neither's are the beginning of the other's.
    #[error(
        "the store has billing files of {tenant} of its own, and nothing was changed: its {what} is another than that \
         of the file; numbers that were issued are not given again, so import into a store that issued nothing for \
         {tenant} (docs/export.md)"
    )]
    Issued {
        /// Whose.
        tenant: String,
        /// Which one is another.
        what: String,
    },
    /// The store could not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ControlError> for ExportError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Store(error) => Self::Store(error),
            other => Self::Refused(other),
        }
    }
}
