//! The snapshot on disk: a header that tells whether the body is what was written, whole and of a known format.
//!
//! ```text
//! offset  0  8 bytes   TELNSNAP
//!         8  4 bytes   the format, 1 (little-endian, as all numbers of the header)
//!        12  4 bytes   zero
//!        16  8 bytes   the body's length
//!        24 32 bytes   SHA-256 of the body
//!        56            the body
//! ```
//! A file is written under another name, synced, and then given its own, so that a crash leaves the one before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use ring::digest::{Context, SHA256, digest};

use super::body;
use super::tables::Tables;
use crate::clock::monotonic;

/// The format that is written.
pub const FORMAT: u32 = 1;

/// The largest file that is read: some twenty million users, numbers and rates.
pub const SNAPSHOT_BYTES_MAX: u64 = 4 << 30;

const MAGIC: &[u8; 8] = b"TELNSNAP";
const HEADER_BYTES: usize = 56;

/// Why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is larger than any that is written.
    #[error("it has {bytes} bytes, and at most {SNAPSHOT_BYTES_MAX} are read")]
    TooLarge {
        /// How large it is.
        bytes: u64,
    },
    /// It does not begin as one does.
    #[error("it is no snapshot")]
    NotASnapshot,
    /// A later release wrote it, or the header is damaged.
    #[error("it is of format {0}, and this release reads format {FORMAT}")]
    UnknownFormat(u32),
    /// It is longer or shorter than it says.
    #[error("its body should have {said} bytes and has {found}")]
    Length {
        /// What the header says.
        said: u64,
        /// What there is.
        found: u64,
    },
    /// The body is not what was written.
    #[error("its checksum is not that of its body: it is damaged")]
    Damaged,
    /// The body is what was written, and no snapshot of this format.
    #[error("its body cannot be read: {0}")]
    Unreadable(String),
}

/// How long the parts of reading took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Took {
    /// From the disk.
    pub read: Duration,
    /// The checksum.
    pub checksum: Duration,
    /// From bytes to tables.
    pub decode: Duration,
}

/// Writes tables to a file and makes that durable. The file gets the name it is found by only afterwards.
pub(super) fn write(tables: &Tables, path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    (&file).write_all(&[0; HEADER_BYTES])?;
    let mut body = Hashed { to: BufWriter::with_capacity(1 << 16, &file), hash: Context::new(&SHA256), len: 0 };
    body::write(tables, &mut body)?;
    body.to.flush()?;
    (&file).seek(SeekFrom::Start(0))?;
    (&file).write_all(&header(body.len, body.hash.finish().as_ref()))?;
    file.sync_all()
}

fn header(len: u64, sha256: &[u8]) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&FORMAT.to_le_bytes());
    header.extend_from_slice(&[0; 4]);
    header.extend_from_slice(&len.to_le_bytes());
    header.extend_from_slice(sha256);
    header
}

/// Hashes what goes through to a file.
struct Hashed<W> {
    to: W,
    hash: Context,
    len: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.len = self.len.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.to.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Reads a file and believes nothing of it before the checksum holds.
pub(super) fn read(path: &Path) -> Result<(Tables, Took), SnapshotError> {
    let mut took = Took::default();
    let began = monotonic();
    let bytes = whole(path)?;
    let began = next(began, &mut took.read);
    let body = checked(&bytes)?;
    let began = next(began, &mut took.checksum);
    let tables = body::read(body).map_err(SnapshotError::Unreadable)?;
    next(began, &mut took.decode);
    Ok((tables, took))
}

/// Whether a file is whole and what was written, without reading what it says.
pub(super) fn verify(path: &Path) -> Result<(), SnapshotError> {
    checked(&whole(path)?).map(drop)
}

fn whole(path: &Path) -> Result<Vec<u8>, SnapshotError> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(SnapshotError::NotASnapshot);
    }
    if metadata.len() > SNAPSHOT_BYTES_MAX {
        return Err(SnapshotError::TooLarge { bytes: metadata.len() });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0).saturating_add(1));
    File::open(path)?.take(SNAPSHOT_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn next(began: Instant, part: &mut Duration) -> Instant {
    *part = began.elapsed();
    monotonic()
}

/// The body of a file whose header holds true.
fn checked(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(SnapshotError::NotASnapshot)?;
    let (format, rest) = rest.split_first_chunk().ok_or(SnapshotError::NotASnapshot)?;
    let (zero, rest) = rest.split_first_chunk::<4>().ok_or(SnapshotError::NotASnapshot)?;
    let (len, rest) = rest.split_first_chunk().ok_or(SnapshotError::NotASnapshot)?;
    let (sha256, body) = rest.split_first_chunk::<32>().ok_or(SnapshotError::NotASnapshot)?;
    match u32::from_le_bytes(*format) {
        FORMAT if *zero == [0; 4] => {}
        FORMAT => return Err(SnapshotError::NotASnapshot),
        format => return Err(SnapshotError::UnknownFormat(format)),
    }
    let (said, found) = (u64::from_le_bytes(*len), u64::try_from(body.len()).unwrap_or(u64::MAX));
    if said != found {
        return Err(SnapshotError::Length { said, found });
    }
    if digest(&SHA256, body).as_ref() == sha256 { Ok(body) } else { Err(SnapshotError::Damaged) }
}
