//! The one place that asks the system for the time, so that tests can set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use telness_core::time::Timestamp;

/// Tells the time: the system's, or one that a test sets.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at a time until [`Clock::set`].
    #[must_use]
    pub fn manual(at: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at.as_micros()))))
    }

    /// Sets a manual clock; the system's is not touched.
    pub fn set(&self, to: Timestamp) {
        if let Some(manual) = &self.0 {
            manual.store(to.as_micros(), Ordering::SeqCst);
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(manual) => Timestamp::from_micros(manual.load(Ordering::SeqCst)),
            None => system_now(),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
fn system_now() -> Timestamp {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
}

/// A point on the clock that only goes forward, for measuring how long something takes.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
pub fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}
