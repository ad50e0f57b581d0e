//! What the service tells of itself: metrics and logs.

mod health_metrics;
mod location_metrics;
mod log_lines;
mod logs;
mod metrics;
mod sip_metrics;

pub use health_metrics::{GatewayInState, HealthMetrics};
pub use log_lines::{Logs, log_as_high_workflow};
pub use logs::{LogError, start_logs};
pub use metrics::{Metrics, Outcome};
pub use sip_metrics::{Dropped, SipMetrics};
