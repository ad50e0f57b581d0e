//! A call, from the draft that an edge reads out of a request to the admitted call that is decided.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::class::{Callback, Class, Place, Workflow};
use crate::emergency::Emergency;
use crate::names::{PeerName, SiteName, TenantName};
use crate::number::{Number, Region};
use crate::reason::Reason;
use crate::time::Timestamp;

/// A call's id: a UUID of version 7, or of version 8 when it was made from an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub Uuid);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl FromStr for CallId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// What kind of network or application the call comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallType {
    /// A mobile core.
    Mobile,
    /// A private branch exchange.
    Pbx,
    /// Any other SIP network.
    Sip,
    /// An application, over the API.
    Api,
}

impl CallType {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Mobile, Self::Pbx, Self::Sip, Self::Api];

    /// The word used in requests, plans and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Pbx => "pbx",
            Self::Sip => "sip",
            Self::Api => "api",
        }
    }
}

impl FromStr for CallType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// Which way a call goes, seen from our tenants. Carrier-in never goes carrier-out except by a forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From a tenant's own switch, phone or application.
    FromTenant,
    /// From a carrier, to a number that a tenant holds.
    FromCarrier,
}

/// Whether the caller's number may be shown to the called party (RFC 3323).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// The number is shown.
    #[default]
    None,
    /// The number is withheld.
    Withheld,
}

impl Privacy {
    /// Whether nothing is withheld.
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

/// The most that is kept of a number as it was sent, in bytes. Only an emergency call's may be longer.
pub const SENT_BYTES_MAX: usize = 256;

/// A party's number, as sent and as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// What the switch or person sent, untouched, up to [`SENT_BYTES_MAX`]. Never classified: what is cut may read as
    /// something else.
    #[serde(rename = "s")]
    pub sent: Arc<str>,
    /// What it was read as; nothing if it could not be read and the call goes on without.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none", default)]
    pub read: Option<Number>,
}

impl Party {
    /// A party of what was sent and what that was read as.
    #[must_use]
    pub fn new(sent: Arc<str>, read: Option<Number>) -> Self {
        let sent = match sent.get(..sent.floor_char_boundary(SENT_BYTES_MAX)) {
            Some(kept) if kept.len() < sent.len() => Arc::from(kept),
            _ => sent,
        };
        Self { sent, read }
    }
}

/// Where the caller is, as sent. What was sent is kept whatever the engine makes of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees north, WGS 84, from -90 to 90.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84, from -180 to 180.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub longitude: Option<f64>,
    /// Radius of uncertainty in metres.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uncertainty_m: Option<f64>,
    /// A cell's global identity, as the mobile core writes it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cell: Option<Arc<str>>,
    /// A municipality's code, such as 0180 for Stockholm.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub municipality: Option<Arc<str>>,
    /// The plan's site where the caller is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub site: Option<Arc<str>>,
    /// Whether the caller may be anywhere, whatever is registered.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub nomadic: bool,
    /// A location by value, as sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pidf_lo: Option<Arc<str>>,
    /// What that was read as; nothing if it could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pidf_lo_read: Option<ReadLocation>,
    /// The whole of what was sent, if something of it could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sent: Option<Arc<str>>,
}

/// What a location by value was read as: the first of its positions, and the names in the first of its civic addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadLocation {
    /// Degrees north, WGS 84, from -90 to 90.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84, from -180 to 180.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub longitude: Option<f64>,
    /// How far off that may be, in metres.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uncertainty_m: Option<f64>,
    /// The country of the civic address.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub country: Option<Region>,
    /// The places that the civic address names, the smallest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub names: Vec<Arc<str>>,
}

/// One forward that the call has been through (RFC 5806 Diversion).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diversion {
    /// Who forwarded, as sent.
    pub by: Arc<str>,
    /// Why, in RFC 5806's words, such as `no-answer`.
    pub cause: Arc<str>,
}

/// What an application attaches to a call: matched by rules, kept in the record, never sent to a switch.
pub type Metadata = BTreeMap<Arc<str>, Arc<str>>;

/// Something wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldFault {
    /// The field, as a path such as `to` or `location.latitude`.
    pub field: Arc<str>,
    /// The stable code of what is wrong.
    pub reason: Reason,
    /// What is wrong, in a sentence for whoever sent it.
    pub detail: Arc<str>,
}

/// A request as the edge read it, before anybody asked who may.
///
/// A draft fails only without a destination. Its other faults refuse after classification, and never an
/// emergency call (E8).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Draft {
    /// What was dialled, as sent and whole, however long.
    pub to: Arc<str>,
    /// What the request said beside that to have been dialled, which it should not have. It counts only if it is an
    /// emergency call (E8).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_again: Vec<Arc<str>>,
    /// Who calls, as sent.
    pub from: Option<Arc<str>>,
    /// What kind of network it comes from; the peer's kind when the request does not say.
    pub kind: Option<CallType>,
    /// Whether the number is to be withheld.
    pub privacy: Privacy,
    /// The forwards so far.
    pub diversions: Vec<Diversion>,
    /// What the application attached.
    pub metadata: Metadata,
    /// Where the caller is.
    pub location: Option<Location>,
    /// The switch's own id of the call, to search by.
    pub sip_call_id: Option<Arc<str>>,
    /// The key under which a repeated request is the same call.
    pub idempotency_key: Option<Arc<str>>,
    /// What is wrong with it.
    pub faults: Vec<FieldFault>,
}

impl Draft {
    /// A request with its destination alone, which is enough (E8).
    #[must_use]
    pub fn to(to: impl Into<Arc<str>>) -> Self {
        Self {
            to: to.into(),
            to_again: Vec::new(),
            from: None,
            kind: None,
            privacy: Privacy::None,
            diversions: Vec::new(),
            metadata: Metadata::new(),
            location: None,
            sip_call_id: None,
            idempotency_key: None,
            faults: Vec::new(),
        }
    }
}

/// A call that was let in: its numbers are read, its tenant is known, and it will be decided and recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Whose call it is.
    pub tenant: TenantName,
    /// How much depends on it.
    pub class: Class,
    /// The service asked for, if it is an emergency or a test of one.
    pub emergency: Option<Emergency>,
    /// That it is the emergency service's call back to who called it, and how that is known (E15).
    pub callback: Option<Callback>,
    /// What kind of network it comes from.
    pub kind: CallType,
    /// Which way it goes.
    pub direction: Direction,
    /// Who asked.
    pub peer: Option<PeerName>,
    /// The site it was dialled at.
    pub site: Option<SiteName>,
    /// The place it was dialled at.
    pub place: Place,
    /// The calling party.
    pub from: Option<Party>,
    /// The called party.
    pub to: Party,
    /// Whether the caller's number may be shown.
    pub privacy: Privacy,
    /// The forwards so far.
    pub diversions: Vec<Diversion>,
    /// What the application attached.
    pub metadata: Metadata,
    /// Where the caller is, as sent.
    pub location: Option<Location>,
    /// The switch's own id of the call.
    pub sip_call_id: Option<Arc<str>>,
    /// When the request arrived.
    pub received_at: Timestamp,
    /// What was wrong and is passed over: an emergency call's other faults and denials.
    pub notes: Vec<FieldFault>,
}

impl Call {
    /// The workflow that carries it.
    #[must_use]
    pub const fn workflow(&self) -> Workflow {
        self.class.workflow()
    }

    /// The region it was dialled in.
    #[must_use]
    pub const fn region(&self) -> Region {
        self.place.region
    }

    /// The calling number, if it was read.
    #[must_use]
    pub fn caller(&self) -> Option<&Number> {
        self.from.as_ref()?.read.as_ref()
    }
}
