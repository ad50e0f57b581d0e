//! From trunks and devices to targets: eligibility first, and every gateway in the trace with its verdict.

use std::sync::Arc;

use smallvec::SmallVec;

use super::dial::{self, Unwritten};
use super::holder::Holder;
use super::legs;
use super::order::{Draws, Order};
use super::outcome::{Step, Target};
use super::trace::{Dropped, TargetVerdict, Verdict};
use super::weighing::Weighing;
use crate::names::{RuleName, TenantName, TrunkName, UserName};
use crate::number::{Digits, Number};
use crate::plan::{Gateway, RouteGroup, Trunk, TrunkIx};
use crate::world::Rate;

/// For whom a trunk is used, and by whose word.
#[derive(Clone, Copy)]
pub(super) struct Use<'a> {
    pub(super) rule: Option<&'a RuleName>,
    pub(super) user: Option<&'a UserName>,
    pub(super) tenant: &'a TenantName,
}

/// A trunk that may be used: what its targets have in common. The start of their URI is in [`Weighing::text`].
pub(super) struct Ready {
    /// Where the URI's user part ends.
    pub(super) head: usize,
    /// Whether the user part is a telephone number.
    pub(super) phone: bool,
    pub(super) caller: Option<Arc<str>>,
    pub(super) rate: Option<(Digits, Rate)>,
}

/// The targets that stand in the list already: trunk, position of the gateway, and the number dialled there.
type Listed = SmallVec<[(TrunkIx, usize, Number); 8]>;

impl<'a> Weighing<'a> {
    /// One step for each usable gateway of each usable trunk: groups in order, in a group by drawn order.
    pub(super) fn route(&mut self, groups: &[RouteGroup], number: Number, using: Use<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut listed = Listed::new();
        for (at, trunk) in trunks(self, groups) {
            match self.ready(at, trunk, &number, using) {
                Ok(ready) => self.each_gateway(at, trunk, &ready, number, using, &mut listed, &mut steps),
                Err(dropped) => self.drop_trunk(trunk, using, dropped),
            }
        }
        steps
    }

    /// One step that rings all devices of a user at once, each by its trunk's first usable gateway.
    pub(super) fn ring(&mut self, holder: &Holder<'a>, rule: Option<&RuleName>) -> Vec<Step> {
        let name = holder.name();
        let using = Use { rule, user: name.as_ref(), tenant: holder.tenant() };
        let mut targets = Vec::new();
        let mut listed = Listed::new();
        for device in holder.devices() {
            let at = match device.trunk {
                Ok(at) => at,
                Err(unknown) => {
                    self.drop_named(unknown, using, Dropped::UnknownTrunk);
                    continue;
                }
            };
            let Some(trunk) = self.plan.trunk(at) else { continue };
            match self.ready(at, trunk, &device.number, using) {
                Ok(ready) => {
                    let leg = (1, targets.len().saturating_add(1));
                    targets.extend(self.first_gateway(at, trunk, &ready, device.number, using, &mut listed, leg));
                }
                Err(dropped) => self.drop_trunk(trunk, using, dropped),
            }
        }
        if targets.is_empty() { Vec::new() } else { vec![Step { targets }] }
    }

    /// Traces the devices of a user who is not to be disturbed.
    pub(super) fn leave_alone(&mut self, holder: &Holder<'a>) {
        let name = holder.name();
        let using = Use { rule: None, user: name.as_ref(), tenant: holder.tenant() };
        for device in holder.devices() {
            let known = device.trunk.map(|at| self.plan.trunk(at).map(|trunk| &trunk.name));
            let trunk = known.unwrap_or_else(Some);
            trunk.into_iter().for_each(|trunk| self.drop_named(trunk, using, Dropped::DoNotDisturb));
        }
    }

    /// A step for every usable gateway of a trunk.
    #[allow(clippy::too_many_arguments, reason = "what a trunk is used for, and the two lists that grow")]
    pub(super) fn each_gateway(
        &mut self,
        at: TrunkIx,
        trunk: &Trunk,
        ready: &Ready,
        number: Number,
        using: Use<'_>,
        listed: &mut Listed,
        steps: &mut Vec<Step>,
    ) {
        for place in gateways(&mut self.draws, trunk) {
            let Some(gateway) = trunk.gateways.get(place) else { continue };
            let entry = (at, place, number);
            let repeated = listed.contains(&entry).then_some(Dropped::Repeated);
            let dropped = self.unusable(trunk, gateway).or(repeated);
            self.trace_gateway(trunk, gateway, ready, using, dropped);
            if dropped.is_none() {
                listed.push(entry);
                let leg = (steps.len().saturating_add(1), 1);
                steps.push(Step { targets: vec![self.target(trunk, gateway, ready, using, leg)] });
            }
        }
    }

    /// The target of a device: its trunk's first usable gateway. The others stand in the trace as outranked.
    #[allow(clippy::too_many_arguments, reason = "what a trunk is used for, and the list that grows")]
    fn first_gateway(
        &mut self,
        at: TrunkIx,
        trunk: &Trunk,
        ready: &Ready,
        number: Number,
        using: Use<'_>,
        listed: &mut Listed,
        leg: (usize, usize),
    ) -> Option<Target> {
        let repeated = listed.iter().any(|(trunk, _, dialled)| (*trunk, *dialled) == (at, number));
        let mut target = None;
        for place in gateways(&mut self.draws, trunk) {
            let Some(gateway) = trunk.gateways.get(place) else { continue };
            let outranked = target.is_some().then_some(Dropped::Outranked);
            let dropped = self.unusable(trunk, gateway).or(repeated.then_some(Dropped::Repeated)).or(outranked);
            self.trace_gateway(trunk, gateway, ready, using, dropped);
            if dropped.is_none() {
                listed.push((at, place, number));
                target = Some(self.target(trunk, gateway, ready, using, leg));
            }
        }
        target
    }

    /// What a trunk's targets have in common, or why it cannot be used, asked in this order: switched off, tenant,
    /// rate, number. A rate deck prices public numbers; short numbers and extensions pass it.
    fn ready(&mut self, at: TrunkIx, trunk: &Trunk, number: &Number, using: Use<'_>) -> Result<Ready, Dropped> {
        if !trunk.enabled {
            return Err(Dropped::Disabled);
        }
        if !trunk.tenants.is_empty() && !trunk.tenants.contains(using.tenant) {
            return Err(Dropped::Tenant);
        }
        if trunk.gateways.is_empty() {
            return Err(Dropped::NoUsableTarget);
        }
        let rate = match (self.world.decks.of(at), number) {
            (Some(deck), Number::E164 { number }) => {
                let (prefix, price) = deck.matches(number.digits()).next().ok_or(Dropped::NoRate)?;
                Some((prefix, Rate(price)))
            }
            _ => None,
        };
        let caller = self.caller_on(trunk, false);
        match dial::write_called(&mut self.text, number, trunk, &self.call.place) {
            Ok(()) => {}
            Err(Unwritten::Unsafe) => return Err(Dropped::Unwritable),
            Err(Unwritten::Emergency(emergency)) => {
                // Who calls back from the emergency service is not sent to itself, whatever a trunk makes of a number.
                if self.call.callback.is_none() {
                    self.translated_to.get_or_insert(emergency);
                }
                return Err(Dropped::Unwritable);
            }
        }
        let phone = matches!(number, Number::E164 { .. } | Number::Short { .. });
        Ok(Ready { head: self.text.len(), phone, caller, rate })
    }

    /// Why a gateway cannot be used now, if it cannot.
    pub(super) fn unusable(&self, trunk: &Trunk, gateway: &Gateway) -> Option<Dropped> {
        let down = &self.world.health.down;
        if !gateway.enabled {
            Some(Dropped::Disabled)
        } else if !self.tries_down && !down.is_empty() && down.contains(&(trunk.name.clone(), gateway.name.clone())) {
            Some(Dropped::Down)
        } else {
            None
        }
    }

    /// A target with the trunk's own timers and causes.
    fn target(
        &mut self,
        trunk: &Trunk,
        gateway: &Gateway,
        ready: &Ready,
        using: Use<'_>,
        leg: (usize, usize),
    ) -> Target {
        Target {
            leg: legs::name(leg.0, leg.1),
            trunk: trunk.name.clone(),
            gateway: gateway.name.clone(),
            user: using.user.cloned(),
            uri: dial::uri(&mut self.text, ready.head, ready.phone, gateway),
            caller: ready.caller.clone(),
            response_ms: None,
            setup_ms: trunk.setup_ms,
            ring_ms: Some(trunk.ring_ms),
            move_on: Arc::clone(&trunk.move_on),
        }
    }

    pub(super) fn drop_trunk(&mut self, trunk: &Trunk, using: Use<'_>, dropped: Dropped) {
        self.drop_named(&trunk.name, using, dropped);
    }

    fn drop_named(&mut self, trunk: &TrunkName, using: Use<'_>, dropped: Dropped) {
        self.targets.push(TargetVerdict {
            rule: using.rule.cloned(),
            trunk: trunk.clone(),
            gateway: None,
            user: using.user.cloned(),
            rate: None,
            verdict: Verdict::Dropped(dropped),
        });
    }

    fn trace_gateway(
        &mut self,
        trunk: &Trunk,
        gateway: &Gateway,
        ready: &Ready,
        using: Use<'_>,
        dropped: Option<Dropped>,
    ) {
        self.targets.push(TargetVerdict {
            rule: using.rule.cloned(),
            trunk: trunk.name.clone(),
            gateway: Some(gateway.name.clone()),
            user: using.user.cloned(),
            rate: ready.rate,
            verdict: dropped.map_or(Verdict::Kept, Verdict::Dropped),
        });
    }
}

/// The trunks of some groups in the order in which they are tried: group by group, in a group by weight.
pub(super) fn trunks<'a>(weighing: &mut Weighing<'a>, groups: &[RouteGroup]) -> SmallVec<[(TrunkIx, &'a Trunk); 8]> {
    let mut found = SmallVec::new();
    for group in groups {
        for at in weighing.draws.order(group.0.iter().map(|(_, weight)| *weight)) {
            let trunk = group.0.get(at).map(|(trunk, _)| *trunk);
            found.extend(trunk.and_then(|at| Some((at, weighing.plan.trunk(at)?))));
        }
    }
    found
}

/// The positions of a trunk's gateways in the order in which they are tried: by priority, among equals by weight.
pub(super) fn gateways(draws: &mut Draws, trunk: &Trunk) -> Order {
    let mut order = Order::new();
    for equals in trunk.gateways.chunk_by(|one, next| one.priority == next.priority) {
        let first = order.len();
        let drawn = draws.order(equals.iter().map(|gateway| gateway.weight));
        order.extend(drawn.into_iter().map(|at| first.saturating_add(at)));
    }
    order
}
