//! When the store was last known to hold what the current snapshot has: in a small file beside, so that a day without
//! a change writes 72 bytes now and then and not the snapshot again.
//!
//! It has the snapshot's checksum, so that it is of that one and no other, the time, and a checksum of both. It is not
//! synced: without it a node believes itself older than it is, which does no harm.

use std::fs;
use std::io;
use std::path::Path;

use ring::digest::{SHA256, digest};
use telness_core::time::Timestamp;

/// Writes the time for the snapshot of a checksum.
pub(super) fn write(path: &Path, beside: &Path, of: [u8; 32], known_at: Timestamp) -> io::Result<()> {
    let mut bytes = of.to_vec();
    bytes.extend_from_slice(&known_at.as_micros().to_le_bytes());
    let sum = digest(&SHA256, &bytes);
    bytes.extend_from_slice(sum.as_ref());
    fs::write(beside, bytes)?;
    fs::rename(beside, path)
}

/// The time that was written for the snapshot of a checksum; nothing if there is none that holds.
pub(super) fn read(path: &Path, of: [u8; 32]) -> Option<Timestamp> {
    let bytes = fs::read(path).ok()?;
    let (content, sum) = bytes.split_last_chunk::<32>()?;
    let micros: &[u8; 8] = content.strip_prefix(&of)?.try_into().ok()?;
    let holds = digest(&SHA256, content).as_ref() == sum;
    holds.then(|| Timestamp::from_micros(i64::from_le_bytes(*micros)))
}
