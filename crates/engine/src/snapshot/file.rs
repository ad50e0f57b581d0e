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
use std::io::{self, BufWriter, Read, Seek as _, SeekFrom, Write};
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
const BUFFER_BYTES: usize = 1 << 16;

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

/// Writes tables to a file and makes that durable. The file gets the name it is found by only afterwards. Of a write that
/// failed nothing stays: the disk may be full, and the journal needs the room.
pub(super) fn write(tables: &Tables, path: &Path) -> io::Result<()> {
    let written = write_whole(tables, path);
    if written.is_err() {
        // Where nothing can be deleted, nothing could be written.
        let _ = fs::remove_file(path);
    }
    written
}

fn write_whole(tables: &Tables, path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    (&file).write_all(&[0; HEADER_BYTES])?;
    let mut body = Hashed { to: BufWriter::with_capacity(BUFFER_BYTES, &file), hash: Context::new(&SHA256), len: 0 };
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
    let (mut file, len) = open(path)?;
    let header = Header::of(&mut file)?;
    // Before memory is taken for it: a damaged disk may say any length.
    header.has_length(len.saturating_sub(u64::try_from(HEADER_BYTES).unwrap_or(u64::MAX)))?;
    let mut body = Vec::with_capacity(usize::try_from(header.len).unwrap_or(0));
    file.take(SNAPSHOT_BYTES_MAX).read_to_end(&mut body)?;
    let began = next(began, &mut took.read);
    header.holds(u64::try_from(body.len()).unwrap_or(u64::MAX), digest(&SHA256, &body).as_ref())?;
    let began = next(began, &mut took.checksum);
    let tables = body::read(&body).map_err(SnapshotError::Unreadable)?;
    next(began, &mut took.decode);
    Ok((tables, took))
}

/// Whether a file is whole and what was written, without keeping what it says; and the checksum that tells it from
/// every other.
pub(super) fn verify(path: &Path) -> Result<[u8; 32], SnapshotError> {
    let mut file = open(path)?.0;
    let header = Header::of(&mut file)?;
    let (mut hash, mut found, mut buffer) = (Context::new(&SHA256), 0_u64, vec![0; BUFFER_BYTES]);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        found = found.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    header.holds(found, hash.finish().as_ref())?;
    Ok(header.sha256)
}

/// The checksum that the header of a file tells.
pub(super) fn sha256_of(path: &Path) -> Result<[u8; 32], SnapshotError> {
    Header::of(&mut open(path)?.0).map(|header| header.sha256)
}

/// Opens a file that is none without end, and says how large it is.
fn open(path: &Path) -> Result<(File, u64), SnapshotError> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(SnapshotError::NotASnapshot);
    }
    if metadata.len() > SNAPSHOT_BYTES_MAX {
        return Err(SnapshotError::TooLarge { bytes: metadata.len() });
    }
    Ok((File::open(path)?, metadata.len()))
}

/// What a header says of the body behind it.
struct Header {
    len: u64,
    sha256: [u8; 32],
}

impl Header {
    fn of(file: &mut impl Read) -> Result<Self, SnapshotError> {
        let mut bytes = [0; HEADER_BYTES];
        match file.read_exact(&mut bytes) {
            Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => return Err(SnapshotError::NotASnapshot),
            read => read?,
        }
        Self::read(&bytes).ok_or(SnapshotError::NotASnapshot)?
    }

    /// Nothing if it is no header, and an error if it is one of another format.
    fn read(bytes: &[u8]) -> Option<Result<Self, SnapshotError>> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (format, rest) = rest.split_first_chunk()?;
        let (zero, rest) = rest.split_first_chunk::<4>()?;
        let (len, sha256) = rest.split_first_chunk()?;
        let format = u32::from_le_bytes(*format);
        if format != FORMAT {
            return Some(Err(SnapshotError::UnknownFormat(format)));
        }
        let header = Self { len: u64::from_le_bytes(*len), sha256: sha256.try_into().ok()? };
        (*zero == [0; 4]).then_some(Ok(header))
    }

    fn has_length(&self, found: u64) -> Result<(), SnapshotError> {
        if self.len == found { Ok(()) } else { Err(SnapshotError::Length { said: self.len, found }) }
    }

    fn holds(&self, found: u64, sha256: &[u8]) -> Result<(), SnapshotError> {
        self.has_length(found)?;
        if self.sha256 == sha256 { Ok(()) } else { Err(SnapshotError::Damaged) }
    }
}

/// Ends one part and begins the next.
fn next(began: Instant, part: &mut Duration) -> Instant {
    *part = began.elapsed();
    monotonic()
}
