//! `GET /v1/billing-files`: the closed files of records for billing, in the order of their numbers.
#![allow(unused_qualifications, reason = "utoipa writes the query's type with its path")]

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use telness_core::names::TenantName;
use telness_core::reason::Reason;
use telness_store::billing::BillingFile;
use utoipa::{IntoParams, ToSchema};

use super::api::{Api, in_time, json};
use super::asker::{Peer, asker};
use super::fields::Faults;
use super::paging::parameters;
use super::problem::{Problem, ProblemDocument};

/// Files of a page.
const LIMIT: std::ops::RangeInclusive<u32> = 1..=1000;
/// Files of a page when the request does not say.
const LIMIT_USUAL: u32 = 100;

/// What to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilesQuery {
    /// Files with greater sequence numbers than this.
    #[param(minimum = 0, default = 0, example = 41)]
    pub after: Option<i64>,
    /// Files on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
    /// Whose; without it, those of the plan's default tenant.
    #[param(example = "nordtel")]
    pub tenant: Option<String>,
}

/// One closed file.
#[derive(Serialize, ToSchema)]
#[schema(as = BillingFile)]
pub struct FileView<'a> {
    /// The version of its form.
    v: u8,
    /// Its number: from 1, without gaps.
    #[schema(example = 42)]
    sequence: i64,
    /// From when on it holds what became final: where the file before ended.
    #[schema(example = "2026-11-23T08:00:00.000000Z")]
    period_start: String,
    /// Until when.
    #[schema(example = "2026-11-23T09:00:00.000000Z")]
    period_end: String,
    /// When it was closed.
    #[schema(example = "2026-11-23T09:02:11.482113Z")]
    closed_at: String,
    /// `time`, or `records`: it was full, and the next one is of the same hours.
    #[schema(example = "time")]
    closed_by: &'static str,
    /// How many records it has; also 0.
    #[schema(example = 12840)]
    records: i64,
    /// How many of them take the place of one in an earlier file.
    #[schema(example = 3)]
    corrections: i64,
    /// The sum of the records' `talk_ms`, corrections included.
    #[schema(example = 991_204_117)]
    talk_ms: i64,
    /// The `jsonl_sha256` of the file before; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_sha256: Option<&'a str>,
    /// SHA-256 of its lines of JSON but the last.
    jsonl_sha256: &'a str,
    /// SHA-256 of its rows of CSV but the last.
    csv_sha256: &'a str,
}

/// One page of files.
#[derive(Serialize, ToSchema)]
#[schema(as = BillingFilePage)]
pub struct FilesView<'a> {
    /// The files, by sequence number.
    files: Vec<FileView<'a>>,
    /// What to send as `after` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    next: Option<i64>,
}

impl<'a> FileView<'a> {
    pub(super) fn of(file: &'a BillingFile) -> Self {
        let head = &file.head;
        Self {
            v: head.v,
            sequence: head.sequence,
            period_start: head.period_start.to_string(),
            period_end: head.period_end.to_string(),
            closed_at: head.closed_at.to_string(),
            closed_by: head.closed_by.as_str(),
            records: head.records,
            corrections: head.corrections,
            talk_ms: head.talk_ms,
            previous_sha256: head.previous_sha256.as_deref(),
            jsonl_sha256: &file.jsonl_sha256,
            csv_sha256: &file.csv_sha256,
        }
    }
}

/// Lists billing files
///
/// The closed files of a tenant, by sequence number, for the operator, since they have what carriers take: every hour has one, also without records, so a missing
/// number is a missing file. A closed file never changes.
#[utoipa::path(
    get, path = "/v1/billing-files", tag = "billing", operation_id = "list_billing_files",
    params(FilesQuery),
    responses(
        (status = 200, description = "A page.", body = FilesView),
        (status = 401, description = "unauthenticated", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "operator_needed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "field_unknown, field_invalid: every wrong parameter", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 500, description = "internal", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "store_unavailable: with Retry-After", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub async fn list_billing_files(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let Asked { tenant, after, limit } = read(&uri).map_err(Problem::of_faults)?;
    let asker = asker(&headers, peer);
    // One more than is shown tells whether there are more.
    let reading = api.engine.billing_files(&asker, tenant.as_ref(), after, limit.saturating_add(1));
    let files = in_time(api.read_max, reading).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let page: Vec<FileView<'_>> = files.iter().take(shown).map(FileView::of).collect();
    let next = page.last().map(|last| last.sequence).filter(|_| files.len() > shown);
    let expected = page.len().saturating_mul(512).saturating_add(64);
    json(StatusCode::OK, &FilesView { files: page, next }, expected)
}

/// What a request says.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    tenant: Option<TenantName>,
    after: i64,
    limit: u32,
}

fn read(uri: &Uri) -> Result<Asked, Vec<telness_core::call::FieldFault>> {
    let (mut faults, mut asked) = (Faults::default(), Asked { tenant: None, after: 0, limit: LIMIT_USUAL });
    for (name, value) in parameters(uri) {
        match name.as_str() {
            "after" => match value.parse().ok().filter(|after| *after >= 0) {
                Some(sequence) => asked.after = sequence,
                None => faults.invalid("after", "must be a sequence number, or 0"),
            },
            "limit" => match value.parse().ok().filter(|limit| LIMIT.contains(limit)) {
                Some(files) => asked.limit = files,
                None => faults.invalid("limit", "must be a whole number from 1 to 1000"),
            },
            "tenant" => match value.parse() {
                Ok(tenant) => asked.tenant = Some(tenant),
                Err(error) => faults.invalid("tenant", format!("is {error}")),
            },
            _ => {
                let shown: String = name.chars().filter(|one| !one.is_control()).take(64).collect();
                faults.add(&shown, Reason::FieldUnknown, "is no parameter of this request");
            }
        }
    }
    if faults.none() { Ok(asked) } else { Err(faults.into_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_parameter_is_told() {
        let read = |query: &str| read(&format!("/v1/billing-files?{query}").parse().unwrap());
        let tenant = Some("nordtel".parse().unwrap());
        let asked = Asked { tenant, after: 7, limit: 1000 };
        assert_eq!(read("after=7&limit=1000&tenant=nordtel").unwrap(), asked);
        assert_eq!(read("").unwrap(), Asked { tenant: None, after: 0, limit: 100 });
        let faults = read("after=-1&limit=0&since=1&tenant=A+B").unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| &*fault.field).collect();
        assert_eq!(fields, ["after", "limit", "since", "tenant"]);
    }
}
