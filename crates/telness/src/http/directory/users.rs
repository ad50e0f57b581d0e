//! `/v1/tenants/{tenant}/users`: who can be called, by which devices, and what they prefer.
#![allow(unused_qualifications, reason = "utoipa writes types with their paths")]

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use telness_core::directory::{Preferences, Tenant, User, UserDevice};
use telness_core::names::TenantName;
use telness_store::control::UserKey;
use utoipa::ToSchema;

use super::super::api::{Api, in_time};
use super::super::fields::Fields;
use super::super::json::Json;
use super::super::problem::Problem;
use super::asking::Head;
use super::documented::{Comment, Paging, Precondition, PutSeveral};
use super::reading::{Read, key, needed, parsed};
use super::refused::{DeleteRefused, ListRefused, PutRefused, ReadRefused};
use super::resource::{self, Named, Resource, part};

/// The most devices of a user.
const DEVICES_MAX: usize = 32;

/// A person or a function that can be called.
#[derive(ToSchema)]
#[schema(as = User, example = json!({"name": "berit", "tenant": "nordtel", "extension": "201",
    "devices": [{"trunk": "office-pbx", "number": "ext:201"}], "preferences": {"do_not_disturb": false, "language": "sv"}}))]
#[serde(deny_unknown_fields)]
pub struct UserDocument {
    /// The name, which is the tenant's own: another tenant may have the same. The path's if absent.
    #[schema(example = "berit")]
    pub name: Option<String>,
    /// Whose user it is. The path's if absent.
    #[schema(example = "nordtel")]
    pub tenant: Option<String>,
    /// The extension held; nobody else of the tenant has it.
    #[schema(example = "201")]
    pub extension: Option<String>,
    /// What rings, all at once: at most 32.
    #[schema(max_items = 32)]
    pub devices: Option<Vec<DeviceDocument>>,
    /// What the user chose.
    pub preferences: Option<PreferencesDocument>,
    /// The change that it is of, in answers. In a request it says what has to be there, as `If-Match` does.
    #[schema(example = 17)]
    pub version: Option<i64>,
}

/// Something that rings: a number reached by a trunk.
#[derive(ToSchema)]
#[schema(as = Device)]
#[serde(deny_unknown_fields)]
pub struct DeviceDocument {
    /// The trunk that reaches it, by its name in the plan.
    #[schema(example = "office-pbx")]
    pub trunk: String,
    /// What is dialled there: a public number (`+46…`) or an extension (`ext:201`).
    #[schema(example = "ext:201")]
    pub number: String,
}

/// What a user chose.
#[derive(ToSchema)]
#[schema(as = Preferences)]
#[serde(deny_unknown_fields)]
pub struct PreferencesDocument {
    /// Whether the user is not to be called now.
    #[schema(default = false)]
    pub do_not_disturb: Option<bool>,
    /// The language the user is spoken to in, by its tag (BCP 47).
    #[schema(example = "sv")]
    pub language: Option<String>,
}

/// A page of users.
#[derive(ToSchema)]
#[schema(as = UserPage)]
pub struct UserPage {
    /// In the order of their names or numbers.
    pub items: Vec<UserDocument>,
    /// What to send as `cursor` for the next page; `null` when this is the last.
    #[schema(example = json!(null))]
    pub next: Option<String>,
}

/// Several users that are put at once, at most 10,000.
#[derive(ToSchema)]
#[schema(as = UserList, example = json!({"items": [{"name": "berit", "tenant": "nordtel", "extension": "201",
    "devices": [{"trunk": "office-pbx", "number": "ext:201"}], "preferences": {"do_not_disturb": false, "language": "sv"}}]}))]
#[serde(deny_unknown_fields)]
pub struct UserList {
    /// Each as a whole.
    #[schema(min_items = 1, max_items = 10_000)]
    pub items: Vec<UserDocument>,
}

impl Resource for User {
    fn named(parts: &[(String, String)]) -> Option<UserKey> {
        Some(UserKey { tenant: part(parts, "tenant")?.parse().ok()?, name: part(parts, "user")?.parse().ok()? })
    }

    fn path(key: &UserKey) -> String {
        format!("/v1/tenants/{}/users/{}", key.tenant, key.name)
    }

    fn cursor(key: &UserKey) -> String {
        key.name.to_string()
    }

    fn after(cursor: &str, tenant: Option<&TenantName>) -> Option<UserKey> {
        Some(UserKey { tenant: tenant?.clone(), name: cursor.parse().ok()? })
    }
}

impl Read for User {
    fn read(fields: &mut Fields<'_, '_>, named: Option<&UserKey>, of: Option<&TenantName>) -> Option<Self> {
        let name = key(fields, "name", named.map(|named| &named.name));
        let tenant = key(fields, "tenant", named.map(|named| &named.tenant).or(of));
        let extension = parsed(fields, "extension");
        let devices = devices(fields);
        let preferences = preferences(fields);
        Some(Self { name: name?, tenant: tenant?, extension, devices, preferences })
    }
}

fn devices(fields: &mut Fields<'_, '_>) -> Vec<UserDevice> {
    let sent = fields.list("devices").unwrap_or_default();
    if sent.len() > DEVICES_MAX {
        fields.invalid("devices", format!("has {} entries; the limit is {DEVICES_MAX}", sent.len()));
        return Vec::new();
    }
    let mut read = Vec::new();
    for (place, one) in sent.into_iter().enumerate() {
        let path = fields.path(&format!("devices[{place}]"));
        let Json::Object(entries) = one else {
            fields.faults.invalid(&path, "must be an object");
            continue;
        };
        let mut inner = Fields::new(&path, entries, fields.faults);
        let trunk = needed(&mut inner, "trunk", |inner| parsed(inner, "trunk"));
        let number = needed(&mut inner, "number", |inner| parsed(inner, "number"));
        inner.done();
        read.extend(trunk.zip(number).map(|(trunk, number)| UserDevice { trunk, number }));
    }
    read
}

fn preferences(fields: &mut Fields<'_, '_>) -> Preferences {
    let Some(entries) = fields.object("preferences") else { return Preferences::default() };
    let path = fields.path("preferences");
    let mut inner = Fields::new(&path, entries, fields.faults);
    let do_not_disturb = inner.flag("do_not_disturb").unwrap_or_default();
    let language = parsed(&mut inner, "language");
    inner.done();
    Preferences { do_not_disturb, language }
}

/// Lists a tenant's users
///
/// In the order of their names.
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/users", tag = "directory", operation_id = "list_users",
    params(("tenant" = String, Path, description = "Whose"), Paging),
    responses(
        (status = 200, description = "A page.", body = UserPage,
            headers(("Link" = String, description = "With `rel=\"next\"`: the next page, if there is one"))),
        ListRefused,
    ),
)]
pub async fn list_users(
    State(api): State<Arc<Api>>,
    Named(tenant): Named<Tenant>,
    head: Head,
) -> Result<Response, Problem> {
    let asker = head.asker()?;
    in_time(api.read_max, api.engine.read_kept::<Tenant>(&asker, &tenant)).await?;
    resource::list::<User>(&api, Some(tenant), false, &head).await
}

/// Puts several users in one change
///
/// All of them, or none if one is refused. An item with `version` is put only if what is there is of that version.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/users", tag = "directory", operation_id = "put_users",
    request_body = UserList,
    params(("tenant" = String, Path, description = "Whose"), Comment),
    responses((status = 200, description = "All were put.", body = PutSeveral), PutRefused),
)]
pub async fn put_users(
    State(api): State<Arc<Api>>,
    Named(tenant): Named<Tenant>,
    head: Head,
    body: Body,
) -> Result<Response, Problem> {
    resource::put_all::<User>(&api, Some(&tenant), &head, body).await
}

/// Reads one user
#[utoipa::path(
    get, path = "/v1/tenants/{tenant}/users/{user}", tag = "directory", operation_id = "read_user",
    params(("tenant" = String, Path, description = "Whose"), ("user" = String, Path, description = "The name")),
    responses(
        (status = 200, description = "It.", body = UserDocument,
            headers(("ETag" = String, description = "Its version, for If-Match"))),
        (status = 304, description = "It is of the version that If-None-Match has."),
        ReadRefused,
    ),
)]
pub async fn read_user(State(api): State<Arc<Api>>, Named(key): Named<User>, head: Head) -> Result<Response, Problem> {
    resource::read::<User>(&api, &key, &head).await
}

/// Puts one user
///
/// The request has the user whole: what it leaves out has its default. The tenant has to be there.
#[utoipa::path(
    put, path = "/v1/tenants/{tenant}/users/{user}", tag = "directory", operation_id = "put_user",
    request_body = UserDocument,
    params(("tenant" = String, Path, description = "Whose"), ("user" = String, Path, description = "The name"), Precondition, Comment),
    responses(
        (status = 200, description = "It was changed.", body = UserDocument,
            headers(("ETag" = String, description = "Its version now"))),
        (status = 201, description = "It was made.", body = UserDocument,
            headers(("ETag" = String, description = "Its version"), ("Location" = String, description = "Its path"))),
        PutRefused,
    ),
)]
pub async fn put_user(
    State(api): State<Arc<Api>>,
    Named(key): Named<User>,
    head: Head,
    body: Body,
) -> Result<Response, Problem> {
    resource::put::<User>(&api, &key, &head, body).await
}

/// Deletes one user
///
/// A user who holds a number stays: 409.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/users/{user}", tag = "directory", operation_id = "delete_user",
    params(("tenant" = String, Path, description = "Whose"), ("user" = String, Path, description = "The name"), Precondition, Comment),
    responses((status = 204, description = "It is no more."), DeleteRefused),
)]
pub async fn delete_user(
    State(api): State<Arc<Api>>,
    Named(key): Named<User>,
    head: Head,
) -> Result<Response, Problem> {
    resource::delete::<User>(&api, &key, &head).await
}
