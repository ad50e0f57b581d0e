//! From the document to the compiled plan: names become indices, and what makes no sense together is told.
//!
//! Everything is compiled to the end whatever is wrong, so that one run tells every fault. What is built while
//! there are faults is never given out.

mod areas;
mod called;
mod circles;
mod codes;
mod coverage;
mod emergency;
mod names;
mod order;
mod peer;
mod route;
mod rule;
mod schedule;
mod site;
mod trunk;
mod user;

use super::Plan;
use super::document::Document;
use super::document::leaf::Version1;
use super::fault::FaultCode;
use super::faults::Faults;
use super::path::Path;
use emergency::Guard;
use names::Names;

/// Compiles a document. What it returns is a plan only if no fault was told.
pub(super) fn compile(document: &Document, revision: u64, faults: &mut Faults<'_>) -> Plan {
    // There is one version; a second one will be told apart here.
    let Version1 = document.version;
    let names = Names::declare(document, faults);
    let root = Path::ROOT;
    names.tenants.find(document.default_tenant.as_str(), &root.field("default_tenant"), faults);
    refuse_empty(document, faults);
    let tenants = site::tenants(document);
    let sites = site::sites(document, &names, faults);
    let guard = Guard::new(document.default_region, &sites);
    let peers = peer::compile(document, &names, faults);
    let trunks = trunk::compile(document, &names, &guard, faults);
    let users = user::compile(document, &names, &guard, faults);
    let schedules = schedule::compile(document, faults);
    let rules = rule::compile(document, &names, &guard, faults);
    let emergency = emergency::table(document, &names, &guard, faults);
    let vital = emergency::vital(document, faults);
    let mut plan = Plan {
        revision,
        default_region: document.default_region,
        default_tenant: document.default_tenant.clone(),
        tenants,
        elsewhere: site::elsewhere(document.default_region, &sites),
        sites,
        peers,
        trunks,
        holders: users.holders,
        extensions: users.extensions,
        users: users.users,
        schedules,
        rules,
        called: super::CalledIndex::default(),
        emergency,
        vital,
        warnings: Box::default(),
    };
    plan.called = called::index(document, &plan.rules);
    // These look at several sections together, and would only repeat in other words what is told of one already.
    if faults.none_in(&["default_region", "sites", "trunks", "emergency"]) {
        coverage::check(document, &plan, faults);
        emergency::unused_regions(document, &plan, faults);
        emergency::mistakable_numbers(document, &plan, faults);
    }
    if faults.none_in(&["tenants", "sites", "users", "rules"]) {
        user::undialable(document, &plan, faults);
    }
    if faults.none_in(&["trunks", "users", "rules", "schedules"]) {
        order::check(document, &plan, faults);
    }
    plan
}

fn refuse_empty(document: &Document, faults: &mut Faults<'_>) {
    let root = Path::ROOT;
    let lists = [("tenants", document.tenants.is_empty()), ("trunks", document.trunks.is_empty())];
    for (name, _) in lists.into_iter().filter(|(_, empty)| *empty) {
        empty_list(&root.field(name), faults, "a plan without one can route nothing");
    }
}

/// Tells of a list that needs an item.
fn empty_list(path: &Path<'_>, faults: &mut Faults<'_>, why: &str) {
    faults.tell(FaultCode::EmptyList, path, format!("the list is empty: {why}"), "add an item, or take the field out");
}

#[cfg(test)]
mod tests;
