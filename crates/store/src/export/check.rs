//! Reads a whole file and every record of it, and writes nothing: what comes before an import.

use std::io::Read;

use serde::Serialize;

use super::frames::FrameReader;
use super::head::Head;
use super::records::decode;
use super::{Count, ExportError, Tell};
use crate::JournalId;

/// A file that is whole.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// What it says of itself.
    #[serde(flatten)]
    pub head: Head,
    /// What there is of each section.
    pub counts: Vec<Count>,
    /// All records together.
    pub records: u64,
    /// What tells its content from any other's.
    #[serde(skip)]
    pub(super) id: [u8; 32],
}

impl Checked {
    /// What the store keeps of how far this file was taken in: it stands there as a journal would.
    pub(super) fn journal(&self) -> JournalId {
        let mut id = [0; 16];
        id.iter_mut().zip(self.id).for_each(|(to, from)| *to = from);
        JournalId(id)
    }
}

/// Reads a file to its end.
///
/// # Errors
/// When it is damaged, cut, of a later version, or cannot be read.
pub fn check(input: impl Read, tell: Tell<'_>) -> Result<Checked, ExportError> {
    let mut reader = FrameReader::begin(input)?;
    let sections: Vec<String> = reader.head.sections.iter().map(|section| section.name.clone()).collect();
    let mut records = 0;
    while let Some(frame) = reader.next()? {
        let section = sections.get(frame.section).map_or("", String::as_str);
        for record in &frame.records {
            if let Err(why) = decode(section, record) {
                return Err(reader.damaged(format!("a record of the section {section}: {why}")));
            }
        }
        records = frame.upto;
        tell(records);
    }
    Ok(Checked { counts: reader.counts(), records, id: reader.digest(), head: reader.head })
}
