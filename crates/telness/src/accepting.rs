//! Connections as a listener takes them and lets them go: what the system or a client does wrong passes, and a client that
//! only keeps one open keeps nobody else out.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How long to wait when the system gives no more sockets, before asking again.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a client may still send after the last answer, in bytes and in time, before its connection is closed. The
/// system tells whoever still sends to a closed one that all is lost, the answer too.
const LINGER_BYTES_MAX: usize = 4 << 20;
const LINGER_MAX: Duration = Duration::from_secs(1);

/// How often a further connection is asked to make room while a client waits for a place.
const ROOM_PAUSE: Duration = Duration::from_millis(200);

/// The next connection. An error is the system's or the client's, and passes.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are one write each; waiting to join it with another only delays it.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted now");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Says that nothing more is sent, and passes over what the client still sends until it ends too.
pub(crate) async fn linger(mut stream: TcpStream) {
    let passed_over = async {
        let mut left = LINGER_BYTES_MAX;
        let mut buffer = vec![0; 16_384];
        // The client may have ended already.
        let _ = stream.shutdown().await;
        while left > 0 {
            match stream.read(&mut buffer).await {
                Ok(read @ 1..) => left = left.saturating_sub(read),
                _ => break,
            }
        }
    };
    let _ = tokio::time::timeout(LINGER_MAX, passed_over).await;
}

/// The places of a listener's connections.
#[derive(Debug)]
pub(crate) struct Places {
    protocol: &'static str,
    free: Arc<Semaphore>,
    make_room: Arc<Notify>,
}

impl Places {
    /// So many, for connections of a protocol.
    pub(crate) fn new(protocol: &'static str, connections_max: usize) -> Self {
        let free = Arc::new(Semaphore::new(connections_max.clamp(1, Semaphore::MAX_PERMITS)));
        Self { protocol, free, make_room: Arc::default() }
    }

    /// What wakes a connection that has to make room: it finishes what it has in hand and goes.
    pub(crate) fn make_room(&self) -> Arc<Notify> {
        Arc::clone(&self.make_room)
    }

    /// A place for one more connection. While all are taken, one connection after the other is asked to finish what it
    /// has in hand and go: a client that only keeps a connection open does not keep another from calling.
    pub(crate) async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(place);
        }
        tracing::warn!(protocol = self.protocol, "all connections are taken; idle ones are closed to make room");
        loop {
            self.make_room.notify_one();
            if let Ok(place) = tokio::time::timeout(ROOM_PAUSE, Arc::clone(&self.free).acquire_owned()).await {
                // If none was there to hear the last of it, the connection that now gets the place must not.
                std::pin::pin!(self.make_room.notified()).as_mut().enable();
                // The semaphore is never closed.
                return place.ok();
            }
        }
    }
}
