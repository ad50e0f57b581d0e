//! What many operations of the directory take and give, for the document.

use utoipa::{IntoParams, ToSchema};

/// Which page.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Entries on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u16>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// Whose.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfTenant {
    /// Only this tenant's.
    #[param(example = "nordtel")]
    pub tenant: Option<String>,
}

/// Why something is changed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Comment {
    /// Why, for the log of changes: at most 512 bytes of text without control characters.
    #[param(min_length = 1, max_length = 512, example = "ticket 4711")]
    pub comment: Option<String>,
}

/// What has to be there for a change to be made: one of the two, or neither.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Precondition {
    /// The ETag that what is there has to have, or `*` if anything has to be there.
    #[param(rename = "If-Match", example = "\"17\"")]
    pub if_match: Option<String>,
    /// `*`: nothing may be there.
    #[param(rename = "If-None-Match", example = "*")]
    pub if_none_match: Option<String>,
}

/// What several things that were put are of.
#[derive(ToSchema)]
pub struct PutSeveral {
    /// How many were put.
    #[schema(example = 2)]
    pub count: u64,
    /// The change that they are all of.
    #[schema(example = 17)]
    pub version: i64,
}
