//! The end of the journal that is read from: a connection of its own to the segment it is in.

use std::path::PathBuf;
use std::sync::Arc;

use super::folder::{self, io_error};
use super::segment::Segment;
use super::shared::Shared;
use super::{JournalError, Position};

/// The end that is read from; it sees what is durable. It can move to another thread, and there can be several.
#[derive(Debug)]
pub struct JournalReader {
    folder: PathBuf,
    shared: Arc<Shared>,
    open: Option<(u32, Segment)>,
    damage_told_upto: Position,
}

impl JournalReader {
    pub(super) fn new(folder: PathBuf, shared: Arc<Shared>) -> Self {
        Self { folder, shared, open: None, damage_told_upto: Position::default() }
    }

    /// Where the last durable entry stands: one load, no file is touched. There is something to read when it is
    /// greater than the position that was read to.
    #[must_use]
    pub fn end(&self) -> Position {
        self.shared.end()
    }

    /// The entries after a position, at most `max` of them, each with its place. None means that there are none
    /// up to [`JournalReader::end`].
    ///
    /// A group that the disk damaged is logged and passed over: one bad block must not hold up all that follows.
    ///
    /// # Errors
    /// When a segment cannot be read.
    pub fn after(&mut self, position: Position, max: usize) -> Result<Vec<(Position, Vec<u8>)>, JournalError> {
        let mut found = Vec::new();
        for (number, last) in self.shared.segments_from(position.segment()) {
            let row = if number == position.segment() { position.row() } else { 0 };
            if row < last {
                self.read_segment(number, (row, last), max, &mut found)?;
            }
            if found.len() >= max {
                break;
            }
        }
        if found.is_empty() {
            // Nothing is read for a while: the file may be deleted, and its space be free.
            self.open = None;
        }
        Ok(found)
    }

    fn read_segment(
        &mut self,
        number: u32,
        (row, last): (u32, u32),
        max: usize,
        found: &mut Vec<(Position, Vec<u8>)>,
    ) -> Result<(), JournalError> {
        let mut told = self.damage_told_upto;
        let read = self.segment(number).and_then(|segment| {
            segment.after(row, |group| {
                let end = Position::new(number, group.last);
                // A group that failed may come to light in a log that is read again; it was never acknowledged.
                if group.last > last {
                    return false;
                }
                match group.entries {
                    Some(entries) => {
                        let before = group.last.saturating_sub(group.count);
                        let placed = (before.saturating_add(1)..=group.last).zip(entries);
                        let new = placed.filter(|(place, _)| *place > row).take(max.saturating_sub(found.len()));
                        found.extend(new.map(|(place, entry)| (Position::new(number, place), entry)));
                    }
                    None if end > told => {
                        tracing::error!(
                            segment = number,
                            last = group.last,
                            entries = group.count,
                            "a group of the journal is damaged; its entries are lost to the store"
                        );
                        told = end;
                    }
                    None => {}
                }
                found.len() < max
            })
        });
        self.damage_told_upto = told;
        match read {
            Ok(()) => Ok(()),
            Err(_) if !self.shared.has(number) => {
                // It was pruned while we read.
                self.open = None;
                Ok(())
            }
            Err(error) => {
                self.open = None;
                if !error.is_damage() || self.shared.is_current(number) {
                    return Err(io_error(&self.folder, &error));
                }
                let end = Position::new(number, last);
                if end > self.damage_told_upto {
                    tracing::error!(segment = number, %error, "the rest of a segment of the journal is damaged");
                    self.damage_told_upto = end;
                    self.shared.mark_damaged(number);
                }
                Ok(())
            }
        }
    }

    fn segment(&mut self, number: u32) -> Result<&Segment, super::segment::SegmentError> {
        let open = match self.open.take() {
            Some((open, segment)) if open == number => segment,
            _ => Segment::open_to_read(&folder::segment(&self.folder, number))?,
        };
        Ok(&self.open.insert((number, open)).1)
    }
}
