//! Tenants and the places that calls come from.

use std::collections::BTreeMap;

use super::names::Names;
use crate::names::TenantName;
use crate::plan::document::Document;
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{Site, Tenant};

pub(super) fn tenants(document: &Document) -> BTreeMap<TenantName, Tenant> {
    document.tenants.iter().map(|(_, one)| (one.name.clone(), Tenant { suspended: one.suspended })).collect()
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
        sites.push(Site {
            name: site.name.clone(),
            tenant: site.tenant.clone(),
            region: site.region,
            outside_line_prefix: site.outside_line_prefix,
            extension_digits: digits,
        });
    }
    sites.into()
}
