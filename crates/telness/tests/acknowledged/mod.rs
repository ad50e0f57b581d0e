//! What the service acknowledged under load, written down, and held against what it kept.

pub(crate) mod callers;
pub(crate) mod ledger;
pub(crate) mod verify;

/// A number that the environment sets, such as how long the long form is.
pub(crate) fn from_environment(name: &str, otherwise: impl FnOnce() -> u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or_else(otherwise)
}
