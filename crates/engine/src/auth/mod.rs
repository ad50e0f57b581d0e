//! Who asks: the peer by its network, the tenant by its key. What speaks against it becomes a denial.

mod access;
mod keys;

use std::net::IpAddr;
use std::sync::Arc;

pub use access::{Access, access};
pub use keys::{KeyText, Keys};
use telness_core::class::{Place, Workflow};
use telness_core::emergency::is_ambiguous_outside_line;
use telness_core::names::TenantName;
use telness_core::number::Digits;
use telness_core::plan::{Peer, Plan};
use telness_core::reason::Reason;
use telness_core::standing::{Denial, Standing};

use crate::config::KeyHolder;

/// Whoever sent a request, as the edge sees it.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The listener that took the request, such as `http`.
    pub listener: &'a str,
    /// The workflow that the listener is of: that of the high one takes no calls of the low one.
    pub workflow: Workflow,
    /// Where the connection comes from.
    pub address: IpAddr,
    /// The API key that was sent, if one was.
    pub key: Option<&'a str>,
}

/// Finds who asks: the peer by the longest matching network, then the tenant by the key, by the peer, or not.
#[must_use]
pub fn standing(asker: &Asker<'_>, plan: &Plan, keys: &Keys) -> Standing {
    let peer = plan.peer_of(asker.listener, asker.address);
    let mut denials = Vec::new();
    let tenant = tenant_of(asker, peer, plan, keys, &mut denials);
    if let Some(denial) = tenant.as_ref().and_then(|tenant| suspended(tenant, plan)) {
        denials.push(denial);
    }
    let site = peer.and_then(|peer| plan.sites.get(peer.site?.index()));
    let extension_digits = site.and_then(|site| site.extension_digits);
    let mut place = Place {
        region: site.map_or(plan.default_region, |site| site.region),
        outside_line_prefix: site.and_then(|site| site.outside_line_prefix),
        claimed_outside_line_prefixes: Vec::new(),
        elsewhere: Vec::new(),
    };
    // A site with extensions has a dial plan of its own, in which the digits may be one.
    let of_a_tenant = peer.is_none_or(|peer| peer.trunk.is_none()) && extension_digits.is_none();
    if let Some(tenant) = tenant.as_ref().filter(|_| of_a_tenant) {
        place.claimed_outside_line_prefixes = prefixes_of(tenant, &place, plan);
    }
    Standing {
        peer: peer.map(|peer| peer.name.clone()),
        site: site.map(|site| site.name.clone()),
        place,
        extension_digits,
        kind: peer.map_or(telness_core::call::CallType::Api, |peer| peer.kind),
        trunk: peer.and_then(|peer| peer.trunk),
        emergency_allowed: peer.is_some_and(|peer| peer.emergency_allowed || peer.trusted),
        background: peer.is_some_and(|peer| peer.background),
        claimed: None,
        tenant,
        denials,
    }
}

/// What the tenant's people dial before an outside number, at whichever of its sites the call may be from (E1), but for
/// prefixes that make public numbers of the region's emergency numbers (E2).
fn prefixes_of(tenant: &TenantName, place: &Place, plan: &Plan) -> Vec<Digits> {
    let all = plan.tenants.get(tenant).map_or(&[][..], |settings| &settings.outside_line_prefixes);
    let may_claim = |prefix: &&Digits| !is_ambiguous_outside_line(place.region, **prefix);
    all.iter().filter(|prefix| place.outside_line_prefix != Some(**prefix)).filter(may_claim).copied().collect()
}

/// The tenant that the key proves, or whose own trusted peer this is.
fn tenant_of(
    asker: &Asker<'_>,
    peer: Option<&Peer>,
    plan: &Plan,
    keys: &Keys,
    denials: &mut Vec<Denial>,
) -> Option<TenantName> {
    let deny = |reason, detail: &str| Denial { reason, detail: Arc::from(detail) };
    match asker.key.map(|key| keys.holder_of(key)) {
        Some(Some(KeyHolder::Tenant(tenant))) if plan.tenants.contains_key(tenant) => return Some(tenant.clone()),
        Some(Some(KeyHolder::Operator(_))) => {
            // Who asks is known and of no tenant; whose the peer is stays, for an emergency call.
            denials.push(deny(Reason::OperatorHasNoCalls, "the API key is the operator's, who is no tenant"));
            return peer.and_then(|peer| owner(peer, plan));
        }
        Some(_) => {
            denials.push(deny(Reason::Unauthenticated, "the API key is not known"));
            return None;
        }
        None => {}
    }
    match peer {
        Some(peer) if peer.trusted => owner(peer, plan),
        Some(peer) => {
            denials.push(deny(Reason::Unauthenticated, "this peer needs an API key, and none was sent"));
            peer.tenant.clone()
        }
        None => {
            denials.push(deny(Reason::PeerUnknown, "no peer of the plan has this address, and no API key was sent"));
            None
        }
    }
}

/// Whose a peer is: one that is trusted is the default tenant's if it is nobody else's.
fn owner(peer: &Peer, plan: &Plan) -> Option<TenantName> {
    let otherwise = || peer.trusted.then(|| plan.default_tenant.clone());
    peer.tenant.clone().or_else(otherwise)
}

fn suspended(tenant: &TenantName, plan: &Plan) -> Option<Denial> {
    let suspended = plan.tenants.get(tenant).is_some_and(|settings| settings.suspended);
    let detail = || Arc::from("the tenant is suspended; emergency calls are carried all the same");
    suspended.then(|| Denial { reason: Reason::TenantSuspended, detail: detail() })
}
