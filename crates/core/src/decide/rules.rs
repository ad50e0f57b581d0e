//! The walk through the rules: candidates in order, eligibility before ranking, rewrites, and a verdict for each.

use super::candidates::{Candidate, candidates, tenant_of};
use super::eligible::{Asked, ineligible};
use super::forwarding::comes_round;
use super::holder::{Held, Holder, held};
use super::outcome::Step;
use super::targets::Use;
use super::trace::{DirectorySaid, Dropped, ForwardedBy, RuleVerdict, Verdict};
use super::weighing::{Settled, Weighing};
use crate::call::Direction;
use crate::emergency::{self, Emergency};
use crate::names::RuleName;
use crate::number::{Digits, E164, Number};
use crate::plan::{Rewrite, Rule, RuleAction};
use crate::reason::Reason;

/// How often rules may rewrite the called number of one call.
pub const REWRITES_MAX: usize = 5;

/// What one round of matching came to.
enum Round {
    Settled(Settled),
    Rewritten { to: Number, by: RuleName, prefix: Option<Digits> },
}

/// What a rule that may settle the call came to.
enum Came {
    Dropped(Dropped),
    Routed(Vec<Step>),
    Rejected(Reason),
    Rewritten(Number),
    Emergency(Emergency),
}

/// Why a round that nothing settles ends as it does.
#[derive(Default)]
struct Missed {
    no_usable_target: bool,
    transit: bool,
}

impl Missed {
    /// A rule that matched and could not be used says more than that none matched.
    const fn reason(&self) -> Reason {
        if self.no_usable_target {
            Reason::NoUsableTarget
        } else if self.transit {
            Reason::TransitDenied
        } else {
            Reason::NoRoute
        }
    }
}

impl<'a> Weighing<'a> {
    /// Settles a call that is no emergency when it comes.
    pub(super) fn by_rules(&mut self) -> Settled {
        let Some(mut number) = self.call.to.read else {
            return Settled::reject(Reason::NumberInvalid);
        };
        let mut rewrites = 0_usize;
        loop {
            // Whatever led to an emergency number, no rule is asked about it (E4).
            if let Some(emergency) = emergency::recognise_number(&number, &self.call.place) {
                return self.by_emergency_table(emergency);
            }
            let held = held(self.world, &number, self.tenant, self.moment.now);
            if self.call.callback.is_none() && comes_round(self, &number, &held) {
                return Settled::reject(Reason::ForwardLoop);
            }
            match self.round(number, &held) {
                Round::Settled(settled) => return settled,
                Round::Rewritten { to, by, prefix } => {
                    if rewrites >= REWRITES_MAX && emergency::recognise_number(&to, &self.call.place).is_none() {
                        return Settled { rule: Some(by), prefix, ..Settled::reject(Reason::RewriteLoop) };
                    }
                    rewrites = rewrites.saturating_add(1);
                    number = to;
                }
            }
        }
    }

    /// Matches one number against the rules and the users.
    fn round(&mut self, number: Number, held: &Held<'a>) -> Round {
        if matches!(number, Number::Service { .. }) {
            return Round::Settled(Settled::reject(Reason::NumberInvalid));
        }
        self.directory_said = match held {
            Held::By(holder) if holder.is_of_directory() => Some(DirectorySaid::Held),
            Held::Quarantine => Some(DirectorySaid::Quarantine),
            Held::By(_) | Held::Nobody => None,
        };
        self.tenant = tenant_of(self.call, held, self.tenant);
        if let Some(settled) = self.ring_called_back(held, &number) {
            return Round::Settled(settled);
        }
        let found = candidates(self.plan, &number, self.tenant);
        self.rules.reserve(found.len());
        let whole = found.iter().take_while(|candidate| candidate.is_whole(&number)).count();
        let settles = held.settles();
        let mut missed = Missed::default();
        let mut tried = 0_usize;
        for candidate in &found {
            if settles && tried == whole {
                self.outrank(found.get(tried..).unwrap_or_default());
                break;
            }
            tried = tried.saturating_add(1);
            if let Some(round) = self.weigh(*candidate, number, held.holder(), &mut missed) {
                self.outrank(found.get(tried..).unwrap_or_default());
                return round;
            }
        }
        Round::Settled(match held {
            Held::By(holder) => self.ring_holder(holder, &number),
            Held::Quarantine => Settled { prefix: number.digits(), ..Settled::reject(Reason::NumberNotAssigned) },
            Held::Nobody => Settled::reject(missed.reason()),
        })
    }

    /// Weighs one rule and traces it. Nothing if the next is to be weighed.
    fn weigh(
        &mut self,
        candidate: Candidate,
        number: Number,
        holder: Option<&Holder<'a>>,
        missed: &mut Missed,
    ) -> Option<Round> {
        let plan = self.plan;
        let rule = plan.rules.get(candidate.rule.index())?;
        let prefix = candidate.prefix;
        let came = self.come_of(rule, number, holder.is_some(), missed);
        let (verdict, rewritten) = match &came {
            Came::Dropped(dropped) => (Verdict::Dropped(*dropped), None),
            Came::Rewritten(to) => (Verdict::Kept, Some(*to)),
            Came::Emergency(_) => (Verdict::Dropped(Dropped::NoUsableTarget), None),
            Came::Routed(_) | Came::Rejected(_) => (Verdict::Kept, None),
        };
        self.trace_rule(rule, prefix, verdict, rewritten);
        let settled =
            |reason, steps| Settled { reason, rule: Some(rule.name.clone()), prefix, steps, emergency: false };
        match came {
            Came::Dropped(Dropped::NoUsableTarget) => {
                missed.no_usable_target = true;
                rule.last.then(|| Round::Settled(settled(Reason::NoUsableTarget, Vec::new())))
            }
            Came::Dropped(_) => None,
            Came::Routed(steps) => Some(Round::Settled(settled(Reason::Routed, steps))),
            Came::Rejected(reason) => Some(Round::Settled(settled(reason, Vec::new()))),
            Came::Rewritten(to) => {
                if holder.is_some() || rule.condition.direction == Some(Direction::FromCarrier) {
                    self.may_go_out = true;
                    self.forwarded_by = Some(ForwardedBy {
                        tenant: holder.map_or(self.tenant, Holder::tenant).clone(),
                        user: holder.and_then(Holder::name),
                        number,
                    });
                }
                Some(Round::Rewritten { to, by: rule.name.clone(), prefix })
            }
            Came::Emergency(emergency) => Some(Round::Settled(self.by_emergency_table(emergency))),
        }
    }

    /// What a rule comes to for this call.
    fn come_of(&mut self, rule: &'a Rule, number: Number, held: bool, missed: &mut Missed) -> Came {
        let asked = Asked { call: self.call, now: Some(self.moment.now) };
        if let Some(dropped) = ineligible(self.plan, rule, &asked) {
            let routes = matches!(rule.action, RuleAction::Route(_));
            missed.transit |= routes && dropped == Dropped::Direction && self.call.direction == Direction::FromCarrier;
            return Came::Dropped(dropped);
        }
        if self.keeps_away(&rule.action) {
            return Came::Dropped(Dropped::Callback);
        }
        let steps = match &rule.action {
            RuleAction::Reject(reason) => return Came::Rejected(*reason),
            RuleAction::Rewrite(rewrite) => {
                return rewritten(&number, *rewrite).map_or(Came::Dropped(Dropped::Unwritable), Came::Rewritten);
            }
            RuleAction::User(user) => match self.plan.users.get(user.index()) {
                Some(user) => self.ring(&Holder::of_plan(user), Some(&rule.name)),
                None => Vec::new(),
            },
            RuleAction::Route(groups) => {
                if !(self.may_go_out || held || rule.condition.direction == Some(Direction::FromCarrier)) {
                    missed.transit = true;
                    return Came::Dropped(Dropped::Direction);
                }
                self.route(groups, number, Use { rule: Some(&rule.name), user: None, tenant: self.tenant })
            }
        };
        match self.translated_to.take() {
            Some(emergency) => Came::Emergency(emergency),
            None if steps.is_empty() => Came::Dropped(Dropped::NoUsableTarget),
            None => Came::Routed(steps),
        }
    }

    /// Rings the user who holds the number.
    fn ring_holder(&mut self, holder: &Holder<'a>, number: &Number) -> Settled {
        if holder.do_not_disturb() {
            self.leave_alone(holder);
            return Settled { prefix: number.digits(), ..Settled::reject(Reason::DoNotDisturb) };
        }
        let steps = self.ring(holder, None);
        if let Some(emergency) = self.translated_to.take() {
            return self.by_emergency_table(emergency);
        }
        let reason = if steps.is_empty() { Reason::NoUsableTarget } else { Reason::Routed };
        Settled { prefix: number.digits(), steps, ..Settled::reject(reason) }
    }

    /// Traces the rules that come after what settled the call.
    fn outrank(&mut self, rest: &[Candidate]) {
        let plan = self.plan;
        for candidate in rest {
            if let Some(rule) = plan.rules.get(candidate.rule.index()) {
                self.trace_rule(rule, candidate.prefix, Verdict::Dropped(Dropped::Outranked), None);
            }
        }
    }

    fn trace_rule(&mut self, rule: &Rule, prefix: Option<Digits>, verdict: Verdict, rewritten: Option<Number>) {
        self.rules.push(RuleVerdict { rule: rule.name.clone(), prefix, priority: rule.priority, verdict, rewritten });
    }
}

/// What a rewrite makes of a number; nothing if that is no number.
pub(super) fn rewritten(number: &Number, rewrite: Rewrite) -> Option<Number> {
    let (strip, prepend) = match rewrite {
        Rewrite::To(to) => return Some(to),
        Rewrite::Digits { strip, prepend } => (strip, prepend),
    };
    let rest = number.digits()?.without_first(usize::from(strip));
    let digits = match (prepend, rest) {
        (Some(prepend), Some(rest)) => prepend.followed_by(rest)?,
        (Some(digits), None) | (None, Some(digits)) => digits,
        (None, None) => return None,
    };
    match *number {
        Number::E164 { .. } => E164::try_from(digits).ok().map(|number| Number::E164 { number }),
        Number::Short { region, .. } => Some(Number::Short { region, digits }),
        Number::Extension { .. } => Some(Number::Extension { digits }),
        Number::Service { .. } => None,
    }
}
