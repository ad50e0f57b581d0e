//! The bytes of an export: the first line, frames of records, each with a checksum over itself and all before it, and
//! the trailer.
//!
//! A frame is its head (section, records, bytes unpacked and packed), one LZ4 block, and a SHA-256. Unpacked it is each
//! record behind its length. No length is believed further than an export can have it.

use std::io::{self, Read, Write};

use lz4_flex::block::{compress, decompress};
use ring::digest;
use serde::{Deserialize, Serialize};

use super::head::{HEAD_BYTES_MAX, Head};
use super::{Count, ExportError};

/// Where a frame is ended and written: what one transaction takes in.
const FRAME_BYTES: usize = 1 << 20;
/// The longest record: more than the largest plan.
const RECORD_BYTES_MAX: usize = 16 << 20;
/// The longest frame, unpacked, and what LZ4 can make of it at worst.
const UNPACKED_BYTES_MAX: usize = FRAME_BYTES + RECORD_BYTES_MAX + 4;
const PACKED_BYTES_MAX: usize = UNPACKED_BYTES_MAX + UNPACKED_BYTES_MAX / 255 + 16;

const FRAME_HEAD_BYTES: usize = 13;
const DIGEST_BYTES: usize = 32;
/// In the place of a section.
const TRAILER: u8 = 0xff;

type Digest = [u8; DIGEST_BYTES];

/// What the trailer says.
#[derive(Debug, Serialize, Deserialize)]
struct Trailer {
    counts: Vec<Count>,
}

/// Writes an export.
pub(super) struct FrameWriter<W> {
    out: W,
    digest: Digest,
    section: usize,
    records: u32,
    plain: Vec<u8>,
    counts: Vec<Count>,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn begin(mut out: W, head: &Head) -> Result<Self, ExportError> {
        let mut line = serde_json::to_vec(head).map_err(io::Error::other)?;
        line.push(b'\n');
        out.write_all(&line)?;
        let counts = head.sections.iter().map(|one| Count { section: one.name.clone(), records: 0 }).collect();
        Ok(Self {
            out,
            digest: chained(&[0; DIGEST_BYTES], &[&line]),
            section: 0,
            records: 0,
            plain: Vec::new(),
            counts,
        })
    }

    /// Adds a record to a section, which is the one of before or a later one.
    pub(super) fn add(&mut self, section: usize, record: &[u8]) -> Result<(), ExportError> {
        if record.len() > RECORD_BYTES_MAX {
            return Err(io::Error::other(format!("a record has {} bytes", record.len())).into());
        }
        if section != self.section || self.plain.len() >= FRAME_BYTES {
            self.end_frame()?;
            self.section = section;
        }
        let length = u32::try_from(record.len()).map_err(io::Error::other)?;
        self.plain.extend_from_slice(&length.to_le_bytes());
        self.plain.extend_from_slice(record);
        self.records = self.records.saturating_add(1);
        if let Some(count) = self.counts.get_mut(section) {
            count.records = count.records.saturating_add(1);
        }
        Ok(())
    }

    /// Writes the trailer; answers what there is of each section.
    pub(super) fn end(mut self) -> Result<Vec<Count>, ExportError> {
        self.end_frame()?;
        let trailer = Trailer { counts: self.counts };
        let plain = serde_json::to_vec(&trailer).map_err(io::Error::other)?;
        write_frame(&mut self.out, &self.digest, (TRAILER, 0), &plain)?;
        self.out.flush()?;
        Ok(trailer.counts)
    }

    fn end_frame(&mut self) -> Result<(), ExportError> {
        if self.records > 0 {
            let section = u8::try_from(self.section).map_err(io::Error::other)?;
            self.digest = write_frame(&mut self.out, &self.digest, (section, self.records), &self.plain)?;
            self.plain.clear();
            self.records = 0;
        }
        Ok(())
    }
}

fn write_frame(
    out: &mut impl Write,
    before: &Digest,
    (section, records): (u8, u32),
    plain: &[u8],
) -> Result<Digest, ExportError> {
    let packed = compress(plain);
    let mut head = vec![section];
    head.extend_from_slice(&records.to_le_bytes());
    for bytes in [plain.len(), packed.len()] {
        head.extend_from_slice(&u32::try_from(bytes).map_err(io::Error::other)?.to_le_bytes());
    }
    let digest = chained(before, &[&head, &packed]);
    for part in [head.as_slice(), &packed, &digest] {
        out.write_all(part)?;
    }
    Ok(digest)
}

/// Some records of one section.
pub(super) struct Frame {
    /// The section's place in the first line.
    pub(super) section: usize,
    pub(super) records: Vec<Vec<u8>>,
    /// How many records of the file there are up to here.
    pub(super) upto: u64,
}

/// Reads an export, and believes nothing of it.
pub(super) struct FrameReader<R> {
    input: R,
    pub(super) head: Head,
    digest: Digest,
    /// Bytes and records that were well.
    pub(super) at: u64,
    records: u64,
    counts: Vec<u64>,
    last_section: usize,
}

impl<R: Read> FrameReader<R> {
    /// Reads the first line.
    pub(super) fn begin(mut input: R) -> Result<Self, ExportError> {
        let mut line = Vec::new();
        let mut byte = [0];
        while line.last() != Some(&b'\n') {
            let ended = input.read(&mut byte)? == 0;
            line.push(byte[0]);
            if ended || line.len() > HEAD_BYTES_MAX {
                return Err(no_export("its first line is not that of an export"));
            }
        }
        // Its version comes before all else: the rest of a later one may be anything.
        #[derive(Deserialize)]
        struct Versioned {
            telness_export: super::Format,
            #[serde(default)]
            telness: String,
        }
        let versioned: Versioned =
            serde_json::from_slice(&line).map_err(|_| no_export("its first line is not that of an export"))?;
        if versioned.telness_export.major > super::FORMAT.major {
            let why = format!("its format is {}", versioned.telness_export.major);
            return Err(ExportError::Later { telness: versioned.telness, why });
        }
        let head: Head = serde_json::from_slice(&line).map_err(|why| no_export(format!("its first line: {why}")))?;
        head.require_known()?;
        if head.sections.len() >= usize::from(TRAILER) {
            return Err(no_export("it has more sections than an export can have"));
        }
        let (digest, at) = (chained(&[0; DIGEST_BYTES], &[&line]), u64::try_from(line.len()).unwrap_or(u64::MAX));
        let counts = vec![0; head.sections.len()];
        Ok(Self { input, head, digest, at, records: 0, counts, last_section: 0 })
    }

    /// The next frame; none when the trailer was read, and all is as it says.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, ExportError> {
        let head: [u8; FRAME_HEAD_BYTES] = self.bytes(FRAME_HEAD_BYTES)?.try_into().unwrap_or_default();
        let [section, rest @ ..] = head;
        let [records, unpacked, packed] = words(&rest);
        if to_usize(unpacked) > UNPACKED_BYTES_MAX || to_usize(packed) > PACKED_BYTES_MAX {
            return Err(self.damaged(format!("a frame of {unpacked} bytes, packed in {packed}, is in no export")));
        }
        let block = self.bytes(to_usize(packed))?;
        let digest = self.bytes(DIGEST_BYTES)?;
        let expected = chained(&self.digest, &[&head, &block]);
        if digest != expected {
            return Err(self.damaged("its checksum is another: it was changed or damaged here, or moved"));
        }
        let plain = decompress(&block, to_usize(unpacked)).map_err(|why| self.damaged(why.to_string()))?;
        if plain.len() != to_usize(unpacked) {
            return Err(self.damaged("it is not as long as it says"));
        }
        let frame = if section == TRAILER {
            self.trailer(&plain).map(|()| None)?
        } else {
            Some(self.frame(usize::from(section), records, &plain)?)
        };
        self.digest = expected;
        let whole =
            [FRAME_HEAD_BYTES, block.len(), DIGEST_BYTES].iter().fold(0_usize, |sum, one| sum.saturating_add(*one));
        self.at = self.at.saturating_add(u64::try_from(whole).unwrap_or(u64::MAX));
        Ok(frame)
    }

    /// What tells this file's content from any other's, once it was read to its end.
    pub(super) const fn digest(&self) -> Digest {
        self.digest
    }

    pub(super) fn counts(&self) -> Vec<Count> {
        let named = self.head.sections.iter().zip(&self.counts);
        named.map(|(section, records)| Count { section: section.name.clone(), records: *records }).collect()
    }

    pub(super) fn damaged(&self, why: impl Into<String>) -> ExportError {
        ExportError::Damaged { at: self.at, record: self.records, why: why.into() }
    }

    fn frame(&mut self, section: usize, records: u32, plain: &[u8]) -> Result<Frame, ExportError> {
        if section < self.last_section || section >= self.counts.len() {
            return Err(self.damaged(format!("section {section} does not come here")));
        }
        let (mut found, mut rest) = (Vec::new(), plain);
        while !rest.is_empty() {
            let cut = || self.damaged("a record is cut short");
            let (length, behind) = rest.split_first_chunk().ok_or_else(cut)?;
            let (record, behind) = behind.split_at_checked(to_usize(u32::from_le_bytes(*length))).ok_or_else(cut)?;
            found.push(record.to_vec());
            rest = behind;
        }
        if u32::try_from(found.len()).ok() != Some(records) {
            return Err(self.damaged(format!("it has {} records and says {records}", found.len())));
        }
        self.last_section = section;
        self.records = self.records.saturating_add(u64::from(records));
        if let Some(count) = self.counts.get_mut(section) {
            *count = count.saturating_add(u64::from(records));
        }
        Ok(Frame { section, records: found, upto: self.records })
    }

    fn trailer(&mut self, plain: &[u8]) -> Result<(), ExportError> {
        let trailer: Trailer =
            serde_json::from_slice(plain).map_err(|why| self.damaged(format!("its trailer: {why}")))?;
        if trailer.counts != self.counts() {
            return Err(self.damaged("it does not have as many records as its trailer says"));
        }
        if self.input.read(&mut [0])? != 0 {
            return Err(self.damaged("something stands behind its trailer"));
        }
        Ok(())
    }

    /// So many bytes; memory is taken only for what comes.
    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, ExportError> {
        let mut bytes = Vec::new();
        let wanted = u64::try_from(count).unwrap_or(u64::MAX);
        self.input.by_ref().take(wanted).read_to_end(&mut bytes)?;
        if bytes.len() < count {
            return Err(self.damaged("it is cut short here: its trailer is missing"));
        }
        Ok(bytes)
    }
}

fn no_export(why: impl Into<String>) -> ExportError {
    ExportError::Damaged { at: 0, record: 0, why: why.into() }
}

fn words(bytes: &[u8; FRAME_HEAD_BYTES - 1]) -> [u32; 3] {
    let mut words = [0; 3];
    for (word, four) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = four.try_into().map(u32::from_le_bytes).unwrap_or_default();
    }
    words
}

fn to_usize(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// The checksum of what comes now and of all before it.
fn chained(before: &Digest, parts: &[&[u8]]) -> Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(before);
    for part in parts {
        context.update(part);
    }
    let mut found = [0; DIGEST_BYTES];
    found.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    found
}
