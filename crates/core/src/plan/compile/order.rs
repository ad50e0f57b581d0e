//! Rules that can never be used, rules that lead nowhere, and rewrites that no call gets out of (C1).

use std::cmp::Reverse;

use super::circles::Circles;
use super::rule::short_regions;
use crate::call::Direction;
use crate::number::Region;
use crate::plan::document::Document;
use crate::plan::document::pattern::CalledPattern;
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{Plan, Rewrite, Rule, RuleAction, RuleIx, Run, TrunkIx};

/// Checks the rules of a plan that is sound otherwise.
pub(super) fn check(document: &Document, plan: &Plan, faults: &mut Faults<'_>) {
    let root = Path::ROOT;
    let list = root.field("rules");
    let firsts = Firsts::new(plan);
    let circles = Circles::new(document, plan, &firsts);
    for (place, ((at, written), rule)) in document.rules.iter().zip(&plan.rules).enumerate() {
        let (here, ix) = (list.item(at), RuleIx(u32::try_from(place).unwrap_or(u32::MAX)));
        if !rule.enabled {
            continue;
        }
        let called = || written.condition.called.iter().map(|(_, pattern)| *pattern);
        let runs = firsts.runs(called(), &|| short_regions(&written.condition, document.default_region));
        let before: Option<Vec<RuleIx>> = runs.iter().map(|run| firsts.decided_before(run, ix, rule)).collect();
        if let Some(other) = before.and_then(|others| plan.rules.get(others.first()?.index())) {
            let message = format!("the rule is never reached: `{}` comes before it and always decides", other.name);
            let help = "give it a higher priority or a longer prefix, put a condition on the other, or take it out";
            faults.tell(FaultCode::UnreachableRule, &here.field("name"), message, help);
        }
        if !leads_somewhere(plan, rule) {
            let message = "every trunk or gateway that the rule leads to is switched off".to_owned();
            faults.tell(FaultCode::NoUsableRoute, &here, message, "enable one, add one, or switch the rule off too");
        }
        if let Some(message) = circles.no_way_out(ix, called()) {
            let help = "let it lead to a number with a route";
            faults.tell(FaultCode::RewriteLoop, &here.field("rewrite"), message, help);
        }
    }
}

/// The first rules of each run of [`CalledIndex`](crate::plan::CalledIndex), found once.
pub(super) struct Firsts<'p> {
    plan: &'p Plan,
    sets: Vec<First>,
    pub(super) any: First,
}

/// The first rules of a run that matter to those behind them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct First {
    /// That is switched on.
    pub(super) enabled: Option<RuleIx>,
    /// That decides every call.
    decides: Option<RuleIx>,
    /// That decides every call of a tenant's.
    decides_tenants: Option<RuleIx>,
}

impl<'p> Firsts<'p> {
    fn new(plan: &'p Plan) -> Self {
        let mut firsts = Self { plan, sets: Vec::new(), any: First::default() };
        firsts.sets = plan.called.sets.iter().map(|run| firsts.first(run)).collect();
        firsts.any = firsts.first(&plan.called.any);
        firsts
    }

    fn first(&self, run: &Run) -> First {
        let first = |is: &dyn Fn(&Rule) -> bool| {
            let found =
                run.all().filter(|ix| self.plan.rules.get(ix.index()).is_some_and(|rule| rule.enabled && is(rule)));
            found.min_by_key(|ix| self.rank(*ix))
        };
        First {
            enabled: first(&|_| true),
            decides: first(&|rule| decides(rule) == Some(Decides::EveryCall)),
            decides_tenants: first(&|rule| decides(rule).is_some()),
        }
    }

    /// What the rules of a run are tried by: higher priority first, then the order of the document.
    fn rank(&self, ix: RuleIx) -> (Reverse<Option<i32>>, RuleIx) {
        (Reverse(self.plan.rules.get(ix.index()).map(|rule| rule.priority)), ix)
    }

    /// What is first in a set of the index.
    pub(super) fn of(&self, set: u32) -> First {
        usize::try_from(set).ok().and_then(|at| self.sets.get(at)).copied().unwrap_or_default()
    }

    /// Whether a rule asks for nothing but the called number.
    pub(super) fn is_unconditional(&self, ix: RuleIx) -> bool {
        self.plan.rules.get(ix.index()).is_some_and(is_unconditional)
    }

    /// The runs that a rule stands in, one for each of its patterns.
    fn runs(&self, patterns: impl Iterator<Item = CalledPattern>, regions: &dyn Fn() -> Vec<Region>) -> Vec<First> {
        let called = &self.plan.called;
        let mut runs = Vec::new();
        for pattern in patterns {
            match pattern {
                CalledPattern::E164Prefix(digits) => runs.extend(called.e164.get(digits).map(|set| self.of(set))),
                CalledPattern::ExtensionPrefix(digits) => {
                    runs.extend(called.extensions.get(digits).map(|set| self.of(set)));
                }
                CalledPattern::Short(digits) => {
                    let found = regions().into_iter().filter_map(|region| called.short.get(&(region, digits)));
                    runs.extend(found.map(|set| self.of(*set)));
                }
                CalledPattern::Any => runs.push(self.any),
            }
        }
        runs
    }

    /// The rule of a run that decides for certain before a rule is tried that could be used.
    fn decided_before(&self, run: &First, ix: RuleIx, rule: &Rule) -> Option<RuleIx> {
        let first = if is_for_carriers(rule) { run.decides } else { run.decides_tenants };
        first.filter(|first| self.rank(*first) < self.rank(ix))
    }
}

/// The calls that a rule leaves nothing of to those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decides {
    EveryCall,
    /// A carrier's call passes a route that does not say `from_carrier`, whether or not the rule is the last.
    TenantsCalls,
}

/// What a rule that is tried always decides.
fn decides(rule: &Rule) -> Option<Decides> {
    if !is_unconditional(rule) {
        return None;
    }
    match rule.action {
        RuleAction::Reject(_) | RuleAction::Rewrite(Rewrite::To(_)) => Some(Decides::EveryCall),
        // Of some numbers it makes none, and then the next rule is tried.
        RuleAction::Rewrite(Rewrite::Digits { .. }) => None,
        RuleAction::User(_) => rule.last.then_some(Decides::EveryCall),
        RuleAction::Route(_) => rule.last.then_some(Decides::TenantsCalls),
    }
}

/// Whether a carrier's call that is no forward can be settled by a rule.
fn is_for_carriers(rule: &Rule) -> bool {
    match rule.condition.direction {
        Some(direction) => direction == Direction::FromCarrier,
        None => !matches!(rule.action, RuleAction::Route(_)),
    }
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
