//! Where an entry stands in the journal.

/// Where an entry stands: the segment's number above the row's, so that a later entry has a greater position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

impl Position {
    /// The highest number of a segment: stores keep positions in signed 64 bits.
    pub(crate) const SEGMENT_MAX: u32 = 0x7fff_ffff;

    pub(crate) fn new(segment: u32, row: u32) -> Self {
        Self(u64::from(segment) << 32 | u64::from(row))
    }

    pub(crate) fn segment(self) -> u32 {
        u32::try_from(self.0 >> 32).unwrap_or(u32::MAX)
    }

    pub(crate) fn row(self) -> u32 {
        u32::try_from(self.0 & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    }
}
