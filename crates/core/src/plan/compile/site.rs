//! Tenants and the places that calls come from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::names::Names;
use crate::emergency::{OUTSIDE_LINE_DIGITS_MAX, is_ambiguous_outside_line};
use crate::names::TenantName;
use crate::number::{Digits, Region};
use crate::plan::document::{self, Document};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{AreaIx, Site, Tenant};

pub(super) fn tenants(document: &Document) -> BTreeMap<TenantName, Tenant> {
    let mut prefixes: BTreeMap<&TenantName, BTreeSet<Digits>> = BTreeMap::new();
    for (_, site) in document.sites.iter() {
        prefixes.entry(&site.tenant).or_default().extend(site.outside_line_prefix);
    }
    let mut tenants = BTreeMap::new();
    for (_, one) in document.tenants.iter() {
        let outside_line_prefixes = prefixes.remove(&one.name).unwrap_or_default().into_iter().collect();
        let calls_per_s_max = one.calls_per_s_max.map(|limit| limit.0);
        let tenant = Tenant { suspended: one.suspended, calls_per_s_max, outside_line_prefixes };
        tenants.insert(one.name.clone(), tenant);
    }
    tenants
}

pub(super) fn sites(document: &Document, names: &Names, faults: &mut Faults<'_>) -> Box<[Site]> {
    let root = Path::ROOT;
    let list = root.field("sites");
    let mut sites = Vec::new();
    for (at, site) in document.sites.iter() {
        let here = list.item(at);
        names.tenants.find(site.tenant.as_str(), &here.field("tenant"), faults);
        let digits = site.extension_digits.as_ref().map(|digits| (digits.from.narrow(), digits.to.narrow()));
        if digits.is_some_and(|(from, to): (u8, u8)| from > to) {
            let message = "extensions would have from more to fewer digits".to_owned();
            faults.tell(FaultCode::BadValue, &here.field("extension_digits"), message, "exchange `from` and `to`");
        }
        if let Some(prefix) = site.outside_line_prefix.filter(|one| is_ambiguous_outside_line(site.region, *one)) {
            let path = here.field("outside_line_prefix");
            let message = if prefix.len() > OUTSIDE_LINE_DIGITS_MAX {
                format!("an emergency number behind as many digits as `{prefix}` has is like a public number")
            } else {
                format!("an emergency number behind `{prefix}` can be a public number in {}", site.region)
            };
            let help = format!("choose another, of at most {OUTSIDE_LINE_DIGITS_MAX} digits; most sites have 0 or 9");
            faults.tell(FaultCode::OutsideLineAmbiguous, &path, message, help);
        }
        sites.push(Site {
            name: site.name.clone(),
            tenant: site.tenant.clone(),
            region: site.region,
            outside_line_prefix: site.outside_line_prefix,
            extension_digits: digits,
            area: area(document, site, names, &here.field("area"), faults),
            address: site.address.as_deref().map(Arc::from),
            nomadic: site.nomadic,
        });
    }
    sites.into()
}

/// The regions of the sites, but for the default one.
pub(super) fn elsewhere(default: Region, sites: &[Site]) -> Box<[Region]> {
    let mut regions: Vec<Region> = Vec::new();
    for site in sites {
        if site.region != default && !regions.contains(&site.region) {
            regions.push(site.region);
        }
    }
    regions.into()
}

/// The area that a site is registered in, which is to be in the site's own region.
fn area(
    document: &Document,
    site: &document::Site,
    names: &Names,
    path: &Path<'_>,
    faults: &mut Faults<'_>,
) -> Option<AreaIx> {
    let name = site.area.as_ref()?;
    let found = names.area(name.as_str(), path, faults)?;
    let elsewhere = document.emergency.areas.iter().find(|(_, area)| area.name == *name && area.region != site.region);
    if let Some((_, area)) = elsewhere {
        let message = format!("the site is in {}, and its area `{name}` is in {}", site.region, area.region);
        faults.tell(FaultCode::Contradiction, path, message, "let both be of one region");
    }
    Some(found)
}
