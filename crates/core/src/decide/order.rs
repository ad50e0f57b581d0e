//! Weighted order: which of several comes first, drawn from the call's lot so that it repeats.

use smallvec::SmallVec;

/// A stream of numbers from one seed (SplitMix64, Steele et al. 2014): the same seed gives the same numbers on
/// every machine, which a floating-point method would not promise.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    state: u64,
}

/// Positions of a list.
pub(super) type Order = SmallVec<[usize; 8]>;

impl Draws {
    /// The stream of one call.
    pub(super) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The positions of a list in drawn order: the first is drawn by weight, the next by weight among the rest,
    /// and so on. A weight of 0 comes after all others; among zeros the order of the document stays.
    ///
    /// What is left when some are then passed over is in the order that drawing among them alone would give as
    /// often, so that eligibility does not shift the shares of the others.
    pub(super) fn order(&mut self, weights: impl ExactSizeIterator<Item = u16>) -> Order {
        if weights.len() <= 1 {
            return (0..weights.len()).collect();
        }
        let mut left: SmallVec<[(usize, u64); 8]> = weights.map(u64::from).enumerate().collect();
        let mut order = Order::new();
        // The last one needs no draw.
        for _ in 1..left.len() {
            let total = left.iter().fold(0_u64, |sum, (_, weight)| sum.saturating_add(*weight));
            let at = if total == 0 { 0 } else { position(&left, self.below(total)) };
            order.push(left.remove(at).0);
        }
        order.extend(left.into_iter().map(|(at, _)| at));
        order
    }

    /// A number from 0 to below `bound`. The sums of weights are so far below 2^64 that the bias of scaling cannot
    /// be measured.
    fn below(&mut self, bound: u64) -> u64 {
        let scaled = u128::from(self.next()).wrapping_mul(u128::from(bound)) >> 64;
        u64::try_from(scaled).unwrap_or(0)
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Where the drawn point falls when the weights are laid end to end.
fn position(left: &[(usize, u64)], point: u64) -> usize {
    let mut end = 0_u64;
    let hit = left.iter().position(|(_, weight)| {
        end = end.saturating_add(*weight);
        point < end
    });
    hit.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_put_in_an_order_that_has_each_once_and_repeats() {
        for seed in 0..1000 {
            let order = Draws::new(seed).order([3, 0, 5, 5, 0, 65535].into_iter());
            assert_eq!(order, Draws::new(seed).order([3, 0, 5, 5, 0, 65535].into_iter()));
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted.as_slice(), [0, 1, 2, 3, 4, 5]);
            assert_eq!(order[4..], [1, 4], "zero weights come last, in the order of the document");
        }
    }

    #[test]
    fn splitmix_gives_the_published_numbers() {
        // The first outputs for seed 1234567, as in the reference implementation's test vectors.
        let mut draws = Draws::new(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| draws.next()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn one_weight_among_zeros_is_first() {
        assert!((0..100).all(|seed| Draws::new(seed).order([0, 1, 0].into_iter()).as_slice() == [1, 0, 2]));
    }

    #[test]
    fn one_and_none_need_no_draw() {
        let mut draws = Draws::new(1);
        assert_eq!(draws.order([7].into_iter()).as_slice(), [0]);
        assert!(draws.order([].into_iter()).is_empty());
        assert_eq!(draws.state, 1);
    }

    #[test]
    fn every_place_is_drawn_by_weight_among_those_left() {
        let mut first = [0_u32; 3];
        let mut second_after_0 = [0_u32; 3];
        for seed in 0..100_000_u64 {
            let order = Draws::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)).order([50, 30, 20].into_iter());
            first[order[0]] += 1;
            if order[0] == 0 {
                second_after_0[order[1]] += 1;
            }
        }
        let share = |count: u32, all: u32| f64::from(count) / f64::from(all);
        for (at, expected) in [0.5, 0.3, 0.2].into_iter().enumerate() {
            assert!((share(first[at], 100_000) - expected).abs() < 0.01, "{first:?}");
        }
        assert!((share(second_after_0[1], first[0]) - 0.6).abs() < 0.01, "{second_after_0:?}");
    }
}
