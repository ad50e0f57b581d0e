//! Records that the store refuses each time though it takes others, and those that this version cannot read: kept as they
//! are in a folder beside the journal's segments, so that they hold up nothing behind them (S4), and offered to the store
//! again at each start, for a later version may know what to do.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use telness_store::{JournalId, Position};

/// The most records that are kept so: a thousand that are refused are no defect of a record.
const RECORDS_MAX: usize = 1_000;

/// What the name of each file ends with.
const ENDING: &str = ".record";

/// The folder.
#[derive(Debug)]
pub(super) struct Aside(PathBuf);

impl Aside {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The names of what is kept, the oldest of a journal first.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let files = match fs::read_dir(&self.0) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files?,
        };
        let mut names = Vec::new();
        for file in files {
            names.extend(file?.file_name().into_string().ok().filter(|name| name.ends_with(ENDING)));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Keeps a record, and answers where; nothing if it is kept already.
    pub(super) fn keep(&self, journal: JournalId, at: Position, bytes: &[u8]) -> io::Result<Option<PathBuf>> {
        let path = self.0.join(format!("{}-{:020}{ENDING}", journal.as_text(), at.0));
        if path.try_exists()? {
            return Ok(None);
        }
        if self.names()?.len() >= RECORDS_MAX {
            let (folder, max) = (self.0.display(), RECORDS_MAX);
            return Err(io::Error::other(format!(
                "{folder} has {max} records that were set aside, which is the limit"
            )));
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let beside = path.with_extension("new");
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(&self.0)?.sync_all()?;
        Ok(Some(path))
    }

    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(name))
    }

    /// The store has it.
    pub(super) fn forget(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }
}
