//! Keeps what is in service on the disk, seldom enough that a busy day of changes does not wear it.

use std::time::{Duration, Instant};

use super::folder::SnapshotFolder;
use super::served::Served;
use crate::clock::monotonic;

/// The shortest time from one write to the next.
const PAUSE: Duration = Duration::from_secs(5);

/// Whoever writes the snapshot.
pub(crate) struct Keeping {
    folder: SnapshotFolder,
    /// Whether what is in service is not on the disk yet.
    due: bool,
    written: Option<Instant>,
    failing: bool,
}

impl Keeping {
    /// For a folder; `whole` says whether it has what is in service.
    pub(crate) const fn new(folder: SnapshotFolder, whole: bool) -> Self {
        Self { folder, due: !whole, written: None, failing: false }
    }

    /// What is in service was changed.
    pub(super) const fn changed(&mut self) {
        self.due = true;
    }

    /// Writes the snapshot if it changed, or else that it is still what the store holds; not more often than every few
    /// seconds, unless it is the last time.
    pub(super) async fn keep(&mut self, served: &Served, last: bool) {
        let over = self.written.is_none_or(|written| written.elapsed() >= PAUSE);
        if !(over || last && self.due) {
            return;
        }
        let tables = served.made_of().tables.clone();
        if tables.is_empty() {
            // Nothing of the store is served.
            return;
        }
        let (folder, due) = (self.folder.clone(), self.due);
        let kept = tokio::task::spawn_blocking(move || {
            if due { folder.save(&tables).map_err(Into::into) } else { folder.confirm(tables.known_at) }
        });
        let failed = match kept.await {
            Ok(kept) => kept.err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        self.written = Some(monotonic());
        // One that cannot be confirmed is not there any more: it is written anew.
        self.due = failed.is_some();
        served.metrics.snapshot_unwritten.set(i64::from(failed.is_some()));
        if let Some(why) = failed.as_ref().filter(|_| !self.failing) {
            tracing::error!(%why, "the snapshot cannot be written; the next start would begin with an older one");
        }
        self.failing = failed.is_some();
    }
}
