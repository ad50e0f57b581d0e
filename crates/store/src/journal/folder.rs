//! The journal's folder: its lock, its id, the names of its files, and what is put aside.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::{JournalError, JournalId};

const ID_FILE: &str = "journal.id";

/// A folder that this process alone writes to, for as long as the value lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |error: io::Error| io_error(path, &error);
        fs::create_dir_all(path).map_err(failed)?;
        let lock =
            File::options().create(true).truncate(false).write(true).open(path.join("journal.lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(JournalError::Locked { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The id that the folder keeps, if it can be read. One that cannot is replaced: the store then knows nothing of
    /// this journal and is sent all of it again, which changes nothing there.
    pub(super) fn id(&self) -> io::Result<Option<JournalId>> {
        let file = self.path.join(ID_FILE);
        let found = match fs::read_to_string(&file) {
            Ok(text) => text.trim().parse::<uuid::Uuid>().ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            Err(error) => return Err(error),
        };
        if found.is_none() {
            tracing::error!(
                file = %file.display(),
                "the journal's id cannot be read; it gets another, and all that it holds is shipped again"
            );
        }
        Ok(found.map(|id| JournalId(id.into_bytes())))
    }

    /// Makes names durable: of files that were begun, renamed or deleted.
    pub(super) fn sync(&self) -> io::Result<()> {
        sync(&self.path)
    }

    /// The numbers of the segments that are there, in order, and the highest number that was ever in use here.
    pub(super) fn segments(&self) -> io::Result<(Vec<u32>, u32)> {
        let (mut numbers, mut highest) = (Vec::new(), 0);
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let Some(rest) = name.to_str().and_then(|name| name.strip_prefix("segment-")) else { continue };
            let (number, kind) = rest.split_once('.').unwrap_or((rest, ""));
            let Ok(number) = number.parse::<u32>() else { continue };
            highest = highest.max(number);
            if kind == "sqlite" {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok((numbers, highest))
    }

    pub(super) fn segment(&self, number: u32) -> PathBuf {
        segment(&self.path, number)
    }

    /// A file beside a segment, such as its intact part while it is being copied.
    pub(super) fn beside(&self, number: u32, kind: &str) -> PathBuf {
        self.path.join(format!("segment-{number:010}.{kind}"))
    }

    /// The bytes that a segment takes with its log; nothing for what is not there.
    pub(super) fn bytes(&self, number: u32) -> u64 {
        let file = self.segment(number);
        let length = |file: &Path| fs::metadata(file).map_or(0, |found| found.len());
        length(&file).saturating_add(length(&with_suffix(&file, "-wal")))
    }

    /// Deletes a segment and what belongs to it. The file itself goes last, so that a deletion that was cut short is
    /// found and done again.
    pub(super) fn delete(&self, number: u32) -> io::Result<()> {
        let file = self.segment(number);
        for gone in [self.beside(number, "shipped"), with_suffix(&file, "-wal"), with_suffix(&file, "-shm"), file] {
            remove(&gone)?;
        }
        Ok(())
    }

    /// Puts a damaged segment aside for people to look at, and answers the file's new name.
    pub(super) fn put_aside(&self, number: u32) -> io::Result<PathBuf> {
        let file = self.segment(number);
        let mut aside = self.beside(number, "damaged");
        for again in 2_u32.. {
            if !aside.exists() {
                break;
            }
            aside = self.beside(number, &format!("damaged-{again}"));
        }
        let log = with_suffix(&file, "-wal");
        if log.exists() {
            fs::rename(&log, with_suffix(&aside, "-wal"))?;
        }
        remove(&with_suffix(&file, "-shm"))?;
        fs::rename(&file, &aside)?;
        Ok(aside)
    }
}

/// Makes the id of a journal durable in its folder.
pub(super) fn keep_id(folder: &Path, id: JournalId) -> io::Result<()> {
    let draft = folder.join("journal.id.draft");
    fs::write(&draft, format!("{}\n", uuid::Uuid::from_bytes(id.0)))?;
    File::open(&draft)?.sync_all()?;
    fs::rename(&draft, folder.join(ID_FILE))?;
    sync(folder)
}

/// The file of a segment.
pub(super) fn segment(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("segment-{number:010}.sqlite"))
}

/// Why the disk does not give all of a segment, as against what is in it. One that is gone is nothing of that.
pub(super) fn unreadable(folder: &Path, number: u32) -> Option<io::Error> {
    let file = segment(folder, number);
    let read = |file: &Path| File::open(file).and_then(|mut file| io::copy(&mut file, &mut io::sink()));
    let failed = [read(&file), read(&with_suffix(&file, "-wal"))].into_iter().filter_map(Result::err);
    failed.into_iter().find(|error| error.kind() != io::ErrorKind::NotFound)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

pub(super) fn io_error(folder: &Path, why: &dyn std::fmt::Display) -> JournalError {
    JournalError::Io { path: folder.to_owned(), why: why.to_string() }
}

/// Deletes a file, if it is there.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    PathBuf::from(name)
}
