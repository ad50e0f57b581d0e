//! The names of legs, made once: nearly every answer has the same few.

use std::sync::LazyLock;

use crate::record::LegName;

/// Steps, and targets in a step, whose names are made in advance; others are made as they are needed.
const READY_MAX: usize = 8;

static READY: LazyLock<Vec<LegName>> = LazyLock::new(|| {
    let pairs = (1..=READY_MAX).flat_map(|step| (1..=READY_MAX).map(move |place| (step, place)));
    pairs.map(|(step, place)| LegName::of_target(step, place)).collect()
});

/// The name of the leg for a target by its step and its place in the step, both from 1.
pub(super) fn name(step: usize, place: usize) -> LegName {
    let ready = (step <= READY_MAX && place <= READY_MAX)
        .then(|| step.checked_sub(1)?.checked_mul(READY_MAX)?.checked_add(place.checked_sub(1)?))
        .flatten();
    ready.and_then(|at| READY.get(at)).cloned().unwrap_or_else(|| LegName::of_target(step, place))
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
