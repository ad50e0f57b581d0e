//! Every candidate that a decision weighed, with the typed reason why it was kept or dropped.

use serde::{Deserialize, Serialize};

use crate::class::Callback;
use crate::facts::Facts;
use crate::location::Located;
use crate::names::{GatewayName, RuleName, TenantName, TrunkName, UserName};
use crate::number::{Digits, Number};
use crate::time::Timestamp;
use crate::world::{Rate, Versions};

/// Why a candidate was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// The rule, trunk or gateway is switched off in the plan.
    Disabled,
    /// The trunk is not for this tenant. A rule of another tenant is no candidate.
    Tenant,
    /// The rule is not for this type of call.
    Kind,
    /// The rule is not for this direction; or it would hand a carrier's call on to a carrier.
    Direction,
    /// The rule is not for this caller.
    Caller,
    /// The rule is not for this region.
    Region,
    /// The rule's schedule is closed, or open where it is to be closed.
    Schedule,
    /// The call's metadata is not what the rule asks.
    Metadata,
    /// One before it decided: a rule with a longer prefix, a higher priority or an earlier place, or the user
    /// who holds the number; for a gateway of a user's device, one that is tried in its place.
    Outranked,
    /// All targets of the rule were dropped.
    NoUsableTarget,
    /// The trunk's rate deck has no rate for the number.
    NoRate,
    /// The gateway is known to be down.
    Down,
    /// The trunk or gateway has no capacity left.
    Full,
    /// It stands in the list already.
    Repeated,
    /// The user whose device it is does not want to be disturbed.
    DoNotDisturb,
    /// The rule ends the call or leads it elsewhere, and the emergency service calls back (E15).
    Callback,
    /// The plan has no such trunk; a user of the directory has a device on it.
    UnknownTrunk,
    /// The number cannot be written for this trunk, or the rule's rewrite makes no number of it.
    Unwritable,
}

/// Whether a candidate was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was used.
    #[default]
    Kept,
    /// It was used, after all others, and why: an emergency call's target is put last, never dropped (E9).
    Last(Dropped),
    /// It was not, and why.
    Dropped(Dropped),
}

impl Verdict {
    /// Whether it was used in its place.
    #[must_use]
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    pub const fn is_kept(&self) -> bool {
        matches!(self, Self::Kept)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(priority: &i32) -> bool {
    *priority == 0
}

/// What became of one rule of the call's tenant that has a prefix of the called number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleVerdict {
    /// The rule.
    #[serde(rename = "r")]
    pub rule: RuleName,
    /// The prefix that matched; none for a catch-all.
    #[serde(rename = "p", skip_serializing_if = "Option::is_none", default)]
    pub prefix: Option<Digits>,
    /// Its priority.
    #[serde(rename = "i", skip_serializing_if = "is_zero", default)]
    pub priority: i32,
    /// Whether it was used.
    #[serde(rename = "v", skip_serializing_if = "Verdict::is_kept", default)]
    pub verdict: Verdict,
    /// What the called number became, if the rule rewrote it.
    #[serde(rename = "w", skip_serializing_if = "Option::is_none", default)]
    pub rewritten: Option<Number>,
}

/// What became of one gateway of a trunk that a rule named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetVerdict {
    /// The rule that named it; none for the emergency table.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<RuleName>,
    /// The trunk.
    #[serde(rename = "t")]
    pub trunk: TrunkName,
    /// The gateway; none when the trunk as a whole was dropped.
    #[serde(rename = "g", skip_serializing_if = "Option::is_none", default)]
    pub gateway: Option<GatewayName>,
    /// The user whose device it is.
    #[serde(rename = "us", skip_serializing_if = "Option::is_none", default)]
    pub user: Option<UserName>,
    /// The rate that the trunk's deck has for the number, with the prefix that matched.
    #[serde(rename = "a", skip_serializing_if = "Option::is_none", default)]
    pub rate: Option<(Digits, Rate)>,
    /// Whether it was used.
    #[serde(rename = "v", skip_serializing_if = "Verdict::is_kept", default)]
    pub verdict: Verdict,
}

/// What the directory said of the called number, as it was last: after rewrites, if there were any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectorySaid {
    /// A user of the directory holds it.
    Held,
    /// It is in quarantine: nobody is to be reached by it.
    Quarantine,
}

/// Who forwarded the call, so that its legs exist: the number that a rule rewrote into another one, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardedBy {
    /// Whose number it is; who pays for the legs.
    #[serde(rename = "t")]
    pub tenant: TenantName,
    /// The user who holds it, if one does.
    #[serde(rename = "us", skip_serializing_if = "Option::is_none", default)]
    pub user: Option<UserName>,
    /// The number.
    #[serde(rename = "n")]
    pub number: Number,
}

/// Everything that a decision consulted. It explains the decision without the plan that it was made on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The tables it was made on.
    #[serde(rename = "v")]
    pub versions: Versions,
    /// When it was made.
    #[serde(rename = "at", with = "crate::time::micros")]
    pub now: Timestamp,
    /// What weighted choices were drawn from.
    #[serde(rename = "d")]
    pub draw: u64,
    /// What look-ups told; left out of records when nobody was asked.
    #[serde(rename = "f", skip_serializing_if = "Facts::nobody_was_asked", default)]
    pub facts: Facts,
    /// What the directory said of the called number; nothing if it was not asked or does not know the number.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none", default)]
    pub directory: Option<DirectorySaid>,
    /// That it is the emergency service's call back, and how that is known.
    #[serde(rename = "cb", skip_serializing_if = "Option::is_none", default)]
    pub callback: Option<Callback>,
    /// Whose call it was for rules and trunks at the end, if that is not whose record it is: of a call from a carrier
    /// the tenant that holds the number.
    #[serde(rename = "ob", skip_serializing_if = "Option::is_none", default)]
    pub on_behalf: Option<TenantName>,
    /// Who forwarded it last, if a forward was made of it here.
    #[serde(rename = "fw", skip_serializing_if = "Option::is_none", default)]
    pub forwarded_by: Option<ForwardedBy>,
    /// Where an emergency call was taken to be.
    #[serde(rename = "lo", skip_serializing_if = "Option::is_none", default)]
    pub located: Option<Located>,
    /// The rules, in the order in which they were weighed.
    #[serde(rename = "r")]
    pub rules: Vec<RuleVerdict>,
    /// The targets, in the order in which they were weighed.
    #[serde(rename = "t")]
    pub targets: Vec<TargetVerdict>,
}
