//! `/v1/plans`: the revisions that were ever published.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use telness_core::reason::Reason;
use telness_engine::directory_flow::DirectoryError;
use telness_store::control::{PlanHead, Version};
use utoipa::ToSchema;

use super::super::api::{Api, in_time};
use super::super::problem::Problem;
use super::answering;
use super::asking::{Head, Query};
use super::documented::Paging;
use super::refused::{ListRefused, ReadRefused};

/// A revision of the plan. It never changes.
#[derive(ToSchema)]
#[schema(as = PlanRevision)]
pub struct RevisionDocument {
    /// Its number: the first is 1.
    #[schema(example = 3)]
    pub revision: u64,
    /// Who published it first.
    #[schema(example = "anna")]
    pub author: String,
    /// Why.
    #[schema(example = "ticket 4711")]
    pub comment: String,
    /// When.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    pub at: String,
    /// The SHA-256 of its text, in hexadecimal.
    pub sha256: String,
    /// The text, as it was published; in a list absent.
    pub text: Option<String>,
}

/// A page of revisions.
#[derive(ToSchema)]
#[schema(as = PlanPage)]
pub struct PlanPage {
    /// The latest first, without their texts.
    pub items: Vec<RevisionDocument>,
    /// What to send as `cursor` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    pub next: Option<String>,
}

/// Lists the revisions of the plan
///
/// The latest first, without their texts. The operator's to read.
#[utoipa::path(
    get, path = "/v1/plans", tag = "directory", operation_id = "list_plans",
    params(Paging),
    responses(
        (status = 200, description = "A page.", body = PlanPage,
            headers(("Link" = String, description = "With `rel=\"next\"`: the next page, if there is one"))),
        ListRefused,
    ),
)]
pub async fn list_plans(State(api): State<Arc<Api>>, head: Head) -> Result<Response, Problem> {
    let mut query = Query::of(&head.uri);
    let limit = query.limit();
    let before = query.cursor(|cursor| cursor.parse().ok());
    query.done()?;
    let control = api.engine.control_of_operator(&head.asker()?)?;
    let listing = async { control.plans(before, limit.saturating_add(1)).await.map_err(DirectoryError::from) };
    let mut plans: Vec<PlanHead> = in_time(api.read_max, listing).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = plans.len() > shown;
    plans.truncate(shown);
    let next = plans.last().filter(|_| more).map(|last| last.revision.to_string());
    answering::page(&head, &plans, next)
}

/// Reads one revision of the plan
///
/// With its text. The operator's to read.
#[utoipa::path(
    get, path = "/v1/plans/{revision}", tag = "directory", operation_id = "read_plan",
    params(("revision" = u64, Path, description = "Its number")),
    responses(
        (status = 200, description = "It.", body = RevisionDocument,
            headers(("ETag" = String, description = "Its number"))),
        (status = 304, description = "It is what If-None-Match has."),
        ReadRefused,
    ),
)]
pub async fn read_plan(
    State(api): State<Arc<Api>>,
    Path(revision): Path<String>,
    head: Head,
) -> Result<Response, Problem> {
    Query::of(&head.uri).done()?;
    let control = api.engine.control_of_operator(&head.asker()?)?;
    let none = || Problem::new(Reason::NotFound, "the plan has no such revision");
    let revision: u64 = revision.parse().map_err(|_| none())?;
    let getting = async { control.plan(revision).await.map_err(DirectoryError::from) };
    let plan = in_time(api.read_max, getting).await?.ok_or_else(none)?;
    answering::read_as(&head, Version(i64::try_from(revision).unwrap_or(i64::MAX)), &Whole { plan: &plan })
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    plan: &'a telness_store::control::PlanRevision,
}
