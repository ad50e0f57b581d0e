//! What a decision's trace looks like from outside.

use serde::{Serialize, Serializer};
use telness_core::decide::{RuleVerdict, TargetVerdict, Trace, Verdict};
use telness_core::facts::{Fact, Facts};
use telness_core::time::Timestamp;
use utoipa::ToSchema;

use super::words::VerdictWord;

/// Everything that a decision consulted.
#[derive(Serialize, ToSchema)]
#[schema(as = Trace)]
pub struct TraceView<'a> {
    /// The tables that it was made on.
    versions: VersionsView,
    /// When it was made (RFC 3339, UTC, microseconds).
    #[schema(value_type = String, format = DateTime, example = "2026-11-23T08:00:00.000000Z")]
    now: Timestamp,
    /// What weighted choices were drawn from, in decimal: a text, since it has 64 bits.
    #[schema(value_type = String, example = "1234567890123456789")]
    #[serde(serialize_with = "decimal")]
    draw: u64,
    /// What look-ups told.
    #[schema(value_type = FactsView)]
    facts: FactsView<'a>,
    /// What the directory said of the called number: `held` by a user, or in `quarantine`; absent if it was not asked or
    /// knows of no holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "held")]
    directory: Option<telness_core::decide::DirectorySaid>,
    /// That the emergency service calls back who called it: `known` to have called, or `assumed` since nobody can say that
    /// it did not; absent for every other call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "known")]
    callback: Option<telness_core::class::Callback>,
    /// The rules that were weighed, in their order.
    #[serde(serialize_with = "rules")]
    #[schema(value_type = Vec<RuleView>)]
    rules: &'a [RuleVerdict],
    /// The targets that were weighed, in their order.
    #[serde(serialize_with = "targets")]
    #[schema(value_type = Vec<CandidateView>)]
    targets: &'a [TargetVerdict],
}

impl<'a> TraceView<'a> {
    /// A trace as it is written.
    #[must_use]
    pub fn of(trace: &'a Trace) -> Self {
        let versions = trace.versions;
        Self {
            versions: VersionsView {
                plan: versions.plan,
                decks: versions.decks,
                health: versions.health,
                directory: versions.directory,
            },
            now: trace.now,
            draw: trace.draw,
            facts: FactsView::of(&trace.facts),
            directory: trace.directory,
            callback: trace.callback,
            rules: &trace.rules,
            targets: &trace.targets,
        }
    }
}

/// The versions of the tables that a decision was made on.
#[derive(Serialize, ToSchema)]
#[schema(as = Versions)]
pub struct VersionsView {
    /// The plan's revision.
    plan: u64,
    /// The rate decks' version.
    decks: u64,
    /// The health table's version.
    health: u64,
    /// The directory's version; 0 where there is none.
    directory: u64,
}

/// What look-ups told, each as its value or as the cause why there is none.
#[derive(Serialize, ToSchema)]
#[schema(as = Facts)]
pub struct FactsView<'a> {
    /// Where the called number is held.
    #[schema(value_type = FactDocument)]
    portability: FactView<'a, telness_core::facts::Portability>,
    /// The caller's name.
    #[schema(value_type = FactDocument)]
    caller_name: FactView<'a, std::sync::Arc<str>>,
    /// How likely the call is fraud, from 0 to 100.
    #[schema(value_type = FactDocument)]
    fraud_score: FactView<'a, u8>,
}

impl<'a> FactsView<'a> {
    fn of(facts: &'a Facts) -> Self {
        Self {
            portability: FactView::of(&facts.portability),
            caller_name: FactView::of(&facts.caller_name),
            fraud_score: FactView::of(&facts.fraud_score),
        }
    }
}

/// One fact: `known` with its value, age and source, or the cause why it is not known.
#[derive(Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum FactView<'a, T> {
    Known { value: &'a T, age_ms: u64, source: &'a str },
    Unknown { why: telness_core::facts::Absence },
}

impl<'a, T> FactView<'a, T> {
    fn of(fact: &'a Fact<T>) -> Self {
        match fact {
            Fact::Known { value, age_ms, source } => Self::Known { value, age_ms: *age_ms, source },
            Fact::Unknown { why } => Self::Unknown { why: *why },
        }
    }
}

/// A fact, or why there is none.
#[derive(ToSchema)]
#[schema(as = Fact)]
pub struct FactDocument {
    /// `known` or `unknown`.
    #[schema(example = "unknown")]
    pub state: String,
    /// What it is, if it is known.
    pub value: Option<serde_json::Value>,
    /// How old the value is, in milliseconds, if it is known.
    pub age_ms: Option<u64>,
    /// Who told, if it is known.
    pub source: Option<String>,
    /// Why it is not known: `not_wanted`, `not_configured`, `timeout`, `unreachable`, `unreadable` or `not_found`.
    #[schema(example = "not_wanted")]
    pub why: Option<String>,
}

/// What became of one rule that has a prefix of the called number.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleVerdict)]
pub struct RuleView<'a> {
    /// The rule.
    #[schema(example = "mobile-sweden")]
    rule: &'a str,
    /// The prefix of the called number that matched; `null` for a catch-all.
    #[serde(serialize_with = "shown")]
    #[schema(value_type = Option<String>, example = "467")]
    prefix: Option<telness_core::number::Digits>,
    /// Its priority; the higher goes first among equal prefixes.
    #[schema(example = 0)]
    priority: i32,
    /// `kept`, `last` (used after all others: an emergency call's is never dropped) or `dropped`.
    #[schema(value_type = VerdictWord, example = "dropped")]
    verdict: &'static str,
    /// Why it was dropped or put last, such as `schedule` or `outranked`; absent if it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "outranked")]
    why: Option<telness_core::decide::Dropped>,
    /// What the called number became, if the rule rewrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rewritten: Option<String>,
}

/// What became of one gateway, or of a whole trunk, that a rule named.
#[derive(Serialize, ToSchema)]
#[schema(as = TargetVerdict)]
pub struct CandidateView<'a> {
    /// The rule that named it; `null` for the emergency table.
    #[schema(example = "mobile-sweden")]
    rule: Option<&'a str>,
    /// The trunk.
    #[schema(example = "carrier-a")]
    trunk: &'a str,
    /// The gateway; `null` when the trunk as a whole was dropped.
    #[schema(example = "gw-1")]
    gateway: Option<&'a str>,
    /// The user whose device it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    /// The rate that the trunk's deck has for the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<RateView>,
    /// `kept`, `last` (used after all others: an emergency call's is never dropped) or `dropped`.
    #[schema(value_type = VerdictWord, example = "kept")]
    verdict: &'static str,
    /// Why it was dropped or put last, such as `down` or `full`; absent if it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "down")]
    why: Option<telness_core::decide::Dropped>,
}

/// A rate of a trunk's deck.
#[derive(Serialize, ToSchema)]
#[schema(as = Rate)]
pub struct RateView {
    /// The prefix that matched.
    #[schema(example = "4670")]
    prefix: String,
    /// The price of a minute, in millionths of the deck's currency unit.
    #[schema(example = 12000)]
    minute_micros: u32,
}

const fn split(verdict: Verdict) -> (&'static str, Option<telness_core::decide::Dropped>) {
    match verdict {
        Verdict::Kept => ("kept", None),
        Verdict::Last(why) => ("last", Some(why)),
        Verdict::Dropped(why) => ("dropped", Some(why)),
    }
}

impl<'a> From<&'a RuleVerdict> for RuleView<'a> {
    fn from(rule: &'a RuleVerdict) -> Self {
        let (verdict, why) = split(rule.verdict);
        let rewritten = rule.rewritten.as_ref().map(ToString::to_string);
        Self { rule: rule.rule.as_str(), prefix: rule.prefix, priority: rule.priority, verdict, why, rewritten }
    }
}

impl<'a> From<&'a TargetVerdict> for CandidateView<'a> {
    fn from(target: &'a TargetVerdict) -> Self {
        let (verdict, why) = split(target.verdict);
        Self {
            rule: target.rule.as_ref().map(|rule| rule.as_str()),
            trunk: target.trunk.as_str(),
            gateway: target.gateway.as_ref().map(|gateway| gateway.as_str()),
            user: target.user.as_ref().map(|user| user.as_str()),
            rate: target.rate.map(|(prefix, rate)| RateView { prefix: prefix.to_string(), minute_micros: rate.0 }),
            verdict,
            why,
        }
    }
}

fn rules<S: Serializer>(rules: &&[RuleVerdict], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rules.iter().map(RuleView::from))
}

fn targets<S: Serializer>(targets: &&[TargetVerdict], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(targets.iter().map(CandidateView::from))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn decimal<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

fn shown<S: Serializer, T: std::fmt::Display>(text: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match text {
        Some(text) => serializer.collect_str(text),
        None => serializer.serialize_none(),
    }
}
