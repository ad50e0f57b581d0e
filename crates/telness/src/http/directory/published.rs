//! `/v1/plans/published`: which revision of the plan is in force; put, to publish a text or to go back to a revision.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use telness_core::reason::Reason;
use telness_engine::directory_flow::DirectoryError;
use telness_engine::plan_flow::{self, Publication};
use telness_store::control::{Expect, Refusal};
use utoipa::ToSchema;

use super::super::api::{Api, in_time};
use super::super::body::{self, BodyLimits};
use super::super::problem::Problem;
use super::answering;
use super::asking::{Before, Head, Query, before};
use super::documented::{Comment, Precondition};
use super::reading;
use super::refused::{PutRefused, ReadRefused};
use super::resource;

/// The media types of a plan's text: a plan in JSON is one in YAML too.
const YAML: [&str; 2] = ["application/yaml", "text/yaml"];

/// Which revision is published.
#[derive(ToSchema)]
#[schema(as = PublishedPlan)]
pub struct PublishedDocument {
    /// The change that published it.
    #[schema(example = 17)]
    pub version: i64,
    /// The revision; an older one if somebody went back to it.
    #[schema(example = 3)]
    pub revision: u64,
    /// Who published it.
    #[schema(example = "anna")]
    pub author: String,
    /// Why.
    #[schema(example = "ticket 4711")]
    pub comment: String,
    /// When.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    pub at: String,
    /// What the check of the plan warns of, where it was just published. The plan is in force all the same.
    pub warnings: Option<Vec<WarningDocument>>,
}

/// Something of a plan that it is not refused for and somebody should know.
#[derive(ToSchema)]
#[schema(as = PlanWarning)]
pub struct WarningDocument {
    /// The stable code.
    #[schema(example = "emergency_shared_host")]
    pub code: String,
    /// The field, as a JSON pointer.
    #[schema(example = "/emergency/default")]
    pub path: String,
    /// The line, from 1.
    #[schema(example = 6)]
    pub line: u32,
    /// The column in characters, from 1.
    #[schema(example = 15)]
    pub column: u32,
    /// What it is.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

/// A revision that is to be published again.
#[derive(ToSchema)]
#[schema(as = PublishRevision, example = json!({"revision": 1}))]
#[serde(deny_unknown_fields)]
pub struct RevisionRequest {
    /// Its number.
    #[schema(minimum = 1, example = 1)]
    pub revision: u64,
}

/// Reads which plan is published
///
/// The operator's to read. Nodes that were started with a plan's file serve that one and not this.
#[utoipa::path(
    get, path = "/v1/plans/published", tag = "directory", operation_id = "read_published_plan",
    responses(
        (status = 200, description = "It.", body = PublishedDocument,
            headers(("ETag" = String, description = "Its version, for If-Match"))),
        (status = 304, description = "It is of the version that If-None-Match has."),
        ReadRefused,
    ),
)]
pub async fn read_published_plan(State(api): State<Arc<Api>>, head: Head) -> Result<Response, Problem> {
    Query::of(&head.uri).done()?;
    let control = api.engine.control_of_operator(&head.asker()?)?;
    let reading = async { control.published_plan().await.map_err(DirectoryError::from) };
    let published = in_time(api.read_max, reading).await?;
    let published = published.ok_or_else(|| Problem::new(Reason::NotFound, "no plan was published yet"))?;
    answering::read_as(&head, published.version, &published)
}

/// Publishes a plan
///
/// As `application/yaml` the body is a plan's text, in YAML or JSON: it is checked as `telness plan check` does and
/// becomes the next revision. As `application/json` the body names a revision to go back to, which is checked anew. A
/// plan with faults is refused whole, and nothing changes. What the check warns of is in the answer.
#[utoipa::path(
    put, path = "/v1/plans/published", tag = "directory", operation_id = "publish_plan",
    request_body(content((RevisionRequest = "application/json"), (String = "application/yaml"))),
    params(Precondition, Comment),
    responses(
        (status = 200, description = "It is published.", body = PublishedDocument,
            headers(("ETag" = String, description = "Its version"))),
        PutRefused,
    ),
)]
pub async fn publish_plan(State(api): State<Arc<Api>>, head: Head, body: Body) -> Result<Response, Problem> {
    let edit = resource::edit(&api, &head)?;
    let expect = expect(&api, before(&head.headers)?).await?;
    let control = api.engine.control();
    let done: Publication = if is_yaml(&head.headers) {
        let limits = BodyLimits { bytes_max: api.bulk_bytes_max, ..api.body };
        if let Some(cut) = body::declared_too_large(&head.headers, limits) {
            return Err(cut.into());
        }
        let text = body::read(&head.headers, body, limits).await.whole()?;
        let publishing =
            async { plan_flow::publish(control, &edit, text.to_vec(), expect).await.map_err(DirectoryError::from) };
        in_time(api.read_max, publishing).await?
    } else {
        let bytes = reading::arrived(&head, body, api.body).await?;
        let revision = reading::revision(&bytes)?;
        let publishing =
            async { plan_flow::publish_revision(control, &edit, revision, expect).await.map_err(DirectoryError::from) };
        in_time(api.read_max, publishing).await?
    };
    answering::put(false, "", done.published.version, &done)
}

/// What the store is to expect of the publication that is there.
async fn expect(api: &Api, before: Before) -> Result<Expect, Problem> {
    let Before::Expect(expect) = before else {
        let reading = async { api.engine.control().published_plan().await.map_err(DirectoryError::from) };
        let absent = || Problem::new(Reason::PreconditionFailed, Refusal::Unexpected { found: None }.to_string());
        let published = in_time(api.read_max, reading).await?.ok_or_else(absent)?;
        return Ok(Expect::Version(published.version));
    };
    Ok(expect)
}

fn is_yaml(headers: &HeaderMap) -> bool {
    let mut sent = headers.get_all(header::CONTENT_TYPE).iter();
    let one = sent.next().filter(|_| sent.next().is_none()).and_then(|one| one.to_str().ok());
    let kind = one.and_then(|one| one.split(';').next()).map(str::trim);
    kind.is_some_and(|kind| YAML.iter().any(|yaml| kind.eq_ignore_ascii_case(yaml)))
}
