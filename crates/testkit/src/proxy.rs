//! A network that fails as it is told: a TCP proxy between the service and what it asks.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::wait::pause;

/// How often a connection looks at what it is told.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Everything passes.
    Passes,
    /// New connections are closed at once. Those that are open stay.
    Refuses,
    /// Nothing passes and nothing is closed: who waits, waits.
    Swallows,
    /// What is behind answers nonsense: each byte that it says comes as another one.
    Garbles,
    /// So many bytes a second pass in each direction of each connection.
    Crawls(u64),
}

/// A proxy on a free port of 127.0.0.1, which ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    behind: Mutex<SocketAddr>,
    network: Mutex<Network>,
    /// Grows with each cut; a connection of an earlier one ends.
    cuts: AtomicU64,
    over: AtomicBool,
}

impl State {
    fn network(&self) -> Network {
        *self.network.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// Begins to pass on what comes to what is behind.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn start(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let state = Arc::new(State {
            behind: Mutex::new(behind),
            network: Mutex::new(Network::Passes),
            cuts: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&state);
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { address, state }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the network does from now on, for connections that are open too.
    pub fn set(&self, network: Network) {
        *self.state.network.lock().unwrap_or_else(PoisonError::into_inner) = network;
    }

    /// Where new connections lead from now on.
    pub fn lead_to(&self, behind: SocketAddr) {
        *self.state.behind.lock().unwrap_or_else(PoisonError::into_inner) = behind;
    }

    /// Cuts every connection that is open.
    pub fn cut(&self) {
        self.state.cuts.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        self.cut();
        // It waits for a connection; this is one.
        drop(TcpStream::connect(self.address));
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for client in listener.incoming() {
        if state.over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        let network = state.network();
        if network == Network::Refuses {
            continue;
        }
        let behind = *state.behind.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(server) = TcpStream::connect(behind) else { continue };
        let cuts = state.cuts.load(Ordering::SeqCst);
        for (from, to, answers) in [(&client, &server, false), (&server, &client, true)] {
            if let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) {
                let state = Arc::clone(state);
                std::thread::spawn(move || {
                    pass(&from, &to, &state, cuts, answers);
                    // Whichever way ended, the other has nobody to talk to.
                    let _ = from.shutdown(Shutdown::Both);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    }
}

/// Passes bytes one way until an end closes or the connection is cut.
fn pass(mut from: &TcpStream, mut to: &TcpStream, state: &State, cuts: u64, answers: bool) {
    let _ = from.set_read_timeout(Some(LOOK_EVERY));
    let _ = from.set_nodelay(true);
    let mut buffer = [0_u8; 16_384];
    let cut = || state.cuts.load(Ordering::SeqCst) != cuts;
    while !cut() {
        let room = match state.network() {
            // A second's worth in one go, and a second's rest.
            Network::Crawls(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX).clamp(1, buffer.len()),
            _ => buffer.len(),
        };
        let read = match from.read(buffer.get_mut(..room).unwrap_or_default()) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                continue;
            }
            Err(_) => return,
        };
        while state.network() == Network::Swallows && !cut() {
            pause(LOOK_EVERY);
        }
        if answers && state.network() == Network::Garbles {
            buffer.iter_mut().for_each(|byte| *byte ^= 0x5a);
        }
        if cut() || to.write_all(buffer.get(..read).unwrap_or_default()).is_err() {
            return;
        }
        let mut rested = Duration::ZERO;
        while matches!(state.network(), Network::Crawls(_)) && rested < Duration::from_secs(1) && !cut() {
            pause(LOOK_EVERY);
            rested = rested.saturating_add(LOOK_EVERY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::{eventually, now};

    /// A server that sends back what it gets.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                std::thread::spawn(move || {
                    let (mut from, mut to) = (&stream, &stream);
                    let _ = std::io::copy(&mut from, &mut to);
                });
            }
        });
        address
    }

    fn ask(mut stream: &TcpStream, text: &[u8]) -> Option<Vec<u8>> {
        stream.write_all(text).ok()?;
        let mut answer = vec![0; text.len()];
        stream.read_exact(&mut answer).ok()?;
        Some(answer)
    }

    fn connect(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect(proxy.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        stream
    }

    #[test]
    fn it_passes_swallows_and_passes_again_on_one_connection() {
        let proxy = Proxy::start(echo());
        let stream = connect(&proxy);
        assert_eq!(ask(&stream, b"one").unwrap(), b"one");
        proxy.set(Network::Swallows);
        assert_eq!(ask(&stream, b"two"), None);
        proxy.set(Network::Passes);
        let mut late = [0; 3];
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (&stream).read_exact(&mut late).unwrap();
        assert_eq!(&late, b"two", "what was swallowed comes late");
    }

    #[test]
    fn it_refuses_and_cuts() {
        let proxy = Proxy::start(echo());
        let open = connect(&proxy);
        assert!(ask(&open, b"open").is_some());
        proxy.set(Network::Refuses);
        assert_eq!(ask(&connect(&proxy), b"new"), None);
        assert!(ask(&open, b"open").is_some(), "what is open stays");
        proxy.cut();
        let cut = eventually(Duration::from_secs(20), || ask(&open, b"x").is_none().then_some(()));
        assert!(cut.is_some());
    }

    #[test]
    fn it_garbles_what_is_answered() {
        let proxy = Proxy::start(echo());
        let stream = connect(&proxy);
        proxy.set(Network::Garbles);
        assert_eq!(ask(&stream, b"one").unwrap(), b"one".map(|byte| byte ^ 0x5a));
    }

    #[test]
    fn it_crawls() {
        let proxy = Proxy::start(echo());
        let stream = connect(&proxy);
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        proxy.set(Network::Crawls(1));
        let began = now();
        assert!(ask(&stream, b"ab").is_some());
        assert!(began.elapsed() >= Duration::from_secs(1));
    }
}
