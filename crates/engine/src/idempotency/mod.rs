//! The same key is the same call: on this node by a table of recent answers, on any node by the id itself (N5).

mod table;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use telness_core::call::{Call, CallId, Draft, FieldFault};
use telness_core::class::{Class, Workflow};
use telness_core::reason::Reason;
use telness_core::record::CallRecord;
use telness_core::standing::Standing;
use telness_core::world::World;
use tokio::sync::watch;

use crate::call_flow::Answer;
use crate::error::CallError;
use crate::identity::Identity;
use crate::node::Engine;
use table::{Found, Table};

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
    /// The first was decided and is not known to be recorded, because that takes long or whoever asked went away:
    /// it is to be recorded as it was decided.
    Record(Arc<CallRecord>, Hold<'a>),
    /// This is what the first was answered.
    Replay(Answer),
}

/// The right to carry a keyed call on this node, beside others if the first of them takes too long. Dropped without
/// [`Hold::done`] by the last that has it, the next request has it.
pub(crate) struct Hold<'a> {
    table: &'a Idempotency,
    key: Option<Key>,
}

impl Hold<'_> {
    /// What is kept with the call to tell another request apart.
    pub(crate) fn request_hash(&self) -> Option<u64> {
        self.key.map(|key| key.request_hash)
    }

    /// Notes what is about to be recorded: from here on it may be durable, whoever waits for it or not. Gives back
    /// what is to be recorded, which is another request's decision if that came first.
    pub(crate) fn offer(&self, record: Arc<CallRecord>) -> Arc<CallRecord> {
        match self.key {
            Some(key) => self.table.lock().offer(key, record),
            None => record,
        }
    }

    /// Remembers the answer for those who ask again.
    pub(crate) fn done(mut self, answer: &Answer) {
        if let Some(key) = self.key.take() {
            self.table.lock().answered(key, Arc::clone(&answer.record), answer.proof);
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.table.lock().leave(key);
        }
    }
}

/// How long the store is not asked about keys after it did not answer in time: while it hangs, one call in so many
/// seconds waits for it, and no other does.
const SILENCE: Duration = Duration::from_secs(5);

/// The keyed calls that this node decided of late, and those it decides now.
#[derive(Debug, Default)]
pub(crate) struct Idempotency {
    table: Mutex<Table>,
    /// Until when the store is not asked.
    silent_until: Mutex<Option<Instant>>,
}

impl Idempotency {
    /// Finds out what is to be done about a call, and waits for the first with its key if that is in hand.
    pub(crate) async fn turn(&self, call: &mut Call, key: Option<Key>, engine: &Engine) -> Result<Turn<'_>, CallError> {
        let Some(key) = key else {
            return Ok(Turn::Decide(self.hold(None)));
        };
        let emergency = call.class == Class::Emergency;
        // In the high workflow nobody waits for what the store knows.
        let asks_store = call.workflow() == Workflow::Low;
        let waited = if emergency { None } else { tokio::time::timeout(FIRST_WAIT, self.wait(key)).await.ok() };
        // The first takes too long, or this one cannot wait. Both make the same call: its id is the key's.
        let found = waited.unwrap_or_else(|| self.lock().take(key));
        match found {
            Found::Answered(record, proof) => Ok(Turn::Replay(engine.replay(record, proof))),
            Found::Offered(record) => Ok(Turn::Record(record, self.hold(Some(key)))),
            Found::Other if emergency => self.flagged(call, engine),
            Found::Other => Err(CallError::Conflict),
            Found::Free { answered_here } if asks_store && self.store_answers(engine) => {
                self.ask_store(call, key, answered_here, engine).await
            }
            Found::Free { .. } | Found::Beside => Ok(Turn::Decide(self.hold(Some(key)))),
        }
    }

    /// Takes a key in hand once no other request has it.
    async fn wait(&self, key: Key) -> Found {
        loop {
            let mut finished = match self.find(key) {
                Ok(found) => return found,
                Err(finished) => finished,
            };
            // It tells by closing.
            let _ = finished.changed().await;
        }
    }

    fn find(&self, key: Key) -> Result<Found, watch::Receiver<()>> {
        let mut table = self.lock();
        table.in_hand(key).map_or_else(|| Ok(table.take(key)), Err)
    }

    const fn hold(&self, key: Option<Key>) -> Hold<'_> {
        Hold { table: self, key }
    }

    /// An emergency call with a key that was used for another becomes a new call, and says so.
    fn flagged(&self, call: &mut Call, engine: &Engine) -> Result<Turn<'_>, CallError> {
        call.id = engine.fresh_call_id(call.received_at)?;
        call.notes.push(FieldFault {
            field: Arc::from("Idempotency-Key"),
            reason: Reason::IdempotencyConflict,
            detail: Arc::from("the key was used for another request; this emergency call is a new one"),
        });
        Ok(Turn::Decide(self.hold(None)))
    }

    /// Whether the store can tell of a key in time: it takes records, and answered the last time. If it did not, one call
    /// tries again for all once that is over.
    fn store_answers(&self, engine: &Engine) -> bool {
        if !engine.call_log.can_tell() {
            return false;
        }
        let now = crate::clock::monotonic();
        let mut silent_until = self.silent_until();
        let asks = silent_until.is_none_or(|until| now >= until);
        if asks && silent_until.is_some() {
            *silent_until = now.checked_add(SILENCE);
        }
        asks
    }

    fn silent_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the store for a first answer from before this node's memory of whole answers.
    async fn ask_store(
        &self,
        call: &Call,
        key: Key,
        answered_here: bool,
        engine: &Engine,
    ) -> Result<Turn<'_>, CallError> {
        let hold = self.hold(Some(key));
        let asked = engine.call_log.first_answer(&call.tenant, call.id, answered_here);
        let answer = tokio::time::timeout(FIRST_WAIT, asked).await;
        let silent_until = if answer.is_err() { crate::clock::monotonic().checked_add(SILENCE) } else { None };
        *self.silent_until() = silent_until;
        let Ok(Some(record)) = answer else {
            return Ok(Turn::Decide(hold));
        };
        if record.routing.request_hash.is_some_and(|first| first != key.request_hash) {
            return Err(CallError::Conflict);
        }
        let answer = engine.replay(Arc::new(record), engine.recorder.proof_of_stored());
        hold.done(&answer);
        Ok(Turn::Replay(answer))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, monotonic};
    use crate::config::Settings;
    use crate::node::Node;

    #[tokio::test(flavor = "multi_thread")]
    async fn s1_one_call_alone_asks_a_store_again_that_did_not_answer() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { data: folder.path().join("data"), ..Settings::defaults() };
        let node = Node::start(&settings, Clock::system()).unwrap();
        let asks = || node.engine.idempotency.store_answers(&node.engine);
        assert!(asks() && asks(), "all ask one that answers");
        *node.engine.idempotency.silent_until() = Some(monotonic() + SILENCE);
        assert!(!asks());
        *node.engine.idempotency.silent_until() = Some(monotonic());
        assert!(asks() && !asks(), "the others do not wait for what comes of it");
        tokio::task::spawn_blocking(move || node.stop()).await.unwrap();
    }
}
