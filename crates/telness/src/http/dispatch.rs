//! From a request to its answer, whatever the handler does: an id, a document for each problem, no panic let out.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderValue, Method, Request, header};
use axum::response::Response;
use axum::{BoxError, Router};
use futures_util::FutureExt as _;
use telness_core::class::Workflow;
use tower::Service as _;

use super::asker::Peer;
use super::problem::{Pending, Problem};
use super::request_id::{REQUEST_ID, RequestIds};

/// Hands requests to the operations.
#[derive(Debug)]
pub(super) struct Dispatcher {
    router: Router,
    workflow: Workflow,
    ids: RequestIds,
}

impl Dispatcher {
    pub(super) fn new(router: Router, workflow: Workflow) -> Self {
        Self { router, workflow, ids: RequestIds::new() }
    }

    /// The answer to a request from an address.
    pub(super) async fn answer<B>(&self, address: IpAddr, mut request: Request<B>) -> Response
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let id = self.ids.of(request.headers());
        let method = request.method().clone();
        request.extensions_mut().insert(Peer { address, workflow: self.workflow });
        let mut router = self.router.clone();
        // A handler that panicked is never polled again, so nobody sees what it left half done.
        let handled = AssertUnwindSafe(async move { router.call(request).await }).catch_unwind().await;
        let mut response = match handled {
            Ok(Ok::<_, Infallible>(response)) => response,
            Err(_panic) => {
                tracing::error!(request_id = text(&id), %method, "a handler panicked");
                Problem::internal().response(text(&id))
            }
        };
        if let Some(Pending(problem)) = response.extensions_mut().remove::<Pending>() {
            response = document(&problem, &id, &method, &response);
        }
        tracing::debug!(request_id = text(&id), %method, status = response.status().as_u16(), "answered");
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }
}

fn text(id: &HeaderValue) -> &str {
    id.to_str().unwrap_or("")
}

/// The document of a problem, with what the router had to say of the method.
fn document(problem: &Problem, id: &HeaderValue, method: &Method, before: &Response<Body>) -> Response {
    let mut response = problem.response(text(id));
    if let Some(allow) = before.headers().get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    if response.status().is_server_error() {
        tracing::warn!(request_id = text(id), %method, reason = problem.reason.name(), "a request was not done");
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use telness_core::reason::Reason;

    use super::*;

    async fn answer(path: &str, handler: Router) -> (u16, HeaderValue, serde_json::Value) {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse().unwrap();
        request.headers_mut().insert(REQUEST_ID, HeaderValue::from_static("r-1"));
        let response = Dispatcher::new(handler, Workflow::Low).answer(IpAddr::from([192, 0, 2, 1]), request).await;
        let (head, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 65_536).await.unwrap();
        (head.status.as_u16(), head.headers[REQUEST_ID].clone(), serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_a_problem_of_ours() {
        async fn breaks() -> Response {
            panic!("as the test wants")
        }
        let (status, id, document) = answer("/", Router::new().route("/", get(breaks))).await;
        assert_eq!((status, id), (500, HeaderValue::from_static("r-1")));
        assert_eq!(document["reason"]["name"], "internal");
        assert_eq!(document["instance"], "urn:telness:request:r-1");
    }

    #[tokio::test]
    async fn a_problem_becomes_a_document_with_the_request_id() {
        let refuse = || async { Problem::new(Reason::NotFound, "it is not there") };
        let (status, _, document) = answer("/", Router::new().route("/", get(refuse))).await;
        assert_eq!((status, &document["status"]), (404, &serde_json::json!(404)));
        assert_eq!(document["detail"], "it is not there");
    }
}
