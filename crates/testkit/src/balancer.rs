//! What stands before several nodes: it asks each whether it is ready, and leads new connections to those that are.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::client::Client;
use crate::wait::pause;

/// How often each node is asked.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A balancer of connections on a free port of 127.0.0.1, as plain as they come: it sends nothing again and knows
/// nothing of HTTP but the check. It takes no more connections once it is dropped.
#[derive(Debug)]
pub struct Balancer {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    nodes: Mutex<Nodes>,
    over: AtomicBool,
}

#[derive(Debug, Default)]
struct Nodes {
    all: Vec<Node>,
    /// Whose turn it is.
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    address: SocketAddr,
    ready: bool,
}

impl State {
    fn nodes<T>(&self, with: impl FnOnce(&mut Nodes) -> T) -> T {
        with(&mut self.nodes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

impl Nodes {
    /// The next one in turn that is ready.
    fn in_turn(&mut self) -> Option<SocketAddr> {
        let ready: Vec<SocketAddr> = self.all.iter().filter(|node| node.ready).map(|node| node.address).collect();
        self.next = self.next.wrapping_add(1);
        ready.get(self.next.checked_rem(ready.len())?).copied()
    }
}

impl Balancer {
    /// Begins to lead connections to nodes, each once it said that it is ready.
    ///
    /// # Panics
    /// When there is no free port.
    #[must_use]
    pub fn start(nodes: &[SocketAddr]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let state = Arc::new(State::default());
        let (accepting, asking) = (Arc::clone(&state), Arc::clone(&state));
        std::thread::spawn(move || accept(&listener, &accepting));
        std::thread::spawn(move || ask(&asking));
        let balancer = Self { address, state };
        nodes.iter().for_each(|node| balancer.add(*node));
        balancer
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Has one more node behind it.
    pub fn add(&self, node: SocketAddr) {
        self.state.nodes(|nodes| nodes.all.push(Node { address: node, ready: false }));
    }

    /// Forgets a node.
    pub fn remove(&self, node: SocketAddr) {
        self.state.nodes(|nodes| nodes.all.retain(|one| one.address != node));
    }

    /// Whether connections are led to a node.
    #[must_use]
    pub fn leads_to(&self, node: SocketAddr) -> bool {
        self.state.nodes(|nodes| nodes.all.iter().any(|one| one.address == node && one.ready))
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        // It waits for a connection; this is one.
        drop(TcpStream::connect(self.address));
    }
}

/// Asks every node in turn, each on a connection of its own, as checks do.
fn ask(state: &State) {
    while !state.is_over() {
        for address in state.nodes(|nodes| nodes.all.iter().map(|node| node.address).collect::<Vec<_>>()) {
            let ready = Client::new(address).get("/readyz").is_ok_and(|answer| answer.status == 200);
            state.nodes(|nodes| {
                nodes.all.iter_mut().filter(|node| node.address == address).for_each(|node| node.ready = ready);
            });
        }
        pause(ASK_EVERY);
    }
}

fn accept(listener: &TcpListener, state: &State) {
    for client in listener.incoming() {
        if state.is_over() {
            return;
        }
        let node = state.nodes(Nodes::in_turn);
        let (Ok(client), Some(Ok(node))) = (client, node.map(TcpStream::connect)) else { continue };
        for (from, to) in [(&client, &node), (&node, &client)] {
            let _ = from.set_nodelay(true);
            let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { continue };
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;
    use crate::wait::eventually;

    /// A node that answers everything with a status and closes.
    fn node(status: &'static str) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut request = [0; 1024];
                if stream.read(&mut request).is_ok() {
                    let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                }
            }
        });
        address
    }

    #[test]
    fn it_leads_to_nodes_that_are_ready_and_to_no_other() {
        let (good, bad) = (node("200 OK"), node("503 Service Unavailable"));
        let balancer = Balancer::start(&[good, bad]);
        let patience = Duration::from_secs(20);
        assert!(eventually(patience, || balancer.leads_to(good).then_some(())).is_some());
        for _ in 0..10 {
            assert_eq!(Client::new(balancer.address()).get("/").unwrap().status, 200);
        }
        assert!(!balancer.leads_to(bad));
        balancer.remove(good);
        assert!(Client::new(balancer.address()).get("/").is_err(), "nobody is ready");
    }
}
