//! Lists of trunks in the order they are tried.

use std::collections::HashSet;

use super::empty_list;
use super::names::{Names, duplicate};
use crate::plan::document::RouteItem;
use crate::plan::document::decode::List;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{RouteGroup, TrunkIx};

/// Compiles a route. A trunk stands in it once: a second try of the same gateways would only take time.
pub(super) fn compile(
    route: &List<RouteItem>,
    list: &Path<'_>,
    names: &Names,
    faults: &mut Faults<'_>,
) -> Box<[RouteGroup]> {
    if route.is_empty() {
        empty_list(list, faults, "a route without a trunk leads nowhere");
    }
    let mut seen = HashSet::new();
    let mut find = |name: &str, path: &Path<'_>, faults: &mut Faults<'_>| -> Option<TrunkIx> {
        let trunk = names.trunk(name, path, faults)?;
        if !seen.insert(trunk) {
            duplicate("entry of this route for trunk", name, path, faults);
        }
        Some(trunk)
    };
    let mut groups = Vec::new();
    for (at, item) in route.iter() {
        let here = list.item(at);
        if let Some(name) = &item.trunk {
            groups.extend(find(name.as_str(), &here.field("trunk"), faults).map(|trunk| vec![(trunk, 1)]));
        }
        if let Some(split) = &item.split {
            let shares = here.field("split");
            if split.is_empty() {
                empty_list(&shares, faults, "there is no trunk to share the calls");
            }
            let mut group = Vec::new();
            for (at, share) in split.iter() {
                let trunk = find(share.trunk.as_str(), &shares.item(at).field("trunk"), faults);
                group.extend(trunk.map(|trunk| (trunk, share.weight.narrow())));
            }
            groups.push(group);
        }
    }
    groups.into_iter().map(|group| RouteGroup(group.into())).collect()
}
