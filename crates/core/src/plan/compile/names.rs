//! What the document declares, by name.

use std::collections::HashMap;

use crate::plan::document::Document;
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{AreaIx, ScheduleIx, SiteIx, TrunkIx, UserIx};

/// The names of one kind of thing.
pub(super) struct Index {
    what: &'static str,
    places: HashMap<String, u32>,
}

impl Index {
    fn declare<'n>(
        what: &'static str,
        list: &Path<'_>,
        names: impl Iterator<Item = (usize, &'n str)>,
        faults: &mut Faults<'_>,
    ) -> Self {
        let mut places = HashMap::new();
        for (place, (at, name)) in names.enumerate() {
            if places.insert(name.to_owned(), u32::try_from(place).unwrap_or(u32::MAX)).is_some() {
                duplicate(what, name, &list.item(at).field("name"), faults);
            }
        }
        Self { what, places }
    }

    /// The place of a name in its table; tells if there is no such name.
    pub(super) fn find(&self, name: &str, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<u32> {
        let found = self.places.get(name).copied();
        if found.is_none() {
            faults.unknown_name(path, self.what, name, self.places.keys().map(String::as_str));
        }
        found
    }
}

/// Tells of a name that is there already.
pub(super) fn duplicate(what: &str, name: &str, path: &Path<'_>, faults: &mut Faults<'_>) {
    let message = format!("there is another {what} `{name}` before this one");
    faults.tell(FaultCode::DuplicateName, path, message, "give one of the two another name, or take one out");
}

/// All that a document declares.
pub(super) struct Names {
    pub(super) tenants: Index,
    sites: Index,
    trunks: Index,
    users: Index,
    schedules: Index,
    areas: Index,
}

impl Names {
    /// Collects the names and tells of those that are there twice.
    pub(super) fn declare(document: &Document, faults: &mut Faults<'_>) -> Self {
        let d = document;
        let root = Path::ROOT;
        let peers = d.peers.iter().map(|(at, one)| (at, one.name.as_str()));
        Index::declare("peer", &root.field("peers"), peers, faults);
        let rules = d.rules.iter().map(|(at, one)| (at, one.name.as_str()));
        Index::declare("rule", &root.field("rules"), rules, faults);
        let tenants = d.tenants.iter().map(|(at, one)| (at, one.name.as_str()));
        let sites = d.sites.iter().map(|(at, one)| (at, one.name.as_str()));
        let trunks = d.trunks.iter().map(|(at, one)| (at, one.name.as_str()));
        let users = d.users.iter().map(|(at, one)| (at, one.name.as_str()));
        let areas = d.emergency.areas.iter().map(|(at, one)| (at, one.name.as_str()));
        let schedules = d.schedules.iter().map(|(at, one)| (at, one.name.as_str()));
        Self {
            tenants: Index::declare("tenant", &root.field("tenants"), tenants, faults),
            sites: Index::declare("site", &root.field("sites"), sites, faults),
            trunks: Index::declare("trunk", &root.field("trunks"), trunks, faults),
            users: Index::declare("user", &root.field("users"), users, faults),
            schedules: Index::declare("schedule", &root.field("schedules"), schedules, faults),
            areas: Index::declare("area", &root.field("emergency").field("areas"), areas, faults),
        }
    }

    pub(super) fn site(&self, name: &str, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<SiteIx> {
        self.sites.find(name, path, faults).map(SiteIx)
    }

    pub(super) fn trunk(&self, name: &str, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<TrunkIx> {
        self.trunks.find(name, path, faults).map(TrunkIx)
    }

    pub(super) fn user(&self, name: &str, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<UserIx> {
        self.users.find(name, path, faults).map(UserIx)
    }

    pub(super) fn schedule(&self, name: &str, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<ScheduleIx> {
        self.schedules.find(name, path, faults).map(ScheduleIx)
    }

    pub(super) fn area(&self, name: &str, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<AreaIx> {
        self.areas.find(name, path, faults).map(AreaIx)
    }
}
