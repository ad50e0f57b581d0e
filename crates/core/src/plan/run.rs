//! The rules of one prefix, so that a call looks at those of its own tenant alone (P1).

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Rule, RuleIx};
use crate::names::TenantName;

/// What rules are tried by: higher priority first, then the order of the document.
type Rank = (Reverse<i32>, RuleIx);

/// Rules with one prefix, or those for any number. What a plan says for a thousand tenants is no work for each
/// call of each of them, and nothing of it stands in another tenant's records.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The rules that name no tenant, in the order in which they are tried.
    of_all: Box<[Rank]>,
    /// The rules that name a tenant, in the same order.
    of_tenant: BTreeMap<TenantName, Box<[Rank]>>,
}

impl Run {
    /// Puts rules in order. One that is there twice stands in the run once.
    pub fn new(rules: &[Rule], members: impl IntoIterator<Item = RuleIx>) -> Self {
        let mut of_all = Vec::new();
        let mut of_tenant: BTreeMap<TenantName, Vec<Rank>> = BTreeMap::new();
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
        let of_tenant = of_tenant.into_iter().map(|(tenant, ranks)| (tenant, in_order(ranks))).collect();
        Self { of_all: in_order(of_all), of_tenant }
    }

    /// The rules that a call of a tenant may be settled by, in the order in which they are tried.
    pub fn of<'r>(&'r self, tenant: &TenantName) -> impl Iterator<Item = RuleIx> + use<'r> {
        let mut for_all = self.of_all.iter().peekable();
        let theirs = if self.of_tenant.is_empty() { None } else { self.of_tenant.get(tenant) };
        let mut theirs = theirs.map(|ranks| &**ranks).unwrap_or_default().iter().peekable();
        std::iter::from_fn(move || {
            let next = match (for_all.peek(), theirs.peek()) {
                (Some(all), Some(their)) if their < all => theirs.next(),
                (None, _) => theirs.next(),
                (Some(_), _) => for_all.next(),
            };
            next.map(|(_, ix)| *ix)
        })
    }

    /// Every rule, whoever's it is; one of several tenants comes several times, and in no order.
    pub fn all(&self) -> impl Iterator<Item = RuleIx> + '_ {
        self.of_all.iter().chain(self.of_tenant.values().flatten()).map(|(_, ix)| *ix)
    }
}

fn in_order(mut ranks: Vec<Rank>) -> Box<[Rank]> {
    ranks.sort_unstable();
    ranks.dedup();
    ranks.into()
}
