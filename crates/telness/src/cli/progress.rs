//! How far a long command has come: one line on a terminal's standard error, and nothing anywhere else.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use telness_engine::clock::monotonic;

/// How often the line is drawn again.
pub(super) const DRAWN_EVERY: Duration = Duration::from_millis(200);

/// How many characters the bar itself has.
const WIDTH: u64 = 24;

/// A line of progress.
pub(super) struct Bar {
    /// What is counted, such as `rows`.
    what: &'static str,
    /// How many bytes there are to read, if that is known.
    bytes: Option<u64>,
    started: Instant,
    shown: bool,
    /// When [`Bar::count`] drew last.
    drawn_at: Option<Instant>,
}

impl Bar {
    /// One that is shown if somebody looks: not with `--json`, nor where standard error is no terminal.
    pub(super) fn new(what: &'static str, bytes: Option<u64>, json: bool) -> Self {
        let shown = !json && io::stderr().is_terminal();
        Self { what, bytes, started: monotonic(), shown, drawn_at: None }
    }

    /// Draws it now and then, for whoever does one after the other: so much is done.
    pub(super) fn count(&mut self, done: u64) {
        if self.shown && self.drawn_at.is_none_or(|at| at.elapsed() >= DRAWN_EVERY) {
            self.drawn_at = Some(monotonic());
            self.draw(done, 0);
        }
    }

    /// Draws it: so much is done, and so many bytes were read for it.
    pub(super) fn draw(&self, done: u64, read: u64) {
        if self.shown {
            let line = line(self.what, done, read, self.bytes, self.started.elapsed());
            // That nobody may read it is no reason to fail.
            let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// The line: what is done, how fast, and how long it may take yet.
fn line(what: &str, done: u64, read: u64, bytes: Option<u64>, took: Duration) -> String {
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = done.saturating_mul(1000).checked_div(millis).unwrap_or(0);
    let mut line = format!("{} {what}, {}/s", grouped(done), grouped(rate));
    // Of a file that is read ahead all may be read before all is done; it is not yet at its end then.
    let read = bytes.map_or(read, |bytes| read.min(bytes));
    if let Some(bytes) = bytes.filter(|bytes| *bytes > 0) {
        let filled = read.saturating_mul(WIDTH).checked_div(bytes).unwrap_or(0);
        let bar: String = (0..WIDTH).map(|at| if at < filled { '#' } else { '.' }).collect();
        let percent = read.saturating_mul(100).checked_div(bytes).unwrap_or(0);
        let _ = write!(line, " [{bar}] {percent:>3} %");
        let left = millis.saturating_mul(bytes.saturating_sub(read)).checked_div(read.saturating_mul(1000));
        if let Some(left) = left {
            let _ = write!(line, ", {} left", clock(left));
        }
    }
    line
}

/// Minutes and seconds, and hours if there are any.
fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long_yet() {
        let half = line("rows", 500_000, 10, Some(20), Duration::from_secs(100));
        assert_eq!(half, "500,000 rows, 5,000/s [############............]  50 %, 1:40 left");
        assert_eq!(line("rows", 7, 99, None, Duration::from_secs(1)), "7 rows, 7/s", "a pipe has no known end");
        let begun = line("rows", 0, 0, Some(20), Duration::ZERO);
        assert_eq!(begun, "0 rows, 0/s [........................]   0 %");
        assert!(line("rows", 1, 50, Some(20), Duration::from_secs(1)).ends_with("100 %, 0:00 left"));
        assert_eq!((clock(3723), grouped(1_234_567), grouped(12)), ("1:02:03".into(), "1,234,567".into(), "12".into()));
    }
}
