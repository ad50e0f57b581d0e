//! The document that people write: every field with what it means, which is also what the JSON Schema says.

pub(crate) mod decode;
mod emergency;
pub(crate) mod hours;
pub(crate) mod leaf;
pub(crate) mod pattern;
mod place;
mod routing;
mod schema;
mod trunk;
mod user;
mod whereabouts;

pub(crate) use emergency::{Area, CodeList, Corner, Emergency, EmergencyRoute};
pub(crate) use place::{Peer, Site, Tenant};
pub(crate) use routing::{Match, Rewrite, RouteItem, Rule, Schedule, VitalList};
pub use schema::schema;
pub(crate) use trunk::{TranslationItem, Trunk};
pub(crate) use user::User;
pub(crate) use whereabouts::CellPattern;

use crate::names::TenantName;
use crate::number::Region;
use decode::{List, shape};
use leaf::Version1;

shape! {
    /// A telness plan: who calls, where calls go, and what is never in doubt: where emergency calls go.
    struct Document "plan" {
        /// The version of this format. Write 1.
        version "version": Version1, required;
        /// The region (ISO 3166-1, two capital letters) that numbers are read in when no site says another.
        default_region "default_region": Region, required;
        /// The tenant of calls that need no credentials and have none, and of emergency calls of nobody.
        default_tenant "default_tenant": TenantName, required;
        /// The customers and operators: the boundary of data, rules and limits.
        tenants "tenants": List<Tenant>, required;
        /// The places that calls come from.
        sites "sites": List<Site>, default List::default();
        /// The switches and applications that ask, known by their networks.
        peers "peers": List<Peer>, default List::default();
        /// The commercial routes to carriers and PBXs.
        trunks "trunks": List<Trunk>, required;
        /// The persons and functions that can be called.
        users "users": List<User>, default List::default();
        /// Opening hours, for rules to ask about.
        schedules "schedules": List<Schedule>, default List::default();
        /// What happens to calls. Longest prefix first, then higher priority, then the order here.
        rules "rules": List<Rule>, required;
        /// Where emergency calls go. Which calls are emergency calls is not decided by the plan.
        emergency "emergency": Emergency, required;
        /// Numbers whose calls are carried like emergency calls: ambulance dispatch, health lines.
        vital "vital": List<VitalList>, default List::default();
    }
}
