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

/// Whether a request is the first with its key.
pub(crate) enum Turn<'a> {
    /// It is, or it has no key: it is to be decided.
    First(FirstTurn<'a>),
    /// It is not: this is what the first was answered.
    Replay(Answer),
}

/// The right to decide a keyed call on this node. Dropped without [`FirstTurn::done`], the next one tries.
pub(crate) struct FirstTurn<'a> {
    table: &'a Idempotency,
    key: Option<Key>,
    finished: Option<watch::Sender<()>>,
}

impl FirstTurn<'_> {
    /// What is kept with the call to tell another request apart.
    pub(crate) fn request_hash(&self) -> Option<u64> {
        self.key.map(|key| key.request_hash)
    }

    /// Remembers the answer for those who ask again. `recorded_by` is a place in the journal at or after it.
    pub(crate) fn done(mut self, answer: &Answer, recorded_by: Position) {
        if let Some(key) = self.key.take() {
            self.table.remember(key, &answer.record, answer.proof, recorded_by);
        }
        drop(self.finished.take());
    }
}

impl Drop for FirstTurn<'_> {
    fn drop(&mut self) {
        if let (Some(key), Some(_)) = (self.key, &self.finished) {
            self.table.lock().slots.remove(&key.call_id);
        }
    }
}

#[derive(Debug)]
enum Slot {
    InHand { request_hash: u64, finished: watch::Receiver<()> },
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

enum Found {
    Nothing(watch::Sender<()>),
    InHand(watch::Receiver<()>),
    First(Arc<CallRecord>, Proof),
    Other,
}

impl Idempotency {
    /// Finds out whether a call is the first with its key, and waits for the first if that is in hand.
    pub(crate) async fn turn(&self, call: &mut Call, key: Option<Key>, engine: &Engine) -> Result<Turn<'_>, CallError> {
        let Some(key) = key else {
            return Ok(Turn::First(FirstTurn { table: self, key: None, finished: None }));
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
            Ok(Found::First(record, proof)) => Ok(Turn::Replay(engine.replay(record, proof))),
            Ok(Found::Other) if emergency => self.flagged(call, engine),
            Ok(Found::Other) => Err(CallError::Conflict),
            Ok(Found::Nothing(finished)) => {
                let turn = FirstTurn { table: self, key: Some(key), finished: Some(finished) };
                self.ask_store(turn, call, key, engine).await
            }
            Ok(Found::InHand(_)) | Err(_) => Ok(Turn::First(FirstTurn { table: self, key: Some(key), finished: None })),
        }
    }

    /// Asks the store for a first answer from before this node's memory. An emergency call does not wait for it.
    async fn ask_store<'a>(
        &'a self,
        turn: FirstTurn<'a>,
        call: &mut Call,
        key: Key,
        engine: &Engine,
    ) -> Result<Turn<'a>, CallError> {
        if call.class == Class::Emergency {
            return Ok(Turn::First(turn));
        }
        let found = tokio::time::timeout(FIRST_WAIT, engine.call_log.first_answer(&call.tenant, call.id)).await;
        let Ok(Some(record)) = found else {
            return Ok(Turn::First(turn));
        };
        if record.routing.request_hash != Some(key.request_hash) {
            return Err(CallError::Conflict);
        }
        let answer = engine.replay(Arc::new(record), engine.recorder.proof_of_stored());
        turn.done(&answer, Position::default());
        Ok(Turn::Replay(answer))
    }

    /// An emergency call with a key that was used for another becomes a new call, and says so.
    fn flagged(&self, call: &mut Call, engine: &Engine) -> Result<Turn<'_>, CallError> {
        call.id = engine.fresh_call_id(call.received_at)?;
        call.notes.push(FieldFault {
            field: Arc::from("Idempotency-Key"),
            reason: Reason::IdempotencyConflict,
            detail: Arc::from("the key was used for another request; this emergency call is a new one"),
        });
        Ok(Turn::First(FirstTurn { table: self, key: None, finished: None }))
    }

    fn find(&self, key: Key) -> Found {
        let mut table = self.lock();
        match table.slots.get(&key.call_id) {
            Some(Slot::Answered { request_hash, .. } | Slot::InHand { request_hash, .. })
                if *request_hash != key.request_hash =>
            {
                Found::Other
            }
            Some(Slot::Answered { record, proof, .. }) => Found::First(Arc::clone(record), *proof),
            Some(Slot::InHand { finished, .. }) => Found::InHand(finished.clone()),
            None => {
                let (sender, finished) = watch::channel(());
                table.slots.insert(key.call_id, Slot::InHand { request_hash: key.request_hash, finished });
                Found::Nothing(sender)
            }
        }
    }

    fn remember(&self, key: Key, record: &Arc<CallRecord>, proof: Proof, recorded_by: Position) {
        let mut table = self.lock();
        let slot = Slot::Answered { request_hash: key.request_hash, record: Arc::clone(record), proof };
        table.slots.insert(key.call_id, slot);
        table.order.push_back((recorded_by, key.call_id));
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
