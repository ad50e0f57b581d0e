//! Threads and tasks with a name, whose death is noticed: nothing of the service dies unseen.

use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::thread::JoinHandle;

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts and watches what runs beside the calls, and stops it in order.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// It panicked.
#[derive(Clone, Copy, Debug)]
pub struct Died;

/// Does some work that may panic, and goes on either way.
///
/// # Errors
/// When it panicked.
pub async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, Died> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| {
        // Nothing looks at the work again once it has panicked, so a broken state in it is seen by nobody.
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
            .map_or(Poll::Ready(Err(Died)), |poll| poll.map(Ok))
    })
    .await
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
        let watched = self.tasks.track_future(async move {
            if let Err(Died) = guarded(work).await {
                tracing::error!(task = name, "a task died of a panic");
            }
        });
        drop(tokio::spawn(watched));
    }

    /// Tells everything to stop and waits until all tasks have.
    pub async fn drain(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Starts a thread of a name. Should it panic, that is logged, and whoever asks its handle learns it too.
///
/// # Errors
/// When the system gives no thread.
pub fn thread<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    let watch = ThreadWatch(name.to_owned());
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _watch = watch;
        work()
    })
}

/// A runtime for one thread. It ends without waiting for what blocks in it, such as the look-up of a name, which nothing
/// can end; and anywhere, also in another runtime, should its thread not start.
#[derive(Debug)]
pub(crate) struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    /// One that does nothing yet.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn new() -> io::Result<Self> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().map(|runtime| Self(Some(runtime)))
    }

    /// Does some work on the calling thread. There is always an answer: the runtime is there until it is dropped.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.0.as_ref().map(|runtime| runtime.block_on(work))
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Logs that its thread panicked.
struct ThreadWatch(String);

impl Drop for ThreadWatch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(thread = self.0, "a thread died");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OwnRuntime, Supervisor};

    #[tokio::test]
    async fn a_runtime_whose_thread_does_not_start_ends_where_it_is() {
        let runtime = OwnRuntime::new().unwrap();
        // What the closure of a thread does that the system does not give.
        drop(move || runtime.block_on(async {}));
    }

    #[tokio::test]
    async fn s4_a_task_that_panics_takes_nothing_with_it() {
        let supervisor = Supervisor::new();
        let (done, finished) = tokio::sync::oneshot::channel();
        supervisor.task("dies", async { panic!("as the test wants") });
        supervisor.task("lives", async move {
            let _ = done.send(7);
        });
        assert_eq!(finished.await, Ok(7));
        supervisor.drain().await;
    }
}
