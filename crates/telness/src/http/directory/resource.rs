//! What tenants, users, blocks, numbers and decks do alike: to be read, listed, put and deleted.

use std::fmt;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::json;
use telness_core::names::TenantName;
use telness_core::reason::Reason;
use telness_engine::directory_flow::{DirectoryError, Edited, Kept};
use telness_store::control::{Expect, ListQuery, Refusal};

use super::super::api::{self, Api, in_time};
use super::super::body::BodyLimits;
use super::super::problem::Problem;
use super::answering::{self, Shown, etag};
use super::asking::{Before, Head, Query, before, no_precondition};
use super::reading::{self, Read};

/// A kind of thing that has a path.
pub(super) trait Resource: Kept {
    /// Which one the parameters of a path name; none if there can be none of that name.
    fn named(parts: &[(String, String)]) -> Option<Self::Key>;
    /// The path of one.
    fn path(key: &Self::Key) -> String;
    /// Where a list goes on after one, in a text that needs no escape.
    fn cursor(key: &Self::Key) -> String;
    /// What a list of a tenant's, or of all, goes on after.
    fn after(cursor: &str, tenant: Option<&TenantName>) -> Option<Self::Key>;
}

/// Which one a path names.
pub struct Named<E: Kept>(pub(super) E::Key);

impl<E: Kept> fmt::Debug for Named<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Named").field(&E::NAME).finish()
    }
}

#[allow(private_bounds, reason = "who can have a path is nobody else's business")]
impl<E: Resource, S: Send + Sync> FromRequestParts<S> for Named<E> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let none = || Problem::new(Reason::NotFound, format!("the path names no {} that there can be", E::NAME));
        let Path(named) = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await.map_err(|_| none())?;
        E::named(&named).map(Self).ok_or_else(none)
    }
}

/// The parameter of a path by its name.
pub(super) fn part<'a>(parts: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parts.iter().find(|(part, _)| part == name).map(|(_, value)| value.as_str())
}

/// Reads one.
pub(super) async fn read<E: Resource>(api: &Api, key: &E::Key, head: &Head) -> Result<Response, Problem> {
    Query::of(&head.uri).done()?;
    let asker = head.asker()?;
    let found = in_time(api.read_max, api.engine.read_kept::<E>(&asker, key)).await?;
    answering::read(head, &found)
}

/// Lists those of a tenant that the path names, or that the query does, or all.
pub(super) async fn list<E: Resource>(
    api: &Api,
    tenant: Option<TenantName>,
    filters: bool,
    head: &Head,
) -> Result<Response, Problem> {
    let mut query = Query::of(&head.uri);
    let asked = if filters { query.take("tenant", "a tenant's name", |name| name.parse().ok()) } else { None };
    let tenant = tenant.or(asked);
    let limit = query.limit();
    let after = query.cursor(|cursor| E::after(cursor, tenant.as_ref()));
    query.done()?;
    let asker = head.asker()?;
    let asked = ListQuery::<E> { tenant, after, limit };
    let page = in_time(api.read_max, api.engine.list_kept(&asker, asked)).await?;
    let items: Vec<_> = page.items.iter().map(Shown::from).collect();
    answering::page(head, &items, page.next.as_ref().map(E::cursor))
}

/// Puts one.
pub(super) async fn put<E: Read + Edited>(
    api: &Api,
    key: &E::Key,
    head: &Head,
    body: Body,
) -> Result<Response, Problem> {
    let edit = edit(api, head)?;
    let before = before(&head.headers)?;
    let bytes = reading::arrived(head, body, api.body).await?;
    let (value, before) = reading::one::<E>(&bytes, Some(key), before)?;
    let expect = expect::<E>(api, key, before).await?;
    let put = in_time(api.read_max, api.engine.put_kept(&edit, value, expect)).await?;
    answering::put(put.made, &E::path(key), put.now.version, &Shown::from(&put.now))
}

/// Puts several in one change; all of a tenant if the path names one.
pub(super) async fn put_all<E: Read + Edited>(
    api: &Api,
    tenant: Option<&TenantName>,
    head: &Head,
    body: Body,
) -> Result<Response, Problem> {
    let edit = edit(api, head)?;
    no_precondition(&head.headers)?;
    let limits = BodyLimits { bytes_max: api.bulk_bytes_max, ..api.body };
    let bytes = reading::arrived(head, body, limits).await?;
    let items = reading::several::<E>(&bytes, tenant)?;
    drop(bytes);
    let count = items.len();
    let putting = async { E::put_all(api.engine.control(), &edit, items).await.map_err(DirectoryError::from) };
    let version = in_time(api.read_max, putting).await?;
    let mut response = api::json(StatusCode::OK, &json!({ "count": count, "version": version }), 64)?;
    response.headers_mut().insert(axum::http::header::ETAG, etag(version));
    Ok(response)
}

/// Deletes one.
pub(super) async fn delete<E: Resource>(api: &Api, key: &E::Key, head: &Head) -> Result<Response, Problem> {
    let edit = edit(api, head)?;
    let before = before(&head.headers)?;
    let expect = expect::<E>(api, key, before).await?;
    let deleting = async { E::delete(api.engine.control(), &edit, key, expect).await.map_err(DirectoryError::from) };
    in_time(api.read_max, deleting).await?;
    Ok(answering::gone())
}

/// Who edits and why: asked before anything is read, so that nobody else makes work.
pub(super) fn edit(api: &Api, head: &Head) -> Result<telness_store::control::Edit, Problem> {
    let edit = api.engine.editor(&head.asker()?, "")?;
    let mut query = Query::of(&head.uri);
    let comment = query.comment();
    query.done()?;
    Ok(telness_store::control::Edit { comment, ..edit })
}

/// What the store is to expect. That something is there, of whichever version, is found out here.
pub(super) async fn expect<E: Resource>(api: &Api, key: &E::Key, before: Before) -> Result<Expect, Problem> {
    match before {
        Before::Expect(expect) => Ok(expect),
        Before::Present => {
            let getting = async { E::get(api.engine.control(), key).await.map_err(DirectoryError::from) };
            let found = in_time(api.read_max, getting).await?;
            let absent = || Problem::new(Reason::PreconditionFailed, Refusal::Unexpected { found: None }.to_string());
            found.map(|found| Expect::Version(found.version)).ok_or_else(absent)
        }
    }
}
