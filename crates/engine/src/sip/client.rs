//! Asks a gateway by OPTIONS whether it is there.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use telness_core::plan::Transport;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;

use super::head::{HEAD_BYTES_MAX, Unread};
use super::options::Options;
use super::response::read;
use super::tls::TlsRoots;

/// How long until a datagram is sent again, which doubles (T1 and T2 of RFC 3261, 17.1.2.1).
const RETRANSMIT_FIRST: Duration = Duration::from_millis(500);
const RETRANSMIT_MAX: Duration = Duration::from_secs(4);

/// How many of a name's addresses are asked, one after the other.
const ADDRESSES_MAX: usize = 4;

/// What came of asking a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It answered, with this status.
    Answered(u16),
    /// It did not answer in time.
    Silent,
    /// It refused the connection or closed it, or what it sent is no SIP.
    Refused(Arc<str>),
    /// It could not be asked, which tells nothing of it: its name is not known, its certificate is not to be believed
    /// here, or this machine has no socket to give.
    Unasked(Arc<str>),
}

impl Asked {
    /// The word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::Silent => "silent",
            Self::Refused(_) => "refused",
            Self::Unasked(_) => "unasked",
        }
    }

    /// Whether it answered, whatever it said.
    #[must_use]
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::Answered(_))
    }
}

/// Asks gateways.
#[derive(Clone, Debug)]
pub struct Client {
    wait_max: Duration,
    roots: TlsRoots,
}

impl Client {
    /// One that waits so long for an answer in all.
    #[must_use]
    pub const fn new(wait_max: Duration, roots: TlsRoots) -> Self {
        Self { wait_max, roots }
    }

    /// Asks the gateway at an address as plans have them. A name that has several addresses is there if one of them
    /// answers.
    pub async fn ask(&self, address: &str, transport: Transport) -> Asked {
        let (host, port) = host_and_port(address, transport);
        let found: Vec<SocketAddr> = match host.parse::<IpAddr>() {
            Ok(ip) => vec![SocketAddr::new(ip, port)],
            Err(_) => match timeout(self.wait_max, lookup_host((host, port))).await {
                Ok(Ok(found)) => found.take(ADDRESSES_MAX).collect(),
                Ok(Err(error)) => return Asked::Unasked(format!("the name is not known: {error}").into()),
                Err(_) => return Asked::Unasked("whoever knows names did not answer".into()),
            },
        };
        let share = u32::try_from(found.len()).ok().and_then(|shares| self.wait_max.checked_div(shares));
        let mut asked = Asked::Unasked("the name has no address".into());
        for to in found {
            let one = self.ask_one(address, host, to, transport);
            asked = timeout(share.unwrap_or(self.wait_max), one).await.unwrap_or(Asked::Silent);
            if matches!(asked, Asked::Answered(_)) {
                break;
            }
        }
        asked
    }

    async fn ask_one(&self, address: &str, host: &str, to: SocketAddr, transport: Transport) -> Asked {
        let Ok(request) = Options::fresh() else {
            return Asked::Unasked("the system has no random bytes to name a request by".into());
        };
        let asked = match transport {
            Transport::Udp => by_datagrams(&request, address, to).await,
            Transport::Tcp => match TcpStream::connect(to).await {
                Ok(stream) => match stream.local_addr() {
                    Ok(local) => by_stream(&request, &request.written(address, transport, local), stream).await,
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            },
            Transport::Tls => self.by_tls(&request, address, host, to).await,
        };
        asked.unwrap_or_else(|error| failed(&error))
    }

    async fn by_tls(&self, request: &Options, address: &str, host: &str, to: SocketAddr) -> io::Result<Asked> {
        let roots = self.roots.clone();
        let connector = match tokio::task::spawn_blocking(move || roots.connector()).await? {
            Ok(connector) => connector,
            Err(why) => return Ok(Asked::Unasked(why.into())),
        };
        let Ok(name) = ServerName::try_from(host.to_owned()) else {
            return Ok(Asked::Unasked("its host cannot be in a certificate".into()));
        };
        let stream = TcpStream::connect(to).await?;
        let local = stream.local_addr()?;
        let stream = connector.connect(name, stream).await?;
        by_stream(request, &request.written(address, Transport::Tls, local), stream).await
    }
}

/// Host and port of an address that the plan's compiler has let through.
fn host_and_port(address: &str, transport: Transport) -> (&str, u16) {
    let usual = if transport == Transport::Tls { 5061 } else { 5060 };
    let (host, port) = match address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => address.split_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
    };
    (host, port.and_then(|port| port.parse().ok()).unwrap_or(usual))
}

/// By UDP: sent again and again until it is answered, or until whoever asked waits no longer.
async fn by_datagrams(request: &Options, address: &str, to: SocketAddr) -> io::Result<Asked> {
    let any = if to.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    // Connected, so that nobody else's datagrams come, and that of a closed port is told at once.
    socket.connect(to).await?;
    let written = request.written(address, Transport::Udp, socket.local_addr()?);
    let mut pause = RETRANSMIT_FIRST;
    loop {
        socket.send(written.as_bytes()).await?;
        match timeout(pause, heard(&socket, request)).await {
            Ok(status) => return status.map(Asked::Answered),
            Err(_) => pause = pause.saturating_mul(2).min(RETRANSMIT_MAX),
        }
    }
}

/// The status of the first final response to a request. What else comes is passed over.
async fn heard(socket: &UdpSocket, request: &Options) -> io::Result<u16> {
    let mut buffer = vec![0; HEAD_BYTES_MAX];
    loop {
        let bytes = socket.recv(&mut buffer).await?;
        let read = read(buffer.get(..bytes).unwrap_or_default());
        if let Ok((response, _)) = read
            && request.is_answered_by(&response)
            && response.status >= 200
        {
            return Ok(response.status);
        }
    }
}

/// By a stream: sent once.
async fn by_stream(
    request: &Options,
    written: &str,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<Asked> {
    stream.write_all(written.as_bytes()).await?;
    stream.flush().await?;
    let mut heard: Vec<u8> = Vec::new();
    let mut chunk = [0; 2048];
    loop {
        match read(&heard) {
            Ok((response, _)) if request.is_answered_by(&response) && response.status >= 200 => {
                return Ok(Asked::Answered(response.status));
            }
            // A provisional response; what follows it may be the final one, once its body has come.
            Ok((_, bytes)) if bytes <= heard.len() => {
                heard.drain(..bytes);
                continue;
            }
            Err(Unread::Malformed(why)) => return Ok(Asked::Refused(format!("what it sent is no SIP: {why}").into())),
            Ok(_) | Err(Unread::Cut) => {}
        }
        let bytes = stream.read(&mut chunk).await?;
        if bytes == 0 {
            return Ok(Asked::Refused("it closed the connection without an answer".into()));
        }
        heard.extend_from_slice(chunk.get(..bytes).unwrap_or_default());
    }
}

/// What an error tells: that the other end does not want to, or that it was never asked.
fn failed(error: &io::Error) -> Asked {
    let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    match error.kind() {
        _ if is_tls => Asked::Unasked(format!("TLS: {error}").into()),
        ErrorKind::ConnectionRefused
        | ErrorKind::ConnectionReset
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Asked::Refused(error.to_string().into()),
        ErrorKind::TimedOut | ErrorKind::HostUnreachable => Asked::Silent,
        _ => Asked::Unasked(error.to_string().into()),
    }
}

#[cfg(test)]
mod tests;
