//! Listens for the hint that something changed, on a connection of its own that is made again whenever it breaks.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The channel that a change is told on.
pub(crate) const CHANNEL: &str = "telness_change";

/// The first pause before a broken connection is made again; it doubles up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Who listens, from the first time that somebody wants to know.
pub(super) struct Listener {
    waiting: Mutex<Option<(Config, MakeRustlsConnect, watch::Sender<u64>)>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}

impl Listener {
    pub(super) fn new(config: Config, connector: MakeRustlsConnect) -> (Self, watch::Receiver<u64>) {
        let (hint, hints) = watch::channel(0);
        (Self { waiting: Mutex::new(Some((config, connector, hint))), task: Mutex::default() }, hints)
    }

    /// Begins to listen, if it has not yet.
    #[allow(clippy::disallowed_methods, reason = "a task that ends with the store, and whose death only costs hints")]
    pub(super) fn begin(&self) {
        if let Some((config, connector, hint)) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let task = tokio::spawn(listen(config, connector, hint));
            *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

async fn listen(config: Config, connector: MakeRustlsConnect, hint: watch::Sender<u64>) {
    let mut retry = RETRY_MIN;
    while !hint.is_closed() {
        let before = *hint.borrow();
        if let Err(error) = listen_once(&config, connector.clone(), &hint).await {
            tracing::debug!(%error, "nobody tells of changes now; they are looked for from time to time");
        }
        let listened = *hint.borrow() != before;
        retry = if listened { RETRY_MIN } else { retry.saturating_mul(2).min(RETRY_MAX) };
        tokio::time::sleep(retry).await;
    }
}

/// Listens until the connection ends. What happened while nobody listened is not told, so it hints once it listens.
async fn listen_once(
    config: &Config,
    connector: MakeRustlsConnect,
    hint: &watch::Sender<u64>,
) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.connect(connector).await?;
    let told = || hint.send_modify(|count| *count = count.wrapping_add(1));
    let messages = async {
        loop {
            let message = std::future::poll_fn(|context| connection.poll_message(context)).await;
            match message {
                Some(Ok(AsyncMessage::Notification(_))) => told(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            }
        }
    };
    let listening = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        told();
        // The client is kept, or the connection would end.
        std::future::pending::<Result<(), tokio_postgres::Error>>().await
    };
    tokio::select! {
        ended = messages => ended,
        failed = listening => failed,
    }
}
