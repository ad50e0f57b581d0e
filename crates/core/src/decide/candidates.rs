//! The rules that have a prefix of a number, and the facts that those rules could use.

use smallvec::SmallVec;

use super::eligible::{Asked, ineligible};
use super::holder::{Held, held};
use super::rules::rewritten;
use crate::call::{Call, Direction};
use crate::facts::Wanted;
use crate::names::TenantName;
use crate::number::{Digits, Number};
use crate::plan::{Plan, RuleAction, RuleIx};
use crate::world::World;

/// The most numbers that [`wanted`] follows through rewrites. Beyond them no more facts are asked for.
const FOLLOWED_NUMBERS_MAX: usize = 32;

/// A rule, and the prefix by which it matches; none for a rule of `any`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) rule: RuleIx,
    pub(super) prefix: Option<Digits>,
}

impl Candidate {
    /// Whether the rule names the whole of `number`.
    pub(super) fn is_whole(&self, number: &Number) -> bool {
        self.prefix.is_some() && self.prefix == number.digits()
    }
}

/// Every rule of a tenant that has a prefix of `number`, in the order in which they are tried.
pub(super) fn candidates(plan: &Plan, number: &Number, tenant: &TenantName) -> SmallVec<[Candidate; 16]> {
    let called = &plan.called;
    let mut found = SmallVec::new();
    let mut add = |prefix: Digits, set: u32| {
        let rules = usize::try_from(set).ok().and_then(|set| called.sets.get(set));
        let rules = rules.into_iter().flat_map(|run| run.of(tenant));
        found.extend(rules.map(|rule| Candidate { rule, prefix: Some(prefix) }));
    };
    match *number {
        Number::E164 { number } => called.e164.matches(number.digits()).for_each(|(prefix, set)| add(prefix, set)),
        Number::Extension { digits } => called.extensions.matches(digits).for_each(|(prefix, set)| add(prefix, set)),
        Number::Short { region, digits } => {
            called.short.get(&(region, digits)).into_iter().for_each(|set| add(digits, *set));
        }
        Number::Service { .. } => {}
    }
    found.extend(called.any.of(tenant).map(|rule| Candidate { rule, prefix: None }));
    found
}

/// The tenant whose conditions and trunks are asked: for a carrier's call, the holder of the number.
pub(super) fn tenant_of<'a>(call: &Call, held: &Held<'a>, so_far: &'a TenantName) -> &'a TenantName {
    match (call.direction, held.holder()) {
        (Direction::FromCarrier, Some(holder)) => holder.tenant(),
        (Direction::FromTenant | Direction::FromCarrier, _) => so_far,
    }
}

/// Which facts a rule that can match this call could use.
///
/// A rule that can match has a prefix of the number, or of what rewrites may make of it, and asks nothing that the
/// call fails; the time is not known yet, so schedules are not asked. An emergency call waits for no fact, and neither
/// does the emergency service's call back.
#[must_use]
pub fn wanted(world: &World, call: &Call) -> Wanted {
    let plan = &*world.plan;
    let mut wanted = Wanted::NONE;
    let mut numbers: SmallVec<[Number; 4]> = call.to.read.into_iter().collect();
    if call.emergency.is_some() || call.callback.is_some() {
        return wanted;
    }
    let mut tenant = &call.tenant;
    let mut at = 0;
    while let Some(number) = numbers.get(at).copied() {
        tenant = tenant_of(call, &held(world, &number, tenant, call.received_at), tenant);
        let asked = Asked { call, now: None };
        for candidate in candidates(plan, &number, tenant) {
            let Some(rule) = plan.rules.get(candidate.rule.index()) else { continue };
            if ineligible(plan, rule, &asked).is_some() {
                continue;
            }
            wanted = wanted.and(rule.wants);
            let RuleAction::Rewrite(rewrite) = rule.action else { continue };
            let next = rewritten(&number, rewrite);
            let new = next.filter(|next| numbers.len() < FOLLOWED_NUMBERS_MAX && !numbers.contains(next));
            numbers.extend(new);
        }
        at = at.saturating_add(1);
    }
    wanted
}
