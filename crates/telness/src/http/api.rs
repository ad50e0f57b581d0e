//! The operations, each registered once: for the router and for the document that describes it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use telness_core::call::CallId;
use telness_core::class::Workflow;
use telness_core::reason::Reason;
use telness_engine::Engine;
use telness_engine::config::HttpSettings;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::BodyLimits;
use super::directory::{blocks, changes, deck_rows, decks, numbers, plans, published, tenants, users};
use super::problem::Problem;
use super::{
    create_call, docs, health, list_billing_files, list_calls, list_gateways, list_incidents, metrics,
    read_billing_file, read_call, read_trace, reconcile, report_event,
};

/// What every operation stands on.
#[derive(Debug)]
pub struct Api {
    pub(super) engine: Arc<Engine>,
    pub(super) body: BodyLimits,
    /// The largest body of several things at once or of a plan, in bytes.
    pub(super) bulk_bytes_max: usize,
    /// The largest rate deck, in bytes.
    pub(super) deck_bytes_max: u64,
    /// How long a rate deck may take.
    pub(super) deck_max: Duration,
    /// How long the call log may take to answer.
    pub(super) read_max: Duration,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "telness",
        description = "A switch asks what to do with a call; telness decides, records and answers.\n\n\
            Every error is a problem document (RFC 9457) with a stable reason; `telness explain CODE` explains it. \
            Every answer has an `X-Request-Id`. Bodies are JSON in UTF-8; unknown fields are refused.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This node")),
    security((), ("api_key" = [])),
    tags(
        (name = "calls", description = "Calls, what is reported of them, and what was recorded"),
        (name = "directory", description = "What the operator edits: tenants, users, the inventory of numbers, plans, \
            rate decks, and the log of changes"),
        (name = "billing", description = "Records for billing, in closed and numbered files"),
        (name = "service", description = "Whether the service works, and its documentation"),
    ),
)]
struct Document;

/// All operations, with their document.
fn operations() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(create_call::create_call, list_calls::list_calls))
        .routes(routes!(read_call::read_call))
        .routes(routes!(read_trace::read_trace))
        .routes(routes!(report_event::report_event))
        .routes(routes!(tenants::list_tenants, tenants::put_tenants))
        .routes(routes!(tenants::read_tenant, tenants::put_tenant, tenants::delete_tenant))
        .routes(routes!(users::list_users, users::put_users))
        .routes(routes!(users::read_user, users::put_user, users::delete_user))
        .routes(routes!(blocks::list_blocks, blocks::put_blocks))
        .routes(routes!(blocks::read_block, blocks::put_block, blocks::delete_block))
        .routes(routes!(numbers::list_numbers, numbers::put_numbers))
        .routes(routes!(numbers::read_number, numbers::put_number, numbers::delete_number))
        .routes(routes!(plans::list_plans))
        .routes(routes!(published::read_published_plan, published::publish_plan))
        .routes(routes!(plans::read_plan))
        .routes(routes!(decks::list_decks))
        .routes(routes!(decks::read_deck, decks::load_deck, decks::delete_deck))
        .routes(routes!(deck_rows::list_deck_rows))
        .routes(routes!(changes::list_changes))
        .routes(routes!(list_billing_files::list_billing_files))
        .routes(routes!(read_billing_file::read_billing_file))
        .routes(routes!(reconcile::reconcile))
        .routes(routes!(list_gateways::list_gateways))
        .routes(routes!(list_incidents::list_incidents))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::readyz_emergency))
        .routes(routes!(metrics::metrics))
        .routes(routes!(docs::openapi_json))
        .routes(routes!(docs::docs_page))
        .routes(routes!(docs::docs_file))
}

/// The operations of the high workflow's listener: none that reads the store or edits.
fn operations_of_high() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(create_call::create_call))
        .routes(routes!(report_event::report_event))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::readyz_emergency))
        .routes(routes!(metrics::metrics))
}

/// The router over a running engine, for a listener of one of its workflows.
pub(super) fn router(engine: Arc<Engine>, settings: &HttpSettings, workflow: Workflow) -> Router {
    let low_is_at = Arc::clone(engine.low_is_at());
    let body = BodyLimits { bytes_max: settings.body_bytes_max, arrival_max: settings.request_max };
    let api = Arc::new(Api {
        engine,
        body,
        bulk_bytes_max: settings.bulk_bytes_max,
        deck_bytes_max: settings.deck_bytes_max,
        deck_max: settings.deck_max,
        read_max: settings.request_max,
    });
    if workflow == Workflow::High {
        let (router, _document) = operations_of_high().split_for_parts();
        let elsewhere = move || {
            let problem = Problem::misdirected(&low_is_at);
            async move { problem }
        };
        return router.fallback(elsewhere.clone()).method_not_allowed_fallback(elsewhere).with_state(api);
    }
    let (router, _document) = operations().split_for_parts();
    router
        .fallback(|| async { Problem::new(Reason::NotFound, "there is no such path; see /docs") })
        .method_not_allowed_fallback(|| async {
            Problem::new(Reason::MethodNotAllowed, "the path is not served with this method")
        })
        .with_state(api)
}

/// The OpenAPI 3.1 document, as it is served and committed.
#[must_use]
pub fn document() -> String {
    let (_router, mut document) = operations().split_for_parts();
    let key = SecurityScheme::Http(
        Http::builder()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key, which proves a tenant. `telness keys new` makes one."))
            .build(),
    );
    document.components.get_or_insert_default().add_security_scheme("api_key", key);
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// An answer of JSON.
pub(super) fn json(status: StatusCode, document: &impl Serialize, bytes_expected: usize) -> Result<Response, Problem> {
    let mut bytes = Vec::with_capacity(bytes_expected);
    serde_json::to_writer(&mut bytes, document).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::internal()
    })?;
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Waits for the call log, but not for ever.
pub(super) async fn in_time<T, E: Into<Problem>>(
    limit: Duration,
    reading: impl Future<Output = Result<T, E>>,
) -> Result<T, Problem> {
    match tokio::time::timeout(limit, reading).await {
        Ok(read) => read.map_err(Into::into),
        Err(_elapsed) => Err(Problem::new(Reason::StoreUnavailable, "the store did not answer in time")),
    }
}

/// The call's id in the path.
#[derive(Clone, Copy, Debug)]
pub struct PathId(pub CallId);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let no_id = || Problem::new(Reason::NotFound, "the id in the path is not a UUID as calls have it");
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| no_id())?;
        // Only the form that answers use, so that one call has one path.
        if id.len() != 36 {
            return Err(no_id());
        }
        id.parse().map(Self).map_err(|_| no_id())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::document;

    #[test]
    fn the_committed_document_is_what_the_operations_say() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        let bless = std::env::vars().any(|(name, value)| name == "TELNESS_BLESS" && value == "1");
        if bless {
            std::fs::write(&path, document()).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == document(),
            "docs/openapi.json is stale: TELNESS_BLESS=1 cargo test -p telness rewrites it"
        );
    }

    #[test]
    fn nothing_is_served_that_is_not_in_the_document() {
        // What is registered by `routes!` is in the document; so nothing may be registered otherwise.
        let own = include_str!("api.rs").split("#[cfg(test)]").next().unwrap();
        for other in [".route(", ".nest(", ".route_service(", ".nest_service(", ".merge("] {
            assert!(!own.contains(other), "api.rs registers something by `{other}`");
        }
    }

    #[test]
    fn every_operation_says_what_it_may_answer() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let name = format!("{method} {path}");
                assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{name}");
                let responses = operation["responses"].as_object().unwrap();
                assert!(responses.keys().any(|status| status.starts_with('2')), "{name}");
                for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                    let is_problem = response["content"].get("application/problem+json").is_some();
                    assert!(is_problem || path.starts_with("/readyz"), "{name} {status}");
                }
            }
        }
    }

    #[test]
    fn every_documented_field_has_a_description() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for (field, property) in schema["properties"].as_object().into_iter().flatten() {
                let inner = property["oneOf"].as_array().into_iter().flatten();
                let described = inner.chain([property]).any(|schema| schema["description"].is_string());
                assert!(described, "{name}.{field}");
            }
        }
    }
}
