//! The accept loop: a bounded number of connections, and an orderly end of all of them.

use std::sync::Arc;

use telness_core::class::Workflow;
use telness_engine::Engine;
use telness_engine::config::HttpSettings;
use telness_engine::supervise::Supervisor;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::api;
use super::connection::{self, Allowance, Leave};
use super::dispatch::Dispatcher;
use crate::accepting::{Places, accept};

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
    let places = Places::new("HTTP", settings.connections_max);
    let leave = Leave {
        stop: connections.stopping(),
        abandon: CancellationToken::new(),
        make_room: places.make_room(),
        engine: Arc::clone(&engine),
    };
    loop {
        let next = async {
            let (stream, peer) = accept(&listener).await;
            (places.take().await, stream, peer.ip())
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
