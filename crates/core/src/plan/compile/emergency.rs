//! Where emergency calls go, and that nothing stands before them (E4).

use std::collections::{BTreeMap, BTreeSet};

use super::names::{Names, duplicate};
use super::{areas, codes, empty_list, route};
use crate::class::Place;
use crate::emergency::{mistakable, number_under, recognise};
use crate::number::{Digits, Region};
use crate::plan::document::pattern::PlanNumber;
use crate::plan::document::{Document, EmergencyRoute};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{EmergencyTable, Plan, RouteGroup, Site, TestRoute};

/// Knows the places that calls are dialled at, and refuses what would stand before an emergency number there.
pub(super) struct Guard {
    places: Vec<Place>,
}

impl Guard {
    pub(super) fn new(default: Region, sites: &[Site]) -> Self {
        let mut places = vec![Place::region(default)];
        for site in sites {
            let place = Place { outside_line_prefix: site.outside_line_prefix, ..Place::region(site.region) };
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Self { places }
    }

    /// Refuses what is dialled as an emergency number at any place.
    pub(super) fn dialled(&self, text: &str, what: &str, path: &Path<'_>, faults: &mut Faults<'_>) {
        if let Some(place) = self.places.iter().find(|place| recognise(text, place).is_some()) {
            shadows(text, place, what, path, faults);
        }
    }

    /// Refuses what is dialled as an emergency number at one place.
    pub(super) fn dialled_at(&self, text: &str, place: &Place, what: &str, path: &Path<'_>, faults: &mut Faults<'_>) {
        if recognise(text, place).is_some() {
            shadows(text, place, what, path, faults);
        }
    }

    /// Refuses a translation that would be applied to an emergency number as its region dials it.
    ///
    /// Its other spellings, such as 00112, are no reason to refuse: they are recognised before any translation,
    /// and `00` to `+` is what most carriers need.
    pub(super) fn translation(&self, prefix: &str, path: &Path<'_>, faults: &mut Faults<'_>) {
        let mut told = Vec::new();
        for place in &self.places {
            let place = Place::region(place.region);
            if !told.contains(&place.region)
                && let Some(number) = number_under(prefix, place.region)
            {
                shadows(&number, &place, "a translation", path, faults);
                told.push(place.region);
            }
        }
    }
}

fn shadows(text: &str, place: &Place, what: &str, path: &Path<'_>, faults: &mut Faults<'_>) {
    let message = format!("{what} would stand before `{text}`, an emergency number in {}", place.region);
    let help = "emergency calls are recognised by the engine and go by `emergency`; take this out, or make it narrower";
    faults.tell(FaultCode::ShadowsEmergency, path, message, help);
}

pub(super) fn table(document: &Document, names: &Names, guard: &Guard, faults: &mut Faults<'_>) -> EmergencyTable {
    let root = Path::ROOT;
    let here = root.field("emergency");
    let written = &document.emergency;
    let mut table = EmergencyTable {
        areas: areas::compile(document, names, faults),
        codes: codes::compile(document, names, faults),
        ..EmergencyTable::default()
    };
    let list = here.field("routes");
    for (at, one) in written.routes.iter() {
        let item = list.item(at);
        let compiled = route::compile(&one.route, &item.field("route"), names, faults);
        if one.areas.is_some() {
            area_routes(&mut table, one, &compiled, &item, names, faults);
        } else if table.routes.insert((one.region, one.service), compiled).is_some() {
            duplicate("emergency route for region", one.region.as_str(), &item.field("region"), faults);
        }
    }
    if !written.fallback.is_empty() {
        table.default = route::compile(&written.fallback, &here.field("default"), names, faults);
    }
    let list = here.field("tests");
    for (at, one) in written.tests.iter() {
        let item = list.item(at);
        let compiled = route::compile(&one.route, &item.field("route"), names, faults);
        if let Some(number) = &one.number {
            guard.dialled(&number.to_string(), "the number of test calls", &item.field("number"), faults);
        }
        let test = TestRoute { route: compiled, number: one.number, calls_per_h_max: one.calls_per_h_max.0 };
        if table.tests.insert(one.region, test).is_some() {
            duplicate("test route for region", one.region.as_str(), &item.field("region"), faults);
        }
    }
    table
}

fn area_routes(
    table: &mut EmergencyTable,
    written: &EmergencyRoute,
    route: &[RouteGroup],
    item: &Path<'_>,
    names: &Names,
    faults: &mut Faults<'_>,
) {
    let (list, Some(areas)) = (item.field("areas"), &written.areas) else { return };
    if areas.is_empty() {
        empty_list(&list, faults, "no call goes this way");
    }
    for (at, name) in areas.iter() {
        let here = list.item(at);
        let Some(area) = names.area(name.as_str(), &here, faults) else { continue };
        if let Some(found) = table.areas.get(area).filter(|found| found.region != written.region) {
            let message = format!("the route is for {}, and the area `{name}` is in {}", written.region, found.region);
            faults.tell(FaultCode::Contradiction, &here, message, "let both be of one region");
        }
        if table.area_routes.insert((area, written.service), route.into()).is_some() {
            duplicate("emergency route for area", name.as_str(), &here, faults);
        }
    }
}

pub(super) fn vital(document: &Document, faults: &mut Faults<'_>) -> BTreeMap<Region, Vec<Digits>> {
    let root = Path::ROOT;
    let list = root.field("vital");
    let mut vital: BTreeMap<Region, Vec<Digits>> = BTreeMap::new();
    for (at, one) in document.vital.iter() {
        let item = list.item(at);
        let numbers = item.field("numbers");
        if one.numbers.is_empty() {
            empty_list(&numbers, faults, "no number is vital by it");
        }
        let held = vital.entry(one.region).or_default();
        for (at, number) in one.numbers.iter() {
            let path = numbers.item(at);
            let (digits, text) = match number {
                PlanNumber::E164(number) => (number.digits(), number.to_string()),
                PlanNumber::Short(digits) => (*digits, digits.to_string()),
                PlanNumber::Extension(digits) => {
                    let message = format!("`ext:{digits}` is an extension, and those are known at one site alone");
                    faults.tell(FaultCode::BadValue, &path, message, "write the public number, with its plus");
                    continue;
                }
            };
            if recognise(&text, &Place::region(one.region)).is_some() {
                shadows(&text, &Place::region(one.region), "a vital number", &path, faults);
            }
            held.push(digits);
        }
        held.sort_unstable();
        held.dedup();
    }
    vital
}

/// Warns of numbers that call for help in one region in use and for something else in the default one: of a caller whom neither
/// a site nor a location places they are emergency calls (E6).
pub(super) fn mistakable_numbers(document: &Document, plan: &Plan, faults: &mut Faults<'_>) {
    let sites = Path::ROOT.field("sites");
    let mut told = BTreeSet::from([plan.default_region]);
    for (at, site) in document.sites.iter() {
        if !told.insert(site.region) {
            continue;
        }
        let numbers = mistakable(site.region, plan.default_region);
        if numbers.is_empty() {
            continue;
        }
        let (there, here) = (site.region, plan.default_region);
        let message = format!(
            "{}: a call for help in {there}, and something else in {here}; who asks without a site and a location is taken \
             to be in {there}",
            numbers.join(", ")
        );
        let help = "give each peer its site, or let requests say where the caller is";
        faults.warn(FaultCode::EmergencyElsewhere, &sites.item(at).field("region"), message, help);
    }
}

/// Tells of what is said for regions where no call is dialled: most often another region was meant.
pub(super) fn unused_regions(document: &Document, plan: &Plan, faults: &mut Faults<'_>) {
    let root = Path::ROOT;
    let here = root.field("emergency");
    let in_use: BTreeSet<Region> = plan.sites.iter().map(|site| site.region).chain([plan.default_region]).collect();
    let mut check = |list: Path<'_>, regions: &mut dyn Iterator<Item = (usize, Region)>| {
        for (at, region) in regions.filter(|(_, region)| !in_use.contains(region)) {
            let message = format!("no call is dialled in {region}: it is neither a site's nor `default_region`");
            let help = "write the region that is meant, add a site there, or take this out";
            faults.tell(FaultCode::RegionNotInUse, &list.item(at).field("region"), message, help);
        }
    };
    check(here.field("routes"), &mut document.emergency.routes.iter().map(|(at, one)| (at, one.region)));
    check(here.field("tests"), &mut document.emergency.tests.iter().map(|(at, one)| (at, one.region)));
    check(here.field("codes"), &mut document.emergency.codes.iter().map(|(at, one)| (at, one.region)));
    check(here.field("areas"), &mut document.emergency.areas.iter().map(|(at, one)| (at, one.region)));
    check(root.field("vital"), &mut document.vital.iter().map(|(at, one)| (at, one.region)));
}
