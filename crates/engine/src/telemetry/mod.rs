//! What the service tells of itself: metrics and logs.

mod log_lines;
mod logs;
mod metrics;

pub use log_lines::{Logs, log_as_high_workflow};
pub use logs::{LogError, start_logs};
pub use metrics::{Metrics, Outcome};
