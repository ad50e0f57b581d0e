//! What one decision has in hand while it weighs: the tables, the call, the draws, and the trace so far.

use std::sync::Arc;

use super::order::Draws;
use super::outcome::Step;
use super::trace::{DirectorySaid, ForwardedBy, RuleVerdict, TargetVerdict};
use crate::call::{Call, Direction};
use crate::emergency::Emergency;
use crate::location::Located;
use crate::names::{RuleName, TenantName};
use crate::number::Digits;
use crate::plan::Plan;
use crate::reason::Reason;
use crate::world::{Moment, World};

/// Room for a URI of the usual length, so that putting one together grows nothing.
const TEXT_BYTES: usize = 96;

/// One decision in the making.
pub(super) struct Weighing<'a> {
    pub(super) world: &'a World,
    pub(super) plan: &'a Plan,
    pub(super) call: &'a Call,
    pub(super) moment: Moment,
    pub(super) draws: Draws,
    /// Whose call it is for rules and trunks.
    pub(super) tenant: &'a TenantName,
    /// Whether any rule may send it out: it is no carrier's call, or a forward was made of it.
    pub(super) may_go_out: bool,
    /// The emergency service that a trunk's translation would have dialled.
    pub(super) translated_to: Option<Emergency>,
    /// Whether rules may lead the call elsewhere; the emergency service's call back is tried without first.
    pub(super) may_forward: bool,
    /// Whether what is down is tried all the same.
    pub(super) tries_down: bool,
    /// What the directory said of the number that was matched last.
    pub(super) directory_said: Option<DirectorySaid>,
    /// Who forwarded it last, if a forward was made of it.
    pub(super) forwarded_by: Option<ForwardedBy>,
    /// Where it is, once it was taken for an emergency call.
    pub(super) located: Option<Located>,
    /// The caller's E.164 number as text, once it was needed.
    pub(super) caller_text: Option<Arc<str>>,
    /// What texts are put together in.
    pub(super) text: String,
    pub(super) rules: Vec<RuleVerdict>,
    pub(super) targets: Vec<TargetVerdict>,
}

/// What a decision came to.
pub(super) struct Settled {
    pub(super) reason: Reason,
    pub(super) rule: Option<RuleName>,
    pub(super) prefix: Option<Digits>,
    /// What to try; a call without steps is rejected.
    pub(super) steps: Vec<Step>,
    pub(super) emergency: bool,
}

impl Settled {
    /// A rejection that no rule made.
    pub(super) const fn reject(reason: Reason) -> Self {
        Self { reason, rule: None, prefix: None, steps: Vec::new(), emergency: false }
    }
}

impl<'a> Weighing<'a> {
    pub(super) fn new(world: &'a World, call: &'a Call, moment: Moment) -> Self {
        Self {
            world,
            plan: &world.plan,
            call,
            moment,
            draws: Draws::new(moment.draw),
            tenant: &call.tenant,
            may_go_out: call.direction == Direction::FromTenant,
            translated_to: None,
            may_forward: true,
            tries_down: false,
            directory_said: None,
            forwarded_by: None,
            located: None,
            caller_text: None,
            text: String::with_capacity(TEXT_BYTES),
            rules: Vec::new(),
            targets: Vec::new(),
        }
    }
}
