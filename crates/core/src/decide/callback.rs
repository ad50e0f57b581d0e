//! The emergency service's call back to who called it: past do not disturb, forwards and screening (E15).
//!
//! It is tried, until one way is found:
//! 1. the devices of who holds the number; for a number that nobody holds, the rules that route it or ring a user;
//! 2. the rules that lead elsewhere too: a forward is better than nobody;
//! 3. the same again, by gateways that are believed to be down.
//!
//! A rule that rejects is passed over each time. What a plan calls a route is taken for one, so a rule that routes a
//! number to a voicemail's trunk does that for such a call too, unless a user holds the number.

use super::holder::Held;
use super::weighing::{Settled, Weighing};
use crate::call::Direction;
use crate::number::Number;
use crate::plan::RuleAction;
use crate::reason::Reason;

impl<'a> Weighing<'a> {
    /// Settles the emergency service's call back.
    pub(super) fn by_callback(&mut self) -> Settled {
        let mut settled = Settled::reject(Reason::NoRoute);
        for (may_forward, tries_down) in [(false, false), (true, false), (false, true), (true, true)] {
            (self.may_forward, self.tries_down) = (may_forward, tries_down);
            // As if nothing had been tried: what an attempt before found out was of another number perhaps.
            self.tenant = &self.call.tenant;
            self.may_go_out = self.call.direction == Direction::FromTenant;
            self.forwarded_by = None;
            settled = self.by_rules();
            if !settled.steps.is_empty() {
                break;
            }
        }
        Settled { emergency: true, ..settled }
    }

    /// Rings who holds the number, if the emergency service calls back. Nothing if it does not, or no device can be rung.
    pub(super) fn ring_called_back(&mut self, held: &Held<'a>, number: &Number) -> Option<Settled> {
        self.call.callback?;
        let steps = self.ring(held.holder()?, None);
        (!steps.is_empty()).then(|| Settled { prefix: number.digits(), steps, ..Settled::reject(Reason::Routed) })
    }

    /// Whether a rule of this action would keep the emergency service from who called it.
    pub(super) fn keeps_away(&self, action: &RuleAction) -> bool {
        self.call.callback.is_some()
            && match action {
                RuleAction::Reject(_) => true,
                RuleAction::Rewrite(_) => !self.may_forward,
                RuleAction::Route(_) | RuleAction::User(_) => false,
            }
    }
}
