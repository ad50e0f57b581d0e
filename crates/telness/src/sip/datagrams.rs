//! SIP by UDP: one datagram after the other, each a request or nothing. None of them begins a task.

use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

use super::answer::Answerer;
use crate::accepting::ACCEPT_PAUSE;

/// As large as a datagram can be.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Answers what comes to a socket, until `stop`.
pub(super) async fn serve(socket: UdpSocket, answerer: &Answerer, stop: &CancellationToken) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let received = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            received = socket.recv_from(&mut buffer) => received,
        };
        let (datagram, from) = match received {
            Ok((bytes, from)) => (buffer.get(..bytes).unwrap_or_default(), from),
            Err(error) => {
                tracing::error!(%error, "no datagram can be received now");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Empty lines keep a way through a firewall open.
        if datagram.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            continue;
        }
        if let Some((answer, to)) = answerer.answer_datagram(datagram, from).await {
            // Whoever asked asks again; waiting for room would hold up the others.
            let taken = socket.try_send_to(answer.text.as_bytes(), to).is_ok();
            answerer.sent(&answer, taken);
        }
    }
}
