//! One segment: a SQLite file of groups, written by one connection and read by others at the same time.
//!
//! How it is set was measured on ext4, groups of 64 records of 1 KB, before groups were packed; CPU a record, and a
//! commit's time:
//!
//! | journal mode, page, log until checkpoint | CPU | median | p99 |
//! |---|---|---|---|
//! | WAL, 8 KiB, 1 MiB, one blob a group (this) | 2.7 µs | 0.19 ms | 1.5 ms |
//! | the same, one row a record (at 4 KiB) | 4.3 µs | 0.25 ms | 6.7 ms |
//! | WAL, 4 KiB, 4 MiB | 3.0 µs | 0.20 ms | 6.6 ms |
//! | WAL, 8 KiB, never checkpointed | 2.8 µs | 0.31 ms | 0.4 ms |
//! | rollback journal, PERSIST or TRUNCATE | 4.4 to 5.6 µs | 0.7 ms | 0.8 ms |
//!
//! Packed groups of records take about a fifth of the disk; pages of 4 to 64 KiB then make no difference
//! that can be told from the machine's noise, and small ones waste less on groups of a few records.
//!
//! A log that is checkpointed is written over in place, so that a commit need not make the file longer: alone, a
//! record takes 0.12 ms that way and 0.21 ms without. A small log keeps the checkpoint's pause short.
//! `synchronous=FULL` syncs the log at each commit; NORMAL would lose the last commits with the power.

use std::path::Path;
use std::time::Duration;

use rusqlite::ffi::SQLITE_IOERR_SHORT_READ;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::group;

const PAGE_BYTES: u32 = 8192;
const LOG_PAGES_MAX: u32 = 128;
/// How long closing a segment may wait for a reader that is in its log; the log then stays beside it.
const READER_WAIT: Duration = Duration::from_millis(50);
/// What this version writes, in the file's `user_version`.
const FORMAT: i64 = 2;
const INSERT: &str = "INSERT INTO groups (last, count, body) VALUES (?1, ?2, ?3)";
const GROUPS_AFTER: &str = "SELECT last, count, body FROM groups WHERE last > ?1 ORDER BY last";
const GROUP_AT: &str = "SELECT last, count, body FROM groups WHERE last = ?1";
const ENDS_BACKWARDS: &str = "SELECT last FROM groups WHERE last > ?1 ORDER BY last DESC";

/// Why a segment cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SegmentError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the disk does not give it: {0}")]
    Unreadable(std::io::Error),
    #[error("it was begun and nothing was written to it")]
    Unborn,
    #[error("it is of format {0}, which another version of telness wrote; this one reads {FORMAT}")]
    OtherFormat(i64),
    #[error("an entry is longer than 4 GiB, or the segment has no row left")]
    TooLong,
}

impl SegmentError {
    /// Whether the file is not what was written, as against not to be had at the moment.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(code) => {
                    matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                    // What a file says that lost its first pages and is taken for an empty one.
                    || matches!(error, rusqlite::Error::SqlInputError { .. })
                    || error.to_string().contains("no such table")
                    // A page that ends before its end: the file was cut short, and stays so.
                    || error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_SHORT_READ)
                }
                // A column of a type that we never write.
                None => true,
            },
            Self::Io(_) | Self::Unreadable(_) | Self::Unborn | Self::OtherFormat(_) | Self::TooLong => false,
        }
    }

    /// Whether it is damaged or the disk does not give it. SQLite calls one the other, as to where it comes across it.
    pub(super) fn is_damage_or_unreadable(&self) -> bool {
        let code = match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        };
        code == Some(ErrorCode::SystemIoFailure) || self.is_damage()
    }
}

/// One group as it is kept, with the row of its last entry.
pub(super) struct Group {
    pub(super) last: u32,
    pub(super) count: u32,
    /// Nothing when the bytes are damaged.
    pub(super) entries: Option<Vec<Vec<u8>>>,
}

/// An open segment.
#[derive(Debug)]
pub(super) struct Segment {
    connection: Connection,
}

impl Segment {
    /// Begins a segment in a file that is not there yet.
    pub(super) fn create(file: &Path) -> Result<Self, SegmentError> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(READER_WAIT)?;
        connection.execute_batch(&format!(
            "PRAGMA page_size = {PAGE_BYTES};
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = {LOG_PAGES_MAX};
             BEGIN;
             CREATE TABLE groups (last INTEGER PRIMARY KEY, count INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
             PRAGMA user_version = {FORMAT};
             COMMIT;"
        ))?;
        Ok(Self { connection })
    }

    /// Opens a segment that is there, to bring what its log holds into the file.
    pub(super) fn open(file: &Path) -> Result<Self, SegmentError> {
        Self::with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// Opens a segment that is there, to read.
    pub(super) fn open_to_read(file: &Path) -> Result<Self, SegmentError> {
        Self::with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn with_flags(file: &Path, flags: OpenFlags) -> Result<Self, SegmentError> {
        let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        match connection.query_row("PRAGMA user_version", [], |row| row.get(0))? {
            0 => Err(SegmentError::Unborn),
            FORMAT => Ok(Self { connection }),
            other => Err(SegmentError::OtherFormat(other)),
        }
    }

    /// Writes a group whose last entry gets the row `last`, and returns when it is durable.
    pub(super) fn append(&self, last: u32, count: u32, body: &[u8]) -> Result<(), SegmentError> {
        self.connection.prepare_cached(INSERT)?.execute((last, count, body))?;
        Ok(())
    }

    /// Brings all of the log into the file, and gives the log up if nobody reads it: the closed file then stands
    /// alone, and to open it makes no other file.
    pub(super) fn settle(&self) -> Result<(), SegmentError> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        match self.connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())) {
            Err(error) if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The row of the last entry; zero when there is none.
    pub(super) fn last(&self) -> Result<u32, SegmentError> {
        Ok(self.connection.query_row("SELECT coalesce(max(last), 0) FROM groups", [], |row| row.get(0))?)
    }

    /// Hands the groups that end after a row to `visit`, in order, until it answers false.
    pub(super) fn after(&self, row: u32, visit: impl FnMut(Group) -> bool) -> Result<(), SegmentError> {
        self.visit(GROUPS_AFTER, row, visit)
    }

    /// The same behind a damaged page, where to go on in order fails: each group is asked for alone, so that another
    /// damaged one takes none but its own. `is_lost` says of an error whether the group is given up for it.
    pub(super) fn behind_damage(
        &self,
        row: u32,
        is_lost: fn(&SegmentError) -> bool,
        mut visit: impl FnMut(Group) -> bool,
    ) -> Result<(), SegmentError> {
        for end in self.ends_behind_damage(row, is_lost)? {
            match self.group_at(end) {
                Ok(Some(group)) => {
                    if !visit(group) {
                        break;
                    }
                }
                Err(error) if !is_lost(&error) => return Err(error),
                // It is lost.
                Ok(None) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// The group whose last entry has this row, if it is there.
    fn group_at(&self, last: u32) -> Result<Option<Group>, SegmentError> {
        let mut found = None;
        self.visit(GROUP_AT, last, |group| {
            found = Some(group);
            false
        })?;
        Ok(found)
    }

    /// The last rows of the groups that end after a row, in order, as far as they can be read from the back.
    fn ends_behind_damage(&self, row: u32, is_lost: fn(&SegmentError) -> bool) -> Result<Vec<u32>, SegmentError> {
        let mut statement = self.connection.prepare_cached(ENDS_BACKWARDS)?;
        let mut ends = Vec::new();
        for end in statement.query_map([row], |row| row.get(0))? {
            match end.map_err(SegmentError::from) {
                Ok(end) => ends.push(end),
                Err(error) if is_lost(&error) => break,
                Err(error) => return Err(error),
            }
        }
        ends.reverse();
        Ok(ends)
    }

    fn visit(&self, sql: &str, row: u32, mut visit: impl FnMut(Group) -> bool) -> Result<(), SegmentError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([row])?;
        while let Some(row) = rows.next()? {
            let (last, count): (u32, u32) = (row.get(0)?, row.get(1)?);
            let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            let entries = group::unpack(body).filter(|entries| u32::try_from(entries.len()) == Ok(count));
            if !visit(Group { last, count, entries }) {
                break;
            }
        }
        Ok(())
    }
}
