//! A call and its decision as they are kept: routing columns in clear, and a personal part that can be sealed.
//!
//! Every call writes this to the disk twice, so its keys have a letter or two, and what is usual is left out: half
//! the bytes and a tenth of a call's processor time. The API's words are the edges' own, and do not depend on it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::call::{Call, CallId, CallType, Direction, Diversion, FieldFault, Location, Metadata, Party, Privacy};
use crate::class::{Class, Workflow};
use crate::decide::{Action, Decision, Step, Trace};
use crate::names::{GatewayName, NodeName, PeerName, RuleName, SiteName, TenantName, TrunkName};
use crate::number::{Digits, Number, Region};
use crate::reason::Reason;
use crate::time::Timestamp;

/// A keyed hash of a number, to find calls by number without keeping the number in clear (SipHash-2-4, 128 bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NumberKey(pub [u8; 16]);

impl Serialize for NumberKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A UUID's writer is the fastest way at hand to 32 hexadecimal digits.
        serializer.serialize_str(Uuid::from_bytes(self.0).simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

impl<'de> Deserialize<'de> for NumberKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Uuid::parse_str(&text).map(|bytes| Self(*bytes.as_bytes())).map_err(serde::de::Error::custom)
    }
}

impl NumberKey {
    /// The hash of a number as it prints, under the server's key for this.
    #[must_use]
    pub fn of(number: &Number, key: [u8; 16]) -> Self {
        use siphasher::sip128::{Hasher128 as _, SipHasher24};
        use std::hash::Hasher as _;
        let mut hasher = SipHasher24::new_with_key(&key);
        hasher.write(number.to_string().as_bytes());
        Self(hasher.finish128().as_bytes())
    }
}

/// What may stay in clear: enough to route, search and count, and nothing of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routing {
    /// The version of this form.
    pub v: u8,
    /// Whose call.
    #[serde(rename = "t")]
    pub tenant: TenantName,
    /// Which call.
    #[serde(rename = "id")]
    pub call_id: CallId,
    /// When the request arrived.
    #[serde(rename = "at", with = "crate::time::micros")]
    pub received_at: Timestamp,
    /// The node that decided.
    #[serde(rename = "n")]
    pub node: NodeName,
    /// Its class.
    #[serde(rename = "c")]
    pub class: Class,
    /// The workflow that carried it.
    #[serde(rename = "w")]
    pub workflow: Workflow,
    /// What kind of network it came from.
    #[serde(rename = "k")]
    pub kind: CallType,
    /// Which way it went.
    #[serde(rename = "d")]
    pub direction: Direction,
    /// Who asked.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none", default)]
    pub peer: Option<PeerName>,
    /// The site it was dialled at.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none", default)]
    pub site: Option<SiteName>,
    /// The region it was dialled in.
    #[serde(rename = "r")]
    pub region: Region,
    /// What was decided.
    #[serde(rename = "a")]
    pub action: Action,
    /// Why.
    #[serde(rename = "why")]
    pub reason: Reason,
    /// The rule that decided, unless it was the emergency table.
    #[serde(rename = "ru", skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<RuleName>,
    /// The prefix of the called number that the rule matched.
    #[serde(rename = "mp", skip_serializing_if = "Option::is_none", default)]
    pub matched_prefix: Option<Digits>,
    /// The first target's trunk.
    #[serde(rename = "tr", skip_serializing_if = "Option::is_none", default)]
    pub trunk: Option<TrunkName>,
    /// The first target's gateway.
    #[serde(rename = "gw", skip_serializing_if = "Option::is_none", default)]
    pub gateway: Option<GatewayName>,
    /// The plan's revision.
    #[serde(rename = "pr")]
    pub plan_revision: u64,
    /// What the decision had to do without.
    #[serde(rename = "dg", skip_serializing_if = "Vec::is_empty", default)]
    pub degraded: Vec<Arc<str>>,
    /// The calling number's key.
    #[serde(rename = "ck", skip_serializing_if = "Option::is_none", default)]
    pub caller_key: Option<NumberKey>,
    /// The called number's key.
    #[serde(rename = "dk", skip_serializing_if = "Option::is_none", default)]
    pub called_key: Option<NumberKey>,
    /// The switch's own id of the call.
    #[serde(rename = "sip", skip_serializing_if = "Option::is_none", default)]
    pub sip_call_id: Option<Arc<str>>,
    /// A hash of the request's body, when it came with an idempotency key.
    #[serde(rename = "rh", skip_serializing_if = "Option::is_none", default)]
    pub request_hash: Option<u64>,
}

/// What tells of people: the numbers, the place, what was attached, and the trace that repeats them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Personal {
    /// The calling party.
    #[serde(rename = "f", skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Party>,
    /// The called party.
    #[serde(rename = "t")]
    pub to: Party,
    /// Whether the caller's number may be shown.
    #[serde(rename = "p", skip_serializing_if = "Privacy::is_none", default)]
    pub privacy: Privacy,
    /// The forwards before the call came to us.
    #[serde(rename = "d", skip_serializing_if = "Vec::is_empty", default)]
    pub diversions: Vec<Diversion>,
    /// What the application attached.
    #[serde(rename = "m", skip_serializing_if = "Metadata::is_empty", default)]
    pub metadata: Metadata,
    /// Where the caller was, as sent.
    #[serde(rename = "l", skip_serializing_if = "Option::is_none", default)]
    pub location: Option<Location>,
    /// What was wrong and was passed over.
    #[serde(rename = "n", skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<FieldFault>,
    /// What was answered: the steps.
    #[serde(rename = "s")]
    pub steps: Vec<Step>,
    /// Every candidate, with the reason it was kept or dropped.
    #[serde(rename = "tr")]
    pub trace: Trace,
    /// Whether all this was removed because its time was over.
    #[serde(rename = "x", skip_serializing_if = "is_false", default)]
    pub pruned: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_false(pruned: &bool) -> bool {
    !*pruned
}

impl Personal {
    /// What stays of it when its time is over.
    #[must_use]
    pub fn pruned() -> Self {
        Self {
            from: None,
            to: Party { sent: Arc::from(""), read: None },
            privacy: Privacy::None,
            diversions: Vec::new(),
            metadata: Metadata::new(),
            location: None,
            notes: Vec::new(),
            steps: Vec::new(),
            trace: Trace::default(),
            pruned: true,
        }
    }
}

impl Routing {
    /// What stays of it when the time of what tells of people is over: it is not found by number any more, and by
    /// its request's body nothing can be guessed.
    #[must_use]
    pub fn pruned(self) -> Self {
        Self { caller_key: None, called_key: None, request_hash: None, ..self }
    }
}

/// A call as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The clear part.
    pub routing: Routing,
    /// The part that can be sealed.
    pub personal: Personal,
}

impl CallRecord {
    /// The record of a call and what was decided of it.
    #[must_use]
    pub fn new(
        call: Call,
        decision: Decision,
        node: NodeName,
        number_key: [u8; 16],
        request_hash: Option<u64>,
    ) -> Self {
        let key = |number: &Number| NumberKey::of(number, number_key);
        let first = decision.steps.first().and_then(|step| step.targets.first());
        let routing = Routing {
            v: 1,
            call_id: call.id,
            received_at: call.received_at,
            node,
            class: call.class,
            workflow: call.workflow(),
            kind: call.kind,
            direction: call.direction,
            region: call.region(),
            action: decision.action,
            reason: decision.reason,
            rule: decision.rule,
            matched_prefix: decision.matched_prefix,
            trunk: first.map(|target| target.trunk.clone()),
            gateway: first.map(|target| target.gateway.clone()),
            plan_revision: decision.trace.versions.plan,
            degraded: decision.degraded,
            caller_key: call.caller().map(key),
            called_key: call.to.read.as_ref().map(key),
            sip_call_id: call.sip_call_id,
            request_hash,
            tenant: call.tenant,
            peer: call.peer,
            site: call.site,
        };
        let personal = Personal {
            from: call.from,
            to: call.to,
            privacy: call.privacy,
            diversions: call.diversions,
            metadata: call.metadata,
            location: call.location,
            notes: call.notes,
            steps: decision.steps,
            trace: decision.trace,
            pruned: false,
        };
        Self { routing, personal }
    }
}
