//! `/v1/numbers`: what became of each number of the inventory, and who holds it when.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use telness_core::directory::{NumberEntry, NumberEntryError, NumberState};
use telness_core::names::TenantName;
use telness_core::number::{Digits, E164};
use utoipa::ToSchema;

use super::super::api::Api;
use super::super::fields::Fields;
use super::super::problem::Problem;
use super::asking::Head;
use super::documented::{Comment, OfTenant, Paging, Precondition, PutSeveral};
use super::reading::{Read, key, needed, parsed};
use super::refused::{DeleteRefused, ListRefused, PutRefused, ReadRefused};
use super::resource::{self, Named, Resource, part};

/// A number that is not free.
#[derive(ToSchema)]
#[schema(as = NumberEntry, example = json!({"number": "+46846500411", "state": "assigned", "tenant": "nordtel", "user": "berit"}))]
#[serde(deny_unknown_fields)]
pub struct NumberDocument {
    /// The number. The path's if absent.
    #[schema(example = "+46846500411")]
    pub number: Option<String>,
    /// `assigned`: its user holds it. `quarantined`: nobody does until the cutover, or for ever. `ported_in`: its user
    /// holds it from the cutover on. `ported_out`: its user, if it has one, holds it until the cutover.
    #[schema(example = "assigned", pattern = "^(assigned|quarantined|ported_in|ported_out)$")]
    pub state: String,
    /// Whose it is, or was.
    #[schema(example = "nordtel")]
    pub tenant: String,
    /// The user of this tenant who holds it.
    #[schema(example = "berit")]
    pub user: Option<String>,
    /// When that changes, RFC 3339 with an offset.
    #[schema(format = DateTime, example = json!(null))]
    pub cutover: Option<String>,
    /// The change that it is of, in answers. In a request it says what has to be there, as `If-Match` does.
    #[schema(example = 17)]
    pub version: Option<i64>,
}

/// A page of numbers.
#[derive(ToSchema)]
#[schema(as = NumberPage)]
pub struct NumberPage {
    /// In the order of their names or numbers.
    pub items: Vec<NumberDocument>,
    /// What to send as `cursor` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    pub next: Option<String>,
}

/// Several numbers that are put at once, at most 10,000.
#[derive(ToSchema)]
#[schema(as = NumberList, example = json!({"items": [{"number": "+46846500411", "state": "assigned", "tenant": "nordtel", "user": "berit"}]}))]
#[serde(deny_unknown_fields)]
pub struct NumberList {
    /// Each as a whole.
    #[schema(min_items = 1, max_items = 10_000)]
    pub items: Vec<NumberDocument>,
}

impl Resource for NumberEntry {
    fn named(parts: &[(String, String)]) -> Option<E164> {
        part(parts, "number")?.parse().ok()
    }

    fn path(key: &E164) -> String {
        format!("/v1/numbers/{key}")
    }

    fn cursor(key: &E164) -> String {
        key.digits().to_string()
    }

    fn after(cursor: &str, _: Option<&TenantName>) -> Option<E164> {
        E164::try_from(cursor.parse::<Digits>().ok()?).ok()
    }
}

impl Read for NumberEntry {
    fn read(fields: &mut Fields<'_, '_>, named: Option<&E164>, _: Option<&TenantName>) -> Option<Self> {
        let number = key(fields, "number", named);
        let state = needed(fields, "state", |fields| {
            fields.word("state", NumberState::of_word, "assigned, quarantined, ported_in or ported_out")
        });
        let tenant = needed(fields, "tenant", |fields| parsed(fields, "tenant"));
        let before = fields.faults.count();
        let user = parsed(fields, "user");
        let time = "a time from year 1 to 9999 in RFC 3339 with an offset";
        let cutover = fields.word("cutover", |text| text.parse().ok(), time);
        let entry = Self { number: number?, state: state?, tenant: tenant?, user, cutover };
        // What it lacks may be what could not be read, which was told.
        if let Some(error) = entry.check().err().filter(|_| fields.faults.count() == before) {
            fields.invalid(field_of(error), error.to_string());
        }
        Some(entry)
    }
}

const fn field_of(error: NumberEntryError) -> &'static str {
    match error {
        NumberEntryError::UserMissing(_) | NumberEntryError::UserOfQuarantined => "user",
        NumberEntryError::CutoverMissing(_) | NumberEntryError::CutoverOfAssigned => "cutover",
    }
}

/// Lists numbers that are not free
///
/// In their order. A tenant's key sees its own.
#[utoipa::path(
    get, path = "/v1/numbers", tag = "directory", operation_id = "list_numbers",
    params(OfTenant, Paging),
    responses(
        (status = 200, description = "A page.", body = NumberPage,
            headers(("Link" = String, description = "With `rel=\"next\"`: the next page, if there is one"))),
        ListRefused,
    ),
)]
pub async fn list_numbers(State(api): State<Arc<Api>>, head: Head) -> Result<Response, Problem> {
    resource::list::<NumberEntry>(&api, None, true, &head).await
}

/// Puts several numbers in one change
///
/// All of them, or none if one is refused. An item with `version` is put only if what is there is of that version.
#[utoipa::path(
    post, path = "/v1/numbers", tag = "directory", operation_id = "put_numbers",
    request_body = NumberList,
    params(Comment),
    responses((status = 200, description = "All were put.", body = PutSeveral), PutRefused),
)]
pub async fn put_numbers(State(api): State<Arc<Api>>, head: Head, body: Body) -> Result<Response, Problem> {
    resource::put_all::<NumberEntry>(&api, None, &head, body).await
}

/// Reads one number
#[utoipa::path(
    get, path = "/v1/numbers/{number}", tag = "directory", operation_id = "read_number",
    params(("number" = String, Path, description = "The number, such as +46846500411")),
    responses(
        (status = 200, description = "It.", body = NumberDocument,
            headers(("ETag" = String, description = "Its version, for If-Match"))),
        (status = 304, description = "It is of the version that If-None-Match has."),
        ReadRefused,
    ),
)]
pub async fn read_number(
    State(api): State<Arc<Api>>,
    Named(key): Named<NumberEntry>,
    head: Head,
) -> Result<Response, Problem> {
    resource::read::<NumberEntry>(&api, &key, &head).await
}

/// Puts one number
///
/// The request has it whole. Its tenant and its user have to be there. It is in service within moments.
#[utoipa::path(
    put, path = "/v1/numbers/{number}", tag = "directory", operation_id = "put_number",
    request_body = NumberDocument,
    params(("number" = String, Path, description = "The number, such as +46846500411"), Precondition, Comment),
    responses(
        (status = 200, description = "It was changed.", body = NumberDocument,
            headers(("ETag" = String, description = "Its version now"))),
        (status = 201, description = "It was made.", body = NumberDocument,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its path"))),
        PutRefused,
    ),
)]
pub async fn put_number(
    State(api): State<Arc<Api>>,
    Named(key): Named<NumberEntry>,
    head: Head,
    body: Body,
) -> Result<Response, Problem> {
    resource::put::<NumberEntry>(&api, &key, &head, body).await
}

/// Deletes one number
///
/// It is free then, if it is in a block.
#[utoipa::path(
    delete, path = "/v1/numbers/{number}", tag = "directory", operation_id = "delete_number",
    params(("number" = String, Path, description = "The number, such as +46846500411"), Precondition, Comment),
    responses((status = 204, description = "It is no more."), DeleteRefused),
)]
pub async fn delete_number(
    State(api): State<Arc<Api>>,
    Named(key): Named<NumberEntry>,
    head: Head,
) -> Result<Response, Problem> {
    resource::delete::<NumberEntry>(&api, &key, &head).await
}
