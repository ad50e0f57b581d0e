//! One group of entries as the bytes that a segment keeps: a checksum, the length of what follows when it is not
//! packed, and each entry behind its length, packed as one LZ4 block.
//!
//! Records repeat each other's words, so a group of them packs to about a fifth. The bytes are written twice, to
//! the log and then to the file, and packing costs less than writing what it saves.
//!
//! SQLite's own checksums guard only its write-ahead log, and only until a checkpoint; ours finds a page that the
//! disk changed later, so that damage is reported here and not as an entry that cannot be read.

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress, get_maximum_output_size};

const CHECKSUM_BYTES: usize = 8;
const LENGTH_BYTES: usize = 4;
const HEAD_BYTES: usize = CHECKSUM_BYTES + LENGTH_BYTES;

/// Writes groups, in room that is used again.
pub(super) struct Packer {
    plain: Vec<u8>,
    packed: Vec<u8>,
    table: CompressTable,
}

impl Packer {
    pub(super) fn new() -> Self {
        Self { plain: Vec::new(), packed: Vec::new(), table: CompressTable::large() }
    }

    /// The bytes of a group. None if an entry or all of them are too long.
    pub(super) fn pack<E: AsRef<[u8]>>(&mut self, entries: &[E]) -> Option<&[u8]> {
        self.plain.clear();
        for entry in entries.iter().map(AsRef::as_ref) {
            self.plain.extend_from_slice(&u32::try_from(entry.len()).ok()?.to_le_bytes());
            self.plain.extend_from_slice(entry);
        }
        let length = u32::try_from(self.plain.len()).ok()?;
        let room = HEAD_BYTES.checked_add(get_maximum_output_size(self.plain.len()))?;
        if self.packed.len() < room {
            self.packed.resize(room, 0);
        }
        let (checksum_place, rest) = self.packed.split_first_chunk_mut::<CHECKSUM_BYTES>()?;
        let (length_place, block) = rest.split_first_chunk_mut::<LENGTH_BYTES>()?;
        *length_place = length.to_le_bytes();
        let written = compress_into_with_table(&self.plain, block, &mut self.table).ok()?;
        *checksum_place = checksum(rest.get(..LENGTH_BYTES.checked_add(written)?)?).to_le_bytes();
        self.packed.get(..HEAD_BYTES.checked_add(written)?)
    }
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

/// The entries of a group, or nothing if the bytes are not as they were written.
pub(super) fn unpack(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (head, rest) = bytes.split_first_chunk::<CHECKSUM_BYTES>()?;
    if checksum(rest) != u64::from_le_bytes(*head) {
        return None;
    }
    let (length, block) = rest.split_first_chunk::<LENGTH_BYTES>()?;
    let plain = decompress(block, usize::try_from(u32::from_le_bytes(*length)).ok()?).ok()?;
    let mut rest = plain.as_slice();
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (entry, after) = after.split_at_checked(length)?;
        entries.push(entry.to_vec());
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
        let mut packer = Packer::new();
        packer.pack(&[[9; 5000]; 3]).unwrap();
        let bytes = packer.pack(&entries).unwrap().to_vec();
        assert_eq!(unpack(&bytes).unwrap(), entries);
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                assert_eq!(unpack(&damaged), None, "bit {bit} of byte {place}");
            }
            assert_eq!(unpack(&bytes[..place]), None, "cut to {place} bytes");
        }
    }
}
