//! A file that a command reads whole, no further than shows that it is too large; `-` is standard input.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::Failure;

/// Its bytes, at most one more than the limit. `what` says what it should be, should it not be readable.
pub(super) fn read(what: &str, file: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let up_to = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(up_to).read_to_end(&mut bytes)
    } else {
        File::open(file).and_then(|opened| opened.take(up_to).read_to_end(&mut bytes))
    };
    let name = file.display();
    read.map_err(|why| Failure::cannot(format_args!("the {what} {name} cannot be read: {why}")))?;
    Ok(bytes)
}
