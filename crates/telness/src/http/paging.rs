//! What all lists have in common: how much of one page, where the next one begins, and whether it is to be CSV.

use std::fmt::Display;

use axum::extract::Query;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use telness_core::names::TenantName;

use super::fields::Faults;
use super::problem::Problem;

/// Entries of a page.
pub(super) const LIMIT: std::ops::RangeInclusive<u16> = 1..=1000;

/// Entries of a page when the request does not say.
pub(super) const LIMIT_USUAL: u16 = 100;

/// The same request with the next page's cursor, whose text needs no escape.
pub(super) fn next_link(uri: &Uri, next: &impl Display) -> Option<HeaderValue> {
    // Sent and decoded parameters pair off: of both, empty ones do not count.
    let sent = uri.query().unwrap_or("").split('&').filter(|one| !one.is_empty());
    let decoded = parameters(uri);
    let kept = sent.zip(&decoded).filter(|(_, (name, _))| name != "cursor");
    let query: String = kept.flat_map(|(one, _)| [one, "&"]).collect();
    HeaderValue::try_from(format!("<{}?{query}cursor={next}>; rel=\"next\"", uri.path())).ok()
}

/// The query's parameters, decoded, in their order.
pub(super) fn parameters(uri: &Uri) -> Vec<(String, String)> {
    Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(all)| all).unwrap_or_default()
}

/// Whether `Accept` prefers CSV to JSON: by weight, and of equal weights the first.
pub(super) fn wants_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let mut preferred = (0.0, false);
    for range in accepted.flat_map(|accept| accept.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or("");
        let csv = kind.eq_ignore_ascii_case("text/csv");
        let weight = parts.find_map(|part| part.strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('='));
        // What cannot be read as a weight is none.
        let weight = weight.map_or(1.0, |weight| weight.trim().parse::<f32>().map_or(1.0, |sent| sent.clamp(0.0, 1.0)));
        if (csv || kind.eq_ignore_ascii_case("application/json")) && weight > preferred.0 {
            preferred = (weight, csv);
        }
    }
    preferred.1
}

/// The tenant whose calls an operator asks for.
pub(super) fn tenant_named(uri: &Uri) -> Result<Option<TenantName>, Problem> {
    let sent = parameters(uri).into_iter().find(|(name, _)| name == "tenant");
    let read = sent.map(|(_, name)| name.parse::<TenantName>()).transpose();
    read.map_err(|error| {
        let mut faults = Faults::default();
        faults.invalid("tenant", format!("is {error}"));
        Problem::of_faults(faults.into_vec())
    })
}
