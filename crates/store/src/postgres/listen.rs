//! Listens for the hint that something changed, on a connection of its own that is made again whenever it breaks.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::AsyncMessage;

use super::connect::Connector;
use super::trouble::Trouble;
use crate::StoreError;

/// The channel that a change is told on.
pub(crate) const CHANNEL: &str = "telness_change";

const STANDBY: &str = "SELECT pg_is_in_recovery()";

/// The first pause before a broken connection is made again; it doubles up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Who listens, from the first time that somebody wants to know.
pub(super) struct Listener {
    waiting: Mutex<Option<(Connector, watch::Sender<u64>)>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}

impl Listener {
    pub(super) fn new(connector: Connector) -> (Self, watch::Receiver<u64>) {
        let (hint, hints) = watch::channel(0);
        (Self { waiting: Mutex::new(Some((connector, hint))), task: Mutex::default() }, hints)
    }

    /// Begins to listen, if it has not yet.
    #[allow(clippy::disallowed_methods, reason = "a task that ends with the store, and whose death only costs hints")]
    pub(super) fn begin(&self) {
        if let Some((connector, hint)) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let task = tokio::spawn(listen(connector, hint));
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

async fn listen(connector: Connector, hint: watch::Sender<u64>) {
    let mut retry = RETRY_MIN;
    while !hint.is_closed() {
        let before = *hint.borrow();
        if let Err(trouble) = listen_once(&connector, &hint).await {
            let error = StoreError::from(trouble);
            tracing::debug!(%error, "nobody tells of changes now; they are looked for from time to time");
        }
        let listened = *hint.borrow() != before;
        retry = if listened { RETRY_MIN } else { retry.saturating_mul(2).min(RETRY_MAX) };
        tokio::time::sleep(retry).await;
    }
}

/// Listens until the connection ends, or is silent. What happened while nobody listened is not told, so it hints once it
/// listens.
async fn listen_once(connector: &Connector, hint: &watch::Sender<u64>) -> Result<(), Trouble> {
    let (connect_max, silent_max) = (connector.options().connect_max, connector.options().tcp_user_max);
    let connected = timeout(connect_max.saturating_mul(2), connector.open()).await;
    let (client, mut connection) = connected.map_err(|_| Trouble::TooLate("listen"))??;
    let told = || hint.send_modify(|count| *count = count.wrapping_add(1));
    let messages = async {
        loop {
            let message = std::future::poll_fn(|context| connection.poll_message(context)).await;
            match message {
                Some(Ok(AsyncMessage::Notification(_))) => told(),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            }
        }
    };
    let listening = async {
        let ask = async |statement: &str| match timeout(connect_max, client.query_opt(statement, &[])).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Trouble::TooLate("listen")),
        };
        ask(&format!("LISTEN {CHANNEL}")).await?;
        told();
        loop {
            // A connection on which only the other end speaks may be dead for ever without anybody noticing, and a server
            // that was the leader tells nobody of anything any more.
            tokio::time::sleep(silent_max).await;
            if let Some(row) = ask(STANDBY).await?
                && row.try_get(0)?
            {
                return Err(Trouble::Ours(StoreError::Unavailable(
                    "the server that told of changes is a standby".to_owned(),
                )));
            }
        }
    };
    tokio::select! {
        ended = messages => ended,
        failed = listening => failed,
    }
}
