//! `GET /v1/calls`: pages of calls, newest first, as JSON or CSV.
#![allow(unused_qualifications, reason = "utoipa writes the query's type with its path")]

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use serde::{Serialize, Serializer};
use telness_core::class::{Class, Place};
use telness_core::decide::Action;
use telness_core::number::{Digits, E164, Number, Region};
use telness_core::reason::Reason;
use telness_core::record::{CdrState, NumberKey};
use telness_numbers::DialledIn;
use telness_store::{CallQuery, Cursor, Page, StoredSummary};
use utoipa::{IntoParams, ToSchema};

use super::api::{Api, in_time, json};
use super::asker::{Peer, asker};
use super::call_request::SIP_CALL_ID_BYTES_MAX;
use super::call_view::CallSummary;
use super::csv;
use super::fields::{Faults, graphic};
use super::problem::{Problem, ProblemDocument};
use super::words::{ActionWord, ClassWord, StateWord};

/// Calls of a page.
const LIMIT: std::ops::RangeInclusive<u16> = 1..=1000;

/// Calls of a page when the request does not say.
const LIMIT_USUAL: u16 = 100;

/// What to list. Everything given must hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Received at this time or later (RFC 3339 with an offset).
    #[param(format = DateTime, example = "2026-11-23T00:00:00Z")]
    pub since: Option<String>,
    /// Received before this time (RFC 3339 with an offset).
    #[param(format = DateTime, example = "2026-11-24T00:00:00Z")]
    pub until: Option<String>,
    /// `emergency`, `vital`, `normal` or `background`.
    #[param(example = "normal")]
    pub class: Option<ClassWord>,
    /// `route` or `reject`.
    #[param(example = "route")]
    pub action: Option<ActionWord>,
    /// A reason's name or code.
    #[param(example = "no_route")]
    pub reason: Option<String>,
    /// `decided`, `ringing`, `answered`, `failed` or `ended`.
    #[param(example = "ended")]
    pub state: Option<StateWord>,
    /// The first target's trunk.
    #[param(example = "carrier-a")]
    pub trunk: Option<String>,
    /// The calling number: E.164, or as dialled in the plan's default region, or an extension.
    #[param(example = "+46701740605")]
    pub from: Option<String>,
    /// The called number: E.164, or as dialled in the plan's default region, or an extension.
    #[param(example = "+46701740606")]
    pub to: Option<String>,
    /// The switch's own id of the call.
    #[param(min_length = 1, max_length = 255, pattern = "^[!-~]+$", example = "a84b4c76e66710@192.0.2.10")]
    pub sip_call_id: Option<String>,
    /// Calls on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u16>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
    /// `json` or `csv`; else what `Accept` prefers of the two, and JSON if it names neither.
    #[param(pattern = "^(json|csv)$", example = "csv")]
    pub format: Option<String>,
}

/// One page of calls.
#[derive(Serialize, ToSchema)]
#[schema(as = CallPage)]
pub struct PageView<'a> {
    /// The calls, newest first.
    #[serde(serialize_with = "summaries")]
    #[schema(value_type = Vec<CallSummary>)]
    calls: &'a [StoredSummary],
    /// What to send as `cursor` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    next: Option<String>,
}

fn summaries<S: Serializer>(calls: &&[StoredSummary], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(calls.iter().map(|call| CallSummary::of(&call.routing, &call.personal, &call.cdr)))
}

/// Lists calls
///
/// Newest first. A page goes on where the one before ended, whatever came in meanwhile. What was acknowledged before
/// this request is in the answer. As CSV (RFC 4180) the first line names the columns, the header `Link` has the next
/// page, and cells that a spreadsheet would run begin with an apostrophe.
#[utoipa::path(
    get, path = "/v1/calls", tag = "calls", operation_id = "list_calls",
    params(ListQuery),
    responses(
        (status = 200, description = "A page.", content((PageView = "application/json"), (String = "text/csv")),
            headers(("Link" = String, description = "With `rel=\"next\"`: the next page, if there is one"))),
        (status = 401, description = "unauthenticated", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "peer_unknown", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "field_unknown, field_invalid: every wrong parameter", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 500, description = "internal", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "store_unavailable: with Retry-After", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub async fn list_calls(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let region = api.engine.world().plan.default_region;
    let asked = read(&uri, region, api.engine.number_key()).map_err(Problem::of_faults)?;
    let asker = asker(&headers, peer);
    let page = in_time(api.read_max, api.engine.list_calls(&asker, &asked.query)).await?;
    let mut response = if asked.csv.unwrap_or_else(|| wants_csv(&headers)) {
        let mut response = Response::new(Body::from(csv::page(&page)));
        let media_type = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response
    } else {
        let next = page.next.map(|next| next.to_string());
        let expected = page.calls.len().saturating_mul(768).saturating_add(64);
        json(StatusCode::OK, &PageView { calls: &page.calls, next }, expected)?
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    if let Some(link) = next_link(&uri, &page) {
        headers.insert(header::LINK, link);
    }
    Ok(response)
}

/// The same request with the next page's cursor.
fn next_link(uri: &Uri, page: &Page) -> Option<HeaderValue> {
    let next = page.next?;
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
fn wants_csv(headers: &HeaderMap) -> bool {
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

/// What a request for a page says.
#[derive(Debug)]
struct Asked {
    query: CallQuery,
    csv: Option<bool>,
}

/// Reads the query. `key` is the server's, under which numbers are found.
fn read(uri: &Uri, region: Region, key: [u8; 16]) -> Result<Asked, Vec<telness_core::call::FieldFault>> {
    let mut faults = Faults::default();
    let mut asked = Asked { query: CallQuery { limit: LIMIT_USUAL, ..CallQuery::default() }, csv: None };
    let parameters = parameters(uri);
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in &parameters {
        if seen.contains(&name.as_str()) {
            faults.invalid(name, "is there more than once");
        } else if let Err(why) = asked.take(name, value, region, key) {
            match why {
                Some(why) => faults.invalid(name, why),
                None => {
                    let shown: String = name.chars().filter(|one| !one.is_control()).take(64).collect();
                    faults.add(&shown, Reason::FieldUnknown, "is no parameter of this request");
                }
            }
        }
        seen.push(name);
    }
    let empty = |query: &CallQuery| matches!((query.since, query.until), (Some(since), Some(until)) if since >= until);
    if empty(&asked.query) {
        faults.invalid("until", "must be later than since");
    }
    if faults.none() { Ok(asked) } else { Err(faults.into_vec()) }
}

impl Asked {
    /// Takes one parameter; fails with what it must be, or with nothing if there is no such parameter.
    fn take(&mut self, name: &str, value: &str, region: Region, key: [u8; 16]) -> Result<(), Option<&'static str>> {
        const TIME: &str = "must be RFC 3339 with an offset, such as 2026-11-23T08:00:00Z";
        const NUMBER: &str = "must be a number: E.164, or as dialled in the plan's default region, or an extension";
        let query = &mut self.query;
        // A plus that was not escaped arrives as a space, and no time has one.
        let time = |text: &str| text.replace(' ', "+").parse().map_err(|_| Some(TIME));
        let number = |text: &str| number(text, region).map(|number| NumberKey::of(&number, key)).ok_or(Some(NUMBER));
        match name {
            "since" => query.since = Some(time(value)?),
            "until" => query.until = Some(time(value)?),
            "class" => query.class = Some(class(value).ok_or("must be emergency, vital, normal or background")?),
            "action" => query.action = Some(action(value).ok_or("must be route or reject")?),
            "reason" => query.reason = Some(value.parse().map_err(|_| "must be a reason's name or code")?),
            "state" => query.state = Some(state(value).ok_or("must be decided, ringing, answered, failed or ended")?),
            "trunk" => query.trunk = Some(value.parse().map_err(|_| "must be a trunk's name")?),
            "from" => query.caller = Some(number(value)?),
            "to" => query.called = Some(number(value)?),
            "sip_call_id" => {
                graphic(SIP_CALL_ID_BYTES_MAX)
                    .check(value)
                    .map_err(|_| "must be 1 to 255 bytes of printable ASCII without spaces")?;
                query.sip_call_id = Some(value.to_owned());
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| LIMIT.contains(limit));
                query.limit = limit.ok_or("must be a whole number from 1 to 1000")?;
            }
            "cursor" => {
                let cursor: Cursor = value.parse().map_err(|_| "must be the `next` of the page before, as it is")?;
                query.after = Some(cursor);
            }
            "format" => self.csv = Some(csv_or_json(value).ok_or("must be json or csv")?),
            _ => return Err(None),
        }
        Ok(())
    }
}

fn class(word: &str) -> Option<Class> {
    let all = [Class::Emergency, Class::Vital, Class::Normal, Class::Background];
    all.into_iter().find(|class| class.as_str() == word)
}

fn action(word: &str) -> Option<Action> {
    match word {
        "route" => Some(Action::Route),
        "reject" => Some(Action::Reject),
        _ => None,
    }
}

fn state(word: &str) -> Option<CdrState> {
    match word {
        "decided" => Some(CdrState::Decided),
        "ringing" => Some(CdrState::Ringing),
        "answered" => Some(CdrState::Answered),
        "failed" => Some(CdrState::Failed),
        "ended" => Some(CdrState::Ended),
        _ => None,
    }
}

fn csv_or_json(word: &str) -> Option<bool> {
    match word {
        "csv" => Some(true),
        "json" => Some(false),
        _ => None,
    }
}

/// The number to search for. A plus that was not escaped in the query arrives as a space.
fn number(text: &str, region: Region) -> Option<Number> {
    let text = match text.strip_prefix(' ') {
        Some(rest) => format!("+{rest}"),
        None => text.to_owned(),
    };
    if let Ok(number) = text.parse::<E164>() {
        return Some(Number::E164 { number });
    }
    if text.len() > super::call_request::NUMBER_BYTES_MAX {
        return None;
    }
    let within = DialledIn { place: &Place::region(region), extension_digits: None };
    let extension = |_| text.parse::<Digits>().map(|digits| Number::Extension { digits });
    telness_numbers::read(&text, within).or_else(extension).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_query(query: &str) -> Result<Asked, Vec<String>> {
        let uri = format!("/v1/calls?{query}").parse().unwrap();
        let faults = |faults: Vec<telness_core::call::FieldFault>| {
            faults.into_iter().map(|fault| fault.field.to_string()).collect()
        };
        read(&uri, "SE".parse().unwrap(), [7; 16]).map_err(faults)
    }

    #[test]
    fn every_parameter_is_read() {
        let asked = read_query(
            "since=2026-11-23T08:00:00%2B01:00&until=2026-11-23T08:00:00Z&class=vital&action=reject&reason=200\
             &state=ended&trunk=carrier-a&from=%2B46701740605&to=4321&sip_call_id=a@192.0.2.1&limit=1000\
             &cursor=1-019ab1c27e587d3c9f0a0d7d6f6f2c11&format=csv",
        )
        .unwrap();
        let query = asked.query;
        assert_eq!(query.reason, Some(Reason::NoRoute));
        assert_eq!(query.class, Some(Class::Vital));
        assert_eq!(query.state, Some(CdrState::Ended));
        assert_eq!(query.limit, 1000);
        assert_eq!(query.called, Some(NumberKey::of(&Number::Extension { digits: "4321".parse().unwrap() }, [7; 16])));
        assert!(query.after.is_some() && query.trunk.is_some() && query.sip_call_id.is_some());
        assert_eq!(asked.csv, Some(true));
        assert_eq!(read_query("").unwrap().query.limit, 100);
    }

    #[test]
    fn a_plus_that_was_not_escaped_is_a_plus() {
        let escaped = read_query("from=%2B46701740605&since=2026-11-23T08:00:00%2B01:00").unwrap().query;
        let bare = read_query("from=+46701740605&since=2026-11-23T08:00:00+01:00").unwrap().query;
        assert_eq!((escaped.caller, escaped.since), (bare.caller, bare.since));
    }

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let wrong =
            "since=x&class=high&action=&reason=x&state=up&trunk=A&from=x&limit=1001&cursor=1&format=xml&colour=1";
        let expected =
            ["since", "class", "action", "reason", "state", "trunk", "from", "limit", "cursor", "format", "colour"];
        assert_eq!(read_query(wrong).unwrap_err(), expected);
        assert_eq!(read_query("limit=0").unwrap_err(), ["limit"]);
        assert_eq!(read_query("limit=1&limit=2").unwrap_err(), ["limit"]);
        assert_eq!(read_query("since=2026-11-23T08:00:00Z&until=2026-11-23T08:00:00Z").unwrap_err(), ["until"]);
        assert_eq!(read_query("sip_call_id=%00").unwrap_err(), ["sip_call_id"]);
    }

    #[test]
    fn the_accepted_kind_of_most_weight_counts_and_of_equals_the_first() {
        let wants = |accept: &'static str| {
            wants_csv(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
        };
        for csv in [
            "text/csv",
            "TEXT/CSV",
            "text/csv;header=present; Q=0.2, application/json; q=0.1",
            "application/json;q=0, text/csv;q=0.001",
            "text/html, text/csv;q=0.9, application/xml",
            "text/csv, application/json",
        ] {
            assert!(wants(csv), "{csv}");
        }
        for json in [
            "",
            "*/*",
            "application/json, text/csv",
            "text/csv;q=0",
            "text/csv;q=0.000, */*",
            "text/csv;q=0.5, Application/JSON;q=0.6",
            "text/csv;q=NaN",
            "text/csvx",
        ] {
            assert!(!wants(json), "{json}");
        }
    }

    #[test]
    fn the_next_page_has_one_cursor_however_its_name_was_written() {
        let cursor: Cursor = "1-019ab1c27e587d3c9f0a0d7d6f6f2c11".parse().unwrap();
        let page = Page { calls: Vec::new(), next: Some(cursor) };
        let link = |query: &str| {
            let link = next_link(&format!("/v1/calls?{query}").parse().unwrap(), &page).unwrap();
            link.to_str().unwrap().to_owned()
        };
        let expected = format!("</v1/calls?limit=1&to=%2B46701740605&cursor={cursor}>; rel=\"next\"");
        for query in [
            "limit=1&to=%2B46701740605",
            "limit=1&to=%2B46701740605&cursor=1-1",
            "%63ursor=1-1&limit=1&&to=%2B46701740605&",
            "limit=1&c%75rsor=1-1&to=%2B46701740605",
        ] {
            assert_eq!(link(query), expected, "{query}");
        }
    }
}
