//! Longest-prefix match over runs of digits, in flat arrays.
//!
//! One open-addressed hash table holds the prefixes of every length. A number is asked for by its first digits,
//! from the longest length that the table has to the shortest. Most of those prefixes are not there, so a filter
//! of bits is asked first: it is small enough to stay in the processor's cache, and says no to six of seven. The
//! key of a run of digits is [`Digits::packed`]: no key is zero, and the key of the next shorter prefix is a tenth.

use crate::number::Digits;

/// Prefixes of digits, each with a value; asked for all that match a number, longest first.
#[derive(Clone, Debug, Default)]
pub struct PrefixTable {
    /// A power of two of slots.
    slots: Box<[Slot]>,
    /// Four bits for each slot; the bit of each key is set.
    filter: Box<[u64]>,
    /// Bit `n` is set if there is a prefix of `n` digits.
    lengths: u32,
    /// How far a hash is shifted to give a slot.
    shift: u32,
    len: usize,
}

/// A key in two halves, so that no byte is lost to alignment, and its value; a key of zero is an empty slot.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    high: u32,
    low: u32,
    value: u32,
}

/// Seven of eight slots are used at the most: 14 to 29 bytes a prefix.
const FULL_OF_EIGHT_MAX: usize = 7;

/// The filter has two to the power of this many bits for each slot.
const FILTER_BITS_LOG: u32 = 2;

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
        let wanted = (entries.len().saturating_mul(8) / FULL_OF_EIGHT_MAX).saturating_add(1);
        // With 16 slots at least, the filter fills a word.
        let slots = wanted.next_power_of_two().max(16);
        let mut table = Self {
            slots: vec![Slot::default(); slots].into(),
            filter: vec![0; slots >> 6_u32.saturating_sub(FILTER_BITS_LOG)].into(),
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
        Matches { table: self, key: digits.packed(), at: digits.len(), digits }
    }

    /// The value of exactly this prefix.
    #[must_use]
    pub fn get(&self, prefix: Digits) -> Option<u32> {
        self.find(prefix.packed())
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
        size_of_val(&*self.slots).saturating_add(size_of_val(&*self.filter))
    }

    fn put(&mut self, digits: Digits, value: u32) {
        let key = digits.packed();
        let hash = key.wrapping_mul(SPREAD);
        let (word, bit) = (self.filter_word(hash), self.filter_bit(hash));
        if let Some(word) = self.filter.get_mut(word) {
            *word |= bit;
        }
        self.lengths |= 1 << digits.len();
        let mut at = self.slot(hash);
        // There is always an empty slot, so this ends.
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.key() == 0 || slot.key() == key {
                self.len = self.len.saturating_add(usize::from(slot.key() == 0));
                *slot = Slot::new(key, value);
                return;
            }
            at = self.after(at);
        }
    }

    #[inline]
    fn find(&self, key: u64) -> Option<u32> {
        let hash = key.wrapping_mul(SPREAD);
        if self.filter.get(self.filter_word(hash))? & self.filter_bit(hash) == 0 {
            return None;
        }
        let mut at = self.slot(hash);
        loop {
            let slot = self.slots.get(at)?;
            if slot.key() == key {
                return Some(slot.value);
            }
            if slot.key() == 0 {
                return None;
            }
            at = self.after(at);
        }
    }

    /// The first slot of a hash: its top bits.
    #[inline]
    const fn slot(&self, hash: u64) -> usize {
        top(hash, self.shift)
    }

    #[inline]
    const fn filter_word(&self, hash: u64) -> usize {
        top(hash, self.shift.saturating_add(6).saturating_sub(FILTER_BITS_LOG))
    }

    /// The six bits of the hash behind those that give the word.
    #[inline]
    const fn filter_bit(&self, hash: u64) -> u64 {
        1 << (top(hash, self.shift.saturating_sub(FILTER_BITS_LOG)) & 63)
    }

    #[inline]
    const fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.slots.len().wrapping_sub(1)
    }
}

/// A hash without its lowest bits; zero in a table without slots, whose shift is zero and which is never asked.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "shifted down to the number of slots, which is a usize")]
const fn top(hash: u64, shift: u32) -> usize {
    match hash.checked_shr(shift) {
        Some(top) => top as usize,
        None => 0,
    }
}

impl Slot {
    #[allow(clippy::cast_possible_truncation, reason = "the halves of the key are what is wanted")]
    const fn new(key: u64, value: u32) -> Self {
        Self { high: (key >> 32) as u32, low: key as u32, value }
    }

    #[inline]
    const fn key(self) -> u64 {
        (self.high as u64) << 32 | self.low as u64
    }
}

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
        for count in [1_000_u32, 1_791, 1_792, 3_000, 50_000] {
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
