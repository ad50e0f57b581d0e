//! The accept loop: a bounded number of connections, and an orderly end of all of them.

use std::sync::Arc;
use std::time::Duration;

use telness_core::class::Workflow;
use telness_engine::Engine;
use telness_engine::config::HttpSettings;
use telness_engine::supervise::Supervisor;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::api;
use super::connection::{self, Allowance, Leave};
use super::dispatch::Dispatcher;

/// How long to wait when the system gives no more sockets, before asking again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often a further connection is asked to make room while a client waits for a place.
const ROOM_PAUSE: Duration = Duration::from_millis(200);

/// Serves HTTP on a listener of `workflow` until `stop`; then takes no more connections, answers what is in hand, and
/// returns when all connections have ended, or the time for the whole stop is over.
pub async fn serve(
    listener: TcpListener,
    workflow: Workflow,
    engine: Arc<Engine>,
    settings: &HttpSettings,
    stop: CancellationToken,
) {
    let dispatcher = Arc::new(Dispatcher::new(api::router(Arc::clone(&engine), settings, workflow), workflow));
    let allowance = Allowance {
        head_bytes_max: settings.head_bytes_max,
        header_lines_max: settings.header_lines_max,
        idle_max: settings.idle_max,
        head_max: settings.header_read_max,
        answer_max: settings.request_max,
    };
    let connections = Supervisor::new();
    let places = Arc::new(Semaphore::new(settings.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
    let leave = Leave {
        stop: connections.stopping(),
        abandon: CancellationToken::new(),
        make_room: Arc::new(Notify::new()),
        engine: Arc::clone(&engine),
    };
    loop {
        let next = async {
            let (stream, peer) = accept(&listener).await;
            (place(&places, &leave.make_room).await, stream, peer)
        };
        let (place, stream, peer) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = next => next,
        };
        let work = connection::run(stream, peer, Arc::clone(&dispatcher), allowance, leave.clone());
        connections.task("an HTTP connection", async move {
            work.await;
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout_at(engine.begin_stop().into(), connections.drain()).await.is_err() {
        tracing::warn!("requests were still in hand; their connections are closed");
        leave.abandon.cancel();
        connections.drain().await;
    }
}

/// A place for one more connection. While all are taken, one connection after the other is asked to finish what it
/// has in hand and go: a client that only keeps a connection open does not keep another from calling.
async fn place(places: &Arc<Semaphore>, make_room: &Notify) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Some(place);
    }
    tracing::warn!("all HTTP connections are taken; idle ones are closed to make room");
    loop {
        make_room.notify_one();
        if let Ok(place) = tokio::time::timeout(ROOM_PAUSE, Arc::clone(places).acquire_owned()).await {
            // The semaphore is never closed.
            return place.ok();
        }
    }
}

/// The next connection. An error is the system's or the client's, and passes.
async fn accept(listener: &TcpListener) -> (TcpStream, std::net::IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are one write each; waiting to join it with another only delays it.
                let _ = stream.set_nodelay(true);
                return (stream, peer.ip());
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted now");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
