//! The folder of snapshots: the current one and the one before, so that a damaged or half-written one costs nothing
//! but age.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use telness_core::time::Timestamp;

use super::file::{self, SnapshotError, Took};
use super::known;
use super::tables::Tables;

const CURRENT: &str = "current";
const BEFORE: &str = "before";
/// A snapshot that was refused, kept for whoever wants to know why.
const REFUSED: &str = "refused";
/// A snapshot that is being written; whatever a crash left of it is written over.
const WRITING: &str = "writing";

/// When the current snapshot was last known to be current.
const KNOWN: &str = "known";

/// Where a node keeps what it served last.
#[derive(Clone, Debug)]
pub struct SnapshotFolder(PathBuf);

/// Tables that were read from a snapshot.
#[derive(Debug)]
pub struct Loaded {
    /// The tables.
    pub tables: Tables,
    /// The file.
    pub path: PathBuf,
    /// How long the parts of it took.
    pub took: Took,
}

/// A file that was not used, and why.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot {path} is not used: {why}")]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: SnapshotError,
}

/// What was found: the newest snapshot that holds, and those that do not.
#[derive(Debug, Default)]
pub struct Found {
    /// The tables; none if there is no snapshot that holds.
    pub loaded: Option<Loaded>,
    /// What was passed over.
    pub refused: Vec<Refused>,
}

impl SnapshotFolder {
    /// The folder at a path, which is made when something is first saved.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Reads the current snapshot, or the one before if that cannot be used. Never fails: a node starts without.
    #[must_use]
    pub fn load(&self) -> Found {
        let mut found = Found::default();
        for name in [CURRENT, BEFORE] {
            let path = self.0.join(name);
            match file::read(&path) {
                Ok((mut tables, took)) => {
                    let confirmed = file::sha256_of(&path).ok().and_then(|of| known::read(&self.0.join(KNOWN), of));
                    tables.known_at = confirmed.map_or(tables.known_at, |at| at.max(tables.known_at));
                    found.loaded = Some(Loaded { tables, path, took });
                    break;
                }
                Err(SnapshotError::Io(why)) if why.kind() == io::ErrorKind::NotFound => {}
                Err(why) => found.refused.push(Refused { path, why }),
            }
        }
        found
    }

    /// Writes tables as the current snapshot and keeps the one before. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// When the system refuses. What was there before is kept.
    pub fn save(&self, tables: &Tables) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.0)?;
        let (current, written) = (self.0.join(CURRENT), self.0.join(WRITING));
        file::write(tables, &written)?;
        self.keep_before(&current)?;
        fs::rename(&written, &current)?;
        fs::File::open(&self.0)?.sync_all()
    }

    /// Notes that the store still holds what the current snapshot has. A few dozen bytes, so it may be said often.
    ///
    /// # Errors
    /// When there is no snapshot, or the system refuses.
    pub fn confirm(&self, known_at: Timestamp) -> Result<(), SnapshotError> {
        let of = file::sha256_of(&self.0.join(CURRENT))?;
        let beside = self.0.join(format!("{KNOWN}.{WRITING}"));
        Ok(known::write(&self.0.join(KNOWN), &beside, of, known_at)?)
    }

    /// Makes the current snapshot the one before; one that is damaged goes aside, so that it does not take the place of
    /// one that holds.
    fn keep_before(&self, current: &Path) -> io::Result<()> {
        let to = match file::verify(current) {
            Ok(_) => BEFORE,
            Err(SnapshotError::Io(why)) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) => REFUSED,
        };
        fs::rename(current, self.0.join(to))
    }
}
