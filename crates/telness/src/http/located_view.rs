//! Where an emergency call was taken to be, as it looks from outside.

use serde::Serialize;
use telness_core::location::Located;
use utoipa::ToSchema;

use super::words::{EmergencyRowWord, LocationSourceWord};

/// Where an emergency call was taken to be, and by what.
#[derive(Serialize, ToSchema)]
#[schema(as = LocationUsed)]
pub struct LocatedView<'a> {
    /// What told it: the nearest to the caller of what was sent, else the peer's site, else nothing but the region.
    #[schema(value_type = LocationSourceWord, example = "cell")]
    source: &'static str,
    /// Whether nobody knows where the caller is, and this is where such callers are taken to be.
    #[schema(example = false)]
    default: bool,
    /// The region that the caller was taken to be in, if that is not where its numbers are read: the location tells it, or
    /// nobody knows and the number calls for help there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "NO")]
    region: Option<String>,
    /// The area of the plan; absent if it is none in particular.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "stockholm")]
    area: Option<&'a str>,
    /// The code of the area's municipality.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0180")]
    municipality: Option<&'a str>,
    /// The address that the site is registered at, if the caller is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Exempelgatan 1, Kista")]
    address: Option<&'a str>,
    /// The code of the place that the number carries on trunks that take codes; absent if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "9001")]
    code: Option<String>,
    /// Whether the caller may be anywhere, whatever is registered: ask where.
    #[schema(example = false)]
    nomadic: bool,
    /// What was sent and leads to no area of the plan.
    #[schema(value_type = Vec<LocationSourceWord>)]
    passed_over: Vec<&'static str>,
    /// Whose routes these are: the `area`'s, the `region`'s, the plan's `default`, the node's `last_resort`, or `nothing`.
    #[schema(value_type = EmergencyRowWord, example = "area")]
    routes_of: &'static str,
}

impl<'a> LocatedView<'a> {
    pub(super) fn of(located: &'a Located) -> Self {
        Self {
            source: located.source.as_str(),
            default: located.default,
            region: located.region.map(|region| region.to_string()),
            area: located.area.as_ref().map(|area| area.as_str()),
            municipality: located.municipality.as_deref(),
            address: located.address.as_deref(),
            code: located.code.map(|code| code.to_string()),
            nomadic: located.nomadic,
            passed_over: located.passed_over.iter().map(|source| source.as_str()).collect(),
            routes_of: located.row.as_str(),
        }
    }
}

/// A location as it is kept: what was sent, and what a location by value was read as.
#[derive(ToSchema)]
#[schema(as = Location)]
pub struct LocationDocument {
    /// Degrees north, WGS 84.
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    pub longitude: Option<f64>,
    /// Radius of uncertainty in metres.
    pub uncertainty_m: Option<f64>,
    /// The cell's global identity.
    pub cell: Option<String>,
    /// The municipality's code.
    pub municipality: Option<String>,
    /// The plan's site where the caller is.
    pub site: Option<String>,
    /// Whether the caller may be anywhere; absent when not.
    pub nomadic: Option<bool>,
    /// The location by value, as sent.
    pub pidf_lo: Option<String>,
    /// What that was read as; absent if it could not be read.
    pub pidf_lo_read: Option<ReadLocationDocument>,
    /// The whole location as JSON, as far as 20,480 bytes go, if something of it could not be read.
    pub sent: Option<String>,
}

/// What a location by value was read as.
#[derive(ToSchema)]
#[schema(as = ReadLocation)]
pub struct ReadLocationDocument {
    /// Degrees north, WGS 84.
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    pub longitude: Option<f64>,
    /// How far off that may be, in metres.
    pub uncertainty_m: Option<f64>,
    /// The country of the civic address.
    pub country: Option<String>,
    /// The places that the civic address names, the smallest first.
    pub names: Option<Vec<String>>,
}
