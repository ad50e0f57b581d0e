//! That each emergency call has two ways out which do not fail together (E9).

use std::collections::{BTreeMap, BTreeSet};

use crate::emergency::Service;
use crate::number::Region;
use crate::plan::document::Document;
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::gateway_host;
use crate::plan::path::Path;
use crate::plan::{Plan, RouteGroup, Trunk};

/// How many trunks an emergency route needs: what one carrier does wrong costs no call then.
const EMERGENCY_TRUNKS_MIN: usize = 2;
/// How many gateways, at different hosts.
const EMERGENCY_HOSTS_MIN: usize = 2;

/// Tells of each region in use that has no emergency route, and of each route that hangs on one gateway.
pub(super) fn check(document: &Document, plan: &Plan, faults: &mut Faults<'_>) {
    let root = Path::ROOT;
    let here = root.field("emergency");
    let list = here.field("routes");
    for (at, one) in document.emergency.routes.iter() {
        let named = one.areas.iter().flat_map(|areas| areas.iter()).map(|(_, name)| name);
        let area = named.filter_map(|name| plan.emergency.areas.named(name)).next();
        let groups = match area {
            Some(area) => plan.emergency.area_routes.get(&(area, one.service)),
            None => plan.emergency.routes.get(&(one.region, one.service)),
        };
        if let Some(groups) = groups {
            independent(plan, groups, &list.item(at).field("route"), faults);
        }
    }
    if !plan.emergency.default.is_empty() {
        independent(plan, &plan.emergency.default, &here.field("default"), faults);
    }
    let sites = root.field("sites");
    let covered = |region: Region| {
        !plan.emergency.default.is_empty() || plan.emergency.routes.contains_key(&(region, Service::Any))
    };
    let mut told = BTreeSet::new();
    if !covered(plan.default_region) {
        uncovered(plan.default_region, &root.field("default_region"), faults);
        told.insert(plan.default_region);
    }
    for (at, site) in document.sites.iter() {
        if !covered(site.region) && told.insert(site.region) {
            uncovered(site.region, &sites.item(at).field("region"), faults);
        }
    }
}

fn uncovered(region: Region, path: &Path<'_>, faults: &mut Faults<'_>) {
    let message = format!("calls are dialled in {region}, and its emergency calls have no route");
    let help = "add `emergency.default`, or a route for the region with service any";
    faults.tell(FaultCode::EmergencyUncovered, path, message, help);
}

/// Tells if the ways of a route are not two, or would fail together.
fn independent(plan: &Plan, groups: &[RouteGroup], path: &Path<'_>, faults: &mut Faults<'_>) {
    let named = groups.iter().flat_map(|group| &group.0).filter_map(|(ix, _)| plan.trunk(*ix));
    let in_use = |trunk: &&Trunk| trunk.enabled && trunk.gateways.iter().any(|one| one.enabled);
    let trunks: Vec<&Trunk> = named.filter(in_use).collect();
    if trunks.len() < EMERGENCY_TRUNKS_MIN {
        let found = trunks.len();
        let message = format!("emergency calls need {EMERGENCY_TRUNKS_MIN} trunks in use, and this route has {found}");
        let help = "add a trunk of another carrier, or enable one that is off; a trunk can be refused as a whole";
        faults.tell(FaultCode::EmergencySingleTrunk, path, message, help);
        return;
    }
    let mut hosts: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for trunk in trunks {
        for gateway in trunk.gateways.iter().filter(|one| one.enabled) {
            hosts.entry(gateway_host(&gateway.address)).or_default().insert(trunk.name.as_str());
        }
    }
    if hosts.len() < EMERGENCY_HOSTS_MIN {
        let found = hosts.len();
        let message =
            format!("emergency calls need gateways at {EMERGENCY_HOSTS_MIN} addresses, and this route has {found}");
        let help = "add a gateway at another address: two ports of one host fail together";
        faults.tell(FaultCode::EmergencySingleGateway, path, message, help);
        return;
    }
    for (host, trunks) in hosts.iter().filter(|(_, trunks)| trunks.len() > 1) {
        let names: Vec<&str> = trunks.iter().copied().collect();
        let message =
            format!("the trunks {} of this route have {host} in common and fail with it", names.join(" and "));
        let help = "let the ways of emergency calls share nothing, if there is another";
        faults.warn(FaultCode::EmergencySharedHost, path, message, help);
    }
}
