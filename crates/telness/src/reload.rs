//! The plan read again while the service runs: beside the signals, so that a file that hangs makes nobody deaf.

use std::path::PathBuf;
use std::sync::Arc;

use telness_engine::Engine;
use telness_engine::plan_flow::PlanError;
use tokio::task::JoinHandle;

type Outcome = Result<u64, PlanError>;

/// Reads the plan again, one time after the other. What is asked for meanwhile is one more time after it, since
/// the file may have changed behind the one that reads it.
pub(crate) struct Reload {
    read: Arc<dyn Fn() -> Outcome + Send + Sync>,
    running: Option<JoinHandle<Outcome>>,
    once_more: bool,
}

impl Reload {
    /// One that reads this file for this engine.
    pub(crate) fn new(engine: &Arc<Engine>, plan: Option<PathBuf>) -> Self {
        let engine = Arc::clone(engine);
        Self::of(move || engine.reload_plan(plan.as_deref()))
    }

    fn of(read: impl Fn() -> Outcome + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read), running: None, once_more: false }
    }

    /// Begins, or notes that it is to be done once more. Reading and compiling takes long, so it is on a thread of
    /// its own, which the end of the process does not wait for.
    pub(crate) fn ask(&mut self) {
        if self.running.is_some() {
            tracing::warn!("the plan is still being read; it is read once more after that");
            self.once_more = true;
            return;
        }
        let read = Arc::clone(&self.read);
        self.running = Some(tokio::task::spawn_blocking(move || read()));
    }

    /// Waits until it is done, for ever if nothing was asked for. Dropped before that, nothing is lost.
    pub(crate) async fn finish(&mut self) {
        let Some(running) = &mut self.running else { return std::future::pending().await };
        let outcome = running.await;
        self.running = None;
        match outcome {
            Ok(Ok(revision)) => {
                tracing::info!(revision, "the plan or the store is looked at again; this revision is in service");
            }
            Ok(Err(error)) => tracing::error!(%error, "the plan was read again and refused; the one before stays"),
            Err(error) => tracing::error!(%error, "the plan could not be read again; the one before stays"),
        }
        if std::mem::take(&mut self.once_more) {
            self.ask();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn one_reload_runs_at_a_time_and_what_is_asked_for_meanwhile_is_one_more() {
        let (hanging, file) = sync_channel::<()>(0);
        let (file, times) = (Mutex::new(file), Arc::new(AtomicUsize::new(0)));
        let begun = Arc::clone(&times);
        let mut reload = Reload::of(move || {
            begun.fetch_add(1, Ordering::SeqCst);
            // It ends with an error when nobody holds the other end any more.
            let _ = file.lock().unwrap().recv();
            Ok(2)
        });
        (0..3).for_each(|_| reload.ask());
        let waited = tokio::time::timeout(Duration::from_millis(10), reload.finish()).await;
        assert!(waited.is_err(), "whoever waits beside it, such as for a signal, has its turn");
        drop(hanging);
        reload.finish().await;
        reload.finish().await;
        assert_eq!(times.load(Ordering::SeqCst), 2);
        assert!(reload.running.is_none());
    }

    #[test]
    fn a_reload_that_hangs_does_not_hold_up_the_end() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (begun, has_begun) = sync_channel(1);
        let (hanging, file) = sync_channel::<()>(0);
        let file = Mutex::new(file);
        let mut reload = Reload::of(move || {
            begun.send(()).unwrap();
            let _ = file.lock().unwrap().recv();
            begun.send(()).unwrap();
            Ok(2)
        });
        let entered = runtime.enter();
        reload.ask();
        has_begun.recv().unwrap();
        drop(entered);
        // As the service ends: had it to wait for the reload, it never would.
        runtime.shutdown_background();
        assert!(has_begun.try_recv().is_err(), "the reload has ended");
        drop(hanging);
        has_begun.recv().unwrap();
    }
}
