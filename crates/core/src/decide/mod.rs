//! From an admitted call to a ranked list of targets with the complete trace: a pure function.
//!
//! # What comes before what
//! 1. **An emergency call** consults no rule: the emergency table alone says where it goes (see the module `emergency` here).
//!    So does a call whose number becomes an emergency number by a rewrite or a translation (E4).
//! 2. **A forward that comes round** is stopped: five diversions, or the called number among them (C7); see
//!    the module `forwarding` here.
//! 3. **A number that a user holds**, of the plan or else of the directory, rings that user's devices, unless a rule
//!    whose prefix is the whole number settles it first. Shorter prefixes and `any` never take a held number away. A
//!    user who is not to be disturbed is not rung, and a number in quarantine is nobody's: both end the call in the
//!    same place.
//! 4. **Any other number** goes by the rules: the longest prefix first, then the higher priority, then the place
//!    in the document; `any`, which matches every number, comes last. A rule is asked what must hold
//!    (eligibility) before it may settle anything, so a rule or target that cannot be used takes no rank (C5).
//!    A rule whose targets are all unusable lets the next one try, unless the plan marks it `last`.
//!
//! # The emergency service's call back
//! It goes to the devices of who holds the number, whatever rules and preferences say; see the module `callback` here.
//!
//! # A call from a carrier
//! Carrier-in goes carrier-out by a forward alone. For a number that nobody holds, a rule's route is used only if
//! the rule says `direction: from_carrier`; other rules may ring a user, reject or rewrite. A rewrite by a rule
//! that says so, or of a held number by a rule that names the whole of it, is a forward, and what it leads to may
//! go out. The tenant of the call is from then on the one that holds the number: tenants' conditions and trunks
//! are asked for that one. A user's devices are reached on behalf of the user's tenant, whoever calls.

mod callback;
mod candidates;
mod dial;
mod eligible;
mod emergency;
mod forwarding;
mod holder;
mod legs;
mod order;
mod outcome;
mod reserve;
mod rules;
mod targets;
mod trace;
mod weighing;

pub use candidates::wanted;
pub use emergency::{EMERGENCY_RESPONSE_MS, EMERGENCY_SETUP_MS, emergency_move_on};
pub use forwarding::DIVERSIONS_MAX;
pub use holder::{Held, Holder, held};
pub use outcome::{Action, Decision, Ranked, Step, Target};
pub use reserve::reserve;
pub use rules::REWRITES_MAX;
pub use trace::{DirectorySaid, Dropped, ForwardedBy, RuleVerdict, TargetVerdict, Trace, Verdict};

use std::sync::Arc;

use crate::call::Call;
use crate::facts::{Absence, FactKind, Facts};
use crate::world::{Moment, World};
use weighing::Weighing;

/// Ranks the targets of a call. The same call, world, facts and moment give the same answer and trace.
#[must_use]
pub fn decide(world: &World, call: &Call, facts: &Facts, moment: Moment) -> Ranked {
    let mut weighing = Weighing::new(world, call, moment);
    let settled = match call.emergency {
        Some(emergency) => weighing.by_emergency_table(emergency),
        None if call.callback.is_some() => weighing.by_callback(),
        None => weighing.by_rules(),
    };
    let trace = Trace {
        versions: world.versions(),
        now: moment.now,
        draw: moment.draw,
        facts: facts.clone(),
        directory: weighing.directory_said,
        callback: call.callback,
        on_behalf: (*weighing.tenant != call.tenant).then(|| weighing.tenant.clone()),
        forwarded_by: weighing.forwarded_by,
        located: weighing.located,
        rules: weighing.rules,
        targets: weighing.targets,
    };
    let decision = Decision {
        action: if settled.steps.is_empty() { Action::Reject } else { Action::Route },
        reason: settled.reason,
        rule: settled.rule,
        matched_prefix: settled.prefix,
        steps: settled.steps,
        degraded: degraded(world, call, facts),
        trace,
    };
    Ranked { decision, emergency: settled.emergency }
}

/// What the decision had to do without: facts that it wanted and a look-up failed to bring.
fn degraded(world: &World, call: &Call, facts: &Facts) -> Vec<Arc<str>> {
    let failed = |kind| facts.absence(kind).filter(|why: &Absence| why.degrades());
    if FactKind::ALL.into_iter().all(|kind| failed(kind).is_none()) {
        return Vec::new();
    }
    let wanted = wanted(world, call);
    let name = |kind: FactKind| Some(Arc::from(format!("{}:{}", kind.as_str(), failed(kind)?.as_str())));
    FactKind::ALL.into_iter().filter(|kind| wanted.has(*kind)).filter_map(name).collect()
}
