//! Rules that can never be used, rules that lead nowhere, and rewrites that go round in circles (C1).

use std::collections::HashSet;

use crate::number::Number;
use crate::plan::document::Document;
use crate::plan::document::pattern::CalledPattern;
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{Plan, Rewrite, Rule, RuleAction, RuleIx, TrunkIx};

use super::rule::short_regions;

/// Checks the rules of a plan that is sound otherwise.
pub(super) fn check(document: &Document, plan: &Plan, faults: &mut Faults<'_>) {
    let root = Path::ROOT;
    let list = root.field("rules");
    for (place, ((at, written), rule)) in document.rules.iter().zip(&plan.rules).enumerate() {
        let (here, ix) = (list.item(at), RuleIx(u32::try_from(place).unwrap_or(u32::MAX)));
        if !rule.enabled {
            continue;
        }
        let runs = runs(plan, written.condition.called.iter().map(|(_, pattern)| *pattern), &|| {
            short_regions(&written.condition, document.default_region)
        });
        let before: Option<Vec<RuleIx>> = runs.iter().map(|run| decided_before(plan, run, ix)).collect();
        if let Some(other) = before.and_then(|others| plan.rules.get(others.first()?.index())) {
            let message = format!("the rule is never reached: `{}` comes before it and always decides", other.name);
            let help = "give it a higher priority or a longer prefix, put a condition on the other, or take it out";
            faults.tell(FaultCode::UnreachableRule, &here.field("name"), message, help);
        }
        if !leads_somewhere(plan, rule) {
            let message = "every trunk or gateway that the rule leads to is switched off".to_owned();
            faults.tell(FaultCode::NoUsableRoute, &here, message, "enable one, add one, or switch the rule off too");
        }
        if goes_round(plan, ix) {
            let message = "the rewritten number comes back to this rule, so no call gets out of it".to_owned();
            faults.tell(
                FaultCode::RewriteLoop,
                &here.field("rewrite"),
                message,
                "let it lead to a number with a route",
            );
        }
    }
}

/// The runs that a rule stands in, one for each of its patterns.
fn runs<'p>(
    plan: &'p Plan,
    patterns: impl Iterator<Item = CalledPattern>,
    regions: &dyn Fn() -> Vec<crate::number::Region>,
) -> Vec<&'p [RuleIx]> {
    let called = &plan.called;
    let set = |at: u32| called.sets.get(usize::try_from(at).ok()?).map(|run| &**run);
    let mut runs = Vec::new();
    for pattern in patterns {
        match pattern {
            CalledPattern::E164Prefix(digits) => runs.extend(called.e164.get(digits).and_then(set)),
            CalledPattern::ExtensionPrefix(digits) => runs.extend(called.extensions.get(digits).and_then(set)),
            CalledPattern::Short(digits) => {
                let found = regions().into_iter().filter_map(|region| called.short.get(&(region, digits)));
                runs.extend(found.copied().filter_map(set));
            }
            CalledPattern::Any => runs.push(&*called.any),
        }
    }
    runs
}

/// The rule of a run that decides for certain before `ix` is tried.
fn decided_before(plan: &Plan, run: &[RuleIx], ix: RuleIx) -> Option<RuleIx> {
    let earlier = run.iter().copied().take_while(|other| *other != ix);
    earlier.into_iter().find(|other| plan.rules.get(other.index()).is_some_and(always_decides))
}

/// Whether a rule that is tried leaves nothing to those behind it.
fn always_decides(rule: &Rule) -> bool {
    let ends = matches!(rule.action, RuleAction::Reject(_) | RuleAction::Rewrite(_)) || rule.last;
    rule.enabled && ends && is_unconditional(rule)
}

/// Whether a rule asks for nothing but the called number.
fn is_unconditional(rule: &Rule) -> bool {
    let asked = &rule.condition;
    asked.tenants.is_empty()
        && asked.kinds.is_empty()
        && asked.direction.is_none()
        && asked.caller.is_empty()
        && asked.regions.is_empty()
        && asked.schedule.is_none()
        && asked.metadata.is_empty()
}

/// Whether a rule that names trunks names one that is in use.
fn leads_somewhere(plan: &Plan, rule: &Rule) -> bool {
    let usable = |ix: TrunkIx| {
        plan.trunk(ix).is_some_and(|trunk| trunk.enabled && trunk.gateways.iter().any(|gateway| gateway.enabled))
    };
    match &rule.action {
        RuleAction::Route(groups) => groups.iter().flat_map(|group| &group.0).any(|(ix, _)| usable(*ix)),
        RuleAction::User(ix) => {
            plan.users.get(ix.index()).is_some_and(|user| user.devices.iter().any(|device| usable(device.trunk)))
        }
        RuleAction::Rewrite(_) | RuleAction::Reject(_) => true,
    }
}

/// Whether a rule's rewrite comes back to it for certain. A rule that was used once is used again: nothing that
/// conditions ask about is changed by a rewrite.
fn goes_round(plan: &Plan, start: RuleIx) -> bool {
    let mut used = HashSet::from([start]);
    let mut here = start;
    while let Some(RuleAction::Rewrite(Rewrite::To(number))) = plan.rules.get(here.index()).map(|rule| &rule.action) {
        match certain_rule(plan, number, &used) {
            Some(next) if next == start => return true,
            Some(next) if used.insert(next) => here = next,
            _ => return false,
        }
    }
    false
}

/// The rule that is used for a number, if that can be told without the call.
fn certain_rule(plan: &Plan, number: &Number, used: &HashSet<RuleIx>) -> Option<RuleIx> {
    let called = &plan.called;
    let digits = number.digits()?;
    let sets: Vec<u32> = match number {
        Number::E164 { .. } => called.e164.matches(digits).map(|(_, set)| set).collect(),
        Number::Extension { .. } => called.extensions.matches(digits).map(|(_, set)| set).collect(),
        Number::Short { region, .. } => called.short.get(&(*region, digits)).copied().into_iter().collect(),
        Number::Service { .. } => Vec::new(),
    };
    let runs = sets.into_iter().filter_map(|at| called.sets.get(usize::try_from(at).ok()?)).chain([&called.any]);
    for ix in runs.flatten() {
        let Some(rule) = plan.rules.get(ix.index()).filter(|rule| rule.enabled) else { continue };
        // A rule that asks for more may or may not be used: then nothing is certain.
        return (used.contains(ix) || is_unconditional(rule)).then_some(*ix);
    }
    None
}
