//! SIP by TCP: one connection, its requests in turn, until it ends, idles, is too slow, or has to make room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use telness_engine::sip::{Request, Unread};
use telness_engine::telemetry::Dropped;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::answer::Answerer;
use crate::accepting::linger;

/// How much is read at once at first, in bytes: more than most requests have.
const READ_BYTES: usize = 4096;

/// How long a connection that has to make room may take for a message that it has begun.
const ROOM_GRACE: Duration = Duration::from_millis(500);

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Without a message.
    pub(super) idle_max: Duration,
    /// For one to arrive, and for its answer to be taken.
    pub(super) message_max: Duration,
}

/// What makes a connection end before its client ends it.
#[derive(Clone, Debug)]
pub(super) struct Leave {
    /// The service stops.
    pub(super) stop: CancellationToken,
    /// Another client waits for a place: the one that this wakes goes, once it has its answer.
    pub(super) make_room: Arc<Notify>,
}

/// Serves the requests of one connection.
pub(super) async fn run(
    stream: TcpStream,
    peer: SocketAddr,
    answerer: Arc<Answerer>,
    patience: Patience,
    leave: Leave,
) {
    let connection = Connection { stream, peer, answerer, patience, read: Vec::with_capacity(READ_BYTES) };
    tokio::select! {
        () = leave.stop.cancelled() => {}
        _ended = connection.serve(&leave.make_room) => {}
    }
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    answerer: Arc<Answerer>,
    patience: Patience,
    /// What came and is not answered.
    read: Vec<u8>,
}

impl Connection {
    /// Until there is nothing more to serve.
    async fn serve(mut self, make_room: &Notify) -> Option<()> {
        loop {
            self.pass_over_blank();
            while self.read.is_empty() {
                tokio::select! {
                    came = timeout(self.patience.idle_max, more(&mut self.stream, &mut self.read)) => came.ok()??,
                    () = make_room.notified() => return None,
                }
                self.pass_over_blank();
            }
            let request = tokio::select! {
                biased;
                request = timeout(self.patience.message_max, self.request()) => request.ok()??,
                () = hurried(make_room) => return None,
            };
            if let Some(answer) = self.answerer.answer(&request, self.peer).await {
                let written = timeout(self.patience.message_max, self.stream.write_all(answer.text.as_bytes())).await;
                let taken = matches!(written, Ok(Ok(())));
                self.answerer.sent(&answer, taken);
                taken.then_some(())?;
            }
            // Where the next one begins is not known.
            if request.fault.is_some() {
                linger(self.stream).await;
                return None;
            }
        }
    }

    /// Empty lines between two messages keep a connection open, and are no beginning of one.
    fn pass_over_blank(&mut self) {
        let blank = self.read.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.read.drain(..blank);
    }

    /// The next request, with its body.
    async fn request(&mut self) -> Option<Request> {
        loop {
            match Request::read(&self.read) {
                Ok((request, bytes)) if bytes <= self.read.len() || request.fault.is_some() => {
                    self.read.drain(..bytes.min(self.read.len()));
                    return Some(request);
                }
                Ok(_) | Err(Unread::Cut) => more(&mut self.stream, &mut self.read).await?,
                Err(Unread::Malformed(_)) => {
                    self.answerer.dropped(Dropped::Malformed);
                    return None;
                }
            }
        }
    }
}

/// Resolves when whoever has begun a message has to make room and was given the time for the rest of it.
async fn hurried(make_room: &Notify) {
    make_room.notified().await;
    tokio::time::sleep(ROOM_GRACE).await;
}

/// Reads on; nothing once the other end has said all.
async fn more(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<()> {
    stream.read_buf(read).await.ok().filter(|bytes| *bytes > 0).map(drop)
}
