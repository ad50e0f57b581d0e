//! Where incidents are kept: a file of JSON lines, each synced before it counts as written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::incident::{Incident, IncidentList};

/// Incidents that are kept; of more the oldest that is closed goes.
pub(super) const KEPT_MAX: usize = 1_000;
/// The size at which a file is written anew with one line for each.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The incidents of this node: those of before and those of now.
#[derive(Debug)]
pub(crate) struct IncidentLog {
    path: PathBuf,
    all: Mutex<Vec<Incident>>,
}

impl IncidentLog {
    /// Reads what was kept, and makes one line of each. A file that cannot be read is no reason not to start: it is told and
    /// set aside.
    pub(crate) fn open(path: PathBuf) -> Self {
        let read = IncidentList::read(&path).unwrap_or_else(|why| {
            tracing::error!(path = %path.display(), %why, "the incidents of before cannot be read");
            IncidentList { incidents: Vec::new(), unreadable: 0 }
        });
        if read.unreadable > 0 {
            let beside = path.with_extension("damaged");
            // A copy of what could not be read stays, if there is room for it.
            let _ = fs::copy(&path, &beside);
            let (lines, beside) = (read.unreadable, beside.display());
            tracing::warn!(lines, %beside, "lines of the incidents cannot be read; the file as it was is beside");
        }
        let mut all = read.incidents;
        all.reverse();
        forget_oldest(&mut all);
        let log = Self { path, all: Mutex::new(all) };
        if let Err(why) = log.write_anew() {
            tracing::error!(path = %log.path.display(), %why, "incidents cannot be kept on the disk");
        }
        log
    }

    fn all(&self) -> MutexGuard<'_, Vec<Incident>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that go on.
    pub(crate) fn open_ones(&self) -> Vec<Incident> {
        self.all().iter().filter(|incident| incident.closed_at.is_none()).cloned().collect()
    }

    /// All, the latest first.
    pub(crate) fn list(&self) -> Vec<Incident> {
        self.all().iter().rev().cloned().collect()
    }

    /// Puts one in, or what it has become, for whoever asks. It is on the disk after [`IncidentLog::write`].
    pub(super) fn put(&self, incident: &Incident) {
        let mut all = self.all();
        match all.iter_mut().find(|one| one.id == incident.id) {
            Some(one) => one.clone_from(incident),
            None => {
                all.push(incident.clone());
                forget_oldest(&mut all);
            }
        }
    }

    /// Writes lines behind the others. Blocks until they are on the disk.
    pub(super) fn write(&self, incidents: &[Incident]) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() > BYTES_MAX) {
            return self.write_anew();
        }
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
        // A line that was cut off before must not take this one with it.
        file.write_all(format!("\n{}", lines(incidents)?).as_bytes())?;
        file.sync_data()
    }

    /// Writes the file anew with a line for each, whole or not at all.
    fn write_anew(&self) -> io::Result<()> {
        let text = lines(&self.all())?;
        let beside = self.path.with_extension("new");
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        self.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }
}

/// Forgets what is more than is kept. An incident that goes on is never forgotten: of those there are few.
fn forget_oldest(all: &mut Vec<Incident>) {
    let mut over = all.len().saturating_sub(KEPT_MAX);
    all.retain(|incident| {
        let goes = over > 0 && incident.closed_at.is_some();
        over = over.saturating_sub(usize::from(goes));
        !goes
    });
}

fn lines(incidents: &[Incident]) -> io::Result<String> {
    let mut text = String::new();
    for incident in incidents {
        text.push_str(&serde_json::to_string(incident)?);
        text.push('\n');
    }
    Ok(text)
}
