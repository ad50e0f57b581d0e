//! The folder of everything that a node keeps: one process at a time, readable by its owner alone.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use telness_core::names::NodeName;

use crate::config::Settings;
use crate::identity::random_bytes;

const SECRET_DAMAGED: &str = "it should have 32 bytes; bring it back from a backup, since another key makes other ids of \
                              the same idempotency keys";
const KEY_FILE_DAMAGED: &str =
    "it should have 32 bytes, or 64 hexadecimal digits: the key that all nodes of a database share";
const NAME_DAMAGED: &str = "it should hold the node's name; write that into it, or delete it for a new one";

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// The system refused.
    #[error("{path}: {why}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// Another process has it.
    #[error("{path} is in use by another telness; stop that one, or give this one a folder of its own with --data")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A file of it is not what we wrote.
    #[error("{path} is damaged: {why}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
}

/// An opened data folder. It stays locked as long as this lives.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Opens a data folder, or makes one.
    ///
    /// # Errors
    /// When the system refuses, or another process has it.
    pub fn open(path: &Path) -> Result<Self, DataFolderError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(path).map_err(|why| io(path, why))?;
        warn_if_open(path)?;
        let lock_path = path.join("lock");
        let lock = private(&lock_path, false).map_err(|why| io(&lock_path, why))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataFolderError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(why)) => Err(io(&lock_path, why)),
        }
    }

    /// The journal's folder.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// The folder of snapshots.
    #[must_use]
    pub fn snapshot(&self) -> PathBuf {
        self.path.join("snapshot")
    }

    /// The file that tells what is believed of gateways.
    #[must_use]
    pub fn gateways(&self) -> PathBuf {
        gateways_file(&self.path)
    }

    /// The file of incidents.
    #[must_use]
    pub fn incidents(&self) -> PathBuf {
        incidents_file(&self.path)
    }

    /// The embedded store's file.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        store_file(&self.path)
    }

    /// The server's secret, made at the first start.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn secret(&self) -> Result<[u8; 32], DataFolderError> {
        let path = self.path.join("server.key");
        let fresh = || random_bytes::<32>().map(|bytes| bytes.to_vec());
        let bytes = self.read_or_make(&path, fresh)?;
        bytes.try_into().map_err(|_| DataFolderError::Damaged { path, why: SECRET_DAMAGED })
    }

    /// The node's name when the settings give none, made at the first start.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn node_name(&self) -> Result<NodeName, DataFolderError> {
        let path = self.path.join("node.name");
        let fresh =
            || random_bytes::<4>().map(|[a, b, c, d]| format!("node-{a:02x}{b:02x}{c:02x}{d:02x}").into_bytes());
        let bytes = self.read_or_make(&path, fresh)?;
        let name = std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
        name.ok_or(DataFolderError::Damaged { path, why: NAME_DAMAGED })
    }

    fn read_or_make(
        &self,
        path: &Path,
        fresh: impl FnOnce() -> Result<Vec<u8>, crate::identity::NoRandomness>,
    ) -> Result<Vec<u8>, DataFolderError> {
        // A file that is there and empty was emptied by somebody: another secret would make other ids of old keys.
        match fs::read(path) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
            read => return read.map_err(|why| io(path, why)),
        }
        let bytes = fresh().map_err(|error| io(path, std::io::Error::other(error)))?;
        // Written beside and renamed, so that a crash leaves no half a key.
        let beside = path.with_extension("new");
        let write = || -> std::io::Result<()> {
            let mut file = private(&beside, true)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&beside, path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|why| io(path, why))?;
        Ok(bytes)
    }
}

/// The embedded store's file in a data folder that another process may have open.
#[must_use]
pub fn store_file(folder: &Path) -> PathBuf {
    folder.join("calls.sqlite")
}

/// The file in a data folder that tells what its node believes of gateways.
#[must_use]
pub fn gateways_file(folder: &Path) -> PathBuf {
    folder.join("gateways.json")
}

/// The file in a data folder in which its node keeps incidents.
#[must_use]
pub fn incidents_file(folder: &Path) -> PathBuf {
    folder.join("incidents.jsonl")
}

/// The server's secret of the settings: that of the key file if they name one, or else of the data folder, which another
/// process may have open; none if that was never started on.
///
/// # Errors
/// When it cannot be read.
pub fn read_secret(settings: &Settings) -> Result<Option<[u8; 32]>, DataFolderError> {
    match &settings.key_file {
        Some(file) => read_key_file(file).map(Some),
        None => read_own_secret(&settings.data),
    }
}

/// The key that several nodes share.
pub(crate) fn read_key_file(path: &Path) -> Result<[u8; 32], DataFolderError> {
    let bytes = fs::read(path).map_err(|why| io(path, why))?;
    let found = <[u8; 32]>::try_from(bytes.as_slice()).ok().or_else(|| of_hex(bytes.trim_ascii()));
    found.ok_or_else(|| DataFolderError::Damaged { path: path.to_owned(), why: KEY_FILE_DAMAGED })
}

fn of_hex(digits: &[u8]) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

fn read_own_secret(folder: &Path) -> Result<Option<[u8; 32]>, DataFolderError> {
    let path = folder.join("server.key");
    match fs::read(&path) {
        Ok(bytes) => {
            let secret = bytes.try_into().map(Some);
            secret.map_err(|_| DataFolderError::Damaged { path, why: SECRET_DAMAGED })
        }
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(io(&path, why)),
    }
}

/// A folder that was there before has the mode that somebody gave it, and may hold files of before (P2).
fn warn_if_open(path: &Path) -> Result<(), DataFolderError> {
    let mode = fs::metadata(path).map_err(|why| io(path, why))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, mode = format!("{mode:03o}"), "others can look into the data folder; chmod 700 it");
    }
    Ok(())
}

fn private(path: &Path, truncate: bool) -> std::io::Result<File> {
    OpenOptions::new().create(true).write(true).truncate(truncate).mode(0o600).open(path)
}

fn io(path: &Path, why: std::io::Error) -> DataFolderError {
    DataFolderError::Io { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n5_a_key_file_has_32_bytes_or_64_digits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let settings = Settings { key_file: Some(path.clone()), ..Settings::defaults() };
        assert!(matches!(read_secret(&settings), Err(DataFolderError::Io { .. })));
        fs::write(&path, [0xab; 32]).unwrap();
        assert_eq!(read_secret(&settings).unwrap(), Some([0xab; 32]));
        fs::write(&path, format!("{}\n", "aB".repeat(32))).unwrap();
        assert_eq!(read_secret(&settings).unwrap(), Some([0xab; 32]));
        for damaged in ["", "ab", &"ag".repeat(32), &"+a".repeat(32), &"ab".repeat(33)] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(read_secret(&settings), Err(DataFolderError::Damaged { .. })), "{damaged}");
        }
    }

    #[test]
    fn n5_an_emptied_secret_is_damage_and_not_the_first_start() {
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(&parent.path().join("data")).unwrap();
        let secret = folder.secret().unwrap();
        assert_eq!(folder.secret().unwrap(), secret);
        folder.node_name().unwrap();
        for name in ["server.key", "node.name"] {
            fs::write(folder.path.join(name), "").unwrap();
        }
        assert!(matches!(folder.secret(), Err(DataFolderError::Damaged { .. })));
        assert!(matches!(folder.node_name(), Err(DataFolderError::Damaged { .. })));
        assert!(fs::read(folder.path.join("server.key")).unwrap().is_empty(), "it is left as it was found");
    }
}
