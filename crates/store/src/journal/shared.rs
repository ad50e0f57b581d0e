//! What the two ends of the journal know together: which segments there are, and how far each is durable.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Position;

/// How a segment stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// The row of its last durable entry; zero when it has none.
    pub(super) last: u32,
    /// Its bytes on disk, once it is closed.
    pub(super) bytes: u64,
    /// Whether it is written to.
    pub(super) current: bool,
    /// Whether it was found damaged.
    pub(super) damaged: bool,
}

#[derive(Debug, Default)]
pub(super) struct Shared {
    end: AtomicU64,
    segments: Mutex<BTreeMap<u32, Standing>>,
}

impl Shared {
    pub(super) fn end(&self) -> Position {
        Position(self.end.load(Ordering::Acquire))
    }

    /// Says that entries are durable up to a position.
    pub(super) fn advance(&self, end: Position) {
        self.change(|segments| {
            if let Some(standing) = segments.get_mut(&end.segment()) {
                standing.last = end.row();
            }
        });
        self.end.fetch_max(end.0, Ordering::Release);
    }

    /// Reads or changes the list; nothing that waits for a disk belongs in here.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<u32, Standing>) -> T) -> T {
        change(&mut self.lock())
    }

    /// The segments from a number on, each with its last durable row.
    pub(super) fn segments_from(&self, number: u32) -> Vec<(u32, u32)> {
        self.lock().range(number..).map(|(number, standing)| (*number, standing.last)).collect()
    }

    /// How many entries stand behind a position.
    pub(super) fn count_after(&self, position: Position) -> u64 {
        let behind = |(number, last): (u32, u32)| {
            let row = if number == position.segment() { position.row() } else { 0 };
            u64::from(last.saturating_sub(row))
        };
        self.segments_from(position.segment()).into_iter().map(behind).sum()
    }

    pub(super) fn has(&self, number: u32) -> bool {
        self.lock().contains_key(&number)
    }

    pub(super) fn is_current(&self, number: u32) -> bool {
        self.lock().get(&number).is_some_and(|standing| standing.current)
    }

    pub(super) fn is_damaged(&self, number: u32) -> bool {
        self.lock().get(&number).is_some_and(|standing| standing.damaged)
    }

    pub(super) fn mark_damaged(&self, number: u32) {
        if let Some(standing) = self.lock().get_mut(&number) {
            standing.damaged = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Standing>> {
        // Every change is one assignment, so the list is whole even if a thread died holding it.
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
