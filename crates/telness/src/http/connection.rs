//! One connection: its requests in turn, until it ends, idles, is too slow, or has to make room.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use telness_engine::Engine;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::dispatch::Dispatcher;
use super::pace::{Pace, PacedStream, Phase};
use crate::accepting::linger;

/// How long a connection that has to make room may take for a head that it has begun.
const ROOM_GRACE: Duration = Duration::from_secs(1);

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// The largest head of a request, in bytes.
    pub(super) head_bytes_max: usize,
    /// The most header lines of a request.
    pub(super) header_lines_max: usize,
    /// How long it may stay open without a request.
    pub(super) idle_max: Duration,
    /// A request's head must arrive within this.
    pub(super) head_max: Duration,
    /// An answer must be taken within this.
    pub(super) answer_max: Duration,
}

/// What makes a connection end before its client ends it.
#[derive(Clone, Debug)]
pub(super) struct Leave {
    /// The service stops: finish the request in hand.
    pub(super) stop: CancellationToken,
    /// The service has waited long enough: end now.
    pub(super) abandon: CancellationToken,
    /// Another client waits for a place: the one that this wakes finishes the request in hand and goes.
    pub(super) make_room: Arc<Notify>,
    /// Says whether the service is about to stop: an answer is then the last of its connection, so that a client which
    /// keeps one open goes elsewhere between two requests and never amidst one.
    pub(super) engine: Arc<Engine>,
}

enum Event {
    Stop,
    MakeRoom,
    Abandon,
    Look,
}

/// Waits for what makes a connection end. Once it is leaving, only for the last word and the next look.
async fn event(leave: Leave, look_after: Duration, leaving: bool) -> Event {
    tokio::select! {
        () = leave.abandon.cancelled() => Event::Abandon,
        () = leave.stop.cancelled(), if !leaving => Event::Stop,
        () = leave.make_room.notified(), if !leaving => Event::MakeRoom,
        () = tokio::time::sleep(look_after) => Event::Look,
    }
}

/// Serves the requests of one connection.
pub(super) async fn run(
    stream: TcpStream,
    peer: IpAddr,
    dispatcher: Arc<Dispatcher>,
    allowance: Allowance,
    leave: Leave,
) {
    let pace = Arc::new(Pace::new());
    let service = service_fn(|request| {
        let (dispatcher, pace, engine) = (Arc::clone(&dispatcher), Arc::clone(&pace), Arc::clone(&leave.engine));
        async move {
            pace.enter(Phase::Busy);
            let mut response = dispatcher.answer(peer, request).await;
            if engine.is_stopping() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            pace.enter(Phase::Answering);
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(PacedStream { stream, pace: Arc::clone(&pace) });
    let mut builder = http1::Builder::new();
    // A client may close its sending half and still read its answer.
    builder.max_headers(allowance.header_lines_max).max_header_size(allowance.head_bytes_max);
    // Between two reads this is looked at alone, so that a head without an end is not read for ever.
    builder.max_buf_size(allowance.head_bytes_max);
    builder.header_read_timeout(None).half_close(true);
    let mut connection = builder.serve_connection(io, service);
    let look_after = allowance
        .head_max
        .min(allowance.idle_max)
        .checked_div(2)
        .unwrap_or_default()
        .clamp(Duration::from_millis(10), Duration::from_secs(5));
    // The set polls its future only when that was woken, so a request does not pay for all that is waited for here.
    let mut events = FuturesUnordered::new();
    events.push(event(leave.clone(), look_after, false));
    let (mut leaving, mut hurried, mut idle) = (false, false, false);
    loop {
        let event_now = tokio::select! {
            biased;
            // A client that breaks off, or sends what is not HTTP, was answered by then as far as it can be.
            _ended = &mut connection => break,
            Some(event_now) = events.next() => event_now,
        };
        match event_now {
            Event::Abandon => return,
            Event::Stop => leaving = true,
            Event::MakeRoom => (leaving, hurried) = (true, true),
            Event::Look if too_slow(&pace, allowance, hurried) => return,
            Event::Look => leaving = leaving || matches!(pace.now(), (Phase::Idle, idle) if idle >= allowance.idle_max),
        }
        // Whoever has only just come, to find the place full, is given the time to say what for.
        if leaving && !(hurried && matches!(pace.now(), (Phase::New, _))) {
            idle = matches!(pace.now(), (Phase::Idle, _));
            Pin::new(&mut connection).graceful_shutdown();
        }
        events.push(event(leave.clone(), if hurried { ROOM_GRACE } else { look_after }, leaving));
    }
    // Whoever still sends while the service stops has its answer too. One that makes room for another goes at once, and
    // so does one that was told to leave between two requests: it has its answers.
    if !hurried && !idle {
        tokio::select! {
            () = leave.abandon.cancelled() => {}
            () = leave.make_room.notified() => {}
            () = linger(connection.into_parts().io.into_inner().stream) => {}
        }
    }
}

/// Whether the client takes longer than it may. A request in hand is bounded by its operation, not here.
fn too_slow(pace: &Pace, allowance: Allowance, hurried: bool) -> bool {
    match pace.now() {
        (Phase::New | Phase::Head, since) => since >= allowance.head_max || hurried,
        (Phase::Answering, since) => since >= allowance.answer_max,
        (Phase::Idle, _) => hurried,
        (Phase::Busy, _) => false,
    }
}
