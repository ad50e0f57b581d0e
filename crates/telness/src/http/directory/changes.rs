//! `/v1/changes`: who changed what, when and why, from what to what.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use telness_engine::directory_flow::DirectoryError;
use telness_store::control::{LogPlace, LogQuery, Version};
use utoipa::{IntoParams, ToSchema};

use super::super::api::{Api, in_time};
use super::super::problem::Problem;
use super::answering;
use super::asking::{Head, Query};
use super::documented::Paging;
use super::refused::ListRefused;

/// The longest key of a thing, in bytes.
const KEY_BYTES_MAX: usize = 160;

/// Of what. Everything given must hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangesQuery {
    /// Of what belongs to this tenant.
    #[param(example = "nordtel")]
    pub tenant: Option<String>,
    /// Of things of this kind: `tenant`, `user`, `block`, `number`, `plan` or `deck`.
    #[param(example = "user")]
    pub entity: Option<String>,
    /// Of the thing with this key.
    #[param(example = "nordtel/berit")]
    pub key: Option<String>,
}

/// What one change did to one thing.
#[derive(ToSchema)]
#[schema(as = Change)]
pub struct ChangeDocument {
    /// The change.
    #[schema(example = 17)]
    pub version: i64,
    /// The place among all that the change touched, from 0.
    #[schema(example = 0)]
    pub place: u32,
    /// When.
    #[schema(format = DateTime, example = "2026-11-23T08:00:00Z")]
    pub at: String,
    /// Who: the name of the operator's key.
    #[schema(example = "anna")]
    pub author: String,
    /// Why.
    #[schema(example = "ticket 4711")]
    pub comment: String,
    /// Whose thing it is; `null` if it is nobody's.
    #[schema(example = "nordtel")]
    pub tenant: Option<String>,
    /// What it is.
    #[schema(example = "user")]
    pub entity: String,
    /// Which one.
    #[schema(example = "nordtel/berit")]
    pub key: String,
    /// What it was; `null` if it was not there.
    #[schema(value_type = Option<Object>, example = json!(null))]
    pub before: Option<()>,
    /// What it is since; `null` if it is no more.
    #[schema(value_type = Option<Object>, example = json!({"name": "berit"}))]
    pub after: Option<()>,
}

/// A page of the log.
#[derive(ToSchema)]
#[schema(as = ChangePage)]
pub struct ChangePage {
    /// The latest first.
    pub items: Vec<ChangeDocument>,
    /// What to send as `cursor` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    pub next: Option<String>,
}

/// Lists what was changed
///
/// The latest first. The log is only ever added to. The operator's to read.
#[utoipa::path(
    get, path = "/v1/changes", tag = "directory", operation_id = "list_changes",
    params(ChangesQuery, Paging),
    responses(
        (status = 200, description = "A page.", body = ChangePage,
            headers(("Link" = String, description = "With `rel=\"next\"`: the next page, if there is one"))),
        ListRefused,
    ),
)]
pub async fn list_changes(State(api): State<Arc<Api>>, head: Head) -> Result<Response, Problem> {
    let mut query = Query::of(&head.uri);
    let kinds = ["tenant", "user", "block", "number", "plan", "deck"];
    let kind = |text: &str| kinds.contains(&text).then(|| text.to_owned());
    let key = |text: &str| (text.len() <= KEY_BYTES_MAX && !text.contains('\0')).then(|| text.to_owned());
    let asked = LogQuery {
        tenant: query.take("tenant", "a tenant's name", |name| name.parse().ok()),
        entity: query.take("entity", "tenant, user, block, number, plan or deck", kind),
        key: query.take("key", "the key of a thing, at most 160 bytes", key),
        limit: query.limit(),
        before: query.cursor(place),
    };
    query.done()?;
    let control = api.engine.control_of_operator(&head.asker()?)?;
    let reading = async { control.log(&asked).await.map_err(DirectoryError::from) };
    let page = in_time(api.read_max, reading).await?;
    let next = page.next.map(|LogPlace { version, place }| format!("{version}-{place}"));
    answering::page(&head, &page.entries, next)
}

fn place(cursor: &str) -> Option<LogPlace> {
    let (version, place) = cursor.split_once('-')?;
    Some(LogPlace { version: Version(version.parse().ok()?), place: place.parse().ok()? })
}
