//! What is done with the segments that are there when the journal is opened, after a kill or a damaged disk.
//!
//! SQLite itself restores what was durable and drops what was cut short. Beyond that, a segment that is damaged is
//! replaced by its intact groups, each at its old position, and put aside. Nothing of this keeps the service from
//! starting: what cannot be mended is logged, and the reader passes over it.

use std::fs;

use super::folder::{self, Folder};
use super::group::Packer;
use super::segment::{Group, Segment, SegmentError};

/// Brings a segment in order and answers the row of its last entry. `whole` asks for every group to be read.
pub(super) fn recover(folder: &Folder, number: u32, whole: bool) -> u32 {
    let file = folder.segment(number);
    // Nobody knows how far one goes that cannot be read, so the reader looks for itself.
    let mut reached = u32::MAX;
    let intact = Segment::open(&file).and_then(|segment| {
        // A disk that is full or read-only must not be taken for damage: the log can be read where it is.
        if let Err(error) = segment.settle() {
            if error.is_damage() {
                return Err(error);
            }
            tracing::warn!(segment = number, %error, "the segment's log stays beside it");
        }
        let last = segment.last()?;
        reached = last;
        let mut damaged = false;
        if whole {
            segment.after(0, |group| {
                damaged |= group.entries.is_none();
                !damaged
            })?;
        }
        Ok((last, damaged))
    });
    match intact {
        Ok((last, false)) => last,
        Ok((last, true)) => salvage(folder, number).unwrap_or(last),
        // A kill came between the file and its first group. It stays, so that its number is not used again.
        Err(SegmentError::Unborn) => 0,
        Err(error) => match folder::unreadable(folder.path(), number) {
            None if error.is_damage() => {
                tracing::error!(segment = number, %error, "a segment of the journal is damaged");
                salvage(folder, number).unwrap_or(0)
            }
            // What the disk does not give now it may give later, so the segment stays as it is.
            why => {
                let error = why.map_or(error, SegmentError::Unreadable);
                tracing::error!(segment = number, %error, "a segment of the journal cannot be read now");
                reached
            }
        },
    }
}

/// Finishes or takes back a replacement that a kill cut short.
pub(super) fn finish_replacements(folder: &Folder) -> std::io::Result<()> {
    for entry in fs::read_dir(folder.path())? {
        let draft = entry?.path();
        if draft.extension().is_some_and(|kind| kind == "intact") {
            let file = draft.with_extension("sqlite");
            if file.exists() { folder::remove(&draft)? } else { fs::rename(&draft, &file)? }
        }
    }
    folder.sync()
}

/// Replaces a segment by its intact groups. None if that was not possible: all stays as it was.
fn salvage(folder: &Folder, number: u32) -> Option<u32> {
    let done = copy_intact(folder, number).and_then(|(last, groups)| {
        let aside = folder.put_aside(number)?;
        fs::rename(folder.beside(number, "intact"), folder.segment(number))?;
        folder.sync()?;
        Ok((last, groups, aside))
    });
    match done {
        Ok((last, groups, aside)) => {
            tracing::error!(
                segment = number,
                groups,
                file = %aside.display(),
                "a damaged segment of the journal was put aside; its intact groups were kept"
            );
            Some(last)
        }
        Err(error) => {
            tracing::error!(segment = number, %error, "a damaged segment of the journal could not be replaced");
            None
        }
    }
}

/// Copies what can be read from the front, and then what lies behind the damage.
fn copy_intact(folder: &Folder, number: u32) -> std::io::Result<(u32, usize)> {
    let draft = folder.beside(number, "intact");
    folder::remove(&draft)?;
    let copy = Segment::create(&draft).map_err(std::io::Error::other)?;
    let (mut last_seen, mut last, mut groups) = (0, 0, 0_usize);
    let mut failed = None;
    let mut packer = Packer::new();
    let mut keep = |group: &Group| {
        let Some(entries) = &group.entries else { return };
        let written = packer
            .pack(entries)
            .ok_or(SegmentError::TooLong)
            .and_then(|body| copy.append(group.last, group.count, body));
        match written {
            Ok(()) => {
                last = last.max(group.last);
                groups = groups.saturating_add(1);
            }
            Err(error) => failed = Some(error),
        }
    };
    if let Ok(damaged) = Segment::open_to_read(&folder.segment(number)) {
        let forwards = damaged.after(0, |group| {
            last_seen = group.last;
            keep(&group);
            true
        });
        if forwards.is_err() {
            // How far this comes is told by what was kept; the rest is lost, and the message says how many came.
            let _ = damaged.behind_damage(last_seen, SegmentError::is_damage, |group| {
                keep(&group);
                true
            });
        }
    }
    if let Some(error) = failed {
        return Err(std::io::Error::other(error));
    }
    copy.settle().map_err(std::io::Error::other)?;
    Ok((last, groups))
}
