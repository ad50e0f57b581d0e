//! Where commands write: through a buffer, without colours, and without dying when the reader goes away.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use super::exit::Failure;

/// Standard output, as text for people or as JSON for programs.
pub struct Output {
    json: bool,
    out: Box<dyn Write>,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("json", &self.json).finish_non_exhaustive()
    }
}

impl Output {
    /// The process's standard output.
    #[must_use]
    pub fn stdout(json: bool) -> Self {
        Self { json, out: Box::new(io::BufWriter::with_capacity(1 << 16, io::stdout().lock())) }
    }

    /// Whether JSON is wanted.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When it cannot be written, or nobody reads it.
    pub fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        writeln!(self.out, "{text}").map_err(|error| Failure::output(&error))
    }

    /// Writes text as it is.
    ///
    /// # Errors
    /// When it cannot be written, or nobody reads it.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).map_err(|error| Failure::output(&error))
    }

    /// Writes a value as one line of JSON.
    ///
    /// # Errors
    /// When it cannot be written, or nobody reads it.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(value).map_err(Failure::cannot)?;
        self.line(line)
    }

    /// Hands on what is buffered.
    ///
    /// # Errors
    /// When it cannot be written, or nobody reads it.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::output(&error))
    }
}

/// What people wrote, for a terminal: without the characters that would steer it.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter }).collect()
}

/// Tells a failure on standard error. That nobody may read it is no reason to fail again.
pub(super) fn tell(json: bool, code: u8, message: &str) {
    let mut err = io::stderr().lock();
    let _ = if json {
        writeln!(err, "{}", serde_json::json!({ "error": { "exit_code": code, "message": message } }))
    } else {
        writeln!(err, "telness: {message}")
    };
}
