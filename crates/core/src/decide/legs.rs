//! The names of legs, made once: nearly every answer has the same few.

use std::sync::LazyLock;

use crate::record::LegName;

/// Steps, and targets in a step, whose names are made in advance; others are made as they are needed.
const READY_MAX: usize = 8;

static READY: LazyLock<[[LegName; READY_MAX]; READY_MAX]> = LazyLock::new(|| {
    std::array::from_fn(|step| {
        std::array::from_fn(|place| LegName::of_target(step.saturating_add(1), place.saturating_add(1)))
    })
});

/// The name of the leg for a target by its step and its place in the step, both from 1.
pub(super) fn name(step: usize, place: usize) -> LegName {
    let ready = || READY.get(step.checked_sub(1)?)?.get(place.checked_sub(1)?).cloned();
    ready().unwrap_or_else(|| LegName::of_target(step, place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leg_is_named_by_step_and_place() {
        for step in 1..20 {
            for place in 1..20 {
                assert_eq!(name(step, place).as_str(), format!("{step}.{place}"));
            }
        }
    }
}
