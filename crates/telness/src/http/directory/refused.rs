//! Why requests of the directory are not done, for the document: a list for each kind of request.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema as _};

use super::super::problem::{MEDIA_TYPE, ProblemDocument};

macro_rules! refused {
    ($($(#[$doc:meta])* $name:ident = [$(($status:literal, $told:literal)),* $(,)?];)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([$(($status.to_owned(), problem($told)),)*])
            }
        }
    )*};
}

fn problem(told: &str) -> RefOr<Response> {
    let schema = Ref::from_schema_name(ProblemDocument::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    RefOr::T(ResponseBuilder::new().description(told).content(MEDIA_TYPE, content).build())
}

refused! {
    /// Of what reads one.
    ReadRefused = [
        ("401", "unauthenticated: no key, or one that is not known"),
        ("403", "operator_needed: what is no tenant's is the operator's to read"),
        ("404", "not_found: there is none, or it is another tenant's"),
        ("422", "field_unknown, field_invalid: every wrong parameter"),
        ("500", "internal"),
        ("503", "store_unavailable: with Retry-After"),
    ];
    /// Of what lists.
    ListRefused = [
        ("401", "unauthenticated: no key, or one that is not known"),
        ("403", "operator_needed: what is no tenant's is the operator's to read"),
        ("404", "not_found: the tenant is not there, or another"),
        ("409", "conflict: what is listed was replaced meanwhile"),
        ("422", "field_unknown, field_invalid: every wrong parameter"),
        ("500", "internal"),
        ("503", "store_unavailable: with Retry-After"),
    ];
    /// Of what puts.
    PutRefused = [
        ("400", "request_unreadable: no JSON, not UTF-8, cut short, nested too deep, a field twice"),
        ("401", "unauthenticated: no key, or one that is not known"),
        ("403", "operator_needed: a tenant's key edits nothing"),
        ("404", "not_found: the path names nothing that there can be"),
        ("408", "request_timeout: the body did not arrive in time"),
        ("409", "conflict: it does not go together with something else that is there, which is named"),
        ("412", "precondition_failed: the header ETag has the version that is there, if there is one"),
        ("413", "request_too_large"),
        ("415", "media_type_unsupported"),
        ("422", "field_missing, field_unknown, field_invalid, plan_faulty, deck_faulty: every fault by its place"),
        ("500", "internal"),
        ("503", "store_unavailable: with Retry-After; whether it was changed is to be read"),
    ];
    /// Of what deletes.
    DeleteRefused = [
        ("401", "unauthenticated: no key, or one that is not known"),
        ("403", "operator_needed: a tenant's key edits nothing"),
        ("404", "not_found: there is none"),
        ("409", "conflict: something else needs it, which is named"),
        ("412", "precondition_failed: the header ETag has the version that is there"),
        ("422", "field_unknown, field_invalid: every wrong parameter or header"),
        ("500", "internal"),
        ("503", "store_unavailable: with Retry-After; whether it was deleted is to be read"),
    ];
}
