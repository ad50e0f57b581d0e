//! The known name that a misspelt one is nearest to.

/// Longer names are not compared: the work grows with the square.
const COMPARED_BYTES_MAX: usize = 96;

/// The known name nearest to `wrong`, if it is near enough to have been meant.
pub(super) fn nearest(wrong: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    if wrong.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let near_enough = (wrong.len() / 3).max(1);
    let known: Vec<String> = known.into_iter().collect();
    let ranked = known.iter().map(|name| (distance(wrong, name), name));
    let near = ranked.filter(|(far, _)| *far <= near_enough).min().map(|(_, name)| name);
    // Often it is the name without its unit.
    let mut longer = known.iter().filter(|name| !wrong.is_empty() && name.starts_with(wrong));
    near.or_else(|| longer.next()).cloned()
}

/// How many bytes must be put in, taken out or replaced to make one of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (at, wanted) in b.bytes().enumerate() {
        let mut left = at.saturating_add(1);
        let mut diagonal = at;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (have, above) in a.bytes().zip(row.iter_mut().skip(1)) {
            let changed = diagonal.saturating_add(usize::from(have != wanted));
            diagonal = *above;
            left = changed.min(left.saturating_add(1)).min(above.saturating_add(1));
            *above = left;
        }
    }
    row.last().copied().unwrap_or(0)
}
