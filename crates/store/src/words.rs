//! The words that columns hold, the same in every store.

use telness_core::call::Direction;
use telness_core::class::{Class, Workflow};
use telness_core::decide::Action;
use telness_core::record::CdrState;

pub(crate) const CLASSES: [Class; 4] = [Class::Emergency, Class::Vital, Class::Normal, Class::Background];
pub(crate) const WORKFLOWS: [Workflow; 2] = [Workflow::High, Workflow::Low];
pub(crate) const ACTIONS: [Action; 2] = [Action::Route, Action::Reject];
pub(crate) const DIRECTIONS: [Direction; 2] = [Direction::FromTenant, Direction::FromCarrier];

pub(crate) const fn action_word(action: Action) -> &'static str {
    match action {
        Action::Route => "route",
        Action::Reject => "reject",
    }
}

pub(crate) const fn state_word(state: CdrState) -> &'static str {
    match state {
        CdrState::Decided => "decided",
        CdrState::Ringing => "ringing",
        CdrState::Answered => "answered",
        CdrState::Failed => "failed",
        CdrState::Ended => "ended",
    }
}

pub(crate) const fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::FromTenant => "from_tenant",
        Direction::FromCarrier => "from_carrier",
    }
}

/// Which of all it is that has this name.
pub(crate) fn word<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Option<T> {
    all.iter().copied().find(|value| name(*value) == text)
}
