//! A body that is read by a thread as it arrives, so that what is larger than memory should hold is never held.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use telness_core::reason::Reason;
use tokio::sync::mpsc;

use super::super::body::Cut;

/// Pieces that wait for the thread. Each is as large as the network gave it.
const PIECES_AHEAD: usize = 16;

/// A piece of a body; nothing at its end, so that one that broke off is not taken to be whole.
type Piece = Option<Bytes>;

/// What a thread reads.
pub(super) struct Arriving {
    pieces: mpsc::Receiver<Piece>,
    at: Bytes,
    ended: bool,
}

impl Arriving {
    pub(super) fn channel() -> (mpsc::Sender<Piece>, Self) {
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        (sender, Self { pieces, at: Bytes::new(), ended: false })
    }
}

impl Read for Arriving {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.at = piece,
                Some(None) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it did not arrive whole")),
            }
        }
        let count = into.len().min(self.at.len());
        let piece = self.at.split_to(count);
        into.iter_mut().zip(piece.iter()).for_each(|(to, from)| *to = *from);
        Ok(count)
    }
}

/// What a body may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// Its size in bytes.
    pub(super) bytes_max: u64,
    /// How long each piece of it may be waited for.
    pub(super) wait_max: Duration,
}

/// Hands a body on to whoever reads it, until its end or until nobody does. The reader sees an end only if it is one.
///
/// # Errors
/// When it is larger than allowed, stops arriving, or breaks off.
pub(super) async fn pump(mut body: Body, sender: mpsc::Sender<Piece>, allowed: Allowed) -> Result<(), Cut> {
    let Allowed { bytes_max, wait_max } = allowed;
    let late = |_| Cut {
        reason: Reason::RequestTimeout,
        detail: format!("nothing more of the body arrived for {} ms", wait_max.as_millis()),
    };
    let mut bytes: u64 = 0;
    while let Some(frame) = tokio::time::timeout(wait_max, body.frame()).await.map_err(late)? {
        let ended = "the body ended before it was whole".to_owned();
        let frame = frame.map_err(|_| Cut { reason: Reason::RequestUnreadable, detail: ended })?;
        // What is no data is trailers, which say nothing here.
        let Ok(piece) = frame.into_data() else { continue };
        bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if bytes > bytes_max {
            let detail = format!("the deck is larger than {bytes_max} bytes");
            return Err(Cut { reason: Reason::RequestTooLarge, detail });
        }
        if sender.send(Some(piece)).await.is_err() {
            return Ok(());
        }
    }
    // Whoever does not read any more needs no end.
    let _ = sender.send(None).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};

    use super::*;

    fn body(pieces: &'static [Result<&'static str, ()>]) -> Body {
        Body::from_stream(stream::iter(pieces.iter().map(|piece| piece.map_err(|()| io::Error::other("cut")))))
    }

    async fn read(body: Body, bytes_max: u64) -> (io::Result<String>, Option<Reason>) {
        let (sender, mut arriving) = Arriving::channel();
        let reading = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            arriving.read_to_string(&mut text).map(|_| text)
        });
        let allowed = Allowed { bytes_max, wait_max: Duration::from_millis(50) };
        let (pumped, read) = tokio::join!(pump(body, sender, allowed), reading);
        (read.unwrap(), pumped.err().map(|cut| cut.reason))
    }

    #[tokio::test]
    async fn a_body_is_read_whole_and_one_that_breaks_off_is_never_taken_to_be_whole() {
        let (whole, cut) = read(body(&[Ok("ab"), Ok(""), Ok("c")]), 3).await;
        assert_eq!((whole.unwrap().as_str(), cut), ("abc", None));
        let (larger, cut) = read(body(&[Ok("ab"), Ok("cd")]), 3).await;
        assert_eq!((larger.is_err(), cut), (true, Some(Reason::RequestTooLarge)));
        let (broken, cut) = read(body(&[Ok("ab"), Err(())]), 3).await;
        assert_eq!((broken.is_err(), cut), (true, Some(Reason::RequestUnreadable)));
        let endless = stream::iter([Ok::<_, io::Error>("ab")]).chain(stream::pending());
        let (stalled, cut) = read(Body::from_stream(endless), 3).await;
        assert_eq!((stalled.is_err(), cut), (true, Some(Reason::RequestTimeout)));
    }
}
