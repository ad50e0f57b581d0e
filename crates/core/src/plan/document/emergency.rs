//! Where emergency calls go: areas, routes, the default and tests.

use super::decode::{List, shape};
use super::leaf::Whole;
use super::routing::RouteItem;
use super::whereabouts::{CellPattern, Degrees, MunicipalityCode};
use crate::emergency::Service;
use crate::names::{AreaName, TrunkName};
use crate::number::{Digits, E164, Region};

shape! {
    /// Where emergency calls go. Each route needs two trunks at least, with two gateways at different addresses, so that no
    /// single one stands between a caller and help.
    struct Emergency "emergency" {
        /// The parts of regions whose calls go elsewhere, or carry another code, than the rest of their region.
        areas "areas": List<Area>, default List::default();
        /// The codes that numbers carry, so that whoever takes the call knows where it is from.
        codes "codes": List<CodeList>, default List::default();
        /// Routes of regions and of areas, and of single services there.
        routes "routes": List<EmergencyRoute>, default List::default();
        /// The route where a region has none.
        fallback "default": List<RouteItem>, default List::default();
        /// Where test calls (`urn:service:test.sos`) go; without one they are answered and go nowhere.
        tests "tests": List<TestRoute>, default List::default();
    }
}

shape! {
    /// A part of a region: a municipality, or what its cells cover, or what is drawn on the map. A call is in it if what was
    /// sent of its place says so, or if the site that it is dialled at is registered in it.
    struct Area "emergency_area" {
        /// Its name, which routes, sites and answers tell.
        name "name": AreaName, required;
        /// The region that it is in.
        region "region": Region, required;
        /// The code of the municipality that it is, such as 0180.
        municipality "municipality": Option<MunicipalityCode>, default None;
        /// What civic addresses in PIDF-LO call it (their A1 to A6), whatever the case.
        civic "civic": List<String>, default List::default();
        /// Its cells: whole identities as the mobile core writes them, or what they begin with and `*`.
        cells "cells": List<CellPattern>, default List::default();
        /// What it covers on the map: polygons, each a list of three or more corners in the order in which one walks round
        /// it. Of two areas that have a position the first counts.
        polygons "polygons": List<List<Corner>>, default List::default();
    }
}

shape! {
    /// A corner of an area, WGS 84.
    struct Corner "corner" {
        /// Degrees north.
        latitude "lat": Degrees<90>, required;
        /// Degrees east.
        longitude "lon": Degrees<180>, required;
    }
}

shape! {
    /// How the numbers of a region's emergency calls are written on trunks that take a code of the place. The last resort
    /// of a node never has one.
    struct CodeList "emergency_codes" {
        /// The region.
        region "region": Region, required;
        /// The trunks that take codes; all if left out.
        trunks "trunks": Option<List<TrunkName>>, default None;
        /// What is dialled: digits, `{number}` for the emergency number, `{code}` for the place's code.
        format "format": String, required;
        /// The codes of municipalities. Each that an area names needs one.
        municipalities "municipalities": List<MunicipalityCodes>, required;
        /// The code of callers who may be anywhere; without one their calls carry none.
        nomadic "nomadic": Option<Digits>, default None;
        /// The code of callers of whom no municipality is known; without one their calls carry none.
        unknown "unknown": Option<Digits>, default None;
    }
}

shape! {
    /// The code of a municipality.
    struct MunicipalityCodes "municipality_code" {
        /// The municipality, as areas name it.
        municipality "municipality": MunicipalityCode, required;
        /// The code that numbers carry.
        code "code": Digits, required;
    }
}

shape! {
    /// Where the emergency calls of a region go, or of some areas of it.
    struct EmergencyRoute "emergency_route" {
        /// The region that the call is dialled in.
        region "region": Region, required;
        /// The areas whose calls go so; the whole region if left out.
        areas "areas": Option<List<AreaName>>, default None;
        /// The service; any stands for those without routes of their own.
        service "service": Service, default Service::Any;
        /// The trunks, in order.
        route "route": List<RouteItem>, required;
    }
}

/// How many test calls a node may send out in an hour.
pub(crate) type TestsPerHour = Whole<1, 3_600>;

/// One in five minutes: enough to watch a route, and nothing that anybody has to staff for.
const TESTS_PER_H_DEFAULT: u32 = 12;

shape! {
    /// Where the test calls of a region go. Never to a call-taker.
    struct TestRoute "test_route" {
        /// The region that the call is dialled in.
        region "region": Region, required;
        /// The number that was agreed on for test calls; without one the trunks are sent the test's URN.
        number "number": Option<E164>, default None;
        /// How many test calls each node sends there in an hour, and as many at once after an hour without any. What was
        /// agreed on with whoever takes them.
        calls_per_h_max "calls_per_h_max": TestsPerHour, default Whole(TESTS_PER_H_DEFAULT);
        /// The trunks, in order.
        route "route": List<RouteItem>, required;
    }
}
