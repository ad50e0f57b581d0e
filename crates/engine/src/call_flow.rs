//! THE SPINE: what happens to a call, from a draft to an answer that shows it was recorded.

use std::sync::Arc;

use telness_core::call::{Call, Draft};
use telness_core::class::{Class, Classified};
use telness_core::decide::{Decision, decide, reserve, wanted};
use telness_core::facts::Facts;
use telness_core::record::CallRecord;
use telness_core::standing::{Admission, Standing, admit};
use telness_core::time::Timestamp;
use telness_core::world::{Moment, World};
use telness_store::Entry;

use crate::auth::{Asker, standing};
use crate::dialled::Dialled;
use crate::emergency_flow::is_for_help;
use crate::error::CallError;
use crate::idempotency::{Key, Turn};
use crate::node::Engine;
use crate::recorder::Proof;

/// What was decided of a call, and the proof that it was recorded.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The call and its decision.
    pub record: Arc<CallRecord>,
    /// That it was recorded.
    pub proof: Proof,
    /// Whether the request repeated an idempotency key and this is the first answer again.
    pub replayed: bool,
}

impl Engine {
    /// Handles one request for a call.
    ///
    /// # Errors
    /// Why the call was not taken. Nothing of it is kept then, but what was not durable in time may become so yet
    /// ([`CallError::NotKept`]).
    pub async fn handle_call(&self, asker: &Asker<'_>, mut draft: Draft) -> Result<Answer, CallError> {
        let started = crate::clock::monotonic();
        let _in_hand = self.metrics.call_in_hand();
        let world = self.snapshot.current();
        let mut standing = standing(asker, &world.plan, &self.keys);
        standing.settle_place(draft.location.as_ref(), &world.plan);
        let (dialled, classified) = Dialled::of(&mut draft, &standing, &world.plan);
        let classified = self.called_back(classified, &dialled, &draft, &standing, &world.plan);
        let answer = match self.workflows.let_in(asker.workflow, classified.class, &standing, &world.plan).await {
            Ok(_ticket) => self.carry(&world, draft, dialled, standing, classified).await,
            Err(refused) => Err(refused),
        };
        let answer = self.answered_emergency(classified, answer);
        self.count_call(classified.class, &answer, started.elapsed());
        answer
    }

    /// Carries a classified call: admit, enrich, decide, reserve, record.
    async fn carry(
        &self,
        world: &World,
        draft: Draft,
        dialled: Dialled,
        mut standing: Standing,
        classified: Classified,
    ) -> Result<Answer, CallError> {
        let numbers = dialled.read(&draft, &standing);
        let received_at = self.clock.now();
        standing.settle_tenant(&numbers, world, received_at);
        let key = Key::of(&draft, &standing, world, &self.identity);
        let admission = self.admission(key.as_ref(), world, received_at)?;
        let mut call = admit(draft, classified, standing, numbers, admission).map_err(CallError::Refused)?;
        let (record, hold) = match self.idempotency.turn(&mut call, key, self).await? {
            Turn::Replay(first) => return Ok(first),
            Turn::Record(record, hold) => (record, hold),
            Turn::Decide(hold) => {
                let facts = self.lookups.ask(wanted(world, &call), &call).await;
                let decision = weigh(world, &mut call, &facts, self.identity.draw_key());
                self.let_test_out(&call, &decision, world)?;
                (hold.offer(self.record_of(call, decision, hold.request_hash())), hold)
            }
        };
        let proof = self.record(&record).await?;
        self.remember(&record);
        let answer = Answer { record, proof, replayed: false };
        hold.done(&answer);
        Ok(answer)
    }

    fn admission(&self, key: Option<&Key>, world: &World, received_at: Timestamp) -> Result<Admission, CallError> {
        let id = match key {
            Some(key) => key.call_id,
            None => self.fresh_call_id(received_at)?,
        };
        Ok(Admission { id, received_at, fallback: world.plan.default_tenant.clone() })
    }

    fn record_of(&self, call: Call, decision: Decision, request_hash: Option<u64>) -> Arc<CallRecord> {
        let node = self.node.clone();
        Arc::new(CallRecord::new(call, decision, node, self.identity.number_key(), request_hash))
    }

    /// Of test calls to an emergency service no more go out than was agreed on.
    fn let_test_out(&self, call: &Call, decision: &Decision, world: &World) -> Result<(), CallError> {
        // What is located and of no emergency is a test.
        let Some(located) = decision.trace.located.as_ref().filter(|_| call.class != Class::Emergency) else {
            return Ok(());
        };
        if decision.steps.is_empty() {
            return Ok(());
        }
        self.workflows.let_test_out(located.region.unwrap_or(call.place.region), &world.plan)
    }

    /// Records a call as its workflow asks. An emergency call's answer never waits for a disk.
    async fn record(&self, record: &CallRecord) -> Result<Proof, CallError> {
        let (class, workflow) = (record.routing.class, record.routing.workflow);
        let entry = Entry::encode_call(record).map_err(|error| CallError::Internal(error.to_string()))?;
        if class == Class::Emergency {
            return Ok(self.recorder.defer(workflow, entry));
        }
        Ok(self.recorder.record(workflow, self.workflows.durability(workflow), entry).await?)
    }

    /// Remembers what a report of a leg, or a call back, will be about.
    fn remember(&self, record: &CallRecord) {
        let for_help = is_for_help(record);
        if for_help {
            self.remember_caller(record);
        }
        self.gateways.remember(record.routing.call_id, for_help, &record.personal.steps);
    }
}

/// Decides a call. One that a rewrite or a translation made an emergency call is of that class from here on (E4).
pub(crate) fn weigh(world: &World, call: &mut Call, facts: &Facts, draw_key: [u8; 16]) -> Decision {
    let ranked = decide(world, call, facts, Moment::of(call.received_at, call.id, draw_key));
    if ranked.is_emergency() {
        call.class = Class::Emergency;
    }
    reserve(ranked, |_target| true)
}
