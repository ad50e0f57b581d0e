//! Longest-prefix match over runs of digits, in flat arrays.

use crate::number::Digits;

/// Prefixes of digits, each with a value; asked for all that match a number, longest first.
#[derive(Clone, Debug, Default)]
pub struct PrefixTable {
    entries: Vec<(Digits, u32)>,
}

impl PrefixTable {
    /// Builds the table. Of two entries with one prefix the later one stays.
    #[must_use]
    pub fn build(entries: impl IntoIterator<Item = (Digits, u32)>) -> Self {
        Self { entries: entries.into_iter().collect() }
    }

    /// Every prefix of `digits` in the table, longest first, with its value.
    pub fn matches(&self, digits: Digits) -> impl Iterator<Item = (Digits, u32)> + '_ {
        (1..=digits.len()).rev().filter_map(move |len| {
            let prefix = digits.prefix(len)?;
            self.entries.iter().rev().find(|(key, _)| *key == prefix).copied()
        })
    }

    /// How many prefixes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
