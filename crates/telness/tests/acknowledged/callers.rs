//! The load: a few switches that post calls, with and without keys, and events, doubled and in any order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use telness_testkit::{Client, Dice, Response, Service};

use super::ledger::{EventName, Ledger, Seen, body, decision};

/// Connections at once.
pub(crate) const CALLERS: usize = 8;

/// Calls of earlier lives that each caller also reports events of.
const OLD_CALLS: usize = 20;

/// Callers at work.
pub(crate) struct Callers {
    threads: Vec<JoinHandle<Seen>>,
    board: Arc<Board>,
}

/// What callers and whoever watches them share.
#[derive(Debug, Default)]
struct Board {
    /// Calls that were acknowledged so far.
    acknowledged: AtomicU64,
    /// They are to end by themselves.
    enough: AtomicBool,
}

struct Caller {
    client: Client,
    dice: Dice,
    next_key: Arc<AtomicU64>,
    calls: Vec<String>,
    seen: Seen,
    board: Arc<Board>,
}

impl Callers {
    /// Starts the callers against a running service.
    pub(crate) fn start(service: &Service, ledger: &Ledger, dice: &mut Dice) -> Self {
        let board = Arc::new(Board::default());
        let start = |_| {
            let skip = usize::try_from(dice.below(1 + ledger.calls() as u64)).unwrap();
            let caller = Caller {
                client: service.client(),
                dice: Dice::seeded(dice.next()),
                next_key: ledger.next_key(),
                calls: ledger.decisions().keys().skip(skip).take(OLD_CALLS).cloned().collect(),
                seen: Seen::default(),
                board: Arc::clone(&board),
            };
            std::thread::spawn(move || caller.run())
        };
        let threads = (0..CALLERS).map(start).collect();
        Self { threads, board }
    }

    /// How many calls were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.board.acknowledged.load(Ordering::SeqCst)
    }

    /// Has them end, and waits until they have.
    pub(crate) fn end(self, ledger: &mut Ledger) -> usize {
        self.board.enough.store(true, Ordering::SeqCst);
        self.join(ledger)
    }

    /// Waits until they have noticed that the service is gone; tells how many answers they got.
    pub(crate) fn join(self, ledger: &mut Ledger) -> usize {
        let seen: Vec<Seen> = self.threads.into_iter().map(|caller| caller.join().unwrap()).collect();
        let answered = seen.iter().map(|seen| seen.answered).sum();
        seen.into_iter().for_each(|seen| ledger.add(seen));
        answered
    }
}

impl Caller {
    fn run(mut self) -> Seen {
        loop {
            if self.board.enough.load(Ordering::SeqCst) || self.step().is_none() {
                break;
            }
        }
        self.seen
    }

    /// One request, or two for a doubled event; none when the service is gone.
    fn step(&mut self) -> Option<()> {
        match self.dice.below(10) {
            0..4 => self.call(),
            4..7 => self.keyed_call(),
            _ => self.event(),
        }
    }

    fn call(&mut self) -> Option<()> {
        let body = body(self.dice.next());
        let response = self.client.post("/v1/calls", &body);
        if let Some(answer) = self.acknowledged(response)? {
            self.calls.push(answer["id"].as_str().unwrap().to_owned());
            self.seen.calls.push(decision(&answer));
            self.board.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
        Some(())
    }

    fn keyed_call(&mut self) -> Option<()> {
        // Each key is drawn twice, mostly by two callers at once; they are one call, so one of them counts.
        let drawn = self.next_key.fetch_add(1, Ordering::SeqCst);
        let (key, counts) = (drawn / 2, drawn % 2);
        self.seen.keys_sent.push(key);
        let response = post_keyed(&mut self.client, key);
        if let Some(answer) = self.acknowledged(response)? {
            self.calls.push(answer["id"].as_str().unwrap().to_owned());
            self.seen.keyed.push((key, decision(&answer)));
            self.board.acknowledged.fetch_add(counts, Ordering::SeqCst);
        }
        Some(())
    }

    /// An event of any known call, of any kind, so in any order; every third one twice.
    fn event(&mut self) -> Option<()> {
        let place = self.dice.below(self.calls.len() as u64);
        let Some(call) = self.calls.get(usize::try_from(place).unwrap()).cloned() else { return Some(()) };
        let event: EventName = (call, format!("e-{:016x}", self.dice.next()));
        let kind = ["ringing", "answered", "ended", "failed"][usize::try_from(self.dice.below(4)).unwrap()];
        let report = json!({ "event_id": event.1, "leg": "1.1", "kind": kind });
        self.seen.events_sent.push(event.clone());
        for _ in 0..if self.dice.one_in(3) { 2 } else { 1 } {
            let response = self.client.post(&format!("/v1/calls/{}/events", event.0), &report);
            if self.acknowledged(response)?.is_some() {
                self.seen.events.push(event.clone());
            }
        }
        Some(())
    }

    /// What was acknowledged; the outer none when the service is gone, the inner when it refused for now.
    fn acknowledged(&mut self, response: std::io::Result<Response>) -> Option<Option<Value>> {
        let Ok(response) = response else {
            self.seen.unanswered += 1;
            return None;
        };
        self.seen.answered += 1;
        match response.status {
            // Refused, not acknowledged; it may have become durable all the same.
            503 => {
                let (reason, after) = (response.json()["reason"]["name"].clone(), response.header("retry-after"));
                assert!(STATED.iter().any(|stated| reason == *stated), "no reason to refuse a call or event: {reason}");
                assert!(after.is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{reason}: when again? {after:?}");
                self.seen.unanswered += 1;
                Some(None)
            }
            _ if response.is_success() => Some(Some(response.json())),
            status => panic!("{status}: {}", response.text()),
        }
    }
}

/// Why the service may refuse a call or an event for now, by its documentation.
const STATED: [&str; 3] = ["record_not_kept", "shutting_down", "overloaded"];

/// Posts the call of a key.
pub(crate) fn post_keyed(client: &mut Client, key: u64) -> std::io::Result<Response> {
    client.post_with("/v1/calls", &[("idempotency-key", &format!("key-{key}"))], &body(key))
}
