//! The rules of one prefix, so that a call looks at those of its own tenant alone (P1).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::{Rule, RuleIx};
use crate::names::TenantName;

/// What rules are tried by: higher priority first, then the order of the document.
type Rank = (Reverse<i32>, RuleIx);

/// Rules in the order in which they are tried. Nearly every prefix has one or two, which need no memory of their own.
type Ranks = SmallVec<[Rank; 2]>;

/// Rules with one prefix, or those for any number. What a plan says for a thousand tenants is no work for each
/// call of each of them, and nothing of it stands in another tenant's records.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The rules that name no tenant, in the order in which they are tried.
    of_all: Ranks,
    /// The rules that name a tenant, in the same order, by tenant.
    of_tenant: Box<[(TenantName, Ranks)]>,
}

impl Run {
    /// Puts rules in order. One that is there twice stands in the run once.
    pub fn new(rules: &[Rule], members: impl IntoIterator<Item = RuleIx>) -> Self {
        let mut of_all = Ranks::new();
        let mut of_tenant: BTreeMap<TenantName, Ranks> = BTreeMap::new();
        for ix in members {
            let Some(rule) = rules.get(ix.index()) else { continue };
            let rank = (Reverse(rule.priority), ix);
            if rule.condition.tenants.is_empty() {
                of_all.push(rank);
            }
            for tenant in &rule.condition.tenants {
                of_tenant.entry(tenant.clone()).or_default().push(rank);
            }
        }
        put_in_order(&mut of_all);
        of_tenant.values_mut().for_each(put_in_order);
        Self { of_all, of_tenant: of_tenant.into_iter().collect() }
    }

    /// The rules that a call of a tenant may be settled by, in the order in which they are tried.
    pub fn of<'r>(&'r self, tenant: &TenantName) -> impl Iterator<Item = RuleIx> + use<'r> {
        let mut of_all = self.of_all.as_slice();
        let mut theirs = self.ranks_of(tenant);
        std::iter::from_fn(move || {
            let next = match (of_all.first(), theirs.first()) {
                (Some(all), Some(their)) if their < all => &mut theirs,
                (None, Some(_)) => &mut theirs,
                (_, None) | (Some(_), Some(_)) => &mut of_all,
            };
            next.split_off_first().map(|(_, ix)| *ix)
        })
    }

    fn ranks_of(&self, tenant: &TenantName) -> &[Rank] {
        let at = self.of_tenant.binary_search_by(|(of, _)| of.cmp(tenant)).ok();
        at.and_then(|at| self.of_tenant.get(at)).map_or(&[], |(_, ranks)| ranks)
    }

    /// Every rule, whoever's it is; one of several tenants comes several times, and in no order.
    pub fn all(&self) -> impl Iterator<Item = RuleIx> + '_ {
        let of_tenants = self.of_tenant.iter().flat_map(|(_, ranks)| ranks);
        self.of_all.iter().chain(of_tenants).map(|(_, ix)| *ix)
    }
}

fn put_in_order(ranks: &mut Ranks) {
    ranks.sort_unstable();
    ranks.dedup();
    ranks.shrink_to_fit();
}
