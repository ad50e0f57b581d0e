//! From a request to its answer, whatever the handler does: an id, a document for each problem, no panic let out.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, header};
use axum::response::Response;
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use tower::Service as _;

use super::asker::Peer;
use super::problem::{Pending, Problem};
use super::request_id::{REQUEST_ID, RequestIds};

/// Hands requests to the operations.
#[derive(Debug)]
pub(super) struct Dispatcher {
    router: Router,
    ids: RequestIds,
}

impl Dispatcher {
    pub(super) fn new(router: Router) -> Self {
        Self { router, ids: RequestIds::new() }
    }

    /// The answer to a request from `peer`.
    pub(super) async fn answer(&self, peer: IpAddr, mut request: Request<Incoming>) -> Response {
        let id = self.ids.of(request.headers());
        let method = request.method().clone();
        request.extensions_mut().insert(Peer(peer));
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
