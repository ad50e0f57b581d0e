//! Structured logs: JSON for machines, lines for people. Numbers and names of people are never in them (P2).

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::LogSettings;

/// The logs cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("logs cannot be started: {0}")]
pub struct LogError(String);

/// Sends all logs of the process to standard error.
///
/// # Errors
/// When the filter cannot be read, or logs were started before.
pub fn start_logs(settings: &LogSettings) -> Result<(), LogError> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| LogError(error.to_string()))?;
    let colour = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(std::io::stderr);
    let started = if settings.json { lines.json().try_init() } else { lines.try_init() };
    started.map_err(|error| LogError(error.to_string()))
}
