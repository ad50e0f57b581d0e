//! One record for billing: what is said of a leg, in the order of its columns.

use serde::{Deserialize, Serialize};

use super::{BilledCall, charge, is_test, weighed};
use crate::class::Class;
use crate::decide::{Action, Target};
use crate::record::{CdrState, LegName, Personal};
use crate::time::Timestamp;

/// The version of a record's form. Fields are only ever added, behind the others.
pub const RECORD_VERSION: u8 = 1;

/// Who is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charged {
    /// Who called.
    Caller,
    /// Who forwarded the call, so that the leg is there.
    Forwarder,
    /// Who was called, from a carrier.
    Called,
    /// Nobody: an emergency.
    Nobody,
}

/// What came of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegState {
    /// The call was answered with this leg, and nothing was ever reported of it.
    Unreported,
    /// It rang, and its end was not reported.
    Ringing,
    /// It was answered, and its end was not reported yet.
    Answered,
    /// It ended without an answer.
    Failed,
    /// It ended after an answer.
    Ended,
    /// There is no such leg: the record that this one replaces does not count.
    Void,
}

impl From<CdrState> for LegState {
    fn from(state: CdrState) -> Self {
        match state {
            CdrState::Decided => Self::Unreported,
            CdrState::Ringing => Self::Ringing,
            CdrState::Answered => Self::Answered,
            CdrState::Failed => Self::Failed,
            CdrState::Ended => Self::Ended,
        }
    }
}

/// Which of a leg's records it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// From 1.
    pub revision: u32,
    /// The record that it takes the place of.
    pub replaces: Option<String>,
    /// The file that has that one.
    pub replaces_sequence: Option<i64>,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingRecord {
    /// The version of its form.
    pub v: u8,
    /// Its name: call, leg and revision.
    pub record_id: String,
    /// Which of the leg's records it is.
    #[serde(flatten)]
    pub revision: Revision,
    /// Who pays, and whose files have it.
    pub tenant: String,
    /// As who.
    pub charged: Charged,
    /// By which number, as read, or else as sent.
    pub charged_number: Option<String>,
    /// The user who holds that.
    pub charged_user: Option<String>,
    /// Whether it may be charged at all: not for an emergency or a test of one, and not where we rejected the call.
    pub chargeable: bool,
    /// The call.
    pub call_id: String,
    /// The leg.
    pub leg: String,
    /// The call's class.
    pub class: String,
    /// Whether it was a test of an emergency service.
    pub test: bool,
    /// `from_tenant` or `from_carrier`.
    pub direction: crate::call::Direction,
    /// What kind of network the call came from.
    #[serde(rename = "type")]
    pub kind: String,
    /// When the request for the call arrived, by our clock.
    pub received_at: Timestamp,
    /// When the leg rang, by the switch's clock.
    pub ringing_at: Option<Timestamp>,
    /// When it was answered, by the switch's clock.
    pub answered_at: Option<Timestamp>,
    /// When it failed or ended, by the switch's clock.
    pub ended_at: Option<Timestamp>,
    /// What came of it.
    pub state: LegState,
    /// Whether its end was reported.
    pub complete: bool,
    /// Whole milliseconds from answer to end, cut off; none if it is not known.
    pub talk_ms: Option<u64>,
    /// The SIP status of its end.
    pub cause_sip: Option<u16>,
    /// The Q.850 cause of its end.
    pub cause_q850: Option<u8>,
    /// The calling number as sent.
    pub from_sent: Option<String>,
    /// The calling number as read.
    pub from: Option<String>,
    /// The called number as sent.
    pub to_sent: String,
    /// The called number as read.
    pub to: Option<String>,
    /// What was to be dialled on the trunk.
    pub dialled: Option<String>,
    /// How often the call was forwarded before it came to us.
    pub diversions: usize,
    /// The trunk; none for a leg that was not in the answer.
    pub trunk: Option<String>,
    /// The gateway.
    pub gateway: Option<String>,
    /// The user whose device was rung.
    pub user: Option<String>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The plan's revision.
    pub plan_revision: u64,
    /// The prefix that the trunk's rate deck had a price for.
    pub rate_prefix: Option<String>,
    /// That price a minute, in millionths of the deck's currency.
    pub rate_micros_per_minute: Option<u32>,
    /// The version of all rate decks.
    pub decks_version: u64,
    /// The node that decided.
    pub node: String,
    /// The switch's own id of the call.
    pub sip_call_id: Option<String>,
}

/// The first record of a leg of which nothing is known but the answer.
pub(super) fn new(call: &BilledCall, personal: &Personal, leg: &LegName, target: Option<&Target>) -> BillingRecord {
    let charge = charge(call, personal, target);
    let test = is_test(call, personal);
    let may_be = call.class != Class::Emergency && call.action == Action::Route;
    let rate = target.and_then(|target| weighed(personal, target)?.rate);
    BillingRecord {
        v: RECORD_VERSION,
        record_id: record_id(&call.call_id.to_string(), leg.as_str(), 1),
        revision: Revision { revision: 1, replaces: None, replaces_sequence: None },
        tenant: charge.tenant.to_string(),
        charged: charge.charged,
        charged_number: charge.number,
        charged_user: charge.user,
        chargeable: charge.charged != Charged::Nobody && may_be && !test,
        call_id: call.call_id.to_string(),
        leg: leg.to_string(),
        class: call.class.as_str().to_owned(),
        test,
        direction: call.direction,
        kind: call.kind.as_str().to_owned(),
        received_at: call.received_at,
        ringing_at: None,
        answered_at: None,
        ended_at: None,
        state: LegState::Unreported,
        complete: false,
        talk_ms: None,
        cause_sip: None,
        cause_q850: None,
        from_sent: personal.from.as_ref().map(|from| (*from.sent).to_owned()),
        from: personal.from.as_ref().and_then(|from| from.read.as_ref()).map(ToString::to_string),
        to_sent: (*personal.to.sent).to_owned(),
        to: personal.to.read.as_ref().map(ToString::to_string),
        dialled: target.map(|target| dialled(&target.uri).to_owned()),
        diversions: personal.diversions.len(),
        trunk: target.map(|target| target.trunk.to_string()),
        gateway: target.map(|target| target.gateway.to_string()),
        user: target.and_then(|target| target.user.as_ref()).map(ToString::to_string),
        rule: call.rule.as_ref().map(ToString::to_string),
        plan_revision: call.plan_revision,
        rate_prefix: rate.map(|(prefix, _)| prefix.to_string()),
        rate_micros_per_minute: rate.map(|(_, rate)| rate.0),
        decks_version: personal.trace.versions.decks,
        node: call.node.to_string(),
        sip_call_id: call.sip_call_id.clone(),
    }
}

impl BillingRecord {
    /// The same record as another revision of the leg's.
    #[must_use]
    pub fn revised(mut self, revision: u32, replaced: Option<(u32, i64)>) -> Self {
        let id = |revision| record_id(&self.call_id, &self.leg, revision);
        let replaces = replaced.map(|(revision, _)| id(revision));
        self.record_id = id(revision);
        self.revision = Revision { revision, replaces, replaces_sequence: replaced.map(|(_, sequence)| sequence) };
        self
    }

    /// The record that says that there is no such leg.
    #[must_use]
    pub fn voided(self) -> Self {
        Self {
            state: LegState::Void,
            complete: true,
            chargeable: false,
            ringing_at: None,
            answered_at: None,
            ended_at: None,
            talk_ms: Some(0),
            cause_sip: None,
            cause_q850: None,
            ..self
        }
    }

    /// The same record with its leg's course as another tells it, which knows nothing else.
    #[must_use]
    pub fn with_course_of(self, other: &Self) -> Self {
        Self {
            state: other.state,
            complete: other.complete,
            // This one may have said that there is no such leg.
            chargeable: self.charged != Charged::Nobody && !self.test && other.chargeable,
            ringing_at: other.ringing_at,
            answered_at: other.answered_at,
            ended_at: other.ended_at,
            talk_ms: other.talk_ms,
            cause_sip: other.cause_sip,
            cause_q850: other.cause_q850,
            ..self
        }
    }

    /// Whether it says the same of the leg, whichever revision it is and whatever form it has.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        // Postgres keeps the switch's id without the character of value zero.
        let id = |record: &Self| record.sip_call_id.as_ref().map(|id| id.replace('\0', "\u{2400}"));
        let plain =
            |record: &Self| Self { v: RECORD_VERSION, sip_call_id: id(record), ..record.clone().revised(1, None) };
        plain(self) == plain(other)
    }
}

fn record_id(call: &str, leg: &str, revision: u32) -> String {
    format!("{call}/{leg}/{revision}")
}

/// The user part of a SIP URI.
fn dialled(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    rest.rsplit_once('@').map_or(rest, |(user, _)| user)
}
