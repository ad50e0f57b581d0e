//! Arbitrary choices that repeat: seeded, so that a failed run can be run again.

use std::hash::{BuildHasher as _, RandomState};

/// A small generator of arbitrary numbers (SplitMix64), good for choosing moments and orders, and for nothing
/// that is to be secret.
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// Dice that fall the same way for the same seed.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A seed that differs from run to run; print it, so that the run can be repeated.
    #[must_use]
    pub fn fresh_seed() -> u64 {
        RandomState::new().hash_one(0_u8)
    }

    /// The next number.
    #[allow(clippy::should_implement_trait, reason = "dice never run out, so they are no iterator")]
    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 if the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// Whether one of `of` came up.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_falls_the_same_way() {
        let throws = |seed| {
            let mut dice = Dice::seeded(seed);
            [dice.next(), dice.next(), dice.below(6), dice.below(0)]
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        assert!(throws(7)[2] < 6);
    }
}
