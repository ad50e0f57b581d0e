//! Where emergency calls go, and tests of them, as a plan has it compiled.

use std::collections::BTreeMap;

use super::{AreaIx, RouteGroup};
use crate::emergency::Service;
use crate::location::{Areas, CodeTable};
use crate::number::{E164, Region};

/// Where emergency calls go: by area and service, then by area, by region and service, by region, then anywhere.
#[derive(Clone, Debug, Default)]
pub struct EmergencyTable {
    /// The areas that are told apart.
    pub areas: Areas,
    /// The codes that numbers carry, by region.
    pub codes: BTreeMap<Region, CodeTable>,
    /// Routes for a service of an area; `Service::Any` stands for those without routes of their own.
    pub area_routes: BTreeMap<(AreaIx, Service), Box<[RouteGroup]>>,
    /// Routes for a service of a region; `Service::Any` stands for those without routes of their own.
    pub routes: BTreeMap<(Region, Service), Box<[RouteGroup]>>,
    /// Routes where the region has none.
    pub default: Box<[RouteGroup]>,
    /// Routes for test calls by region; without them a test call is answered and goes nowhere.
    pub tests: BTreeMap<Region, TestRoute>,
}

/// Where the test calls of a region go.
#[derive(Clone, Debug)]
pub struct TestRoute {
    /// The trunks.
    pub route: Box<[RouteGroup]>,
    /// The number that was agreed on; without one it is the test's URN.
    pub number: Option<E164>,
    /// How many a node may send there in an hour.
    pub calls_per_h_max: u32,
}
