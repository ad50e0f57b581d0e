//! Lines of a file or of standard input, each of so many bytes at most: a line without an end takes no memory.

use std::io::{self, BufRead};

/// Reads the next line without its end; tells whether all of it was kept, or none when there is no more.
pub(super) fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>, bytes_max: usize) -> io::Result<Option<bool>> {
    line.clear();
    let mut fits = true;
    let mut any = false;
    loop {
        let buffer = match lines.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(any.then_some(fits));
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        fits = fits && line.len().saturating_add(part.len()) <= bytes_max;
        if fits {
            line.extend_from_slice(part);
        }
        let used = part.len().saturating_add(usize::from(end.is_some()));
        lines.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Some(fits));
        }
    }
}
