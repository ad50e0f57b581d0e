//! The same key is the same call: on this node by a table of recent answers, on any node by the id itself (N5).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use telness_core::call::{Call, CallId, Draft, FieldFault};
use telness_core::class::Class;
use telness_core::reason::Reason;
use telness_core::record::CallRecord;
use telness_core::standing::Standing;
use telness_core::world::World;
use telness_store::Position;
use tokio::sync::watch;

use crate::call_flow::Answer;
use crate::error::CallError;
use crate::identity::Identity;
use crate::node::Engine;
use crate::recorder::Proof;

/// Answers that are remembered here; older ones are looked up in the store.
const RECENT_MAX: usize = 65_536;

/// How long a request waits for the first one with its key, or for the store to tell of an older one. Later than
/// that the call is decided again: it has the same id, so it is the same call.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// An idempotency key, as the call that it stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) call_id: CallId,
    request_hash: u64,
}

impl Key {
    /// The key of a request, if it has one.
    pub(crate) fn of(draft: &Draft, standing: &Standing, world: &World, identity: &Identity) -> Option<Self> {
        let key = draft.idempotency_key.as_ref()?;
        let tenant = standing.tenant.as_ref().unwrap_or(&world.plan.default_tenant);
        Some(Self { call_id: identity.keyed_call_id(tenant, key), request_hash: identity.request_hash(draft) })
    }
}

/// What is to be done about a request, by its key.
pub(crate) enum Turn<'a> {
    /// It is the first, or has no key: it is to be decided.
    Decide(Hold<'a>),
    /// The first was decided, and whoever asked went away before it was known to be recorded: it is to be recorded
    /// as it was decided.
    Record(Arc<CallRecord>, Hold<'a>),
    /// This is what the first was answered.
    Replay(Answer),
}

/// The right to carry a keyed call on this node. Dropped without [`Hold::done`], the next request has it.
pub(crate) struct Hold<'a> {
    table: &'a Idempotency,
    key: Option<Key>,
    offered: Option<Arc<CallRecord>>,
    /// Wakes those who wait, when it is dropped.
    _finished: Option<watch::Sender<()>>,
}

impl Hold<'_> {
    /// What is kept with the call to tell another request apart.
    pub(crate) fn request_hash(&self) -> Option<u64> {
        self.key.map(|key| key.request_hash)
    }

    /// Notes what is about to be recorded: from here on it may be durable, whoever waits for it or not.
    pub(crate) fn offer(&mut self, record: &Arc<CallRecord>) {
        self.offered = self.key.map(|_| Arc::clone(record));
    }

    /// Remembers the answer for those who ask again. `recorded_by` is a place in the journal at or after it.
    pub(crate) fn done(mut self, answer: &Answer, recorded_by: Position) {
        if let Some(key) = self.key.take() {
            let mut table = self.table.lock();
            let slot = Slot::Answered {
                request_hash: key.request_hash,
                record: Arc::clone(&answer.record),
                proof: answer.proof,
            };
            table.slots.insert(key.call_id, slot);
            table.order.push_back((recorded_by, key.call_id));
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut table = self.table.lock();
        match self.offered.take() {
            Some(record) => {
                table.slots.insert(key.call_id, Slot::Offered { request_hash: key.request_hash, record });
                table.order.push_back((Position::default(), key.call_id));
            }
            None => drop(table.slots.remove(&key.call_id)),
        }
    }
}

#[derive(Debug)]
enum Slot {
    InHand { request_hash: u64, finished: watch::Receiver<()> },
    Offered { request_hash: u64, record: Arc<CallRecord> },
    Answered { request_hash: u64, record: Arc<CallRecord>, proof: Proof },
}

#[derive(Debug, Default)]
struct Table {
    slots: HashMap<CallId, Slot>,
    order: VecDeque<(Position, CallId)>,
}

/// The keyed calls that this node decided of late, and those it decides now.
#[derive(Debug, Default)]
pub(crate) struct Idempotency(Mutex<Table>);

impl Table {
    fn take_in_hand(&mut self, key: Key) -> watch::Sender<()> {
        let (sender, finished) = watch::channel(());
        self.slots.insert(key.call_id, Slot::InHand { request_hash: key.request_hash, finished });
        sender
    }
}

enum Found {
    Nothing(watch::Sender<()>),
    InHand(watch::Receiver<()>),
    Offered(Arc<CallRecord>, watch::Sender<()>),
    Answered(Arc<CallRecord>, Proof),
    Other,
}

impl Idempotency {
    /// Finds out what is to be done about a call, and waits for the first with its key if that is in hand.
    pub(crate) async fn turn(&self, call: &mut Call, key: Option<Key>, engine: &Engine) -> Result<Turn<'_>, CallError> {
        let Some(key) = key else {
            return Ok(Turn::Decide(self.hold(None, None)));
        };
        let emergency = call.class == Class::Emergency;
        let waited = async {
            loop {
                match self.find(key) {
                    Found::InHand(mut finished) if !emergency => drop(finished.changed().await),
                    found => return found,
                }
            }
        };
        match tokio::time::timeout(FIRST_WAIT, waited).await {
            Ok(Found::Answered(record, proof)) => Ok(Turn::Replay(engine.replay(record, proof))),
            Ok(Found::Offered(record, finished)) => Ok(Turn::Record(record, self.hold(Some(key), Some(finished)))),
            Ok(Found::Other) if emergency => self.flagged(call, engine),
            Ok(Found::Other) => Err(CallError::Conflict),
            Ok(Found::Nothing(finished)) => {
                let hold = self.hold(Some(key), Some(finished));
                if emergency { Ok(Turn::Decide(hold)) } else { ask_store(hold, call, key, engine).await }
            }
            // The first takes too long. Deciding again makes the same call: its id is the key's.
            Ok(Found::InHand(_)) | Err(_) => Ok(Turn::Decide(self.hold(None, None))),
        }
    }

    const fn hold(&self, key: Option<Key>, finished: Option<watch::Sender<()>>) -> Hold<'_> {
        Hold { table: self, key, offered: None, _finished: finished }
    }

    /// An emergency call with a key that was used for another becomes a new call, and says so.
    fn flagged(&self, call: &mut Call, engine: &Engine) -> Result<Turn<'_>, CallError> {
        call.id = engine.fresh_call_id(call.received_at)?;
        call.notes.push(FieldFault {
            field: Arc::from("Idempotency-Key"),
            reason: Reason::IdempotencyConflict,
            detail: Arc::from("the key was used for another request; this emergency call is a new one"),
        });
        Ok(Turn::Decide(self.hold(None, None)))
    }

    /// Looks a key up, and takes it in hand if nobody has it.
    fn find(&self, key: Key) -> Found {
        let mut table = self.lock();
        let (found, request_hash) = match table.slots.get(&key.call_id) {
            Some(Slot::Answered { request_hash, record, proof }) => {
                (Found::Answered(Arc::clone(record), *proof), *request_hash)
            }
            Some(Slot::InHand { request_hash, finished }) => (Found::InHand(finished.clone()), *request_hash),
            Some(Slot::Offered { request_hash, record }) if *request_hash == key.request_hash => {
                let record = Arc::clone(record);
                return Found::Offered(record, table.take_in_hand(key));
            }
            Some(Slot::Offered { request_hash, .. }) => (Found::Other, *request_hash),
            None => return Found::Nothing(table.take_in_hand(key)),
        };
        if request_hash == key.request_hash { found } else { Found::Other }
    }

    /// Forgets the oldest answers beyond the bound, but none that the store does not hold yet.
    pub(crate) fn forget(&self, shipped: Position) {
        let mut table = self.lock();
        while table.order.len() > RECENT_MAX {
            match table.order.front() {
                Some((recorded_by, id)) if *recorded_by <= shipped => {
                    let id = *id;
                    table.order.pop_front();
                    table.slots.remove(&id);
                }
                _ => return,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the store for a first answer from before this node's memory.
async fn ask_store<'a>(hold: Hold<'a>, call: &Call, key: Key, engine: &Engine) -> Result<Turn<'a>, CallError> {
    let found = tokio::time::timeout(FIRST_WAIT, engine.call_log.first_answer(&call.tenant, call.id)).await;
    let Ok(Some(record)) = found else {
        return Ok(Turn::Decide(hold));
    };
    if record.routing.request_hash != Some(key.request_hash) {
        return Err(CallError::Conflict);
    }
    let answer = engine.replay(Arc::new(record), engine.recorder.proof_of_stored());
    hold.done(&answer, Position::default());
    Ok(Turn::Replay(answer))
}
