//! From a key of 64 bits to a value of 32, in an open-addressed table of which versions share what is the same.
//!
//! A filter of bits is asked first, so that a key that is not there, which is what most called numbers are, seldom
//! costs more than one look into memory that the processor's cache holds.

use super::chunked::Chunked;

/// A key in two halves, so that no byte is lost to alignment, and its value.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    high: u32,
    low: u32,
    value: u32,
}

/// The key of a slot that was never used.
const EMPTY: u64 = 0;
/// The key of a slot whose entry was taken out; a search goes on past it.
const GONE: u64 = u64::MAX;

/// Of sixteen slots, how many may be used before the table is built anew, and how many are then.
const FULL_OF_SIXTEEN: usize = 13;
const FRESH_OF_SIXTEEN: usize = 11;

/// Bits of the filter for each slot.
const FILTER_BITS: usize = 8;

/// Keys and values. A key may be there several times when keys are hashes: whoever asks says which value is meant.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    slots: Chunked<Slot>,
    filter: Chunked<u64>,
    /// Entries, and with them what was taken out and still fills a slot.
    len: usize,
    used: usize,
}

impl Table {
    /// An empty table with room for so many entries.
    pub(super) fn with_room(entries: usize) -> Self {
        if entries == 0 {
            return Self::default();
        }
        let slots = (entries.saturating_mul(16) / FRESH_OF_SIXTEEN).saturating_add(16);
        let words = (slots.saturating_mul(FILTER_BITS) / 64).saturating_add(1);
        Self { slots: Chunked::filled(slots), filter: Chunked::filled(words), len: 0, used: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// The value of a key that `is_it` says is meant.
    #[inline]
    pub(super) fn find(&self, key: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        self.search(spread(key), key, is_it).map(|(_, value)| value)
    }

    /// Puts a value in, or in the place of the one that `is_it` says is meant; that one is given back.
    pub(super) fn put(&mut self, key: u64, value: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = spread(key);
        if let Some((at, before)) = self.search(hash, key, is_it) {
            self.slots.set(at, Slot::new(key, value));
            return Some(before);
        }
        if self.used.saturating_add(1).saturating_mul(16) > self.slots.len().saturating_mul(FULL_OF_SIXTEEN) {
            self.grow();
        }
        self.add(hash, key, value);
        None
    }

    /// Takes out the value that `is_it` says is meant.
    pub(super) fn remove(&mut self, key: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let (at, value) = self.search(spread(key), key, is_it)?;
        self.slots.set(at, Slot::new(GONE, 0));
        self.len = self.len.saturating_sub(1);
        Some(value)
    }

    /// Every key and value, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        self.slots.iter().map(|slot| (slot.key(), slot.value)).filter(|(key, _)| *key != EMPTY && *key != GONE)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.slots.heap_bytes().saturating_add(self.filter.heap_bytes())
    }

    #[inline]
    fn search(&self, hash: u64, key: u64, is_it: impl Fn(u32) -> bool) -> Option<(usize, u32)> {
        let (word, bit) = self.filter_of(hash);
        if self.filter.get(word)? & bit == 0 {
            return None;
        }
        let mut at = place(hash, self.slots.len());
        // A table that is full but for gone entries does not occur; the bound is for what must end.
        for _ in 0..self.slots.len() {
            let slot = self.slots.get(at)?;
            if slot.key() == key && is_it(slot.value) {
                return Some((at, slot.value));
            }
            if slot.key() == EMPTY {
                return None;
            }
            at = self.after(at);
        }
        None
    }

    /// Puts in what is not there, into a table that has room.
    fn add(&mut self, hash: u64, key: u64, value: u32) {
        let (word, bit) = self.filter_of(hash);
        let bits = self.filter.get(word).unwrap_or(0);
        if bits & bit == 0 {
            self.filter.set(word, bits | bit);
        }
        let mut at = place(hash, self.slots.len());
        while let Some(slot) = self.slots.get(at) {
            let free = slot.key() == EMPTY;
            if free || slot.key() == GONE {
                self.slots.set(at, Slot::new(key, value));
                self.len = self.len.saturating_add(1);
                self.used = self.used.saturating_add(usize::from(free));
                return;
            }
            at = self.after(at);
        }
    }

    fn grow(&mut self) {
        let mut larger = Self::with_room((self.len.saturating_mul(9) / 8).saturating_add(64));
        for (key, value) in self.iter() {
            larger.add(spread(key), key, value);
        }
        *self = larger;
    }

    #[inline]
    fn filter_of(&self, hash: u64) -> (usize, u64) {
        // The place uses the high bits, and the bit in the word the low ones.
        (place(hash, self.filter.len()), 1 << (hash & 63))
    }

    #[inline]
    const fn after(&self, at: usize) -> usize {
        let next = at.wrapping_add(1);
        if next < self.slots.len() { next } else { 0 }
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

/// Spreads near keys far apart (the finisher of SplitMix64).
#[inline]
const fn spread(key: u64) -> u64 {
    let mixed = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Where a hash falls among so many places.
#[inline]
#[allow(clippy::cast_possible_truncation, reason = "less than the number of places, which is a usize")]
const fn place(hash: u64, places: usize) -> usize {
    ((hash as u128).wrapping_mul(places as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_map_whatever_is_put_and_taken(
            steps in proptest::collection::vec((1_u64..300, any::<bool>(), any::<u32>()), 0..2000),
        ) {
            let (mut table, mut map) = (Table::default(), HashMap::new());
            for (key, put, value) in steps {
                if put {
                    prop_assert_eq!(table.put(key, value, |_| true), map.insert(key, value));
                } else {
                    prop_assert_eq!(table.remove(key, |_| true), map.remove(&key));
                }
                prop_assert_eq!(table.len(), map.len());
            }
            for key in 0..310 {
                prop_assert_eq!(table.find(key, |_| true), map.get(&key).copied());
            }
            let all: HashMap<_, _> = table.iter().collect();
            prop_assert_eq!(all, map);
        }
    }

    #[test]
    fn two_of_one_key_are_told_apart_by_who_asks() {
        let mut table = Table::default();
        for value in [10, 20] {
            assert_eq!(table.put(5, value, |found| found == value), None);
        }
        assert_eq!(table.find(5, |value| value == 20), Some(20));
        assert_eq!(table.remove(5, |value| value == 10), Some(10));
        assert_eq!((table.find(5, |value| value == 10), table.find(5, |value| value == 20)), (None, Some(20)));
    }

    #[test]
    fn takes_twenty_two_bytes_an_entry_at_most() {
        let mut table = Table::with_room(100_000);
        for key in 1..=100_000 {
            table.put(key, 0, |_| true);
        }
        assert!(table.heap_bytes() < 22 * 100_000, "{}", table.heap_bytes());
    }
}
