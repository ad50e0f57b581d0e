//! The journal: durable, local, bounded, written in groups. One SQLite file a segment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which journal: made at random with it, so that a store knows whose position it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JournalId(pub [u8; 16]);

/// Where an entry stands: the segment's number above the row's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// The journal's limits.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// A segment is closed when it has grown to this, in bytes.
    pub segment_bytes_max: u64,
    /// The journal refuses when all its segments together are larger, in bytes.
    pub bytes_max: u64,
    /// How long shipped entries are kept.
    pub keep_shipped: Duration,
}

/// Why an entry could not be made durable.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refused, is full, or failed. The segment is abandoned; the next append begins another.
    #[error("the journal in {path} cannot be written: {why}")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The limit is reached.
    #[error("the journal holds {bytes} bytes that were not shipped, of {limit} allowed")]
    Full {
        /// What it holds.
        bytes: u64,
        /// What it may hold.
        limit: u64,
    },
    /// Another process has it.
    #[error("another process uses the journal in {path}")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

/// The end that is written to. One at a time for a folder.
#[derive(Debug)]
pub struct Journal {
    id: JournalId,
}

impl Journal {
    /// Opens the journal in a folder, or begins one there. `fresh_id` names it if it is new.
    ///
    /// # Errors
    /// When the folder cannot be used or another process has it.
    pub fn open(folder: &Path, options: JournalOptions, fresh_id: JournalId) -> Result<Self, JournalError> {
        let _ = (folder, options);
        Ok(Self { id: fresh_id })
    }

    /// Which journal it is.
    #[must_use]
    pub const fn id(&self) -> JournalId {
        self.id
    }

    /// Appends entries and returns when they are durable: one group, one sync.
    ///
    /// # Errors
    /// When they are not durable. None of them may be acknowledged.
    pub fn append(&mut self, entries: &[Vec<u8>]) -> Result<Position, JournalError> {
        let _ = entries;
        Ok(Position(0))
    }

    /// Where the last durable entry stands.
    #[must_use]
    pub fn end(&self) -> Position {
        Position(0)
    }

    /// A reading end of the same journal.
    #[must_use]
    pub fn reader(&self) -> JournalReader {
        JournalReader {}
    }

    /// Deletes closed segments that were shipped up to `shipped` and kept long enough. `now_unix_s` is the time
    /// in seconds since 1970.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    pub fn prune(&mut self, shipped: Position, now_unix_s: u64) -> Result<(), JournalError> {
        let _ = (shipped, now_unix_s);
        Ok(())
    }

    /// Bytes that all segments hold together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        0
    }
}

/// The end that is read from; it sees what is durable.
#[derive(Debug)]
pub struct JournalReader {}

impl JournalReader {
    /// The entries after a position, at most `max` of them, each with its place.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn after(&mut self, position: Position, max: usize) -> Result<Vec<(Position, Vec<u8>)>, JournalError> {
        let _ = (position, max);
        Ok(Vec::new())
    }
}
