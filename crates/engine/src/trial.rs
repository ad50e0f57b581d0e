//! What a call would come to: the steps of the spine, without taking a place, asking anybody or recording.

use telness_core::call::{Call, CallId, Draft};
use telness_core::class::{Callback, Classified};
use telness_core::decide::{Decision, wanted};
use telness_core::standing::{Admission, Refusal, Standing, admit};
use telness_core::time::Timestamp;
use telness_core::world::World;

use crate::auth::{Asker, Keys, standing};
use crate::call_flow::weigh;
use crate::callbacks::called_by_service;
use crate::dialled::Dialled;
use crate::lookup::Lookups;

/// A call to be tried.
#[derive(Clone, Debug)]
pub struct TrialCall {
    /// The request.
    pub draft: Draft,
    /// The id that it has, or would have; weighted choices are drawn from it.
    pub id: CallId,
    /// When it arrives.
    pub at: Timestamp,
    /// The server's key of weighted choices.
    pub draw_key: [u8; 16],
}

/// What came of a trial.
#[derive(Debug)]
pub struct Trial {
    /// Who asked.
    pub standing: Standing,
    /// What kind of call it is.
    pub classified: Classified,
    /// The call and its decision, or why it would not be taken.
    pub outcome: Result<(Call, Decision), Refusal>,
}

/// Tries a call on a world: by the very functions that live calls go through, so that what it tells is what they do.
pub async fn try_call(world: &World, keys: &Keys, asker: &Asker<'_>, trial: TrialCall) -> Trial {
    try_standing(world, standing(asker, &world.plan, keys), trial).await
}

/// The same for a standing that was found or made up, with whatever speaks against it.
pub async fn try_standing(world: &World, mut standing: Standing, mut trial: TrialCall) -> Trial {
    standing.settle_place(trial.draft.location.as_ref(), &world.plan);
    let (dialled, classified) = Dialled::of(&mut trial.draft, &standing, &world.plan);
    // Whether it would be known or assumed to be a call back depends on the node; it comes to the same.
    let by_service = called_by_service(classified, &dialled, &trial.draft, &standing, &world.plan).is_some();
    let classified = if by_service { Classified::called_back(Callback::Assumed) } else { classified };
    let numbers = dialled.read(&trial.draft, &standing);
    standing.settle_tenant(&numbers, world, trial.at);
    let fallback = world.plan.default_tenant.clone();
    let admission = Admission { id: trial.id, received_at: trial.at, fallback };
    let outcome = match admit(trial.draft, classified, standing.clone(), numbers, admission) {
        Ok(mut call) => {
            let facts = Lookups::default().ask(wanted(world, &call), &call).await;
            let decision = weigh(world, &mut call, &facts, trial.draw_key);
            Ok((call, decision))
        }
        Err(refusal) => Err(refusal),
    };
    Trial { standing, classified, outcome }
}
