//! Who calls and where: tenants, sites and peers.

use super::decode::{List, shape};
use super::leaf::{Listener, Whole};
use crate::call::CallType;
use crate::directory::CALLS_PER_S_LIMIT_MAX;
use crate::names::{AreaName, PeerName, SiteName, TenantName, TrunkName};
use crate::number::{Digits, Region};

/// How many digits an extension may have.
pub(crate) type ExtensionLength = Whole<1, 10>;

/// How many calls a tenant may make in a second.
pub(crate) type CallsPerSecond = Whole<1, CALLS_PER_S_LIMIT_MAX>;

shape! {
    /// A customer or operator.
    struct Tenant "tenant" {
        /// Its name.
        name "name": TenantName, required;
        /// Whether its calls are refused, all but emergency calls.
        suspended "suspended": bool, default false;
        /// How many calls a second it may make, and as many at once; emergency and vital calls and those of carriers are
        /// not counted. Without one there is no limit.
        calls_per_s_max "calls_per_s_max": Option<CallsPerSecond>, default None;
    }
}

shape! {
    /// How many digits the extensions of a site have.
    struct ExtensionDigits "extension_digits" {
        /// The fewest.
        from "from": ExtensionLength, required;
        /// The most.
        to "to": ExtensionLength, required;
    }
}

shape! {
    /// A place that calls come from.
    struct Site "site" {
        /// Its name.
        name "name": SiteName, required;
        /// Whose it is.
        tenant "tenant": TenantName, required;
        /// Its region: numbers are read in it, and its emergency services are called.
        region "region": Region, required;
        /// What is dialled before an outside number, such as 0 or 9.
        outside_line_prefix "outside_line_prefix": Option<Digits>, default None;
        /// How many digits an extension has; without it the site has no extensions.
        extension_digits "extension_digits": Option<ExtensionDigits>, default None;
        /// The area of `emergency.areas` that it is registered in. Its emergency calls go from there if nothing nearer to
        /// the caller was sent.
        area "area": Option<AreaName>, default None;
        /// The address that it is registered at, for whoever answers an emergency call.
        address "address": Option<String>, default None;
        /// Whether its callers may be anywhere, as with IP telephony that people take along: what is registered is then
        /// no more than a guess, and marked as such.
        nomadic "nomadic": bool, default false;
    }
}

shape! {
    /// A switch or an application, known by the network its requests come from.
    struct Peer "peer" {
        /// Its name.
        name "name": PeerName, required;
        /// The networks that its requests come from, such as 192.0.2.0/24 or 2001:db8::/32.
        networks "networks": List<String>, required;
        /// The listener that it uses; any if left out.
        listener "listener": Option<Listener>, default None;
        /// What kind of network it is, when a request does not say.
        kind "type": CallType, default CallType::Sip;
        /// Whose it is, if it is one tenant's.
        tenant "tenant": Option<TenantName>, default None;
        /// The site that its calls are dialled at.
        site "site": Option<SiteName>, default None;
        /// The trunk that it hands calls in by, if it is a carrier.
        trunk "trunk": Option<TrunkName>, default None;
        /// Whether its network suffices for emergency calls, without credentials.
        emergency_allowed "emergency_allowed": bool, default true;
        /// Whether its network suffices for every call of its tenant, without credentials.
        trusted "trusted": bool, default false;
        /// Whether its normal calls give way to all others, such as those of a campaign that can go on later.
        background "background": bool, default false;
    }
}
