//! How the journal stays within its bounds: what was shipped is deleted after a while, or when room is needed.

use std::fs;
use std::io;

use super::folder::{self, io_error};
use super::shared::Standing;
use super::{Journal, JournalError, Position};

impl Journal {
    /// Deletes closed segments that were shipped up to `shipped` and kept long enough. `now_unix_s` is the time
    /// in seconds since 1970.
    ///
    /// The highest segment is never deleted: its number tells the next start where to go on counting.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    pub fn prune(&mut self, shipped: Position, now_unix_s: u64) -> Result<(), JournalError> {
        self.note_shipped(shipped);
        let keep_s = self.options.keep_shipped.as_secs();
        for number in self.shipped_segments() {
            let since = self.shipped_at(number, now_unix_s);
            if now_unix_s.saturating_sub(since) >= keep_s {
                self.remove(number).map_err(|error| io_error(self.folder.path(), &error))?;
            }
        }
        Ok(())
    }

    /// Says how far the store holds the entries now: an append that needs room may take theirs. Nothing is to be said
    /// but the default until that is known.
    ///
    /// A store that was set back has come less far than before, also than before a restart. What it lost makes no room,
    /// and is kept as long again once it was shipped again.
    pub fn note_shipped(&mut self, shipped: Position) {
        let set_back = shipped < self.shipped;
        let first_told = self.shipped == Position::default() && shipped != self.shipped;
        self.shipped = shipped;
        if set_back || first_told {
            self.forget_since_when();
        }
    }

    /// Forgets since when segments are shipped that are not.
    fn forget_since_when(&self) {
        let behind = self.shared.segments_from(self.shipped.segment()).into_iter();
        for (number, _) in behind.filter(|(number, last)| Position::new(*number, *last) > self.shipped) {
            let file = self.folder.beside(number, "shipped");
            if let Err(error) = folder::remove(&file) {
                tracing::warn!(segment = number, %error, "a segment that the store lost is not kept longer for that");
            }
        }
    }

    /// Bytes that all segments hold together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let closed = self.shared.change(|segments| {
            segments.values().filter(|standing| !standing.current).map(|standing| standing.bytes).sum::<u64>()
        });
        closed.saturating_add(self.current.as_ref().map_or(0, |current| current.bytes))
    }

    /// Sees that a group of so many bytes fits, if need be at the cost of what was shipped and would be kept longer.
    pub(super) fn make_room(&mut self, bytes: u64) -> Result<(), JournalError> {
        if self.failing {
            // The disk may be full: what the store has goes, and the append that follows tells whether it helped.
            for number in self.shipped_segments() {
                self.remove(number).map_err(|error| io_error(self.folder.path(), &error))?;
            }
        }
        let limit = self.options.bytes_max;
        let fits = |journal: &Self| journal.bytes().saturating_add(bytes) <= limit;
        if fits(self) {
            return Ok(());
        }
        let current_shipped = self
            .current
            .as_ref()
            .is_some_and(|current| current.last > 0 && Position::new(current.number, current.last) <= self.shipped);
        if current_shipped && let Err(error) = self.begin_segment() {
            return Err(io_error(self.folder.path(), &error));
        }
        for number in self.shipped_segments() {
            if fits(self) {
                break;
            }
            self.remove(number).map_err(|error| io_error(self.folder.path(), &error))?;
        }
        if fits(self) { Ok(()) } else { Err(JournalError::Full { bytes: self.bytes(), limit }) }
    }

    /// The closed segments of which all was shipped, oldest first, without the highest.
    fn shipped_segments(&self) -> Vec<u32> {
        let done = |number: u32, standing: &Standing| {
            !standing.current && number < self.highest && Position::new(number, standing.last) <= self.shipped
        };
        self.shared.change(|segments| {
            let all = segments.iter().filter(|(number, standing)| done(**number, standing));
            all.map(|(number, _)| *number).collect()
        })
    }

    /// When a segment was first known to be shipped, kept in a file beside it so that a restart does not forget. On a
    /// disk that takes no such file, it counts as shipped now, and so it does if the clock has been set back since.
    fn shipped_at(&self, number: u32, now_unix_s: u64) -> u64 {
        let file = self.folder.beside(number, "shipped");
        let told = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
        told.filter(|told| *told <= now_unix_s).unwrap_or_else(|| {
            if let Err(error) = fs::write(&file, format!("{now_unix_s}\n")) {
                tracing::warn!(segment = number, %error, "since when a segment is shipped cannot be kept");
            }
            now_unix_s
        })
    }

    fn remove(&self, number: u32) -> io::Result<()> {
        // Off the list first, so that the reader takes a file that is gone for what it is.
        let removed = self.shared.change(|segments| segments.remove(&number));
        let done = if removed.is_some_and(|standing| standing.damaged) {
            self.folder.put_aside(number).map(|_| ())
        } else {
            self.folder.delete(number)
        };
        if done.is_err() {
            self.shared.change(|segments| removed.and_then(|standing| segments.insert(number, standing)));
        }
        done
    }
}
