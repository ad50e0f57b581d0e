//! A SIP listener: its sockets, opened and served until the service stops.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use telness_engine::config::SipSettings;
use telness_engine::supervise::Supervisor;
use tokio::net::{TcpListener, UdpSocket};
use tokio_util::sync::CancellationToken;

use super::answer::Answerer;
use super::connection::{self, Leave, Patience};
use super::datagrams;
use crate::accepting::{Places, accept};

/// How many ports are tried where any will do, until one is free for both.
const PORTS_TRIED: usize = 16;

/// The sockets of one address.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// Where that is.
    pub(crate) address: SocketAddr,
    udp: UdpSocket,
    tcp: TcpListener,
}

/// Opens an address for UDP and TCP.
pub(crate) async fn open(wanted: SocketAddr) -> io::Result<Sockets> {
    let mut tried: usize = 1;
    loop {
        let tcp = TcpListener::bind(wanted).await?;
        let address = tcp.local_addr()?;
        match UdpSocket::bind(address).await {
            Ok(udp) => return Ok(Sockets { address, udp, tcp }),
            Err(error) if wanted.port() == 0 && error.kind() == ErrorKind::AddrInUse && tried < PORTS_TRIED => {
                tried = tried.saturating_add(1);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Answers what comes to the sockets, until `stop`.
pub(crate) async fn serve(sockets: Sockets, answerer: Answerer, limits: &SipSettings, stop: &CancellationToken) {
    let answerer = Arc::new(answerer);
    let Sockets { udp, tcp, .. } = sockets;
    tokio::join!(datagrams::serve(udp, &answerer, stop), connections(tcp, &answerer, limits, stop));
}

async fn connections(tcp: TcpListener, answerer: &Arc<Answerer>, limits: &SipSettings, stop: &CancellationToken) {
    let patience = Patience { idle_max: limits.idle_max, message_max: limits.message_max };
    let (connections, places) = (Supervisor::new(), Places::new("SIP", limits.connections_max));
    loop {
        let next = async {
            let (stream, peer) = accept(&tcp).await;
            (places.take().await, stream, peer)
        };
        let (place, stream, peer) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = next => next,
        };
        let leave = Leave { stop: connections.stopping(), make_room: places.make_room() };
        let work = connection::run(stream, peer, Arc::clone(answerer), patience, leave);
        connections.task("a SIP connection", async move {
            work.await;
            drop(place);
        });
    }
    drop(tcp);
    connections.drain().await;
}
