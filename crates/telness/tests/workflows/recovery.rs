//! After a full stop, when everybody comes back at once: emergency calls first (S5).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use telness_testkit::{Client, Service, ServiceOptions, eventually, lasting_addresses, now, pause};

use super::{PATIENCE, emergency, normal};

/// Clients of the low workflow that come back at once.
const LOW_CLIENTS: usize = 200;
/// Emergency calls from the moment on that there is somebody to take them.
const EMERGENCY_CALLS: usize = 300;
/// The longest that one of them may take, with all those clients on the same processors. It is no figure, only no hang: a
/// call that had to wait for one of theirs would wait for as long as they keep coming.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What the low workflow's clients were answered.
#[derive(Default)]
struct Low {
    taken: AtomicU64,
    refused: AtomicU64,
    over: AtomicBool,
}

impl Low {
    /// Calls again and again, as a client does that has no patience and heeds no Retry-After.
    fn call(&self, address: SocketAddr) {
        let mut client = Client::new(address);
        while !self.over.load(Ordering::Relaxed) {
            match client.post("/v1/calls", &normal()).map(|answer| answer.status) {
                Ok(201) => self.taken.fetch_add(1, Ordering::Relaxed),
                Ok(503) => self.refused.fetch_add(1, Ordering::Relaxed),
                Ok(status) => panic!("a normal call was answered {status}"),
                // Nobody is there.
                Err(_) => {
                    client = Client::new(address);
                    pause(Duration::from_millis(5));
                    continue;
                }
            };
        }
    }

    fn both(&self) -> (u64, u64) {
        (self.taken.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }

    /// Waits until some more were taken and refused.
    fn wait_for_more(&self) {
        let before = self.both();
        let more = || Some(self.both()).filter(|now| now.0 > before.0 + 10 && now.1 > before.1 + 10);
        assert!(eventually(PATIENCE, more).is_some(), "no flood: {:?} after {before:?}", self.both());
    }
}

/// Waits until somebody listens, and makes emergency calls from then on; says how long the longest took.
fn emergency_calls(address: SocketAddr) -> Duration {
    let listens = || std::net::TcpStream::connect(address).ok();
    let first = eventually(PATIENCE, listens).expect("it is started again");
    let mut longest = Duration::ZERO;
    for call in 0..EMERGENCY_CALLS {
        // Each on a connection of its own, as after a full stop.
        let began = now();
        let answer = Client::new(address).post("/v1/calls", &emergency());
        longest = longest.max(began.elapsed());
        let answer = answer.unwrap_or_else(|error| panic!("emergency call {call}: {error}"));
        assert_eq!((answer.status, &answer.json()["action"]), (201, &"route".into()), "emergency call {call}");
    }
    drop(first);
    longest
}

fn after_a_full_stop(low: SocketAddr, high: Option<SocketAddr>) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = ServiceOptions::new(env!("CARGO_BIN_EXE_telness"), folder.path()).listen(low);
    // What is refused is told, and would push out what this looks for.
    options = options.set("log.filter", "warn,telness::http=error,telness::listeners=info");
    options = options.set("workflow.low.calls_in_flight_max", "4").set("workflow.low.queue_calls_max", "4");
    if let Some(high) = high {
        options = options.set("workflow.high.listen", &high.to_string());
    }
    let mut service = Service::start(&options);
    let flood = Low::default();
    std::thread::scope(|scope| {
        let _over = Over(&flood);
        for _ in 0..LOW_CLIENTS {
            scope.spawn(|| flood.call(low));
        }
        flood.wait_for_more();
        service.kill();
        let calls = scope.spawn(|| emergency_calls(high.unwrap_or(low)));
        service.restart();
        let longest = calls.join().unwrap();
        assert!(longest < ANSWER_MAX, "an emergency call took {longest:?}");
        flood.wait_for_more();
    });
    let log = service.log();
    let taken: Vec<&str> = log.lines().filter(|line| line.contains("takes what comes")).collect();
    assert_eq!(taken.len(), 1 + usize::from(high.is_some()), "{log}");
    assert!(high.is_none() || taken[0].contains("the HTTP edge of the high workflow takes"), "{log}");
    assert!(taken[taken.len() - 1].contains("the HTTP edge takes"), "{log}");
}

/// Ends the flood when the test does, whichever way.
struct Over<'a>(&'a Low);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

#[test]
fn s5_after_a_full_stop_emergency_calls_are_taken_before_the_flood_and_each_is_answered() {
    let [low, high] = lasting_addresses();
    after_a_full_stop(low, Some(high));
}

#[test]
fn s5_on_one_listener_too_each_emergency_call_is_answered_from_the_moment_that_it_is_open() {
    let [low] = lasting_addresses();
    after_a_full_stop(low, None);
}
