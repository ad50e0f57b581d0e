//! How far a long command has come: one line on standard error that is written over, where a person looks on.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use telness_engine::clock::monotonic;

/// How often it is told.
const EVERY: Duration = Duration::from_millis(200);
/// After so many steps it is looked whether it is time to tell: the clock is not asked for each.
const STEPS: u64 = 256;

/// A line that tells.
pub(in crate::cli) struct Progress {
    on: bool,
    told_at: Option<std::time::Instant>,
    steps: u64,
}

impl Progress {
    /// One that tells if standard error is a terminal, and JSON is not asked for.
    pub(in crate::cli) fn new(json: bool) -> Self {
        Self { on: !json && std::io::stderr().is_terminal(), told_at: None, steps: 0 }
    }

    /// Tells how many records there are so far, and of what the last one was.
    pub(in crate::cli) fn tell(&mut self, doing: &str, section: &str, records: u64) {
        self.steps = self.steps.wrapping_add(1);
        if !self.on || !self.steps.is_multiple_of(STEPS) && self.told_at.is_some() {
            return;
        }
        let now = monotonic();
        if self.told_at.is_some_and(|at| now.saturating_duration_since(at) < EVERY) {
            return;
        }
        self.told_at = Some(now);
        let mut err = std::io::stderr().lock();
        // Nobody may read it, which is no reason to fail.
        let _ = write!(err, "\r{doing} {records} records, {section}\u{1b}[K");
        let _ = err.flush();
    }

    /// Takes the line away.
    pub(in crate::cli) fn end(&mut self) {
        if self.on && self.told_at.take().is_some() {
            let mut err = std::io::stderr().lock();
            let _ = write!(err, "\r\u{1b}[K");
            let _ = err.flush();
        }
    }
}
