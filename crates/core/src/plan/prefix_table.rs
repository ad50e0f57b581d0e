//! Longest-prefix match over runs of digits, in flat arrays.
//!
//! One open-addressed hash table holds the prefixes of every length. A number is asked for by its first digits,
//! from the longest length that the table has to the shortest, so a lookup costs one probe for each such length
//! and no chain of pointers. The key of a run of digits is the number that is read when a 1 is put before it:
//! leading zeros and the length are kept, no key is zero, and the key of the next shorter prefix is a tenth.

use crate::number::Digits;

/// Prefixes of digits, each with a value; asked for all that match a number, longest first.
#[derive(Clone, Debug, Default)]
pub struct PrefixTable {
    /// A power of two of slots; zero is an empty one.
    keys: Box<[u64]>,
    /// The value of each slot.
    values: Box<[u32]>,
    /// Bit `n` is set if there is a prefix of `n` digits.
    lengths: u32,
    /// How far a hash is shifted to give a slot.
    shift: u32,
    len: usize,
}

/// Four of five slots are used at the most: 15 to 30 bytes a prefix, and short runs of full slots.
const FULL_OF_FIVE_MAX: usize = 4;

/// An odd number near 2^64 divided by the golden ratio; multiplied by it, near keys fall far apart.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

impl PrefixTable {
    /// Builds the table. Of two entries with one prefix the later one stays.
    #[must_use]
    pub fn build(entries: impl IntoIterator<Item = (Digits, u32)>) -> Self {
        let entries: Vec<(Digits, u32)> = entries.into_iter().collect();
        if entries.is_empty() {
            return Self::default();
        }
        let slots = (entries.len().saturating_mul(5) / FULL_OF_FIVE_MAX).saturating_add(1).next_power_of_two();
        let mut table = Self {
            keys: vec![0; slots].into(),
            values: vec![0; slots].into(),
            lengths: 0,
            shift: u64::BITS.saturating_sub(slots.trailing_zeros()),
            len: 0,
        };
        for (digits, value) in entries {
            table.put(digits, value);
        }
        table
    }

    /// Every prefix of `digits` in the table, longest first, with its value.
    pub fn matches(&self, digits: Digits) -> impl Iterator<Item = (Digits, u32)> + '_ {
        Matches { table: self, key: key_of(digits), at: digits.len(), digits }
    }

    /// The value of exactly this prefix.
    #[must_use]
    pub fn get(&self, prefix: Digits) -> Option<u32> {
        self.find(key_of(prefix))
    }

    /// How many prefixes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many bytes the arrays take.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.keys).saturating_add(size_of_val(&*self.values))
    }

    fn put(&mut self, digits: Digits, value: u32) {
        let key = key_of(digits);
        let mut at = self.slot(key);
        // There is always an empty slot, so this ends.
        while let (Some(found), Some(slot)) = (self.keys.get_mut(at), self.values.get_mut(at)) {
            if *found == 0 || *found == key {
                self.len = self.len.saturating_add(usize::from(*found == 0));
                self.lengths |= 1 << digits.len();
                *found = key;
                *slot = value;
                return;
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn find(&self, key: u64) -> Option<u32> {
        let mut at = self.slot(key);
        loop {
            let found = *self.keys.get(at)?;
            if found == key {
                return self.values.get(at).copied();
            }
            if found == 0 {
                return None;
            }
            at = self.after(at);
        }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "shifted down to the number of slots, which is a usize")]
    const fn slot(&self, key: u64) -> usize {
        // One slot or none needs a shift by all bits, which the machine does not have.
        match key.wrapping_mul(SPREAD).checked_shr(self.shift) {
            Some(slot) => slot as usize,
            None => 0,
        }
    }

    #[inline]
    const fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.keys.len().wrapping_sub(1)
    }
}

/// The number that is read when a 1 is put before the digits.
fn key_of(digits: Digits) -> u64 {
    // At most 18 digits: the sum is below 2 * 10^18.
    let one = POWERS_OF_TEN.get(digits.len()).copied().unwrap_or(0);
    one.saturating_add(digits.value())
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, which refuses an index out of range")]
const POWERS_OF_TEN: [u64; Digits::MAX + 1] = {
    let mut powers = [1; Digits::MAX + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// The prefixes of one number that are left to look for.
struct Matches<'t> {
    table: &'t PrefixTable,
    /// The key of the prefix of `at` digits.
    key: u64,
    at: usize,
    digits: Digits,
}

impl Iterator for Matches<'_> {
    type Item = (Digits, u32);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.at > 0 {
            let (len, key) = (self.at, self.key);
            self.at = len.saturating_sub(1);
            self.key = key / 10;
            if self.table.lengths & (1 << len) == 0 {
                continue;
            }
            if let Some(value) = self.table.find(key) {
                return Some((self.digits.prefix(len)?, value));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digits() -> impl Strategy<Value = Digits> {
        // Few different digits, so that prefixes of each other are common, and every length up to the longest.
        "[012]{1,6}|[0-9]{1,18}".prop_map(|text| text.parse().unwrap())
    }

    proptest! {
        #[test]
        fn agrees_with_a_scan_of_all_entries(
            entries in proptest::collection::vec((digits(), any::<u32>()), 0..200),
            asked in proptest::collection::vec(digits(), 1..50),
        ) {
            let table = PrefixTable::build(entries.iter().copied());
            for number in asked.into_iter().chain(entries.iter().map(|(prefix, _)| *prefix)) {
                let scan: Vec<(Digits, u32)> = (1..=number.len()).rev().filter_map(|len| {
                    let prefix = number.prefix(len).unwrap();
                    entries.iter().rev().find(|(key, _)| *key == prefix).copied()
                }).collect();
                let found: Vec<_> = table.matches(number).collect();
                prop_assert_eq!(&found, &scan);
                let exact = scan.first().filter(|(prefix, _)| *prefix == number).map(|(_, value)| *value);
                prop_assert_eq!(table.get(number), exact);
            }
            let distinct: std::collections::HashSet<_> = entries.iter().map(|(prefix, _)| prefix).collect();
            prop_assert_eq!(table.len(), distinct.len());
            prop_assert_eq!(table.is_empty(), distinct.is_empty());
        }
    }

    #[test]
    fn takes_thirty_bytes_a_prefix_at_most() {
        for count in [1_000_u32, 1_638, 1_639, 3_000, 50_000] {
            let table = PrefixTable::build((0..count).map(|n| (format!("46{n:07}").parse().unwrap(), n)));
            assert!(table.heap_bytes() <= table.len() * 30 + 64, "{count}: {}", table.heap_bytes());
        }
    }

    #[test]
    fn leading_zeros_and_lengths_are_told_apart() {
        let table = PrefixTable::build([("0".parse().unwrap(), 1), ("00".parse().unwrap(), 2)]);
        let found: Vec<u32> = table.matches("000".parse().unwrap()).map(|(_, value)| value).collect();
        assert_eq!(found, [2, 1]);
        assert_eq!(PrefixTable::default().matches("1".parse().unwrap()).count(), 0);
    }
}
