//! A reader that gives one row so many bytes and no more: a quote that is never closed would take the rest of the file
//! into one field.

use std::io::{self, Read};

/// The longest row. A reader ahead of the row may have taken as much more.
pub(super) const ROW_BYTES_MAX: usize = 64 * 1024;

/// Whoever reads says when a row begins.
pub(super) struct Bounded<R> {
    input: R,
    taken: usize,
    exceeded: bool,
}

impl<R> Bounded<R> {
    pub(super) const fn new(input: R) -> Self {
        Self { input, taken: 0, exceeded: false }
    }

    /// Another row begins.
    pub(super) const fn begin_row(&mut self) {
        self.taken = 0;
    }

    /// Whether a row was too long.
    pub(super) const fn is_exceeded(&self) -> bool {
        self.exceeded
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken > ROW_BYTES_MAX {
            self.exceeded = true;
            let why = format!("a row is longer than {ROW_BYTES_MAX} bytes; is there a quote that is not closed?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let read = self.input.read(buffer)?;
        self.taken = self.taken.saturating_add(read);
        Ok(read)
    }
}
