//! The compiled plan: what the engine reads for every call. Immutable, checked, names resolved to indices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{EmergencyTable, Fault, PrefixTable, Run};
use crate::call::{CallType, Direction};
use crate::class::Place;
use crate::emergency;
use crate::facts::Wanted;
use crate::names::{GatewayName, PeerName, RuleName, ScheduleName, SiteName, TenantName, TrunkName, UserName};
use crate::number::{Digits, E164, Number, Region};
use crate::reason::Reason;

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Where it stands in its table.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

indices! {
    /// A trunk of [`Plan::trunks`].
    TrunkIx;
    /// A rule of [`Plan::rules`].
    RuleIx;
    /// A user of [`Plan::users`].
    UserIx;
    /// A schedule of [`Plan::schedules`].
    ScheduleIx;
    /// A site of [`Plan::sites`].
    SiteIx;
    /// An area of [`EmergencyTable::areas`].
    AreaIx;
}

/// A compiled plan.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The published revision's number; 0 for a plan that was never published.
    pub revision: u64,
    /// The region that numbers are read in when nothing nearer tells.
    pub default_region: Region,
    /// The tenant of calls that come without credentials where none are needed, and of emergency calls of nobody.
    pub default_tenant: TenantName,
    /// The tenants.
    pub tenants: BTreeMap<TenantName, Tenant>,
    /// The sites.
    pub sites: Box<[Site]>,
    /// The other regions that calls are dialled in, in the order of the sites.
    pub elsewhere: Box<[Region]>,
    /// The peers, in the order of the document.
    pub peers: Box<[Peer]>,
    /// The trunks.
    pub trunks: Box<[Trunk]>,
    /// The users.
    pub users: Box<[User]>,
    /// Which user holds a public number.
    pub holders: BTreeMap<E164, UserIx>,
    /// Which user holds an extension of a tenant.
    pub extensions: BTreeMap<(TenantName, Digits), UserIx>,
    /// The schedules.
    pub schedules: Box<[Schedule]>,
    /// The rules, in the order of the document.
    pub rules: Box<[Rule]>,
    /// The rules by what they say of the called number.
    pub called: CalledIndex,
    /// Where emergency calls go.
    pub emergency: EmergencyTable,
    /// The numbers whose calls are vital, by region, as dialled and in E.164.
    pub vital: BTreeMap<Region, Vec<Digits>>,
    /// What the plan is not refused for and somebody should know.
    pub warnings: Box<[Fault]>,
}

/// A tenant's settings.
#[derive(Clone, Debug, Default)]
pub struct Tenant {
    /// Whether its calls are refused, all but emergency calls.
    pub suspended: bool,
    /// How many calls a second it may make, if there is a limit.
    pub calls_per_s_max: Option<u32>,
    /// What is dialled before an outside number at its sites, each once.
    pub outside_line_prefixes: Box<[Digits]>,
}

/// A place that calls come from.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name.
    pub name: SiteName,
    /// Whose it is.
    pub tenant: TenantName,
    /// Its region: numbers are read in it, and its emergency services are called.
    pub region: Region,
    /// What is dialled before an outside number.
    pub outside_line_prefix: Option<Digits>,
    /// How many digits an extension has, if the site has extensions: from and to, both included.
    pub extension_digits: Option<(u8, u8)>,
    /// The area that it is registered in, for emergency calls.
    pub area: Option<AreaIx>,
    /// The address that it is registered at, for people.
    pub address: Option<Arc<str>>,
    /// Whether its callers may be anywhere, whatever is registered.
    pub nomadic: bool,
}

/// What plans call the HTTP listener.
pub const LISTENER_HTTP: &str = "http";

/// Who asks: a switch or an application, known by its network.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its name.
    pub name: PeerName,
    /// The networks that its requests come from.
    pub networks: Box<[IpNet]>,
    /// The listener that it uses, such as `http`; any if not said.
    pub listener: Option<Arc<str>>,
    /// What kind of network it is, when a request does not say.
    pub kind: CallType,
    /// Whose it is, if it is one tenant's.
    pub tenant: Option<TenantName>,
    /// The site that its calls are dialled at.
    pub site: Option<SiteIx>,
    /// The trunk that it hands calls in by, if it is a carrier; that trunk's inward translations apply.
    pub trunk: Option<TrunkIx>,
    /// Whether its network suffices for emergency calls, without credentials.
    pub emergency_allowed: bool,
    /// Whether its network suffices for every call of its tenant, without credentials.
    pub trusted: bool,
    /// Whether its normal calls are of the class background.
    pub background: bool,
}

/// A commercial route to a carrier or a PBX.
#[derive(Clone, Debug)]
pub struct Trunk {
    /// Its name.
    pub name: TrunkName,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whether it is the emergency service's own, so that a call that comes in by it may be one back to who called (E15).
    pub emergency_service: bool,
    /// The tenants that may use it; all if empty.
    pub tenants: Box<[TenantName]>,
    /// Its gateways, by priority (lowest first), then in the order of the document.
    pub gateways: Box<[Gateway]>,
    /// What is done to numbers on the way out and on the way in.
    pub translations: Translations,
    /// How the called number is written in the URI that is dialled.
    pub number_format: NumberFormat,
    /// The caller's number presented when the call's own may not be.
    pub default_caller: Option<E164>,
    /// How long a target may take to answer the INVITE with 18x, in milliseconds.
    pub setup_ms: u32,
    /// How long it may ring, in milliseconds.
    pub ring_ms: u32,
    /// After which causes the next target may be tried.
    pub move_on: Arc<MoveOn>,
    /// Whether its gateways are asked if they are there; if not said, those that emergency calls go to are.
    pub probe: Option<bool>,
}

/// One SIP address of a trunk.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Its name.
    pub name: GatewayName,
    /// Host and port, such as `192.0.2.10:5060` or `gw1.example`.
    pub address: Arc<str>,
    /// The transport of the SIP URI.
    pub transport: Transport,
    /// Whether it may be used.
    pub enabled: bool,
    /// Lower is tried first.
    pub priority: u16,
    /// Among equals of priority, how often it is first.
    pub weight: u16,
}

/// A transport of SIP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// UDP, which URIs do not name.
    #[default]
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

impl Transport {
    /// The word that plans have for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

/// How a called number is written for a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberFormat {
    /// `+46701740605`.
    #[default]
    E164,
    /// `46701740605`: without the plus.
    Digits,
    /// `0046701740605`: with `00` for the plus.
    DoubleZero,
}

/// After which causes of failure the next target may be tried. A Q.850 cause outranks the SIP status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveOn {
    /// Q.850 causes.
    pub q850: Vec<u8>,
    /// SIP statuses.
    pub sip: Vec<u16>,
    /// Whether silence moves on: no answer to the INVITE within the setup time.
    pub silence: bool,
}

impl MoveOn {
    const USUAL_Q850: [u8; 4] = [34, 38, 41, 42];
    const USUAL_SIP: [u16; 4] = [500, 502, 503, 504];

    /// Whether it is what [`MoveOn::default`] gives.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        self.silence && self.q850 == Self::USUAL_Q850 && self.sip == Self::USUAL_SIP
    }
}

impl Default for MoveOn {
    /// The causes that say that this way does not work, and none that says what the called party wants.
    fn default() -> Self {
        Self { q850: Self::USUAL_Q850.to_vec(), sip: Self::USUAL_SIP.to_vec(), silence: true }
    }
}

/// What is done to numbers of one trunk, by party and direction. The first that matches is applied.
#[derive(Clone, Debug, Default)]
pub struct Translations {
    /// To the called number of calls that come in, without its spelling, before it is read.
    pub in_called: Box<[Translation]>,
    /// To the calling number of calls that come in, without its spelling, before it is read.
    pub in_caller: Box<[Translation]>,
    /// To the called number as it is written for the trunk.
    pub out_called: Box<[Translation]>,
    /// To the calling number as it is written for the trunk.
    pub out_caller: Box<[Translation]>,
}

/// Takes leading characters off a number as text and puts others before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// What the number must begin with.
    pub prefix: Arc<str>,
    /// How many characters come off.
    pub strip: u8,
    /// What is put before the rest.
    pub prepend: Arc<str>,
}

impl Translation {
    /// The first translation that matches, applied; the number as it was when none does.
    #[must_use]
    pub fn first_of<'a>(list: &[Self], number: &'a str) -> std::borrow::Cow<'a, str> {
        let Some(found) = list.iter().find(|one| number.starts_with(&*one.prefix)) else {
            return number.into();
        };
        let rest = number.get(usize::from(found.strip)..).unwrap_or("");
        format!("{}{rest}", found.prepend).into()
    }
}

/// A person or function that can be called.
#[derive(Clone, Debug)]
pub struct User {
    /// The name.
    pub name: UserName,
    /// Whose user it is.
    pub tenant: TenantName,
    /// The public numbers held.
    pub numbers: Box<[E164]>,
    /// The extension held.
    pub extension: Option<Digits>,
    /// What rings, all at once.
    pub devices: Box<[Device]>,
}

/// Something that rings for a user: a number reached by a trunk.
#[derive(Clone, Debug)]
pub struct Device {
    /// The trunk that reaches it.
    pub trunk: TrunkIx,
    /// What is dialled there: an extension of a PBX, or a mobile's number.
    pub number: Number,
}

/// A time window: days and hours in a zone, but for holidays.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its name.
    pub name: ScheduleName,
    /// The zone's name in the IANA database.
    pub zone_name: Arc<str>,
    /// The zone.
    pub zone: TimeZone,
    /// When it is open.
    pub windows: Box<[Window]>,
    /// Days on which it is closed.
    pub holidays: Box<[jiff::civil::Date]>,
}

/// Hours on some days of the week. One that ends at or before it begins runs past midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Monday to Sunday: whether it begins on that day.
    pub days: [bool; 7],
    /// Minutes after midnight when it begins, included.
    pub from_minute: u16,
    /// Minutes after midnight when it ends, not included; 1440 is the day's end.
    pub to_minute: u16,
}

/// A condition and an action.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: RuleName,
    /// Whether it applies at all.
    pub enabled: bool,
    /// Higher is tried first among rules of an equally long prefix.
    pub priority: i32,
    /// What must hold beside the called number.
    pub condition: Condition,
    /// What happens then.
    pub action: RuleAction,
    /// Whether no other rule is tried when this one matches and its targets are all unusable.
    pub last: bool,
    /// The facts that it can use.
    pub wants: Wanted,
}

/// What must hold for a rule, beside the called number. An empty list and `None` hold always.
#[derive(Clone, Debug, Default)]
pub struct Condition {
    /// The call's tenant is one of these.
    pub tenants: Box<[TenantName]>,
    /// The call's type is one of these.
    pub kinds: Box<[CallType]>,
    /// The call's direction.
    pub direction: Option<Direction>,
    /// The calling number begins with one of these; an E.164 prefix without its plus.
    pub caller: Box<[CallerPattern]>,
    /// The call was dialled in one of these.
    pub regions: Box<[Region]>,
    /// A schedule, and whether it is to be open or closed.
    pub schedule: Option<(ScheduleIx, bool)>,
    /// Each key has one of its values.
    pub metadata: Box<[MetadataCondition]>,
}

/// A key of the metadata, and the values of which it has one.
pub type MetadataCondition = (Arc<str>, Box<[Arc<str>]>);

/// What a rule asks of the calling number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerPattern {
    /// An E.164 number that begins so.
    E164Prefix(Digits),
    /// An extension that begins so.
    ExtensionPrefix(Digits),
    /// No number, or one that could not be read.
    Unknown,
}

/// What a rule does.
#[derive(Clone, Debug)]
pub enum RuleAction {
    /// Tries trunks in order; a group of several is put in order by weight.
    Route(Box<[RouteGroup]>),
    /// Rings a user's devices.
    User(UserIx),
    /// Changes the called number and matches again.
    Rewrite(Rewrite),
    /// Ends the call.
    Reject(Reason),
}

/// Trunks that share calls by weight; the rest of the group follow as failover.
#[derive(Clone, Debug)]
pub struct RouteGroup(pub Box<[(TrunkIx, u16)]>);

/// A change of the called number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewrite {
    /// To this number.
    To(Number),
    /// Leading digits off an E.164 number or extension, others before the rest; the kind stays.
    Digits {
        /// How many come off.
        strip: u8,
        /// What is put before.
        prepend: Option<Digits>,
    },
}

/// The rules by what they say of the called number. A value is an index into `sets`.
#[derive(Clone, Debug, Default)]
pub struct CalledIndex {
    /// Prefixes of E.164 numbers.
    pub e164: PrefixTable,
    /// Prefixes of extensions.
    pub extensions: PrefixTable,
    /// Whole short numbers, by region and digits.
    pub short: BTreeMap<(Region, Digits), u32>,
    /// The rules for any number.
    pub any: Run,
    /// The rules of each prefix.
    pub sets: Box<[Run]>,
}

impl Plan {
    /// Whether a call to this is vital, by the plan's list for the place's region.
    #[must_use]
    pub fn is_vital(&self, dialled: &str, place: &Place) -> bool {
        self.vital.get(&place.region).is_some_and(|vital| emergency::is_one_of(dialled, place, vital))
    }

    /// The trunks that emergency calls are routed to, each once.
    #[must_use]
    pub fn emergency_trunks(&self) -> BTreeSet<TrunkIx> {
        let table = &self.emergency;
        let lists = table.area_routes.values().chain(table.routes.values()).chain([&table.default]);
        let groups = lists.flat_map(|groups| groups.iter());
        groups.flat_map(|group| group.0.iter().map(|(trunk, _)| *trunk)).collect()
    }

    /// The trunk at an index of this plan.
    #[must_use]
    pub fn trunk(&self, at: TrunkIx) -> Option<&Trunk> {
        self.trunks.get(at.index())
    }
}

impl Plan {
    /// The peer that a request comes from: by the longest network that has the address, on its listener. Of two
    /// with the same network it is the one that names the listener, wherever it stands in the document.
    #[must_use]
    pub fn peer_of(&self, listener: &str, address: std::net::IpAddr) -> Option<&Peer> {
        let on_listener = |peer: &&Peer| peer.listener.as_deref().is_none_or(|name| name == listener);
        let networks = self.peers.iter().filter(on_listener).flat_map(|peer| {
            peer.networks.iter().filter(move |network| network.contains(&address)).map(move |network| (network, peer))
        });
        networks.max_by_key(|(network, peer)| (network.prefix_len(), peer.listener.is_some())).map(|(_, peer)| peer)
    }
}
