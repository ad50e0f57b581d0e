//! Rewrites that no call gets out of: those that come back, and those that lead through too many others (C1).

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashSet};
use std::ops::Bound;

use super::order::Firsts;
use crate::decide::REWRITES_MAX;
use crate::number::{Digits, Number};
use crate::plan::document::Document;
use crate::plan::document::pattern::CalledPattern;
use crate::plan::{Plan, Rewrite, RuleAction, RuleIx};

/// Finds what becomes of rewritten numbers, as far as that can be told without the call.
pub(super) struct Circles<'p> {
    document: &'p Document,
    plan: &'p Plan,
    firsts: &'p Firsts<'p>,
    /// The extensions that users hold, in whatever tenant.
    extensions: HashSet<Digits>,
    /// What is matched or held, as text, which is in the order that prefixes are in. Few plans need it.
    matched: OnceCell<BTreeSet<(Kind, String)>>,
}

/// What a run of digits is the beginning of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    E164,
    Extension,
}

impl<'p> Circles<'p> {
    pub(super) fn new(document: &'p Document, plan: &'p Plan, firsts: &'p Firsts<'p>) -> Self {
        let extensions = plan.extensions.keys().map(|(_, digits)| *digits).collect();
        Self { document, plan, firsts, extensions, matched: OnceCell::new() }
    }

    /// Why no call gets out of a rule's rewrite, if that is certain.
    pub(super) fn no_way_out(&self, start: RuleIx, called: impl Iterator<Item = CalledPattern>) -> Option<String> {
        match self.rewrite_of(start)? {
            Rewrite::To(_) => self.leads_on(start),
            Rewrite::Digits { strip, prepend } => {
                let mut called = called;
                let kept = called.any(|pattern| self.comes_back(pattern, usize::from(strip), prepend));
                kept.then(|| "the rewritten number is matched by this rule again, so no call gets out of it".to_owned())
            }
        }
    }

    fn rewrite_of(&self, rule: RuleIx) -> Option<Rewrite> {
        match self.plan.rules.get(rule.index())?.action {
            RuleAction::Rewrite(rewrite) => Some(rewrite),
            RuleAction::Route(_) | RuleAction::User(_) | RuleAction::Reject(_) => None,
        }
    }

    /// Follows rewrites to whole numbers as far as a call may go. A rule that was used once is used again: nothing
    /// that conditions ask about is changed by a rewrite.
    fn leads_on(&self, start: RuleIx) -> Option<String> {
        let mut used = vec![start];
        let mut here = start;
        while let Some(Rewrite::To(number)) = self.rewrite_of(here) {
            if used.len() > REWRITES_MAX {
                return Some(format!("from here on the number is rewritten more than {REWRITES_MAX} times"));
            }
            here = self.certain_rule(&number, &used)?;
            if here == start {
                return Some("the rewritten number comes back to this rule, so no call gets out of it".to_owned());
            }
            used.push(here);
        }
        None
    }

    /// The rule that is used for a number, if that can be told without the call.
    fn certain_rule(&self, number: &Number, used: &[RuleIx]) -> Option<RuleIx> {
        let called = &self.plan.called;
        let digits = number.digits()?;
        let found: Vec<(Digits, u32)> = match number {
            Number::E164 { .. } => called.e164.matches(digits).collect(),
            Number::Extension { .. } => called.extensions.matches(digits).collect(),
            Number::Short { region, .. } => {
                called.short.get(&(*region, digits)).map(|set| (digits, *set)).into_iter().collect()
            }
            Number::Service { .. } => Vec::new(),
        };
        // What is held rings its holder unless a rule of the whole number is used.
        let held = self.is_held(number);
        let runs = found.into_iter().filter(|(prefix, _)| !held || *prefix == digits);
        let any = (!held).then_some(self.firsts.any);
        let first = runs.map(|(_, set)| self.firsts.of(set)).chain(any).find_map(|run| run.enabled)?;
        // A rule that asks for more may or may not be used: then nothing is certain.
        (used.contains(&first) || self.firsts.is_unconditional(first)).then_some(first)
    }

    fn is_held(&self, number: &Number) -> bool {
        match number {
            Number::E164 { number } => self.plan.holders.contains_key(number),
            Number::Extension { digits } => self.extensions.contains(digits),
            Number::Short { .. } | Number::Service { .. } => false,
        }
    }

    /// Whether what a change of digits makes of a matched number is matched in the same way again.
    fn comes_back(&self, called: CalledPattern, strip: usize, prepend: Option<Digits>) -> bool {
        let (prefix, kind) = match called {
            CalledPattern::E164Prefix(prefix) => (prefix, Some(Kind::E164)),
            CalledPattern::ExtensionPrefix(prefix) => (prefix, Some(Kind::Extension)),
            CalledPattern::Short(digits) => (digits, None),
            CalledPattern::Any => return strip == 0 && prepend.is_none(),
        };
        // What is known of the result; the rest of the number follows it.
        let made = match (prepend, prefix.without_first(strip)) {
            (Some(prepend), Some(rest)) => prepend.followed_by(rest),
            (prepend, rest) => prepend.or(rest),
        };
        let put = prepend.map_or(0, Digits::len);
        match (made, kind) {
            (Some(made), _) if made == prefix && (put == strip || kind.is_none()) => true,
            (Some(made), Some(kind)) => made.starts_with(prefix) && !self.is_divided(kind, prefix),
            (Some(_) | None, _) => false,
        }
    }

    /// Whether some of the numbers with a prefix go another way: by a rule of a longer one, or to their holder.
    fn is_divided(&self, kind: Kind, prefix: Digits) -> bool {
        let matched = self.matched.get_or_init(|| self.matched());
        let from = (kind, prefix.to_string());
        let next = matched.range((Bound::Excluded(&from), Bound::Unbounded)).next();
        next.is_some_and(|(other, longer)| *other == kind && longer.starts_with(&from.1))
    }

    fn matched(&self) -> BTreeSet<(Kind, String)> {
        let rules = self.document.rules.iter().map(|(_, rule)| rule).filter(|rule| rule.enabled);
        let patterns = rules.flat_map(|rule| rule.condition.called.iter().map(|(_, pattern)| *pattern));
        let prefixes = patterns.filter_map(|pattern| match pattern {
            CalledPattern::E164Prefix(digits) => Some((Kind::E164, digits.to_string())),
            CalledPattern::ExtensionPrefix(digits) => Some((Kind::Extension, digits.to_string())),
            CalledPattern::Short(_) | CalledPattern::Any => None,
        });
        let numbers = self.plan.holders.keys().map(|number| (Kind::E164, number.digits().to_string()));
        let extensions = self.extensions.iter().map(|digits| (Kind::Extension, digits.to_string()));
        prefixes.chain(numbers).chain(extensions).collect()
    }
}
