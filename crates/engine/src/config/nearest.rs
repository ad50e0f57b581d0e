//! The known setting that a misspelt one is nearest to.

/// The known name nearest to `wrong`; often what was meant is the name that begins so, without its unit.
pub(super) fn nearest(wrong: &str, known: impl IntoIterator<Item = String>) -> Option<String> {
    let known: Vec<String> = known.into_iter().collect();
    let near = telness_core::plan::nearest(wrong, known.iter().map(String::as_str)).map(str::to_owned);
    near.or_else(|| known.into_iter().find(|name| !wrong.is_empty() && name.starts_with(wrong)))
}
