//! The end of the journal that is read from: a connection of its own to the segment it is in.

use std::path::PathBuf;
use std::sync::Arc;

use super::folder::{self, io_error};
use super::segment::Segment;
use super::shared::Shared;
use super::{JournalError, JournalId, Position};

/// The id that a journal has, and the one that it gets if it was set back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    pub(super) current: JournalId,
    pub(super) spare: JournalId,
}

/// The end that is read from; it sees what is durable. It can move to another thread, and there can be several.
#[derive(Debug)]
pub struct JournalReader {
    folder: PathBuf,
    shared: Arc<Shared>,
    ids: Ids,
    first: Position,
    open: Option<(u32, Segment)>,
    damage_told_upto: Position,
}

impl JournalReader {
    pub(super) fn new(folder: PathBuf, shared: Arc<Shared>, ids: Ids, first: Position) -> Self {
        Self { folder, shared, ids, first, open: None, damage_told_upto: Position::default() }
    }

    /// Which journal it is.
    #[must_use]
    pub const fn id(&self) -> JournalId {
        self.ids.current
    }

    /// Takes a position that a store keeps for this journal from before this start, and answers from where the
    /// store is to be sent entries.
    ///
    /// One that lies where this start gives positions is of segments that are no longer there: their files were
    /// deleted, or the folder comes from a backup. The journal then becomes another, all of which is to be sent;
    /// what the store has of it stays as it is.
    ///
    /// # Errors
    /// When the new id cannot be kept.
    pub fn resume(&mut self, stored: Option<Position>) -> Result<Position, JournalError> {
        let Some(stored) = stored else { return Ok(Position::default()) };
        if stored < self.first {
            return Ok(stored);
        }
        folder::keep_id(&self.folder, self.ids.spare).map_err(|error| io_error(&self.folder, &error))?;
        tracing::error!(
            folder = %self.folder.display(),
            stored_segment = stored.segment(),
            first_segment = self.first.segment(),
            "the store was sent segments of the journal that are no longer there; what was not shipped of them is \
             lost, and all that the journal holds is shipped again under another id"
        );
        self.ids.current = self.ids.spare;
        self.first = Position(u64::MAX);
        Ok(Position::default())
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
