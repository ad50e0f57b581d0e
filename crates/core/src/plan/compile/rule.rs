//! Rules: conditions and actions with their names resolved.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::emergency::Guard;
use super::names::Names;
use super::{empty_list, route};
use crate::class::Place;
use crate::emergency::short_number;
use crate::facts::Wanted;
use crate::number::{Digits, Number, Region};
use crate::plan::document::decode::List;
use crate::plan::document::leaf::Whole;
use crate::plan::document::pattern::{CalledPattern, PlanNumber};
use crate::plan::document::{self, Document, Match};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{Condition, Rewrite, Rule, RuleAction, ScheduleIx};
use crate::reason::Reason;

pub(super) fn compile(document: &Document, names: &Names, guard: &Guard, faults: &mut Faults<'_>) -> Box<[Rule]> {
    let root = Path::ROOT;
    let list = root.field("rules");
    let mut rules = Vec::new();
    for (at, rule) in document.rules.iter() {
        let here = list.item(at);
        called(rule, document.default_region, &here, guard, faults);
        rules.push(Rule {
            name: rule.name.clone(),
            enabled: rule.enabled,
            priority: rule.priority,
            condition: condition(&rule.condition, &here.field("match"), names, faults),
            action: action(rule, document.default_region, &here, names, guard, faults),
            last: rule.last,
            // No condition of a plan asks for a fact yet.
            wants: Wanted::NONE,
        });
    }
    rules.into()
}

/// The regions whose short numbers a rule means.
pub(super) fn short_regions(condition: &Match, default: Region) -> Vec<Region> {
    match &condition.regions {
        Some(regions) => regions.iter().map(|(_, region)| *region).collect(),
        None => vec![default],
    }
}

/// Refuses rules for numbers that are emergency numbers: they would never be asked, or would seem to be.
fn called(rule: &document::Rule, default: Region, here: &Path<'_>, guard: &Guard, faults: &mut Faults<'_>) {
    let condition = here.field("match");
    let list = condition.field("called");
    if rule.condition.called.is_empty() {
        empty_list(&list, faults, "a rule for no number is never used; write `any` if every number is meant");
    }
    for (at, pattern) in rule.condition.called.iter() {
        let path = list.item(at);
        match pattern {
            CalledPattern::Short(digits) => {
                let regions = short_regions(&rule.condition, default);
                for region in &regions {
                    guard.dialled_at(&digits.to_string(), &Place::region(*region), "a rule", &path, faults);
                }
                if regions.iter().all(|region| short_number(*region, *digits).is_none()) {
                    unknown_short(*digits, &regions, &path, faults);
                }
            }
            CalledPattern::ExtensionPrefix(digits) => guard.dialled(&digits.to_string(), "a rule", &path, faults),
            CalledPattern::E164Prefix(_) | CalledPattern::Any => {}
        }
    }
}

/// Refuses a short number that nothing is ever read as. Most often a prefix was meant, and its plus is missing.
fn unknown_short(digits: Digits, regions: &[Region], path: &Path<'_>, faults: &mut Faults<'_>) {
    let regions: Vec<&str> = regions.iter().map(Region::as_str).collect();
    let message = format!("{digits} is no short number of {}, so no call would ever match it", regions.join(" or "));
    let help = format!("for a prefix write it with plus and country code; for an extension write `ext:{digits}`");
    faults.tell(FaultCode::UnknownShortNumber, path, message, help);
}

fn condition(condition: &Match, here: &Path<'_>, names: &Names, faults: &mut Faults<'_>) -> Condition {
    let tenants = listed(condition.tenants.as_ref(), &here.field("tenants"), faults);
    let tenants_here = here.field("tenants");
    for (at, tenant) in condition.tenants.iter().flat_map(List::iter) {
        names.tenants.find(tenant.as_str(), &tenants_here.item(at), faults);
    }
    let mut metadata = Vec::new();
    let metadata_here = here.field("metadata");
    for (key, values) in condition.metadata.iter().flat_map(|entries| &entries.0) {
        let values = listed(Some(values), &metadata_here.field(key), faults);
        metadata.push((Arc::from(key.as_str()), values.iter().map(|value| Arc::from(value.as_str())).collect()));
    }
    if condition.metadata.as_ref().is_some_and(|entries| entries.0.is_empty()) {
        empty_list(&metadata_here, faults, "a condition without a value would hold for every call");
    }
    Condition {
        tenants,
        kinds: listed(condition.types.as_ref(), &here.field("types"), faults),
        direction: condition.direction,
        caller: listed(condition.caller.as_ref(), &here.field("caller"), faults),
        regions: listed(condition.regions.as_ref(), &here.field("regions"), faults),
        schedule: schedule(condition, here, names, faults),
        metadata: metadata.into(),
    }
}

/// The values of a condition. An empty list is refused: it would hold for every call, or seem to for none.
fn listed<T: Clone>(list: Option<&List<T>>, path: &Path<'_>, faults: &mut Faults<'_>) -> Box<[T]> {
    let Some(list) = list else { return Box::default() };
    if list.is_empty() {
        empty_list(path, faults, "a condition without a value would hold for every call");
    }
    list.iter().map(|(_, value)| value.clone()).collect()
}

fn schedule(condition: &Match, here: &Path<'_>, names: &Names, faults: &mut Faults<'_>) -> Option<(ScheduleIx, bool)> {
    if let (Some(_), Some(_)) = (&condition.schedule, &condition.outside_schedule) {
        let message = "both `schedule` and `outside_schedule` are here".to_owned();
        let help = "keep one, or make two rules";
        faults.tell(FaultCode::Contradiction, &here.field("outside_schedule"), message, help);
    }
    let mut find = |name: &Option<crate::names::ScheduleName>, field, open| {
        let ix = names.schedule(name.as_ref()?.as_str(), &here.field(field), faults)?;
        Some((ix, open))
    };
    let inside = find(&condition.schedule, "schedule", true);
    let outside = find(&condition.outside_schedule, "outside_schedule", false);
    inside.or(outside)
}

fn action(
    rule: &document::Rule,
    default: Region,
    here: &Path<'_>,
    names: &Names,
    guard: &Guard,
    faults: &mut Faults<'_>,
) -> RuleAction {
    if let Some(route) = &rule.route {
        return RuleAction::Route(route::compile(route, &here.field("route"), names, faults));
    }
    if let Some(user) = &rule.user {
        let found = names.user(user.as_str(), &here.field("user"), faults);
        // What stands in for an action that could not be read is never used: a fault was told.
        return found.map_or(RuleAction::Reject(Reason::DeniedByPlan), RuleAction::User);
    }
    if let Some(written) = &rule.rewrite {
        let regions = short_regions(&rule.condition, default);
        let found = rewrite(written, &regions, &here.field("rewrite"), guard, faults);
        one_tenants_extension(rule, written, &here.field("rewrite"), faults);
        return found.map_or(RuleAction::Reject(Reason::DeniedByPlan), RuleAction::Rewrite);
    }
    RuleAction::Reject(rule.reject.as_ref().map_or(Reason::DeniedByPlan, |reject| reject.reason.0))
}

/// Refuses a rewrite to an extension that does not say whose: it would ring whoever has it in the call's tenant (P1).
/// The caller of an extension is in the tenant that has it.
fn one_tenants_extension(rule: &document::Rule, rewrite: &document::Rewrite, here: &Path<'_>, faults: &mut Faults<'_>) {
    let Some(PlanNumber::Extension(digits)) = rewrite.to else { return };
    let mut called = rule.condition.called.iter().map(|(_, pattern)| *pattern);
    let inside = called.all(|pattern| matches!(pattern, CalledPattern::ExtensionPrefix(_)));
    let tenants: BTreeSet<_> = rule.condition.tenants.iter().flat_map(List::iter).map(|(_, tenant)| tenant).collect();
    if !inside && tenants.len() != 1 {
        let message = format!("extension {digits} is one in each tenant, and the rule does not say whose is meant");
        let help = "ring the user that is meant with `user`, or name one tenant in `match.tenants`";
        faults.tell(FaultCode::Contradiction, &here.field("to"), message, help);
    }
}

fn rewrite(
    rewrite: &document::Rewrite,
    regions: &[Region],
    here: &Path<'_>,
    guard: &Guard,
    faults: &mut Faults<'_>,
) -> Option<Rewrite> {
    let changes = rewrite.strip.is_some() || rewrite.prepend.is_some();
    let Some(to) = rewrite.to else {
        if !changes {
            let message = "the rewrite says neither `to` nor `strip` or `prepend`, so it changes nothing".to_owned();
            faults.tell(FaultCode::NotExactlyOne, here, message, "say what becomes of the number");
        }
        let strip = rewrite.strip.map_or(0, Whole::narrow);
        return Some(Rewrite::Digits { strip, prepend: rewrite.prepend });
    };
    if changes {
        let message = "`to` names the whole number, and `strip` or `prepend` would change it".to_owned();
        faults.tell(FaultCode::Contradiction, here, message, "keep `to`, or `strip` and `prepend`");
    }
    let path = here.field("to");
    let (number, text) = match (to, regions) {
        (PlanNumber::E164(number), _) => (Number::E164 { number }, number.to_string()),
        (PlanNumber::Extension(digits), _) => (Number::Extension { digits }, digits.to_string()),
        (PlanNumber::Short(digits), [region]) => (Number::Short { region: *region, digits }, digits.to_string()),
        (PlanNumber::Short(digits), _) => {
            let message = format!("`{digits}` is a short number, and the rule is for several regions");
            faults.tell(FaultCode::Contradiction, &path, message, "make a rule for each region");
            return None;
        }
    };
    guard.dialled(&text, "a rewrite", &path, faults);
    Some(Rewrite::To(number))
}
