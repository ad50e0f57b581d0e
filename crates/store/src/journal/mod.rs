//! The journal: durable, local, bounded, written in groups. One SQLite file a segment.
//!
//! A segment is written to until it is large enough, or until any error: what a disk that failed once says
//! afterwards is not believed, so the segment is abandoned and the next append begins another. Each start begins
//! another too, so that no position is ever given twice. Abandoned or closed, a segment stays for the reader, and
//! is deleted when all of it was shipped and kept for a while, or at once when the room is needed.

mod folder;
mod group;
mod position;
mod reader;
mod recovery;
mod segment;
mod shared;
mod space;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use folder::{Folder, io_error};
pub use position::Position;
pub use reader::{JournalExtent, JournalReader};
use segment::{Segment, SegmentError};
use shared::{Shared, Standing};

/// Which journal: made at random with it, so that a store knows whose position it keeps. A journal whose segments
/// were lost counts from the front again, and is therefore another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JournalId(pub [u8; 16]);

impl JournalId {
    /// As hexadecimal digits.
    #[must_use]
    pub fn as_text(self) -> String {
        uuid::Uuid::from_bytes(self.0).simple().to_string()
    }
}

/// The journal's limits.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// A segment is closed when it has grown to this, in bytes.
    pub segment_bytes_max: u64,
    /// The journal refuses when all its segments together are larger, in bytes. What was shipped makes room first.
    /// It should be several times `segment_bytes_max`.
    pub bytes_max: u64,
    /// How long shipped entries are kept, if there is room.
    pub keep_shipped: Duration,
}

/// Why an entry could not be made durable.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refused, is full, or failed. The segment is abandoned; the next append begins another.
    #[error("the journal in {path} cannot be used: {why}; see that the disk has space and can be written to")]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The disk does not give a part of a segment that is to be read.
    #[error(
        "the disk does not give all of {path}: {why}; it is asked again for a while, then what it does not give is \
         passed over: see to the disk"
    )]
    Unreadable {
        /// The segment's file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The limit is reached.
    #[error(
        "the journal holds {bytes} bytes that were not shipped, of {limit} allowed; see why the store does not keep up"
    )]
    Full {
        /// What it holds.
        bytes: u64,
        /// What it may hold.
        limit: u64,
    },
    /// Another process has it.
    #[error("another process uses the journal in {path}; stop it, or give this one a data folder of its own")]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

/// The end that is written to. One at a time for a folder.
#[derive(Debug)]
pub struct Journal {
    folder: Folder,
    id: JournalId,
    /// Whether the folder keeps the id; it does before the first segment is begun.
    id_kept: bool,
    /// The id that the reader gives the journal should it turn out to have been set back.
    spare_id: JournalId,
    /// Beyond what earlier starts gave out, and at or before what this one does.
    first: Position,
    options: JournalOptions,
    shared: Arc<Shared>,
    current: Option<Current>,
    highest: u32,
    shipped: Position,
    /// Whether the last append failed.
    failing: bool,
    packer: group::Packer,
}

#[derive(Debug)]
struct Current {
    number: u32,
    segment: Segment,
    last: u32,
    bytes: u64,
}

impl Journal {
    /// Opens the journal in a folder, or begins one there. `fresh_id` names it if it is new.
    ///
    /// # Errors
    /// When the folder cannot be used or another process has it.
    pub fn open(folder: &Path, options: JournalOptions, fresh_id: JournalId) -> Result<Self, JournalError> {
        let folder = Folder::open(folder)?;
        let failed = |error: std::io::Error| io_error(folder.path(), &error);
        recovery::finish_replacements(&folder).map_err(failed)?;
        let (numbers, highest) = folder.segments().map_err(failed)?;
        let kept = known_id(&folder, highest).map_err(failed)?;
        let id = kept.unwrap_or(fresh_id);
        if kept.is_none() && highest > 0 {
            folder::keep_id(folder.path(), id).map_err(failed)?;
        }
        let shared = Arc::new(Shared::default());
        for number in &numbers {
            // The last one was being written when the process ended; the others were settled then or before.
            let last = recovery::recover(&folder, *number, numbers.last() == Some(number));
            let standing = Standing { last, bytes: folder.bytes(*number), ..Standing::default() };
            shared.change(|segments| segments.insert(*number, standing));
            if last > 0 && last < u32::MAX {
                shared.advance(Position::new(*number, last));
            }
        }
        Ok(Self {
            folder,
            id,
            id_kept: kept.is_some() || highest > 0,
            spare_id: fresh_id,
            first: Position::new(highest.saturating_add(1), 0),
            options,
            shared,
            current: None,
            highest,
            shipped: Position::default(),
            failing: false,
            packer: group::Packer::new(),
        })
    }

    /// Appends entries and returns when they are durable: one group, one sync.
    ///
    /// # Errors
    /// When they are not durable. None of them may be acknowledged.
    pub fn append(&mut self, entries: &[Vec<u8>]) -> Result<Position, JournalError> {
        if entries.is_empty() {
            return Ok(self.end());
        }
        let bytes = entries
            .iter()
            .fold(0, |sum: u64, entry| sum.saturating_add(u64::try_from(entry.len()).unwrap_or(u64::MAX)));
        self.make_room(bytes)?;
        let appended = self.append_group(entries);
        let failed_before = std::mem::replace(&mut self.failing, appended.is_err());
        match appended {
            Ok(end) => Ok(end),
            Err(error) => {
                if !failed_before {
                    tracing::error!(segment = self.highest, %error, "a segment of the journal is abandoned");
                }
                self.abandon();
                Err(io_error(self.folder.path(), &error))
            }
        }
    }

    /// Where the last durable entry stands.
    #[must_use]
    pub fn end(&self) -> Position {
        self.shared.end()
    }

    /// How much it holds.
    #[must_use]
    pub fn extent(&self) -> JournalExtent {
        JournalExtent(Arc::clone(&self.shared))
    }

    /// A reading end of the same journal.
    #[must_use]
    pub fn reader(&self) -> JournalReader {
        let ids = reader::Ids { current: self.id, spare: self.spare_id };
        JournalReader::new(self.folder.path().to_owned(), Arc::clone(&self.shared), ids, self.first)
    }

    fn append_group(&mut self, entries: &[Vec<u8>]) -> Result<Position, SegmentError> {
        let count = u32::try_from(entries.len()).map_err(|_| SegmentError::TooLong)?;
        let full = |current: &Current| {
            current.bytes >= self.options.segment_bytes_max || current.last.checked_add(count).is_none()
        };
        // What the reader found damaged is written to no more.
        let done_with = |current: &Current| full(current) || self.shared.is_damaged(current.number);
        if self.current.as_ref().is_none_or(done_with) {
            self.begin_segment()?;
        }
        let current = self.current.as_mut().ok_or(SegmentError::TooLong)?;
        let last = current.last.checked_add(count).ok_or(SegmentError::TooLong)?;
        let body = self.packer.pack(entries).ok_or(SegmentError::TooLong)?;
        current.segment.append(last, count, body)?;
        current.last = last;
        current.bytes = self.folder.bytes(current.number);
        let end = Position::new(current.number, last);
        self.shared.advance(end);
        Ok(end)
    }

    /// Closes the segment that is written to, if there is one, and begins the next.
    fn begin_segment(&mut self) -> Result<(), SegmentError> {
        if let Some(current) = self.close() {
            // Its entries are durable in its log whatever comes of this.
            if let Err(error) = current.segment.settle() {
                tracing::warn!(segment = current.number, %error, "the closed segment's log stays beside it");
            }
        }
        if !self.id_kept {
            folder::keep_id(self.folder.path(), self.id)?;
            self.id_kept = true;
        }
        let number = self.highest.saturating_add(1);
        if number > Position::SEGMENT_MAX {
            return Err(SegmentError::TooLong);
        }
        self.highest = number;
        let begun = Segment::create(&self.folder.segment(number)).and_then(|segment| {
            self.folder.sync()?;
            Ok(segment)
        });
        match begun {
            Ok(segment) => {
                let standing = Standing { current: true, ..Standing::default() };
                self.shared.change(|segments| segments.insert(number, standing));
                self.current = Some(Current { number, segment, last: 0, bytes: self.folder.bytes(number) });
                Ok(())
            }
            Err(error) => {
                self.forget_empty(number);
                Err(error)
            }
        }
    }

    fn abandon(&mut self) {
        if let Some(Current { number, segment, last: 0, .. }) = self.close() {
            drop(segment);
            self.shared.change(|segments| segments.remove(&number));
            self.forget_empty(number);
        }
    }

    /// Deletes a segment in which no position was ever given, so that a full disk is not filled with more of them
    /// at each try. If it cannot be deleted, it stays and the next start passes over it.
    fn forget_empty(&mut self, number: u32) {
        if self.folder.delete(number).is_ok() && self.highest == number {
            self.highest = number.saturating_sub(1);
        }
    }

    fn close(&mut self) -> Option<Current> {
        let current = self.current.take()?;
        let bytes = self.folder.bytes(current.number);
        self.shared.change(|segments| {
            if let Some(standing) = segments.get_mut(&current.number) {
                (standing.current, standing.bytes) = (false, bytes);
            }
        });
        Some(current)
    }
}

/// The id that the folder keeps, unless it is of segments that are gone: what is counted from the front again must
/// not be taken for what the store was sent under that id.
fn known_id(folder: &Folder, highest: u32) -> std::io::Result<Option<JournalId>> {
    let kept = folder.id()?;
    if highest > 0 || kept.is_none() {
        return Ok(kept);
    }
    tracing::error!(
        folder = %folder.path().display(),
        "the journal's segments are gone; what was not shipped of them is lost, and the journal begins anew under \
         another id"
    );
    Ok(None)
}
