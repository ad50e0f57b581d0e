//! Outside-line prefixes behind which an emergency number would be somebody's public number.

use crate::number::{Digits, Region};

/// The longest outside-line prefix that the list knows; a longer one is as good as part of a public number.
pub const OUTSIDE_LINE_DIGITS_MAX: usize = 2;

/// A region a line, and after a tab its prefixes. Made and held complete by a test of `telness-numbers`, which knows
/// the public numbers.
const AMBIGUOUS: &str = include_str!("data/outside_line.tsv");

/// Whether an emergency number after this prefix may be a public number of the region, so that a site that dials so
/// could not tell one from the other (E2): `8112` in Luxembourg is 112 behind an 8, and +3528112.
#[must_use]
pub fn is_ambiguous_outside_line(region: Region, prefix: Digits) -> bool {
    if prefix.len() > OUTSIDE_LINE_DIGITS_MAX {
        return true;
    }
    let listed = AMBIGUOUS.lines().find_map(|line| line.strip_prefix(region.as_str())?.strip_prefix('\t'));
    listed.is_some_and(|prefixes| prefixes.split(' ').any(|one| one.parse() == Ok(prefix)))
}
