//! What answers of the directory have in common: a thing with its version as an ETag, and pages.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use telness_store::control::{Version, Versioned};

use super::super::api::json;
use super::super::paging::next_link;
use super::super::problem::Problem;
use super::asking::{Head, has_it};

/// What a thing usually takes, in bytes.
const BYTES_USUAL: usize = 512;

/// A thing and the change that it is of.
#[derive(Serialize)]
pub(super) struct Shown<'a, E> {
    #[serde(flatten)]
    value: &'a E,
    version: Version,
}

impl<'a, E> From<&'a Versioned<E>> for Shown<'a, E> {
    fn from(found: &'a Versioned<E>) -> Self {
        Self { value: &found.value, version: found.version }
    }
}

/// The ETag of a version.
pub(super) fn etag(version: Version) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// A thing that was read, unless who asks has it already.
pub(super) fn read<E: Serialize>(head: &Head, found: &Versioned<E>) -> Result<Response, Problem> {
    read_as(head, found.version, &Shown::from(found))
}

/// What was read, as it is shown.
pub(super) fn read_as(head: &Head, version: Version, shown: &impl Serialize) -> Result<Response, Problem> {
    let mut response = if has_it(&head.headers, version) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        json(StatusCode::OK, shown, BYTES_USUAL)?
    };
    response.headers_mut().insert(header::ETAG, etag(version));
    Ok(response)
}

/// A thing that was put: 201 with its place if there was none before.
pub(super) fn put(made: bool, place: &str, version: Version, shown: &impl Serialize) -> Result<Response, Problem> {
    let mut response = json(if made { StatusCode::CREATED } else { StatusCode::OK }, shown, BYTES_USUAL)?;
    response.headers_mut().insert(header::ETAG, etag(version));
    if let Some(place) = HeaderValue::try_from(place).ok().filter(|_| made) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// That something is no more.
pub(super) fn gone() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// One page, with its entries under `items`.
pub(super) fn page(head: &Head, items: &[impl Serialize], next: Option<String>) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Page<'a, I> {
        items: &'a [I],
        next: Option<&'a str>,
    }
    let expected = items.len().saturating_mul(256).saturating_add(64);
    let mut response = json(StatusCode::OK, &Page { items, next: next.as_deref() }, expected)?;
    if let Some(link) = next.and_then(|next| next_link(&head.uri, &next)) {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}
