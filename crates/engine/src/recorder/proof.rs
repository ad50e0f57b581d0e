//! The proof that a call or an event was recorded as its workflow asks. No reply can be written without one.

use telness_store::Position;

/// Shows that something was recorded. Only the recorder makes one:
///
/// ```compile_fail
/// let forged = telness_engine::recorder::Proof::deferred();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Journaled(Position),
    Committed,
    Deferred,
}

impl Proof {
    /// It is durable in the journal, at this place.
    pub(super) const fn journaled(at: Position) -> Self {
        Self(Kind::Journaled(at))
    }

    /// It is in the store.
    pub(super) const fn committed() -> Self {
        Self(Kind::Committed)
    }

    /// It will be written within the journal's group time; the answer did not wait.
    pub(super) const fn deferred() -> Self {
        Self(Kind::Deferred)
    }

    /// The word used in answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            Kind::Journaled(_) => "journaled",
            Kind::Committed => "committed",
            Kind::Deferred => "deferred",
        }
    }
}
