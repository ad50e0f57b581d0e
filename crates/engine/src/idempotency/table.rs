//! What is remembered of keyed calls: those in hand, the latest answers whole, and of older ones a hash. Each is
//! bounded, whether or not the store takes what was answered.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use telness_core::call::CallId;
use telness_core::record::CallRecord;
use tokio::sync::watch;

use super::Key;
use crate::recorder::Proof;

/// Answers that are remembered whole, with some 3 KB each.
const ANSWERS_MAX: usize = 65_536;

/// Older keys of which only the request's hash is remembered, with some 50 bytes each.
const HASHES_MAX: usize = 262_144;

/// The keyed calls that this node decided of late, and those it decides now.
#[derive(Debug)]
pub(super) struct Table {
    slots: HashMap<CallId, Slot>,
    /// The slots that nobody has in hand, the oldest first.
    by_age: BTreeMap<u64, CallId>,
    next_age: u64,
    hashes: HashMap<CallId, u64>,
    hashes_by_age: VecDeque<CallId>,
    answers_max: usize,
    hashes_max: usize,
}

#[derive(Debug)]
struct Slot {
    request_hash: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// So many requests decide it. The first decision is the one that all of them record. Dropping `finished` wakes
    /// those who wait.
    InHand { requests: usize, offered: Option<Arc<CallRecord>>, finished: watch::Sender<()> },
    /// It was decided, and nobody knows whether it is durable.
    Offered { record: Arc<CallRecord>, age: u64 },
    /// It is recorded.
    Answered { record: Arc<CallRecord>, proof: Proof },
}

/// What a request finds under its key.
#[derive(Debug)]
pub(super) enum Found {
    /// Nobody has it, so this request has it now. Whether it was answered here too long ago to be remembered whole.
    Free { answered_here: bool },
    /// Others have not decided yet; this request has it in hand beside them.
    Beside,
    /// It was decided and is to be recorded as it was; this request has it in hand now.
    Offered(Arc<CallRecord>),
    /// It was answered so.
    Answered(Arc<CallRecord>, Proof),
    /// The key is another request's.
    Other,
}

impl Default for Table {
    fn default() -> Self {
        Self::bounded(ANSWERS_MAX, HASHES_MAX)
    }
}

impl Table {
    fn bounded(answers_max: usize, hashes_max: usize) -> Self {
        Self {
            slots: HashMap::new(),
            by_age: BTreeMap::new(),
            next_age: 0,
            hashes: HashMap::new(),
            hashes_by_age: VecDeque::new(),
            answers_max,
            hashes_max,
        }
    }

    /// What tells when the request that has this one in hand is through with it; none if there is no such request.
    pub(super) fn in_hand(&self, key: Key) -> Option<watch::Receiver<()>> {
        match self.slots.get(&key.call_id) {
            Some(Slot { request_hash, state: State::InHand { finished, .. } }) if *request_hash == key.request_hash => {
                Some(finished.subscribe())
            }
            _ => None,
        }
    }

    /// Looks a key up, and takes it in hand unless it was answered; beside those who have it in hand, if need be.
    pub(super) fn take(&mut self, key: Key) -> Found {
        let request_hash = key.request_hash;
        let in_hand = |offered| State::InHand { requests: 1, offered, finished: watch::Sender::new(()) };
        let Some(slot) = self.slots.get_mut(&key.call_id) else {
            let known = self.hashes.get(&key.call_id);
            if known.is_some_and(|known| *known != request_hash) {
                return Found::Other;
            }
            let answered_here = known.is_some();
            self.slots.insert(key.call_id, Slot { request_hash, state: in_hand(None) });
            return Found::Free { answered_here };
        };
        if slot.request_hash != request_hash {
            return Found::Other;
        }
        match &mut slot.state {
            State::InHand { requests, offered, .. } => {
                *requests = requests.saturating_add(1);
                offered.as_ref().map_or(Found::Beside, |record| Found::Offered(Arc::clone(record)))
            }
            State::Offered { record, age } => {
                let record = Arc::clone(record);
                self.by_age.remove(age);
                slot.state = in_hand(Some(Arc::clone(&record)));
                Found::Offered(record)
            }
            State::Answered { record, proof } => Found::Answered(Arc::clone(record), *proof),
        }
    }

    /// Notes what is about to be recorded. Another request may have come before; then its record is the call.
    pub(super) fn offer(&mut self, key: Key, record: Arc<CallRecord>) -> Arc<CallRecord> {
        match self.slots.get_mut(&key.call_id) {
            Some(slot) if slot.request_hash == key.request_hash => match &mut slot.state {
                State::InHand { offered, .. } => Arc::clone(offered.get_or_insert(record)),
                State::Offered { record, .. } | State::Answered { record, .. } => Arc::clone(record),
            },
            _ => record,
        }
    }

    /// Remembers an answer, unless there is one.
    pub(super) fn answered(&mut self, key: Key, record: Arc<CallRecord>, proof: Proof) {
        let there = self.slots.get(&key.call_id);
        if there.is_none_or(|slot| !matches!(slot.state, State::Answered { .. })) {
            self.keep(key, |_| State::Answered { record, proof });
        }
    }

    /// A request that had a call in hand gives it up. The last one leaves behind what was decided.
    pub(super) fn leave(&mut self, key: Key) {
        let Some(Slot { state: State::InHand { requests, offered, .. }, .. }) = self.slots.get_mut(&key.call_id) else {
            return;
        };
        *requests = requests.saturating_sub(1);
        if *requests > 0 {
            return;
        }
        match offered.take() {
            Some(record) => self.keep(key, |age| State::Offered { record, age }),
            None => drop(self.slots.remove(&key.call_id)),
        }
    }

    fn keep(&mut self, key: Key, state: impl FnOnce(u64) -> State) {
        let age = self.next_age;
        self.next_age = age.saturating_add(1);
        let slot = Slot { request_hash: key.request_hash, state: state(age) };
        let before = self.slots.insert(key.call_id, slot);
        if let Some(Slot { state: State::Offered { age, .. }, .. }) = before {
            self.by_age.remove(&age);
        }
        self.by_age.insert(age, key.call_id);
        self.forget();
    }

    /// Forgets the oldest beyond the bounds: of an answer all but the hash, of a hash all.
    fn forget(&mut self) {
        while self.by_age.len() > self.answers_max {
            let Some((_, id)) = self.by_age.pop_first() else { return };
            let Some(Slot { request_hash, state: State::Answered { .. } }) = self.slots.remove(&id) else { continue };
            if self.hashes.insert(id, request_hash).is_none() {
                self.hashes_by_age.push_back(id);
            }
        }
        while self.hashes_by_age.len() > self.hashes_max {
            if let Some(id) = self.hashes_by_age.pop_front() {
                self.hashes.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
