//! Takes capacity for what was ranked: the last step, and the only one that leaves a mark outside.

use super::legs;
use super::outcome::{Action, Decision, Ranked, Target};
use super::trace::{Dropped, TargetVerdict, Verdict};
use crate::reason::Reason;

/// Takes capacity for each target by `take` and drops what is full; what remains is the decision.
///
/// The rule has been chosen by then: a call of which every target is full is rejected, and no next rule is tried.
///
/// For an emergency call `take` is never asked: no cap stops it (E11).
#[must_use]
pub fn reserve(ranked: Ranked, mut take: impl FnMut(&Target) -> bool) -> Decision {
    let mut decision = ranked.decision;
    if ranked.emergency {
        return decision;
    }
    // The targets stand in the order of the trace's kept verdicts: those are the only ones kept.
    let mut kept = decision.trace.targets.iter_mut().filter(|verdict| verdict.verdict == Verdict::Kept);
    let mut full = false;
    for step in &mut decision.steps {
        step.targets.retain(|target| {
            let verdict = kept.next();
            let taken = take(target);
            if !taken {
                full = true;
                mark_full(verdict);
            }
            taken
        });
    }
    if full {
        close_ranks(&mut decision);
    }
    decision
}

fn mark_full(verdict: Option<&mut TargetVerdict>) {
    if let Some(verdict) = verdict {
        verdict.verdict = Verdict::Dropped(Dropped::Full);
    }
}

/// Takes out steps that have no target left, names the legs anew, and rejects when nothing is left.
fn close_ranks(decision: &mut Decision) {
    decision.steps.retain(|step| !step.targets.is_empty());
    for (step, at) in decision.steps.iter_mut().zip(1..) {
        for (target, place) in step.targets.iter_mut().zip(1..) {
            target.leg = legs::name(at, place);
        }
    }
    if decision.steps.is_empty() {
        decision.action = Action::Reject;
        decision.reason = Reason::NoUsableTarget;
        let settled = decision.trace.rules.iter_mut().rfind(|rule| rule.verdict == Verdict::Kept);
        if let Some(rule) = settled.filter(|rule| decision.rule.as_ref() == Some(&rule.rule)) {
            rule.verdict = Verdict::Dropped(Dropped::NoUsableTarget);
        }
    }
}
