//! Moves what a killed service left in its journal to the store, so that every acknowledged call is found.

use std::sync::Arc;
use std::time::Duration;

use telness_engine::clock::{Clock, monotonic};
use telness_engine::config::Settings;
use telness_engine::identity::random_bytes;
use telness_engine::recorder::Recorder;
use telness_engine::storage;
use telness_engine::telemetry::Metrics;
use telness_engine::{DataFolder, DataFolderError};
use telness_store::{Journal, JournalId, JournalOptions};

use crate::cli::Failure;

/// How long it may take to move what waits. A full journal holds millions of records.
const WITHIN: Duration = Duration::from_secs(600);

/// Ships what waits, unless a running service does, or the folder may only be read.
pub(in crate::cli) async fn catch_up(settings: &Settings) -> Result<(), Failure> {
    let folder = match DataFolder::open(&settings.data) {
        Ok(folder) => folder,
        Err(DataFolderError::InUse { .. }) => return Ok(()),
        Err(DataFolderError::Io { why, .. }) if why.kind() == std::io::ErrorKind::PermissionDenied => return Ok(()),
        Err(error) => return Err(Failure::cannot(error)),
    };
    if !folder.journal().is_dir() {
        return Ok(());
    }
    let options = JournalOptions {
        segment_bytes_max: settings.journal.segment_bytes_max,
        bytes_max: settings.journal.bytes_max,
        keep_shipped: settings.journal.keep_shipped,
    };
    let fresh_id = JournalId(random_bytes().map_err(Failure::cannot)?);
    let journal = Journal::open(&folder.journal(), options, fresh_id).map_err(Failure::cannot)?;
    let store = storage::open(&settings.store, &folder.store(), storage::unobserved());
    let store = store.map_err(|error| super::unreadable(&error))?.store;
    // A service would try again and again; a person is told.
    store.check().await.map_err(|error| super::unreadable(&error))?;
    let metrics = Arc::new(Metrics::new());
    let started = Recorder::start(journal, store, settings, metrics, Clock::system());
    let (recorder, threads) = started.map_err(Failure::cannot)?;
    let caught_up = recorder.caught_up(WITHIN).await;
    let failing = recorder.shipped().failing;
    tokio::task::spawn_blocking(move || threads.stop(monotonic())).await.map_err(Failure::cannot)?;
    // The store was the shipper's alone, so a last write has ended with it: the folder may be another's.
    drop(folder);
    caught_up.map_err(|_| {
        let why = failing.as_deref().unwrap_or("it takes longer than ten minutes");
        Failure::cannot(format_args!("records wait in the journal and cannot be moved to the call log: {why}"))
    })
}
