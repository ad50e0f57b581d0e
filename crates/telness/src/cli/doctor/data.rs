//! The data folder: whose it is, whether it can be written, how fast its disk is, and whether what it holds is whole.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use telness_engine::clock::monotonic;
use telness_engine::config::Settings;
use telness_engine::identity::random_bytes;
use telness_engine::storage;
use telness_engine::{DataFolder, DataFolderError, read_secret, store_file};
use telness_store::{Journal, JournalId, JournalOptions, Position, StoreError};

use super::Check;

/// Syncs that are timed.
const SYNCS: usize = 20;
/// A median sync slower than this makes itself felt in answers.
const SYNC_SLOW: Duration = Duration::from_millis(20);
/// Less free space than this is little, in bytes.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Records that are read at once.
const READ_AT_ONCE: usize = 1024;

pub(super) fn folder(settings: &Settings) -> Vec<Check> {
    let data = settings.data.as_path();
    let shown = data.display();
    let Ok(metadata) = fs::metadata(data) else {
        return vec![Check::ok("data", format!("{shown} is not there yet; the first start makes it"))];
    };
    if !metadata.is_dir() {
        return vec![Check::fail("data", format!("{shown} is no folder"), "name another with --data")];
    }
    vec![owner(data, &metadata), secret(settings), disk(data), space(data)]
}

fn owner(data: &Path, metadata: &fs::Metadata) -> Check {
    let shown = data.display();
    let me = rustix::process::geteuid().as_raw();
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.uid() != me {
        let found = format!("{shown} is owned by user {}, and this is user {me}", metadata.uid());
        return Check::warn("data", found, "run telness and its doctor as the owner, or hand it over with chown");
    }
    if mode & 0o077 != 0 {
        let found = format!("{shown} has mode {mode:03o}, so others can look into it");
        return Check::warn("data", found, format!("chmod 700 {shown}"));
    }
    Check::ok("data", format!("{shown} is ours alone"))
}

fn secret(settings: &Settings) -> Check {
    match read_secret(settings) {
        Ok(Some(_)) => Check::ok("secret", "the server's key is there"),
        Ok(None) => Check::ok("secret", "no server's key yet; the first start makes it"),
        Err(error) => Check::fail("secret", error.to_string(), "bring the key back from a backup"),
    }
}

/// Writes and syncs as the journal does.
fn disk(data: &Path) -> Check {
    let path = data.join(format!("doctor-{}.tmp", std::process::id()));
    let times = time_syncs(&path);
    // It may never have been made.
    let _ = fs::remove_file(&path);
    match times {
        Ok(mut times) => {
            times.sort_unstable();
            let median = times.get(times.len() / 2).copied().unwrap_or_default();
            let worst = times.last().copied().unwrap_or_default();
            let found =
                format!("a sync takes {} us, the slowest of {SYNCS} {} us", median.as_micros(), worst.as_micros());
            if median > SYNC_SLOW {
                return Check::warn("disk", found, "put the data folder on an SSD: every answer waits for a sync");
            }
            Check::ok("disk", found)
        }
        Err(why) => Check::fail("disk", format!("it cannot be written: {why}"), "free space, or check owner and mount"),
    }
}

fn time_syncs(path: &Path) -> std::io::Result<Vec<Duration>> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    let block = [0x5a_u8; 4096];
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let started = monotonic();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    Ok(times)
}

fn space(data: &Path) -> Check {
    match rustix::fs::statvfs(data) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let shown = format!("{} MiB free", free / (1 << 20));
            if free < FREE_BYTES_MIN {
                return Check::warn("space", shown, "free some: a full disk refuses normal calls");
            }
            Check::ok("space", shown)
        }
        Err(why) => Check::warn("space", format!("it cannot be told: {why}"), "look with df"),
    }
}

/// The journal and the call log.
pub(super) async fn records(settings: &Settings) -> Vec<Check> {
    let mut checks = Vec::new();
    let file = store_file(&settings.data);
    if settings.store.url.is_some() || file.exists() {
        checks.push(call_log(settings, &file).await.unwrap_or_else(|error| {
            let todo = match &error {
                StoreError::NotMigrated { .. } => "run `telness migrate up` with these settings",
                _ if settings.store.url.is_some() => {
                    "check the database and the settings store.*; until then calls go on, and records wait in the journal"
                }
                StoreError::Unavailable(_) | StoreError::SetBack { .. } => "check owner and mode of calls.sqlite, and end what has it locked",
                StoreError::Broken(_) => "bring calls.sqlite back from a backup; until then calls go on without it",
                StoreError::Later { .. } => "run the later telness again; until then calls go on without the call log",
            };
            Check::fail("call log", error.to_string(), todo)
        }));
    }
    if settings.data.join("journal").is_dir() {
        checks.push(journal(settings));
    }
    checks
}

async fn call_log(settings: &Settings, file: &Path) -> Result<Check, StoreError> {
    if let Some(opened) = storage::open_read_only(&settings.store, file)? {
        opened.store.check().await?;
    }
    Ok(Check::ok("call log", "it can be read"))
}

/// Reads the whole journal, unless a running service has it.
fn journal(settings: &Settings) -> Check {
    let folder = match DataFolder::open(&settings.data) {
        Ok(folder) => folder,
        Err(DataFolderError::InUse { .. }) => {
            return Check::ok("journal", "a running telness has it and looks after it");
        }
        Err(error) => return Check::fail("journal", error.to_string(), "check owner and mode of the data folder"),
    };
    let options = JournalOptions {
        segment_bytes_max: settings.journal.segment_bytes_max,
        bytes_max: settings.journal.bytes_max,
        keep_shipped: settings.journal.keep_shipped,
    };
    let read = || -> Result<(u64, u64), String> {
        let fresh_id = JournalId(random_bytes().map_err(|error| error.to_string())?);
        let journal = Journal::open(&folder.journal(), options, fresh_id).map_err(|error| error.to_string())?;
        let mut reader = journal.reader();
        let (mut from, mut count) = (Position::default(), 0_u64);
        loop {
            let entries = reader.after(from, READ_AT_ONCE).map_err(|error| error.to_string())?;
            let Some((last, _)) = entries.last() else {
                return Ok((count, journal.bytes()));
            };
            from = *last;
            count = count.saturating_add(u64::try_from(entries.len()).unwrap_or(u64::MAX));
        }
    };
    match read() {
        Ok((count, bytes)) => Check::ok("journal", format!("{count} records in {} KiB, all readable", bytes / 1024)),
        Err(why) => Check::fail("journal", why, "keep the folder as it is, start with another --data, and report it"),
    }
}
