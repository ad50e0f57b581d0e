//! How far a connection is with its request, so that who is slow or idle is not kept for ever.
//!
//! One coarse timer a connection looks at this now and then; a request costs two stores and no timer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use telness_engine::clock::monotonic;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It was opened, and nothing has arrived.
    New,
    /// A request was answered, and nothing of another has arrived.
    Idle,
    /// A request's head is arriving.
    Head,
    /// A request is in hand.
    Busy,
    /// Its answer is being sent.
    Answering,
}

/// The phase of one connection and when it began.
#[derive(Debug)]
pub(super) struct Pace {
    opened: Instant,
    phase: AtomicU8,
    since_ms: AtomicU64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { opened: monotonic(), phase: AtomicU8::new(Phase::New as u8), since_ms: AtomicU64::new(0) }
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.since_ms.store(self.age_ms(), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    fn is(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Relaxed) == phase as u8
    }

    /// The phase, and for how long it has been so.
    pub(super) fn now(&self) -> (Phase, Duration) {
        let phases = [Phase::New, Phase::Idle, Phase::Head, Phase::Busy];
        let phase = phases.into_iter().find(|phase| self.is(*phase)).unwrap_or(Phase::Answering);
        let since = self.since_ms.load(Ordering::Relaxed);
        (phase, Duration::from_millis(self.age_ms().saturating_sub(since)))
    }
}

/// A connection's socket, which notes the phases that only the socket sees.
#[derive(Debug)]
pub(super) struct PacedStream {
    pub(super) stream: TcpStream,
    pub(super) pace: Arc<Pace>,
}

impl AsyncRead for PacedStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > before && (self.pace.is(Phase::Idle) || self.pace.is(Phase::New)) {
            self.pace.enter(Phase::Head);
        }
        read
    }
}

impl AsyncWrite for PacedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() && self.pace.is(Phase::Answering) {
            self.pace.enter(Phase::Idle);
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
