//! The rules by what they say of the called number, so that a call looks at those alone that can match it.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::rule::short_regions;
use crate::number::{Digits, Region};
use crate::plan::document::Document;
use crate::plan::document::pattern::CalledPattern;
use crate::plan::{CalledIndex, PrefixTable, Rule, RuleIx, Run};

/// Rules by key, in the order of the document.
type Runs<K> = HashMap<K, Vec<RuleIx>>;

pub(super) fn index(document: &Document, rules: &[Rule]) -> CalledIndex {
    let mut e164: Runs<Digits> = Runs::new();
    let mut extensions: Runs<Digits> = Runs::new();
    let mut short: Runs<(Region, Digits)> = Runs::new();
    let mut any = Vec::new();
    for (place, (_, rule)) in document.rules.iter().enumerate() {
        let ix = RuleIx(u32::try_from(place).unwrap_or(u32::MAX));
        for (_, pattern) in rule.condition.called.iter() {
            match pattern {
                CalledPattern::E164Prefix(digits) => add(&mut e164, *digits, ix),
                CalledPattern::ExtensionPrefix(digits) => add(&mut extensions, *digits, ix),
                CalledPattern::Short(digits) => {
                    for region in short_regions(&rule.condition, document.default_region) {
                        add(&mut short, (region, *digits), ix);
                    }
                }
                CalledPattern::Any => any.push(ix),
            }
        }
    }
    let mut sets = Sets { rules, sets: Vec::new() };
    let e164 = PrefixTable::build(sets.close(e164));
    let extensions = PrefixTable::build(sets.close(extensions));
    let short: BTreeMap<_, _> = sets.close(short).into_iter().collect();
    CalledIndex { e164, extensions, short, any: Run::new(rules, any), sets: sets.sets.into() }
}

/// Adds a rule to the run of a key.
fn add<K: Hash + Eq>(runs: &mut Runs<K>, key: K, ix: RuleIx) {
    runs.entry(key).or_default().push(ix);
}

/// The runs that are closed, and the rules that they are of.
struct Sets<'r> {
    rules: &'r [Rule],
    sets: Vec<Run>,
}

impl Sets<'_> {
    /// Numbers the runs, in the order of their keys so that one document always gives one plan.
    fn close<K: Ord + Copy>(&mut self, runs: Runs<K>) -> Vec<(K, u32)> {
        let mut runs: Vec<_> = runs.into_iter().collect();
        runs.sort_unstable_by_key(|(key, _)| *key);
        let mut closed = Vec::with_capacity(runs.len());
        for (key, run) in runs {
            closed.push((key, u32::try_from(self.sets.len()).unwrap_or(u32::MAX)));
            self.sets.push(Run::new(self.rules, run));
        }
        closed
    }
}
