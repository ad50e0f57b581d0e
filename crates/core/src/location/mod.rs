//! Where an emergency call is: found among the plan's areas by what was sent, else by where it was dialled.
//!
//! Nothing here fails. What was sent and leads nowhere is passed over for the next, and without any the call is taken to be
//! anywhere in its region; both are marked, and what was sent stays with the call untouched (E10). No look-up is made, so
//! that a location costs no time.

mod areas;
mod codes;
mod polygon;

pub use areas::{Area, Areas, CELL_BYTES_MAX, MUNICIPALITY_BYTES_MAX};
pub use codes::{CodePart, CodeTable};
pub use polygon::{Polygon, Position};

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::call::{Call, Location};
use crate::names::AreaName;
use crate::number::{Digits, Region};
use crate::plan::{AreaIx, Plan, Site};

/// What told where a call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocationSource {
    /// The position in a location by value.
    PidfLo,
    /// Latitude and longitude, as sent.
    Coordinates,
    /// The civic address in a location by value.
    CivicAddress,
    /// The cell, as sent.
    Cell,
    /// The municipality, as sent.
    Municipality,
    /// The place where the site is registered that the request names.
    Site,
    /// The place where the peer's site is registered.
    RegisteredSite,
    /// Nothing: anywhere in the region.
    #[default]
    Region,
}

impl LocationSource {
    /// All of them: what is nearer to the caller comes first.
    pub const ALL: [Self; 8] = [
        Self::PidfLo,
        Self::Coordinates,
        Self::CivicAddress,
        Self::Cell,
        Self::Municipality,
        Self::Site,
        Self::RegisteredSite,
        Self::Region,
    ];

    /// The word used in answers, records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PidfLo => "pidf_lo",
            Self::Coordinates => "coordinates",
            Self::CivicAddress => "civic_address",
            Self::Cell => "cell",
            Self::Municipality => "municipality",
            Self::Site => "site",
            Self::RegisteredSite => "registered_site",
            Self::Region => "region",
        }
    }
}

/// Which row of the emergency table gave the routes of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmergencyRow {
    /// The area's.
    Area,
    /// The region's.
    #[default]
    Region,
    /// The plan's default.
    Default,
    /// None: the last resort of the node's own settings alone.
    LastResort,
    /// None at all.
    Nothing,
}

impl EmergencyRow {
    /// The word used in answers, records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Area => "area",
            Self::Region => "region",
            Self::Default => "default",
            Self::LastResort => "last_resort",
            Self::Nothing => "nothing",
        }
    }
}

/// Where an emergency call was taken to be, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// What told it.
    #[serde(rename = "s")]
    pub source: LocationSource,
    /// Whether nobody knows where the caller is, and this is where such callers are taken to be.
    #[serde(rename = "d", skip_serializing_if = "std::ops::Not::not", default)]
    pub default: bool,
    /// The area.
    #[serde(rename = "a", skip_serializing_if = "Option::is_none", default)]
    pub area: Option<AreaName>,
    /// The municipality's code.
    #[serde(rename = "m", skip_serializing_if = "Option::is_none", default)]
    pub municipality: Option<Arc<str>>,
    /// The address at which the site is registered, if the caller is there.
    #[serde(rename = "ad", skip_serializing_if = "Option::is_none", default)]
    pub address: Option<Arc<str>>,
    /// Whether the caller may be anywhere, whatever is registered.
    #[serde(rename = "n", skip_serializing_if = "std::ops::Not::not", default)]
    pub nomadic: bool,
    /// The code of the place that the number carries on trunks that take codes.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub code: Option<Digits>,
    /// What was sent and leads to no area of the plan.
    #[serde(rename = "p", skip_serializing_if = "Vec::is_empty", default)]
    pub passed_over: Vec<LocationSource>,
    /// The row of the emergency table.
    #[serde(rename = "r")]
    pub row: EmergencyRow,
    /// The region that the caller was taken to be in, if it is not the one that its numbers are read in.
    #[serde(rename = "g", skip_serializing_if = "Option::is_none", default)]
    pub region: Option<Region>,
}

/// Where a call of a region is. The row is filled in by whoever looks for its routes.
#[must_use]
pub fn locate(plan: &Plan, call: &Call, region: Region) -> (Located, Option<AreaIx>) {
    let areas = &plan.emergency.areas;
    let sent = call.location.as_ref();
    let named = sent.and_then(|sent| named_site(plan, sent));
    let own = || call.site.as_ref().and_then(|name| site_of(plan, name.as_str()));
    let (told_by, at) = match named {
        Some(site) => (LocationSource::Site, Some(site)),
        None => (LocationSource::RegisteredSite, own()),
    };
    let nomadic = sent.is_some_and(|sent| sent.nomadic) || at.is_some_and(|site| site.nomadic);
    let mut located = Located { nomadic, ..Located::default() };
    for (source, found) in sent.iter().flat_map(|sent| sent_places(areas, sent, region)) {
        if let Some(area) = found {
            return (located.by(source).within(areas, area), Some(area));
        }
        located.passed_over.push(source);
    }
    let at = at.filter(|site| site.area.is_some() || site.address.is_some());
    if sent.is_some_and(|sent| sent.site.is_some()) && (named.is_none() || at.is_none()) {
        located.passed_over.push(LocationSource::Site);
    }
    match at {
        Some(site) => located.at_site(told_by, areas, site),
        None => (Located { default: true, ..located }, None),
    }
}

/// The region that a location tells, for a call whose numbers are read in `region`: that of the area that it leads to, else
/// that of the site that it names.
#[must_use]
pub fn region_of(plan: &Plan, sent: &Location, region: Region) -> Option<Region> {
    let areas = &plan.emergency.areas;
    let area = sent_places(areas, sent, region).find_map(|(_, found)| areas.get(found?));
    area.map(|area| area.region).or_else(|| named_site(plan, sent).map(|site| site.region))
}

/// The site that a location names. It says nothing but where the caller is, so it may be anybody's: it authorises nothing.
pub(crate) fn named_site<'p>(plan: &'p Plan, sent: &Location) -> Option<&'p Site> {
    site_of(plan, sent.site.as_deref()?)
}

impl Located {
    fn by(self, source: LocationSource) -> Self {
        Self { source, ..self }
    }

    fn within(self, areas: &Areas, area: AreaIx) -> Self {
        let Some(area) = areas.get(area) else { return self };
        Self { area: Some(area.name.clone()), municipality: area.municipality.clone(), ..self }
    }

    /// At a site's registered place. Who carries a phone about is not there: that is where the call goes, as a default, and
    /// no address goes with it.
    fn at_site(self, source: LocationSource, areas: &Areas, site: &Site) -> (Self, Option<AreaIx>) {
        let address = site.address.clone().filter(|_| !self.nomadic);
        let located = Self { default: self.nomadic, address, ..self }.by(source);
        match site.area {
            Some(area) => (located.within(areas, area), Some(area)),
            None => (located, None),
        }
    }
}

/// What was sent of a place, nearest first, with the area that each leads to.
fn sent_places(
    areas: &Areas,
    sent: &Location,
    region: Region,
) -> impl Iterator<Item = (LocationSource, Option<AreaIx>)> {
    let area_of = |latitude: Option<f64>, longitude: Option<f64>| {
        let position = latitude.zip(longitude)?;
        Some(areas.of_position(Position { latitude: position.0, longitude: position.1 }))
    };
    let by_value = sent.pidf_lo_read.as_ref();
    let civic = by_value.filter(|read| !read.names.is_empty());
    let civic = civic.map(|read| areas.of_civic(read.country.unwrap_or(region), &read.names));
    // A document that could not be read was sent all the same, and is passed over.
    let unread = sent.pidf_lo.as_ref().filter(|_| by_value.is_none()).map(|_| None);
    let each = [
        (LocationSource::PidfLo, by_value.and_then(|read| area_of(read.latitude, read.longitude)).or(unread)),
        (LocationSource::Coordinates, area_of(sent.latitude, sent.longitude)),
        (LocationSource::CivicAddress, civic),
        (LocationSource::Cell, sent.cell.as_deref().map(|cell| areas.of_cell(cell))),
        (LocationSource::Municipality, sent.municipality.as_deref().map(|code| areas.of_municipality(region, code))),
    ];
    each.into_iter().filter_map(|(source, found)| Some((source, found?)))
}

fn site_of<'p>(plan: &'p Plan, name: &str) -> Option<&'p Site> {
    plan.sites.iter().find(|site| site.name.as_str() == name)
}
