//! `GET /v1/billing-files/{sequence}`: one closed file of records for billing, as it was issued first.
#![allow(unused_qualifications, reason = "utoipa writes the query's type with its path")]

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use telness_core::call::FieldFault;
use telness_core::names::TenantName;
use telness_core::reason::Reason;
use telness_core::record::billing::Format;
use utoipa::IntoParams;

use super::api::{Api, in_time};
use super::asker::{Peer, asker};
use super::fields::Faults;
use super::paging::{parameters, wants_csv};
use super::problem::{Problem, ProblemDocument};

/// In what form.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// `jsonl` or `csv`; else CSV if `Accept` prefers `text/csv` to `application/json`, and JSON lines if not.
    #[param(pattern = "^(jsonl|csv)$", example = "csv")]
    pub format: Option<String>,
    /// Whose; without it, the plan's default tenant's.
    #[param(example = "nordtel")]
    pub tenant: Option<String>,
}

/// Issues a billing file
///
/// Byte for byte what it was when it was closed, however often it is asked for and whatever became of its calls. The
/// last line has the number of records and the SHA-256 of all lines before it, which is the `ETag` as well.
#[utoipa::path(
    get, path = "/v1/billing-files/{sequence}", tag = "billing", operation_id = "read_billing_file",
    params(("sequence" = i64, Path, description = "The file's number", example = 42), FileQuery),
    responses(
        (status = 200, description = "The file.",
            content((String = "application/x-ndjson"), (String = "text/csv")),
            headers(("ETag" = String, description = "The checksum that stands in the file's last line"))),
        (status = 304, description = "It is the one that `If-None-Match` names."),
        (status = 401, description = "unauthenticated", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 403, description = "operator_needed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "not_found: there is no such file yet", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 422, description = "field_unknown, field_invalid: every wrong parameter", body = ProblemDocument,
            content_type = "application/problem+json"),
        (status = 500, description = "internal", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "store_unavailable: with Retry-After", body = ProblemDocument,
            content_type = "application/problem+json"),
    ),
)]
pub async fn read_billing_file(
    State(api): State<Arc<Api>>,
    Path(sequence): Path<String>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (format, tenant) = read(&uri, &headers).map_err(Problem::of_faults)?;
    // Only the form that answers use, so that one file has one path.
    let number = sequence.parse::<i64>().ok().filter(|number| number.to_string() == sequence);
    let number = number.ok_or_else(|| Problem::new(Reason::NotFound, "the path's end is no file's number"))?;
    let asker = asker(&headers, peer);
    let file = in_time(api.read_max, api.engine.billing_file(&asker, tenant.as_ref(), number)).await?;
    let tag = format!("\"{}\"", file.sha256(format));
    if is_known(&headers, &tag) {
        return Ok(with_tag(StatusCode::NOT_MODIFIED, Body::empty(), &tag));
    }
    let issuing = api.engine.issue_billing_file(&asker, tenant.as_ref(), number, format);
    let issued = in_time(api.read_max, issuing).await?;
    let mut response = with_tag(StatusCode::OK, Body::from(issued.text), &tag);
    let media_type = match format {
        Format::JsonLines => "application/x-ndjson",
        Format::Csv => "text/csv; charset=utf-8; header=present",
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(response)
}

fn with_tag(status: StatusCode, body: Body, tag: &str) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether `If-None-Match` names this one.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|named| named.to_str().ok());
    named
        .flat_map(|named| named.split(','))
        .map(str::trim)
        .any(|named| named == "*" || named.strip_prefix("W/").unwrap_or(named) == tag)
}

fn read(uri: &Uri, headers: &HeaderMap) -> Result<(Format, Option<TenantName>), Vec<FieldFault>> {
    let (mut faults, mut tenant) = (Faults::default(), None);
    let mut format = if wants_csv(headers) { Format::Csv } else { Format::JsonLines };
    for (name, value) in parameters(uri) {
        match name.as_str() {
            "format" => match value.parse() {
                Ok(asked) => format = asked,
                Err(()) => faults.invalid("format", "must be jsonl or csv"),
            },
            "tenant" => match value.parse() {
                Ok(asked) => tenant = Some(asked),
                Err(error) => faults.invalid("tenant", format!("is {error}")),
            },
            _ => {
                let shown: String = name.chars().filter(|one| !one.is_control()).take(64).collect();
                faults.add(&shown, Reason::FieldUnknown, "is no parameter of this request");
            }
        }
    }
    if faults.none() { Ok((format, tenant)) } else { Err(faults.into_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_the_one_that_is_asked_for() {
        let read = |query: &str, accept: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            read(&format!("/v1/billing-files/1?{query}").parse().unwrap(), &headers).map(|(format, _)| format)
        };
        assert_eq!(read("", "*/*").unwrap(), Format::JsonLines);
        assert_eq!(read("", "text/csv").unwrap(), Format::Csv);
        assert_eq!(read("format=jsonl", "text/csv").unwrap(), Format::JsonLines);
        assert_eq!(read("format=xml&x=1", "*/*").unwrap_err().len(), 2);
    }

    #[test]
    fn a_file_that_is_known_is_known_by_its_tag() {
        let known = |sent: &'static str| {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(sent))]);
            is_known(&headers, "\"ab\"")
        };
        assert!(known("\"ab\"") && known("W/\"ab\"") && known("\"x\", \"ab\"") && known("*"));
        assert!(!known("\"a\"") && !known("ab") && !known(""));
    }
}
