//! What the service tells of itself: metrics and logs.

mod logs;
mod metrics;

pub use logs::{LogError, start_logs};
pub use metrics::{Metrics, Outcome};
