//! `GET /v1/reconciliation`: what does not fit together in what was recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use telness_core::call::CallId;
use telness_core::names::TenantName;
use telness_core::reason::Reason;
use telness_core::reconcile::Severity;
use telness_core::time::Timestamp;
use telness_engine::reconcile_flow::{CheckPage, CheckQuery, Found};
use utoipa::ToSchema;

use super::api::{Api, in_time, json};
use super::asker::{Peer, asker};
use super::fields::Faults;
use super::paging::parameters;
use super::problem::{Problem, ProblemDocument};

/// How many findings a page has, if the request does not say.
const LIMIT_USUAL: u16 = 100;
/// After how many seconds a call was to have ended, if the request does not say: a day.
const GRACE_S_USUAL: u32 = 86_400;

/// What is looked for. Everything given must hold.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it is there for the document; the request is read parameter by parameter")]
pub struct ReconcileQuery {
    /// Received at this time or later (RFC 3339).
    #[param(format = DateTime)]
    pub since: Option<String>,
    /// Received before this time (RFC 3339).
    #[param(format = DateTime)]
    pub until: Option<String>,
    /// After so many seconds a call was to have ended, and to have come if events wait for it.
    #[param(default = 86_400)]
    pub grace_s: Option<u32>,
    /// Findings of this kind alone.
    #[param(example = "no_outcome")]
    pub kind: Option<String>,
    /// Findings of at least this severity: `warning` or `error`.
    #[param(pattern = "^(warning|error)$", default = "warning")]
    pub severity: Option<String>,
    /// Findings on the page; those of one call are not parted, so there can be some more.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u16>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
    /// Whose, where an operator's key asks; a tenant's key looks at its own.
    #[param(example = "nordtel")]
    pub tenant: Option<String>,
}

/// One page of findings.
#[derive(Serialize, ToSchema)]
#[schema(as = Reconciliation)]
pub struct ReconciliationView<'a> {
    /// What was found: by calls, newest first, then by calls that events wait for.
    findings: Vec<FindingView<'a>>,
    /// How many of each kind are on this page.
    #[schema(value_type = BTreeMap<String, u64>)]
    counts: BTreeMap<&'static str, u64>,
    /// How many calls were looked at for this page.
    calls: u64,
    /// What to send as `cursor` for the next page; `null` when this is the last. A page may be empty and have a next.
    #[schema(example = json!(null))]
    next: Option<String>,
}

/// One thing that does not fit.
#[derive(Serialize, ToSchema)]
#[schema(as = Finding)]
pub struct FindingView<'a> {
    /// The call's id.
    #[schema(value_type = uuid::Uuid, example = "019ab1c2-7e58-7d3c-9f0a-0d7d6f6f2c11")]
    pub(crate) call_id: CallId,
    /// When the call was received; when the first event was, of a call that is not here.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) received_at: Timestamp,
    /// What it is, by a permanent word.
    #[schema(example = "no_outcome")]
    pub(crate) kind: &'static str,
    /// `warning` or `error`.
    #[schema(value_type = String, example = "warning")]
    severity: Severity,
    /// What that means.
    meaning: &'static str,
    /// What to do about it.
    advice: &'static str,
    /// The leg, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1.1")]
    pub(crate) leg: Option<&'a str>,
    /// The event's id, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "e-1")]
    pub(crate) event_id: Option<&'a str>,
    /// When the other record was received, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    other_received_at: Option<Timestamp>,
    /// How many events wait for the call, if it is not here.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_events: Option<u64>,
}

impl<'a> FindingView<'a> {
    pub(crate) fn of(found: &'a Found) -> Self {
        let finding = &found.finding;
        Self {
            call_id: found.call_id,
            received_at: found.received_at,
            kind: finding.kind.as_str(),
            severity: finding.kind.severity(),
            meaning: finding.kind.meaning(),
            advice: finding.kind.advice(),
            leg: finding.leg.as_ref().map(|leg| leg.as_str()),
            event_id: finding.event_id.as_ref().map(|id| id.as_str()),
            other_received_at: finding.other_received_at,
            waiting_events: found.waiting_events,
        }
    }
}

impl<'a> ReconciliationView<'a> {
    fn of(page: &'a CheckPage) -> Self {
        Self {
            findings: page.found.iter().map(FindingView::of).collect(),
            counts: page.counts().into_iter().map(|(kind, count)| (kind.as_str(), count)).collect(),
            calls: page.calls,
            next: page.next.map(|next| next.to_string()),
        }
    }
}

/// Holds decisions and outcomes against each other
///
/// Calls without an outcome, outcomes without a decision, doubled and contradictory records and events, of the key's
/// tenant, or of the one that an operator names. A page looks at some thousands of calls, so it can have few findings, or none, and a next page all the same.
#[utoipa::path(
    get, path = "/v1/reconciliation", tag = "calls", operation_id = "reconcile",
    params(ReconcileQuery),
    responses(
        (status = 200, description = "A page.", body = ReconciliationView),
        (status = 401, description = "unauthenticated", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "peer_unknown, operator_needed, operator_has_no_calls", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "field_unknown, field_invalid: every wrong parameter", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 500, description = "internal", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "store_unavailable: with Retry-After", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub async fn reconcile(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked = read(&uri).map_err(Problem::of_faults)?;
    let asker = asker(&headers, peer);
    let Asked { query, grace_s, tenant } = asked;
    let with_time = |expected_by| CheckQuery { expected_by, ..query };
    let page = in_time(api.read_max, api.engine.reconcile(&asker, tenant.as_ref(), grace_s, with_time)).await?;
    json(StatusCode::OK, &ReconciliationView::of(&page), 4096)
}

/// What a request says.
#[derive(Debug)]
struct Asked {
    query: CheckQuery,
    grace_s: u32,
    tenant: Option<TenantName>,
}

fn read(uri: &Uri) -> Result<Asked, Vec<telness_core::call::FieldFault>> {
    let mut faults = Faults::default();
    let query = CheckQuery {
        since: None,
        until: None,
        expected_by: Timestamp::default(),
        kind: None,
        severity: Severity::Warning,
        after: None,
        limit: LIMIT_USUAL,
    };
    let mut asked = Asked { query, grace_s: GRACE_S_USUAL, tenant: None };
    let parameters = parameters(uri);
    let mut seen: Vec<&str> = Vec::new();
    for (name, value) in &parameters {
        if seen.contains(&name.as_str()) {
            faults.invalid(name, "is there more than once");
        } else if let Err(why) = asked.take(name, value) {
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
    if asked.query.since.zip(asked.query.until).is_some_and(|(since, until)| since >= until) {
        faults.invalid("until", "must be later than since");
    }
    if faults.none() { Ok(asked) } else { Err(faults.into_vec()) }
}

impl Asked {
    /// Takes one parameter; fails with what it must be, or with nothing if there is no such parameter.
    fn take(&mut self, name: &str, value: &str) -> Result<(), Option<&'static str>> {
        const TIME: &str = "must be RFC 3339 with an offset, such as 2026-11-23T08:00:00Z";
        // A plus that was not escaped arrives as a space, and no time has one.
        let time = |text: &str| text.replace(' ', "+").parse().map_err(|_| Some(TIME));
        let query = &mut self.query;
        match name {
            "since" => query.since = Some(time(value)?),
            "until" => query.until = Some(time(value)?),
            "tenant" => self.tenant = Some(value.parse().map_err(|_| "must be a tenant's name")?),
            "grace_s" => self.grace_s = value.parse().map_err(|_| "must be a whole number of seconds")?,
            "kind" => {
                query.kind = Some(value.parse().map_err(|()| "must be a kind of finding, such as no_outcome")?);
            }
            "severity" => {
                query.severity = match value {
                    "warning" => Severity::Warning,
                    "error" => Severity::Error,
                    _ => return Err(Some("must be warning or error")),
                }
            }
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=1000).contains(limit));
                query.limit = limit.ok_or("must be a whole number from 1 to 1000")?;
            }
            "cursor" => {
                query.after = Some(value.parse().map_err(|_| "must be the `next` of the page before, as it is")?);
            }
            _ => return Err(None),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_query(query: &str) -> Result<Asked, Vec<String>> {
        let faults = |faults: Vec<telness_core::call::FieldFault>| {
            faults.into_iter().map(|fault| fault.field.to_string()).collect()
        };
        read(&format!("/v1/reconciliation?{query}").parse().unwrap()).map_err(faults)
    }

    #[test]
    fn every_parameter_is_read() {
        let asked = read_query(
            "since=2026-11-23T08:00:00%2B01:00&until=2026-11-23T08:00:00Z&grace_s=60&kind=no_outcome&severity=error\
             &limit=1000&cursor=w-019ab1c27e587d3c9f0a0d7d6f6f2c11",
        )
        .unwrap();
        assert_eq!((asked.grace_s, asked.query.limit, asked.query.severity), (60, 1000, Severity::Error));
        assert_eq!(asked.query.after.unwrap().to_string(), "w-019ab1c27e587d3c9f0a0d7d6f6f2c11");
        let usual = read_query("").unwrap();
        assert_eq!((usual.grace_s, usual.query.limit), (86_400, 100));
        assert!(read_query("cursor=1-019ab1c27e587d3c9f0a0d7d6f6f2c11").is_ok());
    }

    #[test]
    fn every_wrong_parameter_is_told_at_once() {
        let wrong = "since=x&grace_s=-1&kind=x&severity=x&limit=0&cursor=w-&colour=1&colour=2";
        let expected = ["since", "grace_s", "kind", "severity", "limit", "cursor", "colour", "colour"];
        assert_eq!(read_query(wrong).unwrap_err(), expected);
        assert_eq!(read_query("since=2026-11-23T08:00:00Z&until=2026-11-23T08:00:00Z").unwrap_err(), ["until"]);
    }
}
