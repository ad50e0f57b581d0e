//! Structured logs: JSON for machines, lines for people. Numbers and names of people are never in them (P2).

use std::io::{self, IsTerminal as _};
use std::sync::LazyLock;

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::EnvFilter;

use super::log_lines::Logs;
use crate::config::LogSettings;

/// Lines that were dropped, of the whole process: there is one standard error.
static DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// The logs cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("logs cannot be started: {0}")]
pub struct LogError(String);

/// Sends all logs of the process to standard error, by a thread that is to be kept until the process ends.
///
/// # Errors
/// When the filter cannot be read, or logs were started before.
pub fn start_logs(settings: &LogSettings) -> Result<Logs, LogError> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| LogError(error.to_string()))?;
    let colour = io::stderr().is_terminal();
    let logs = Logs::start(io::stderr(), lines_dropped()).map_err(|error| LogError(error.to_string()))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(logs.lines());
    let started = if settings.json { lines.json().try_init() } else { lines.try_init() };
    started.map_err(|error| LogError(error.to_string()))?;
    // The library's own hook writes to standard error itself, and would wait for whoever reads that.
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a defect")));
    Ok(logs)
}

/// Counts the lines that were dropped.
pub(super) fn lines_dropped() -> Counter {
    DROPPED.clone()
}
