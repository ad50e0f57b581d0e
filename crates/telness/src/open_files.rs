//! Open files: as many as the system gives, shared so that connections to one listener take none of the other's, nor
//! of the journal's.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a node has open beside connections: journal, store, snapshot, gateways that are asked.
const BESIDE: u64 = 100;

/// How many may be open once [`raise`] has asked for them.
pub(crate) fn most() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Asks the system for as many as it may give, and tells how many there are. What is usual is 1,024, for the sake of
/// programs that we are not.
pub(crate) fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    if raised.is_ok() { most() } else { limit.current.unwrap_or(u64::MAX) }
}

/// How many are needed where each of so many listeners may have so many connections.
pub(crate) fn needed(connections_max: usize, listeners: usize) -> u64 {
    u64::try_from(connections_max.saturating_mul(listeners)).unwrap_or(u64::MAX).saturating_add(BESIDE)
}

/// How many connections each listener may have, of so many files.
pub(crate) fn connections_of_each(files: u64, listeners: usize) -> usize {
    let connections = usize::try_from(files.saturating_sub(BESIDE)).unwrap_or(usize::MAX);
    connections.checked_div(listeners).unwrap_or(0).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_listener_may_have_is_there() {
        for (files, listeners, connections) in [(1024, 1, 924), (1024, 2, 462), (50, 2, 1), (u64::MAX, 1, usize::MAX)] {
            assert!(connections_of_each(files, listeners) >= connections.min(usize::MAX - 100), "{files} {listeners}");
        }
        assert_eq!((connections_of_each(1024, 2), needed(462, 2)), (462, 1024));
    }
}
