//! Whether a rule may settle a call: what must hold beside the called number, asked in one fixed order.

use crate::call::Call;
use crate::number::Number;
use crate::plan::{CallerPattern, Plan, Rule, ScheduleIx};
use crate::time::Timestamp;

use super::trace::Dropped;

/// What rules are asked about.
pub(super) struct Asked<'a> {
    pub(super) call: &'a Call,
    /// The time; without it schedules are not asked.
    pub(super) now: Option<Timestamp>,
}

/// The first thing that speaks against a rule of the call's tenant, in this order: switched off, type of call,
/// direction, caller, region, schedule, metadata. Nothing if the rule may settle the call.
pub(super) fn ineligible(plan: &Plan, rule: &Rule, asked: &Asked<'_>) -> Option<Dropped> {
    let condition = &rule.condition;
    let call = asked.call;
    if !rule.enabled {
        Some(Dropped::Disabled)
    } else if !holds(&condition.kinds, |kind| *kind == call.kind) {
        Some(Dropped::Kind)
    } else if condition.direction.is_some_and(|direction| direction != call.direction) {
        Some(Dropped::Direction)
    } else if !holds(&condition.caller, |pattern| is_caller(pattern, call.caller())) {
        Some(Dropped::Caller)
    } else if !holds(&condition.regions, |region| *region == call.region()) {
        Some(Dropped::Region)
    } else if !in_hours(plan, condition.schedule, asked.now) {
        Some(Dropped::Schedule)
    } else if !condition.metadata.iter().all(|(key, values)| {
        let value = call.metadata.get(&**key);
        value.is_some_and(|value| values.contains(value))
    }) {
        Some(Dropped::Metadata)
    } else {
        None
    }
}

/// An empty list holds always, another if one of it does.
fn holds<T>(list: &[T], one: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(one)
}

/// Whether the calling number is what the pattern asks.
fn is_caller(pattern: &CallerPattern, caller: Option<&Number>) -> bool {
    match (pattern, caller) {
        (CallerPattern::E164Prefix(prefix), Some(Number::E164 { number })) => number.digits().starts_with(*prefix),
        (CallerPattern::ExtensionPrefix(prefix), Some(Number::Extension { digits })) => digits.starts_with(*prefix),
        (CallerPattern::Unknown, None) => true,
        (CallerPattern::E164Prefix(_) | CallerPattern::ExtensionPrefix(_) | CallerPattern::Unknown, _) => false,
    }
}

/// Whether the schedule is as the rule asks. A schedule that the plan does not have is neither open nor closed.
fn in_hours(plan: &Plan, asked: Option<(ScheduleIx, bool)>, now: Option<Timestamp>) -> bool {
    let (Some((schedule, open)), Some(now)) = (asked, now) else { return true };
    plan.schedules.get(schedule.index()).is_some_and(|schedule| schedule.is_open(now) == open)
}
