//! The end of the journal that is read from: a connection of its own to the segment it is in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::folder::{self, io_error};
use super::segment::{Group, Segment, SegmentError};
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
    /// The segment of which the disk last did not give a part, and the one of which such parts are passed over.
    unreadable: Option<u32>,
    given_up: Option<u32>,
    losses: Losses,
}

/// What damage took. A place is counted once, however often it is read.
#[derive(Debug, Default)]
struct Losses {
    counted_upto: Position,
    entries: u64,
}

impl Losses {
    /// The entries of a segment behind `row` up to `upto` are lost.
    fn count(&mut self, number: u32, row: u32, upto: u32) {
        let (from, end) = (Position::new(number, row).max(self.counted_upto), Position::new(number, upto));
        // How far a segment went that cannot be read at all is not known.
        if end <= from || upto == u32::MAX {
            return;
        }
        let entries = end.0.saturating_sub(from.0);
        tracing::error!(
            segment = number,
            last = upto,
            entries,
            "the journal is damaged; entries are lost to the store"
        );
        self.counted_upto = end;
        self.entries = self.entries.saturating_add(entries);
    }
}

/// How much a journal holds, for whoever reads none of it.
#[derive(Clone, Debug)]
pub struct JournalExtent(pub(super) Arc<Shared>);

impl JournalExtent {
    /// How many entries stand behind a position; what damage lost is counted as well.
    #[must_use]
    pub fn count_after(&self, position: Position) -> u64 {
        self.0.count_after(position)
    }
}

impl JournalReader {
    pub(super) fn new(folder: PathBuf, shared: Arc<Shared>, ids: Ids, first: Position) -> Self {
        Self { folder, shared, ids, first, open: None, unreadable: None, given_up: None, losses: Losses::default() }
    }

    /// The journal's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
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

    /// The entries after a position, at most `max` of them, each with its place. None means that there are none
    /// up to [`Journal::end`](super::Journal::end).
    ///
    /// What the disk damaged is logged, counted and passed over: one bad block must not hold up all that follows. What
    /// the disk does not give is an error until [it is given up](Self::pass_over_unreadable).
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

    /// Gives up what the disk did not give of a segment when it was last asked: it is taken for damaged, and what can
    /// be read of it is.
    pub fn pass_over_unreadable(&mut self) {
        self.given_up = self.unreadable.take();
    }

    /// How many entries were found to be lost since this was last asked.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.losses.entries)
    }

    fn read_segment(
        &mut self,
        number: u32,
        (row, last): (u32, u32),
        max: usize,
        found: &mut Vec<(Position, Vec<u8>)>,
    ) -> Result<(), JournalError> {
        let mut losses = std::mem::take(&mut self.losses);
        let mut taking = Taking { number, row, last, max, found, losses: &mut losses, damaged: false };
        let read = self.take_from(&mut taking);
        let damaged = taking.damaged;
        // Rows follow each other, so what is missing at the end is lost as well.
        if read.is_ok() && taking.wants_more() && self.shared.has(number) {
            taking.skip_to(last);
        }
        self.losses = losses;
        if damaged {
            self.shared.mark_damaged(number);
        }
        match read {
            Err(error) if self.shared.has(number) => {
                self.open = None;
                Err(self.error(number, &error))
            }
            // It was pruned while we read.
            Err(_) => {
                self.open = None;
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Takes what can be read of a segment: from the front, and where a page is damaged, what lies behind it.
    fn take_from(&mut self, taking: &mut Taking<'_>) -> Result<(), SegmentError> {
        let number = taking.number;
        let forwards = self.segment(number).and_then(|segment| segment.after(taking.row, |group| taking.take(group)));
        let Err(error) = forwards else { return Ok(()) };
        let is_lost = self.require_damage(number, error)?;
        taking.damaged = true;
        let Ok(segment) = self.segment(number) else { return Ok(()) };
        // What is lost between two groups is counted with the second.
        match segment.behind_damage(taking.row, is_lost, |group| taking.take(group)) {
            Err(error) if !is_lost(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Answers which errors mean that something is lost, if this one does: the segment is damaged, or was given up. The
    /// whole file is read for that, since a disk that does not give it for a while looks to SQLite like damage.
    fn require_damage(&mut self, number: u32, error: SegmentError) -> Result<fn(&SegmentError) -> bool, SegmentError> {
        self.open = None;
        let why = folder::unreadable(&self.folder, number);
        let given_up = self.given_up == Some(number);
        if why.is_some() && !given_up {
            self.unreadable = Some(number);
        }
        let is_lost = match why {
            Some(why) if !given_up => return Err(SegmentError::Unreadable(why)),
            Some(_) => SegmentError::is_damage_or_unreadable,
            None => SegmentError::is_damage,
        };
        if !is_lost(&error) || !self.shared.has(number) {
            return Err(error);
        }
        if self.shared.is_current(number) && !given_up {
            // It is read once it is closed, which it is by the next entry.
            self.shared.mark_damaged(number);
            return Err(error);
        }
        Ok(is_lost)
    }

    fn error(&self, number: u32, error: &SegmentError) -> JournalError {
        match error {
            SegmentError::Unreadable(why) => {
                JournalError::Unreadable { path: folder::segment(&self.folder, number), why: why.to_string() }
            }
            _ => io_error(&self.folder, error),
        }
    }

    fn segment(&mut self, number: u32) -> Result<&Segment, SegmentError> {
        let open = match self.open.take() {
            Some((open, segment)) if open == number => segment,
            _ => Segment::open_to_read(&folder::segment(&self.folder, number))?,
        };
        Ok(&self.open.insert((number, open)).1)
    }
}

/// What is being taken from one segment.
struct Taking<'a> {
    number: u32,
    /// The row up to which all was taken or is lost.
    row: u32,
    last: u32,
    max: usize,
    found: &'a mut Vec<(Position, Vec<u8>)>,
    losses: &'a mut Losses,
    damaged: bool,
}

impl Taking<'_> {
    fn wants_more(&self) -> bool {
        self.found.len() < self.max
    }

    /// Takes a group's entries, and tells whether there may be more.
    fn take(&mut self, group: Group) -> bool {
        // A group that failed may come to light in a log that is read again; it was never acknowledged.
        if group.last > self.last {
            return false;
        }
        let Some(entries) = group.entries else {
            self.damaged = true;
            return true;
        };
        let before = group.last.saturating_sub(group.count);
        self.skip_to(before);
        for (place, entry) in (before.saturating_add(1)..=group.last).zip(entries) {
            if place > self.row && self.wants_more() {
                self.found.push((Position::new(self.number, place), entry));
                self.row = place;
            }
        }
        self.wants_more()
    }

    /// Counts the rows before the next entry, or the end, as lost.
    fn skip_to(&mut self, row: u32) {
        if row > self.row {
            self.losses.count(self.number, self.row, row);
            self.row = row;
        }
    }
}
