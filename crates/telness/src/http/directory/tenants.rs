//! `/v1/tenants`: the customers and operators.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use telness_core::directory::{CALLS_PER_S_LIMIT_MAX, Tenant};
use telness_core::names::TenantName;
use telness_core::number::Digits;
use telness_core::retention::TenantRetention;
use utoipa::ToSchema;

use super::super::api::Api;
use super::super::fields::Fields;
use super::super::json::Json;
use super::super::problem::Problem;
use super::asking::Head;
use super::documented::{Comment, Paging, Precondition, PutSeveral};
use super::reading::{Read, key};
use super::refused::{DeleteRefused, ListRefused, PutRefused, ReadRefused};
use super::resource::{self, Named, Resource, part};

/// The most outside-line prefixes.
const PREFIXES_MAX: usize = 16;

/// The most days that something is kept other than for ever.
const RETENTION_DAYS_MAX: u16 = 36_500;

/// A customer or operator: the boundary of data, rules, limits and keys.
#[derive(ToSchema)]
#[schema(as = Tenant, example = json!({"name": "nordtel", "suspended": false, "outside_line_prefixes": ["0"]}))]
#[serde(deny_unknown_fields)]
pub struct TenantDocument {
    /// Its name: 1 to 64 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or a digit. The path's if absent.
    #[schema(example = "nordtel")]
    pub name: Option<String>,
    /// Whether its calls are refused, all but emergency calls.
    #[schema(default = false)]
    pub suspended: Option<bool>,
    /// How many calls a second it may make, and as many at once; no limit if absent. Emergency and vital calls and those of
    /// carriers are not counted. A tenant that the plan has keeps what is said there.
    #[schema(minimum = 1, maximum = 1_000_000, example = 50)]
    pub calls_per_s_max: Option<u32>,
    /// What its people dial before an outside number, such as 0 or 9: at most 16.
    #[schema(max_items = 16, example = json!(["0"]))]
    pub outside_line_prefixes: Option<Vec<String>>,
    /// For how long its records are kept, where that is another time than usual.
    pub retention: Option<RetentionDocument>,
    /// The change that it is of, in answers. In a request it says what has to be there, as `If-Match` does.
    #[schema(example = 17)]
    pub version: Option<i64>,
}

/// For how many days a tenant's records are kept, 0 for ever; what is absent is as the settings `retention.*` say.
#[derive(ToSchema)]
#[schema(as = TenantRetention)]
#[serde(deny_unknown_fields)]
pub struct RetentionDocument {
    /// Calls, with their events.
    #[schema(minimum = 0, maximum = 36_500, example = 365)]
    pub calls_days: Option<u16>,
    /// Emergency calls, with their events.
    #[schema(minimum = 0, maximum = 36_500)]
    pub emergency_calls_days: Option<u16>,
    /// Numbers, names, places and the trace in calls.
    #[schema(minimum = 0, maximum = 36_500, example = 90)]
    pub personal_days: Option<u16>,
    /// The same in emergency calls.
    #[schema(minimum = 0, maximum = 36_500)]
    pub emergency_personal_days: Option<u16>,
    /// Events whose call is not here.
    #[schema(minimum = 0, maximum = 36_500)]
    pub waiting_events_days: Option<u16>,
}

/// A page of tenants.
#[derive(ToSchema)]
#[schema(as = TenantPage)]
pub struct TenantPage {
    /// In the order of their names or numbers.
    pub items: Vec<TenantDocument>,
    /// What to send as `cursor` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    pub next: Option<String>,
}

/// Several tenants that are put at once, at most 10,000.
#[derive(ToSchema)]
#[schema(as = TenantList, example = json!({"items": [{"name": "nordtel", "suspended": false, "outside_line_prefixes": ["0"]}]}))]
#[serde(deny_unknown_fields)]
pub struct TenantList {
    /// Each as a whole.
    #[schema(min_items = 1, max_items = 10_000)]
    pub items: Vec<TenantDocument>,
}

impl Resource for Tenant {
    fn named(parts: &[(String, String)]) -> Option<TenantName> {
        part(parts, "tenant")?.parse().ok()
    }

    fn path(key: &TenantName) -> String {
        format!("/v1/tenants/{key}")
    }

    fn cursor(key: &TenantName) -> String {
        key.to_string()
    }

    fn after(cursor: &str, _: Option<&TenantName>) -> Option<TenantName> {
        cursor.parse().ok()
    }
}

impl Read for Tenant {
    fn read(fields: &mut Fields<'_, '_>, named: Option<&TenantName>, _: Option<&TenantName>) -> Option<Self> {
        let name = key(fields, "name", named);
        let suspended = fields.flag("suspended").unwrap_or_default();
        let calls_per_s_max = fields.whole("calls_per_s_max", 1, CALLS_PER_S_LIMIT_MAX);
        let outside_line_prefixes = prefixes(fields);
        let retention = retention(fields);
        Some(Self { name: name?, suspended, calls_per_s_max, outside_line_prefixes, retention })
    }
}

fn retention(fields: &mut Fields<'_, '_>) -> TenantRetention {
    let Some(entries) = fields.object("retention") else { return TenantRetention::default() };
    let path = fields.path("retention");
    let mut fields = Fields::new(&path, entries, fields.faults);
    let mut days = |name| fields.whole(name, 0, RETENTION_DAYS_MAX).map(u32::from);
    let read = TenantRetention {
        calls_days: days("calls_days"),
        emergency_calls_days: days("emergency_calls_days"),
        personal_days: days("personal_days"),
        emergency_personal_days: days("emergency_personal_days"),
        waiting_events_days: days("waiting_events_days"),
    };
    fields.done();
    read
}

fn prefixes(fields: &mut Fields<'_, '_>) -> Vec<Digits> {
    let sent = fields.list("outside_line_prefixes").unwrap_or_default();
    if sent.len() > PREFIXES_MAX {
        fields.invalid("outside_line_prefixes", format!("has {} entries; the limit is {PREFIXES_MAX}", sent.len()));
        return Vec::new();
    }
    let mut read = Vec::new();
    for (place, one) in sent.into_iter().enumerate() {
        let digits = match &one {
            Json::Text(text) => text.parse().ok(),
            _ => None,
        };
        match digits {
            Some(digits) => read.push(digits),
            None => fields.invalid(&format!("outside_line_prefixes[{place}]"), "must be a text of digits"),
        }
    }
    read
}

/// Lists tenants
///
/// In the order of their names. A tenant's key sees its own.
#[utoipa::path(
    get, path = "/v1/tenants", tag = "directory", operation_id = "list_tenants",
    params(Paging),
    responses(
        (status = 200, description = "A page.", body = TenantPage,
            headers(("Link" = String, description = "With `rel=\"next\"`: the next page, if there is one"))),
        ListRefused,
    ),
)]
pub async fn list_tenants(State(api): State<Arc<Api>>, head: Head) -> Result<Response, Problem> {
    resource::list::<Tenant>(&api, None, false, &head).await
}

/// Puts several tenants in one change
///
/// All of them, or none if one is refused. An item with `version` is put only if what is there is of that version.
#[utoipa::path(
    post, path = "/v1/tenants", tag = "directory", operation_id = "put_tenants",
    request_body = TenantList,
    params(Comment),
    responses((status = 200, description = "All were put.", body = PutSeveral), PutRefused),
)]
pub async fn put_tenants(State(api): State<Arc<Api>>, head: Head, body: Body) -> Result<Response, Problem> {
    resource::put_all::<Tenant>(&api, None, &head, body).await
}

/// Reads one tenant
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}", tag = "directory", operation_id = "read_tenant",
    params(("tenant" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "It.", body = TenantDocument,
            headers(("ETag" = String, description = "Its version, for If-Match"))),
        (status = 304, description = "It is of the version that If-None-Match has."),
        ReadRefused,
    ),
)]
pub async fn read_tenant(
    State(api): State<Arc<Api>>,
    Named(key): Named<Tenant>,
    head: Head,
) -> Result<Response, Problem> {
    resource::read::<Tenant>(&api, &key, &head).await
}

/// Puts one tenant
///
/// The request has it whole: what it leaves out has its default.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}", tag = "directory", operation_id = "put_tenant",
    request_body = TenantDocument,
    params(("tenant" = String, Path, description = "Its name"), Precondition, Comment),
    responses(
        (status = 200, description = "It was changed.", body = TenantDocument,
            headers(("ETag" = String, description = "Its version now"))),
        (status = 201, description = "It was made.", body = TenantDocument,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its path"))),
        PutRefused,
    ),
)]
pub async fn put_tenant(
    State(api): State<Arc<Api>>,
    Named(key): Named<Tenant>,
    head: Head,
    body: Body,
) -> Result<Response, Problem> {
    resource::put::<Tenant>(&api, &key, &head, body).await
}

/// Deletes one tenant
///
/// A tenant that still has users, numbers or blocks stays: 409.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}", tag = "directory", operation_id = "delete_tenant",
    params(("tenant" = String, Path, description = "Its name"), Precondition, Comment),
    responses((status = 204, description = "It is no more."), DeleteRefused),
)]
pub async fn delete_tenant(
    State(api): State<Arc<Api>>,
    Named(key): Named<Tenant>,
    head: Head,
) -> Result<Response, Problem> {
    resource::delete::<Tenant>(&api, &key, &head).await
}
