//! `/v1/blocks`: the runs of numbers that the inventory is made of.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use telness_core::directory::{Block, BlockError};
use telness_core::names::TenantName;
use telness_core::number::{Digits, E164};
use utoipa::ToSchema;

use super::super::api::Api;
use super::super::fields::Fields;
use super::super::json::Json;
use super::super::problem::Problem;
use super::asking::Head;
use super::documented::{Comment, OfTenant, Paging, Precondition, PutSeveral};
use super::reading::{Read, key, needed, parsed};
use super::refused::{DeleteRefused, ListRefused, PutRefused, ReadRefused};
use super::resource::{self, Named, Resource, part};

/// A run of public numbers, from the first to the last, both included. None overlaps another. A number of it without an
/// entry of its own is free.
#[derive(ToSchema)]
#[schema(as = Block, example = json!({"first": "+46846500400", "last": "+46846500499", "tenant": "nordtel", "note": "office"}))]
#[serde(deny_unknown_fields)]
pub struct BlockDocument {
    /// The first number. The path's if absent.
    #[schema(example = "+46846500400")]
    pub first: Option<String>,
    /// The last number, of as many digits as the first.
    #[schema(example = "+46846500499")]
    pub last: String,
    /// Whose it is; absent if it is not given out yet.
    #[schema(example = "nordtel")]
    pub tenant: Option<String>,
    /// What people say of it: at most 256 characters.
    #[schema(max_length = 256, example = "office")]
    pub note: Option<String>,
    /// The change that it is of, in answers. In a request it says what has to be there, as `If-Match` does.
    #[schema(example = 17)]
    pub version: Option<i64>,
}

/// A page of blocks.
#[derive(ToSchema)]
#[schema(as = BlockPage)]
pub struct BlockPage {
    /// In the order of their names or numbers.
    pub items: Vec<BlockDocument>,
    /// What to send as `cursor` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    pub next: Option<String>,
}

/// Several blocks that are put at once, at most 10,000.
#[derive(ToSchema)]
#[schema(as = BlockList, example = json!({"items": [{"first": "+46846500400", "last": "+46846500499", "tenant": "nordtel", "note": "office"}]}))]
#[serde(deny_unknown_fields)]
pub struct BlockList {
    /// Each as a whole.
    #[schema(min_items = 1, max_items = 10_000)]
    pub items: Vec<BlockDocument>,
}

impl Resource for Block {
    fn named(parts: &[(String, String)]) -> Option<E164> {
        part(parts, "first")?.parse().ok()
    }

    fn path(key: &E164) -> String {
        format!("/v1/blocks/{key}")
    }

    fn cursor(key: &E164) -> String {
        key.digits().to_string()
    }

    fn after(cursor: &str, _: Option<&TenantName>) -> Option<E164> {
        E164::try_from(cursor.parse::<Digits>().ok()?).ok()
    }
}

impl Read for Block {
    fn read(fields: &mut Fields<'_, '_>, named: Option<&E164>, _: Option<&TenantName>) -> Option<Self> {
        let first = key(fields, "first", named);
        let last = needed(fields, "last", |fields| parsed(fields, "last"));
        let tenant = parsed(fields, "tenant");
        // An empty note is what answers have for none.
        let note = match fields.take("note") {
            None => String::new(),
            Some(Json::Text(text)) if !text.chars().any(char::is_control) => text.into_owned(),
            Some(_) => {
                fields.invalid("note", "must be a text without control characters");
                String::new()
            }
        };
        let block = Self { first: first?, last: last?, tenant, note };
        if let Err(error) = block.check() {
            let field = if error == BlockError::Note { "note" } else { "last" };
            fields.invalid(field, error.to_string());
        }
        Some(block)
    }
}

/// Lists blocks of numbers
///
/// In the order of their numbers. A tenant's key sees its own.
#[utoipa::path(
    get, path = "/v1/blocks", tag = "directory", operation_id = "list_blocks",
    params(OfTenant, Paging),
    responses(
        (status = 200, description = "A page.", body = BlockPage,
            headers(("Link" = String, description = "With `rel=\"next\"`: the next page, if there is one"))),
        ListRefused,
    ),
)]
pub async fn list_blocks(State(api): State<Arc<Api>>, head: Head) -> Result<Response, Problem> {
    resource::list::<Block>(&api, None, true, &head).await
}

/// Puts several blocks in one change
///
/// All of them, or none if one is refused. An item with `version` is put only if what is there is of that version.
#[utoipa::path(
    post, path = "/v1/blocks", tag = "directory", operation_id = "put_blocks",
    request_body = BlockList,
    params(Comment),
    responses((status = 200, description = "All were put.", body = PutSeveral), PutRefused),
)]
pub async fn put_blocks(State(api): State<Arc<Api>>, head: Head, body: Body) -> Result<Response, Problem> {
    resource::put_all::<Block>(&api, None, &head, body).await
}

/// Reads one block
#[utoipa::path(
    get, path = "/v1/blocks/{first}", tag = "directory", operation_id = "read_block",
    params(("first" = String, Path, description = "Its first number, such as +46846500400")),
    responses(
        (status = 200, description = "It.", body = BlockDocument,
            headers(("ETag" = String, description = "Its version, for If-Match"))),
        (status = 304, description = "It is of the version that If-None-Match has."),
        ReadRefused,
    ),
)]
pub async fn read_block(
    State(api): State<Arc<Api>>,
    Named(key): Named<Block>,
    head: Head,
) -> Result<Response, Problem> {
    resource::read::<Block>(&api, &key, &head).await
}

/// Puts one block
///
/// The request has it whole. It overlaps no other block.
#[utoipa::path(
    put, path = "/v1/blocks/{first}", tag = "directory", operation_id = "put_block",
    request_body = BlockDocument,
    params(("first" = String, Path, description = "Its first number, such as +46846500400"), Precondition, Comment),
    responses(
        (status = 200, description = "It was changed.", body = BlockDocument,
            headers(("ETag" = String, description = "Its version now"))),
        (status = 201, description = "It was made.", body = BlockDocument,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its path"))),
        PutRefused,
    ),
)]
pub async fn put_block(
    State(api): State<Arc<Api>>,
    Named(key): Named<Block>,
    head: Head,
    body: Body,
) -> Result<Response, Problem> {
    resource::put::<Block>(&api, &key, &head, body).await
}

/// Deletes one block
///
/// What is known of its numbers stays.
#[utoipa::path(
    delete, path = "/v1/blocks/{first}", tag = "directory", operation_id = "delete_block",
    params(("first" = String, Path, description = "Its first number, such as +46846500400"), Precondition, Comment),
    responses((status = 204, description = "It is no more."), DeleteRefused),
)]
pub async fn delete_block(
    State(api): State<Arc<Api>>,
    Named(key): Named<Block>,
    head: Head,
) -> Result<Response, Problem> {
    resource::delete::<Block>(&api, &key, &head).await
}
