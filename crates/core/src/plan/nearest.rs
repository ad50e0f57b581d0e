//! The known name that a misspelt one is nearest to.

/// Beyond this length a name is not compared: the work grows with the square.
const COMPARED_CHARS_MAX: usize = 64;

/// The known name nearest to `wrong`, if it is near enough to have been meant.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().take(COMPARED_CHARS_MAX.saturating_add(1)).collect();
    if wrong.len() > COMPARED_CHARS_MAX {
        return None;
    }
    let near_enough = (wrong.len() / 3).max(1);
    let ranked = known.into_iter().map(|name| (distance(&wrong, name), name));
    ranked.filter(|(far, _)| *far <= near_enough).min().map(|(_, name)| name)
}

/// How many characters must be put in, taken out or replaced to make one of the other (Levenshtein).
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (at, wanted) in b.chars().take(COMPARED_CHARS_MAX).enumerate() {
        let mut left = at.saturating_add(1);
        let mut diagonal = at;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (have, above) in a.iter().zip(row.iter_mut().skip(1)) {
            let changed = diagonal.saturating_add(usize::from(*have != wanted));
            diagonal = *above;
            left = changed.min(left.saturating_add(1)).min(above.saturating_add(1));
            *above = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_found_and_another_word_is_not() {
        let known = ["carrier-a", "carrier-b", "office-pbx"];
        assert_eq!(nearest("carier-a", known), Some("carrier-a"));
        assert_eq!(nearest("ofice-pxb", known), Some("office-pbx"));
        assert_eq!(nearest("stockholm", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(distance(&['a', 'b', 'c'], "abc"), 0);
        assert_eq!(distance(&[], "abc"), 3);
        assert_eq!(distance(&['k', 'i', 't', 't', 'e', 'n'], "sitting"), 3);
    }
}
