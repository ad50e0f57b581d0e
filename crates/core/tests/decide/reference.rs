//! The same decision, made in the plainest way from a plain description of a plan: what the fast one must agree with.

use telness_core::call::{Call, CallType, Direction};
use telness_core::decide::REWRITES_MAX;
use telness_core::number::Number;
use telness_core::plan::{Condition, Rewrite, RuleAction, UserIx};
use telness_core::reason::Reason;
use telness_core::world::World;

use crate::book::{Book, number};

/// A trunk with up to three gateways, each with whether it is enabled and whether it is up.
#[derive(Clone, Debug)]
pub(crate) struct PlainTrunk {
    pub(crate) enabled: bool,
    pub(crate) tenant: Option<&'static str>,
    pub(crate) rates: Option<Vec<&'static str>>,
    pub(crate) gateways: Vec<(bool, bool)>,
}

#[derive(Clone, Debug)]
pub(crate) enum PlainAction {
    Route(Vec<usize>),
    User,
    Rewrite(&'static str),
    Reject,
}

#[derive(Clone, Debug)]
pub(crate) struct PlainRule {
    pub(crate) called: &'static str,
    pub(crate) enabled: bool,
    pub(crate) priority: i32,
    pub(crate) tenant: Option<&'static str>,
    pub(crate) kind: Option<CallType>,
    pub(crate) direction: Option<Direction>,
    pub(crate) action: PlainAction,
    pub(crate) last: bool,
}

/// A plan with one user of tenant `acme`, who holds a number, an extension, or neither.
#[derive(Clone, Debug)]
pub(crate) struct PlainPlan {
    pub(crate) trunks: Vec<PlainTrunk>,
    pub(crate) rules: Vec<PlainRule>,
    pub(crate) held: Option<&'static str>,
    pub(crate) devices: Vec<(usize, &'static str)>,
}

impl PlainPlan {
    pub(crate) fn world(&self) -> World {
        let mut book = Book::default();
        for (at, plain) in self.trunks.iter().enumerate() {
            let name = format!("t{at}");
            book = book.trunk_with(&name, u8::try_from(plain.gateways.len()).unwrap(), |trunk| {
                trunk.enabled = plain.enabled;
                trunk.tenants = plain.tenant.iter().map(|name| name.parse().unwrap()).collect();
                for (gateway, (enabled, _)) in trunk.gateways.iter_mut().zip(&plain.gateways) {
                    gateway.enabled = *enabled;
                }
            });
            if let Some(rates) = &plain.rates {
                book = book.deck(&name, &rates.iter().map(|prefix| (*prefix, 1)).collect::<Vec<_>>());
            }
            for (gateway, (_, up)) in plain.gateways.iter().enumerate() {
                if !up {
                    book = book.down(&name, &format!("gw{}", gateway + 1));
                }
            }
        }
        let devices: Vec<_> = self.devices.iter().map(|(trunk, to)| (format!("t{trunk}"), *to)).collect();
        let devices: Vec<_> = devices.iter().map(|(trunk, to)| (trunk.as_str(), *to)).collect();
        let numbers: Vec<_> = self.held.iter().filter(|held| held.starts_with('+')).copied().collect();
        let extension = self.held.and_then(|held| held.strip_prefix('x'));
        book = book.user("u", "acme", &numbers, extension, &devices);
        for (at, plain) in self.rules.iter().enumerate() {
            let action = match &plain.action {
                PlainAction::Route(trunks) => {
                    let names: Vec<_> = trunks.iter().map(|trunk| format!("t{trunk}")).collect();
                    RuleAction::Route(book.groups(&names.iter().map(String::as_str).collect::<Vec<_>>()))
                }
                PlainAction::User => RuleAction::User(UserIx(0)),
                PlainAction::Rewrite(to) => RuleAction::Rewrite(Rewrite::To(number(to))),
                PlainAction::Reject => RuleAction::Reject(Reason::DeniedByPlan),
            };
            book = book.rule(&format!("r{at}"), plain.called, action, |rule| {
                (rule.enabled, rule.priority, rule.last) = (plain.enabled, plain.priority, plain.last);
                rule.condition = Condition {
                    tenants: plain.tenant.iter().map(|name| name.parse().unwrap()).collect(),
                    kinds: plain.kind.into_iter().collect(),
                    direction: plain.direction,
                    ..Condition::default()
                };
            });
        }
        book.world()
    }

    /// The rules whose pattern a number has, in the order in which they are tried.
    pub(crate) fn matching(&self, to: &str) -> Vec<usize> {
        let has = |called: &str| {
            called == "any"
                || match number(to) {
                    Number::Short { .. } => called == to,
                    _ => !called.contains('/') && to.starts_with(called),
                }
        };
        let mut found: Vec<usize> = (0..self.rules.len()).filter(|at| has(self.rules[*at].called)).collect();
        let rank = |at: &usize| {
            let rule = &self.rules[*at];
            let length = if rule.called == "any" { 0 } else { rule.called.len() };
            (std::cmp::Reverse(length), std::cmp::Reverse(rule.priority), *at)
        };
        found.sort_by_key(rank);
        found
    }

    /// The gateways of a trunk that a number could go by for a tenant, by position.
    fn usable(&self, trunk: usize, tenant: &str, to: &str) -> Vec<usize> {
        let plain = &self.trunks[trunk];
        let priced = match (&plain.rates, to.strip_prefix('+')) {
            (Some(rates), Some(digits)) => rates.iter().any(|prefix| digits.starts_with(prefix)),
            _ => true,
        };
        let allowed = plain.enabled && plain.tenant.is_none_or(|only| only == tenant) && priced;
        let good = plain.gateways.iter().enumerate().filter(|(_, (enabled, up))| *enabled && *up);
        if allowed { good.map(|(at, _)| at).collect() } else { Vec::new() }
    }

    fn ring(&self) -> Vec<String> {
        let mut ringing: Vec<(usize, &str)> = Vec::new();
        let mut names = Vec::new();
        for (trunk, to) in &self.devices {
            if let (Some(gateway), false) = (self.usable(*trunk, "acme", to).first(), ringing.contains(&(*trunk, to))) {
                ringing.push((*trunk, to));
                names.push(format!("t{trunk}/gw{}", gateway + 1));
            }
        }
        if names.is_empty() { Vec::new() } else { vec![names.join("+")] }
    }

    fn route(&self, trunks: &[usize], tenant: &str, to: &str) -> Vec<String> {
        let mut steps: Vec<String> = Vec::new();
        for trunk in trunks {
            for gateway in self.usable(*trunk, tenant, to) {
                let step = format!("t{trunk}/gw{}", gateway + 1);
                if !steps.contains(&step) {
                    steps.push(step);
                }
            }
        }
        steps
    }

    /// The reason, the rule that decided, and the steps.
    pub(crate) fn decide(&self, call: &Call) -> (Reason, Option<String>, Vec<String>) {
        let mut to = call.to.sent.to_string();
        let mut tenant = call.tenant.to_string();
        let mut out = call.direction == Direction::FromTenant;
        let mut by = None;
        for _ in 0..=REWRITES_MAX {
            let held = self.held == Some(to.as_str()) && (to.starts_with('+') || tenant == "acme");
            if held && call.direction == Direction::FromCarrier {
                "acme".clone_into(&mut tenant);
            }
            let mut reason = Reason::NoRoute;
            let mut next = None;
            for at in self.matching(&to) {
                let rule = &self.rules[at];
                let eligible = rule.enabled
                    && rule.tenant.is_none_or(|only| only == tenant)
                    && rule.kind.is_none_or(|only| only == call.kind)
                    && rule.direction.is_none_or(|only| only == call.direction);
                let own = held && rule.called == to;
                let but_for_direction = rule.enabled
                    && rule.tenant.is_none_or(|only| only == tenant)
                    && rule.kind.is_none_or(|only| only == call.kind)
                    && rule.direction == Some(Direction::FromTenant)
                    && call.direction == Direction::FromCarrier;
                let routes = matches!(rule.action, PlainAction::Route(_));
                if but_for_direction && routes && reason == Reason::NoRoute {
                    reason = Reason::TransitDenied;
                }
                if !eligible || (held && !own) {
                    continue;
                }
                let for_carriers = rule.direction == Some(Direction::FromCarrier);
                let steps = match &rule.action {
                    PlainAction::Reject => return (Reason::DeniedByPlan, Some(format!("r{at}")), Vec::new()),
                    PlainAction::Rewrite(to) => {
                        out |= own || for_carriers;
                        next = Some((*to, at));
                        break;
                    }
                    PlainAction::Route(_) if !(out || own || for_carriers) => {
                        if reason == Reason::NoRoute {
                            reason = Reason::TransitDenied;
                        }
                        continue;
                    }
                    PlainAction::Route(trunks) => self.route(trunks, &tenant, &to),
                    PlainAction::User => self.ring(),
                };
                if !steps.is_empty() {
                    return (Reason::Routed, Some(format!("r{at}")), steps);
                }
                reason = Reason::NoUsableTarget;
                if rule.last {
                    return (reason, Some(format!("r{at}")), Vec::new());
                }
            }
            match next {
                Some((rewritten, at)) => {
                    rewritten.clone_into(&mut to);
                    by = Some(format!("r{at}"));
                }
                None if held => {
                    let steps = self.ring();
                    let reason = if steps.is_empty() { Reason::NoUsableTarget } else { Reason::Routed };
                    return (reason, None, steps);
                }
                None => return (reason, None, Vec::new()),
            }
        }
        (Reason::RewriteLoop, by, Vec::new())
    }
}
