//! Threads and tasks with a name, whose death is noticed: nothing of the service dies unseen.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts and watches what runs beside the calls, and stops it in order.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Supervisor {
    /// One that has started nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Resolves when the service is to stop.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts a task. Should it panic, that is logged and the service goes on.
    #[allow(clippy::disallowed_methods, reason = "this is the place that the ban points to")]
    pub fn task(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let tracked = self.tasks.track_future(work);
        drop(tokio::spawn(async move {
            let watched = tokio::spawn(tracked);
            if let Err(error) = watched.await {
                tracing::error!(task = name, %error, "a task died");
            }
        }));
    }

    /// Tells everything to stop and waits until all tasks have.
    pub async fn drain(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Starts a thread of a name.
///
/// # Errors
/// When the system gives no thread.
pub fn thread<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}
