//! A file's lines with one kind of end, so that they are counted as editors do: the reader of CSV is a line behind where
//! a line ends with a carriage return and a line feed, as on Windows.

use std::io::{BufRead as _, BufReader, Read, Result};

/// Gives what it reads, with each line ended by a line feed alone, the last one too.
pub(super) struct Lines<R> {
    input: BufReader<R>,
    /// A carriage return of which it is not yet known what follows.
    held: bool,
    last: u8,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: BufReader::new(input), held: false, last: b'\n' }
    }

    /// The next byte, if there is one.
    fn next(&mut self) -> Result<Option<u8>> {
        loop {
            let read = self.input.fill_buf()?.first().copied();
            let byte = match read {
                // A return alone is what it is; so the byte behind it waits for the next time.
                Some(byte) if self.held && byte != b'\n' => {
                    self.held = false;
                    b'\r'
                }
                None if self.held => {
                    self.held = false;
                    b'\r'
                }
                Some(b'\r') => {
                    self.input.consume(1);
                    self.held = true;
                    continue;
                }
                Some(byte) => {
                    self.input.consume(1);
                    self.held = false;
                    byte
                }
                None if self.last != b'\n' => b'\n',
                None => return Ok(None),
            };
            self.last = byte;
            return Ok(Some(byte));
        }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut count: usize = 0;
        for place in into {
            // Nobody waits for more while there is something to give.
            if count > 0 && self.input.buffer().is_empty() {
                break;
            }
            let Some(byte) = self.next()? else { break };
            *place = byte;
            count = count.saturating_add(1);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_ends_with_a_line_feed_and_a_return_alone_stays() {
        for (file, expected) in [
            ("", ""),
            ("a", "a\n"),
            ("a\n", "a\n"),
            ("a\r\nb\r\n", "a\nb\n"),
            ("a\r\n\r\nb", "a\n\nb\n"),
            ("a\rb\r\r\nc\r", "a\rb\r\nc\r\n"),
        ] {
            for at_once in [1, 2, 3, 64] {
                // Each read gives so many bytes, so that an end is cut in every way.
                let pieces = file
                    .as_bytes()
                    .chunks(at_once)
                    .fold(Box::new(std::io::empty()) as Box<dyn Read>, |before, piece| Box::new(before.chain(piece)));
                let (mut read, mut lines, mut part) = (Vec::new(), Lines::new(pieces), vec![0; at_once]);
                while let count @ 1.. = lines.read(&mut part).unwrap() {
                    read.extend_from_slice(&part[..count]);
                }
                assert_eq!(String::from_utf8(read).unwrap(), expected, "{at_once}");
            }
        }
    }
}
