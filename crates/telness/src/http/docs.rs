//! `GET /openapi.json` and `GET /docs`: the API's document, and a page that shows it without any other host.

use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use telness_core::reason::Reason;

use super::api;
use super::problem::{Problem, ProblemDocument};

/// One file of the page.
struct File {
    name: &'static str,
    media_type: &'static str,
    gzipped: bool,
    bytes: &'static [u8],
}

/// What the page loads. swagger-ui is Apache-2.0, as `assets/swagger-ui/README.md` says.
const FILES: [File; 4] = [
    File {
        name: "swagger-ui-bundle.js",
        media_type: "text/javascript; charset=utf-8",
        gzipped: true,
        bytes: include_bytes!("../../assets/swagger-ui/swagger-ui-bundle.js.gz"),
    },
    File {
        name: "swagger-ui.css",
        media_type: "text/css; charset=utf-8",
        gzipped: true,
        bytes: include_bytes!("../../assets/swagger-ui/swagger-ui.css.gz"),
    },
    File {
        name: "start.js",
        media_type: "text/javascript; charset=utf-8",
        gzipped: false,
        bytes: include_bytes!("../../assets/swagger-ui/start.js"),
    },
    File {
        name: "LICENSE",
        media_type: "text/plain; charset=utf-8",
        gzipped: false,
        bytes: include_bytes!("../../assets/swagger-ui/LICENSE"),
    },
];

const PAGE: &str = include_str!("../../assets/swagger-ui/page.html");

/// Everything from here and nothing from elsewhere. Pictures in the style sheet are `data:` URLs.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// Shows the API's document
#[utoipa::path(
    get, path = "/openapi.json", tag = "service", operation_id = "openapi_json", security(()),
    responses((status = 200, description = "This document, OpenAPI 3.1.", body = serde_json::Value)),
)]
pub async fn openapi_json() -> Response {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| Bytes::from(api::document()));
    answer("application/json", Body::from(DOCUMENT.clone()), false)
}

/// Shows the API's documentation
///
/// The page loads nothing from any other host.
#[utoipa::path(
    get, path = "/docs", tag = "service", operation_id = "docs_page", security(()),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
pub async fn docs_page() -> Response {
    answer("text/html; charset=utf-8", Body::from(PAGE), false)
}

/// Gives a file of the documentation page
#[utoipa::path(
    get, path = "/docs/{file}", tag = "service", operation_id = "docs_file", security(()),
    params(("file" = String, Path, description = "One of the files that the page loads")),
    responses(
        (status = 200, description = "The file; large ones always with `Content-Encoding: gzip`.", body = Vec<u8>,
            content_type = "application/octet-stream"),
        (status = 404, description = "not_found", body = ProblemDocument, content_type = "application/problem+json"),
    ),
)]
pub async fn docs_file(name: Result<Path<String>, PathRejection>) -> Result<Response, Problem> {
    let named = |name: &str| FILES.iter().find(|file| file.name == name);
    let file = name.ok().and_then(|Path(name)| named(&name));
    let file = file.ok_or_else(|| Problem::new(Reason::NotFound, "the page has no such file"))?;
    Ok(answer(file.media_type, Body::from(file.bytes), file.gzipped))
}

fn answer(media_type: &'static str, body: Body, gzipped: bool) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if gzipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
