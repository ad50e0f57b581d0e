//! Drives load: in a closed loop each connection sends its next request once it has its answer; in an open loop
//! requests are due at fixed times, and one that had to wait for a connection is late from when it was due.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::connection::{Answer, Connection};
use super::latencies::Latencies;
use crate::wait::{now, pause};

/// What to drive.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where to.
    pub address: SocketAddr,
    /// Whole requests, sent in turn.
    pub requests: Vec<Vec<u8>>,
    /// Connections at once.
    pub connections: usize,
    /// For how long.
    pub duration: Duration,
    /// Requests a second, or as many as the connections give.
    pub rate: Option<f64>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Of answers with a status of 2xx.
    pub latencies: Latencies,
    /// Answers with any other status.
    pub failed: u64,
    /// The first such answer.
    pub first_failure: Option<String>,
    /// From the first request to the last answer.
    pub took: Duration,
    /// Size of the last answer, head and all.
    pub answer_bytes: usize,
}

impl Outcome {
    /// Successful answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let count = u32::try_from(self.latencies.total()).map_or(f64::INFINITY, f64::from);
        count / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// Drives load and waits until every request was answered.
///
/// # Errors
/// When a connection breaks: a service under measured load has no reason to close one.
pub fn drive(load: &Load) -> io::Result<Outcome> {
    let mut poll = Poll::new()?;
    let open = |index| Connection::open(load.address, poll.registry(), Token(index));
    let connections = (0..load.connections).map(open).collect::<io::Result<Vec<_>>>()?;
    let began = now();
    let mut driver = Driver {
        load,
        began,
        idle: (0..connections.len()).collect(),
        since: vec![began; connections.len()],
        connections,
        sent: 0,
        outcome: Outcome::default(),
    };
    let mut events = Events::with_capacity(1024);
    while driver.send_due()? {
        driver.rest();
        // With a connection to send on there is no time to sleep: the next request is due, or the time is over and
        // nothing may be in hand that would wake us.
        let spin = !driver.idle.is_empty();
        poll.poll(&mut events, spin.then_some(Duration::ZERO))?;
        for event in &events {
            driver.receive(event.token().0)?;
        }
    }
    driver.outcome.took = began.elapsed();
    Ok(driver.outcome)
}

struct Driver<'a> {
    load: &'a Load,
    began: Instant,
    connections: Vec<Connection>,
    idle: VecDeque<usize>,
    /// When the request in hand on each connection was due.
    since: Vec<Instant>,
    sent: u32,
    outcome: Outcome,
}

impl Driver<'_> {
    /// Sends what is due; tells whether there is anything left to wait for.
    fn send_due(&mut self) -> io::Result<bool> {
        while let Some(due) = self.next_due() {
            let Some(index) = self.idle.pop_front() else { break };
            self.since[index] = due;
            let turn = self.sent as usize % self.load.requests.len();
            self.connections[index].send(&self.load.requests[turn])?;
            self.sent += 1;
        }
        let over = self.began.elapsed() >= self.load.duration;
        Ok(!over || self.idle.len() < self.connections.len())
    }

    /// When the next request was due, if it is by now.
    fn next_due(&self) -> Option<Instant> {
        let moment = now();
        let due = self.due().unwrap_or(moment);
        (due <= moment && due.duration_since(self.began) < self.load.duration).then_some(due)
    }

    /// When the next request of an open loop is due.
    fn due(&self) -> Option<Instant> {
        self.load.rate.map(|rate| self.began + Duration::from_secs_f64(f64::from(self.sent) / rate))
    }

    /// While nothing is in hand the processor is left to others until the next request is due, so that those who share it
    /// need not take it from us when it is.
    fn rest(&self) {
        if self.idle.len() == self.connections.len()
            && let Some(due) = self.due()
        {
            pause(due.saturating_duration_since(now()));
        }
    }

    fn receive(&mut self, index: usize) -> io::Result<()> {
        let Some(answer) = self.connections[index].receive()? else { return Ok(()) };
        self.idle.push_back(index);
        self.count(index, answer);
        Ok(())
    }

    fn count(&mut self, index: usize, answer: Answer) {
        self.outcome.answer_bytes = answer.bytes;
        if (200..300).contains(&answer.status) {
            self.outcome.latencies.count(self.since[index].elapsed());
        } else {
            self.outcome.failed += 1;
            let connection = &self.connections[index];
            self.outcome.first_failure.get_or_insert_with(|| connection.shown(answer));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers every line-terminated head with the given bytes, the first one after a pause.
    fn server(answer: &'static [u8], first_after: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                std::thread::spawn(move || {
                    let mut pause = Some(first_after);
                    let mut line = String::new();
                    while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                        if line == "\r\n" {
                            crate::pause(pause.take().unwrap_or_default());
                            stream.get_mut().write_all(answer).unwrap();
                        }
                        line.clear();
                    }
                });
            }
        });
        address
    }

    fn load(address: SocketAddr, rate: Option<f64>) -> Load {
        let requests = vec![b"GET / HTTP/1.1\r\n\r\n".to_vec()];
        Load { address, requests, connections: 2, duration: Duration::from_millis(300), rate }
    }

    #[test]
    fn counts_answers_and_failures_apart() {
        let fine = server(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Duration::ZERO);
        let outcome = drive(&load(fine, None)).unwrap();
        assert!(outcome.latencies.total() > 2 && outcome.failed == 0, "{outcome:?}");
        let full = server(b"HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno", Duration::ZERO);
        let outcome = drive(&load(full, None)).unwrap();
        assert_eq!(outcome.latencies.total(), 0);
        assert!(outcome.first_failure.unwrap().ends_with("no"));
    }

    #[test]
    fn in_an_open_loop_a_late_request_counts_from_when_it_was_due() {
        let slow = server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Duration::from_millis(150));
        let outcome = drive(&load(slow, Some(100.0))).unwrap();
        assert_eq!(outcome.latencies.total(), 30);
        // Both connections were held up, so a dozen requests waited for one; a closed loop would show two.
        assert!(outcome.latencies.within(0.75) > Duration::from_millis(20), "{:?}", outcome.latencies.within(0.75));
    }
}
