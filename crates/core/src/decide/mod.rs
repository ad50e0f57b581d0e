//! From an admitted call to a ranked list of targets with the complete trace: a pure function.

mod outcome;
mod trace;

pub use outcome::{Action, Decision, Ranked, Step, Target};
pub use trace::{Dropped, RuleVerdict, TargetVerdict, Trace, Verdict};

use crate::call::Call;
use crate::facts::{Facts, Wanted};
use crate::world::{Moment, World};

/// Which facts a rule that can match this call could use.
#[must_use]
pub fn wanted(world: &World, call: &Call) -> Wanted {
    let _ = (world, call);
    Wanted::NONE
}

/// Ranks the targets of a call. The same call, world, facts and moment give the same answer and trace.
#[must_use]
pub fn decide(world: &World, call: &Call, facts: &Facts, moment: Moment) -> Ranked {
    let _ = (call, facts, moment);
    Ranked(Decision {
        action: Action::Reject,
        reason: crate::reason::Reason::NoRoute,
        rule: None,
        matched_prefix: None,
        steps: Vec::new(),
        degraded: Vec::new(),
        trace: Trace { versions: world.versions(), ..Trace::default() },
    })
}

/// Takes capacity for each target by `take` and drops what is full; what remains is the decision.
#[must_use]
pub fn reserve(ranked: Ranked, mut take: impl FnMut(&Target) -> bool) -> Decision {
    let _ = &mut take;
    ranked.0
}
