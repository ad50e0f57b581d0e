//! What does not fit together between the directory and the plan: told, and never a reason to refuse the whole.

use std::collections::BTreeMap;

use super::compiled::Directory;
use crate::names::{TenantName, TrunkName, UserName};
use crate::number::E164;
use crate::plan::Plan;

/// The most issues that are listed; of the others the number is told.
pub const ISSUES_SHOWN_MAX: usize = 100;

/// Something that a row names and that is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Issue {
    /// Users of a tenant that neither the plan nor the store has.
    #[error("there is no tenant `{tenant}`: its {users} users cannot be called; add it to the plan or the store")]
    UnknownTenant {
        /// The tenant.
        tenant: TenantName,
        /// How many users it has.
        users: usize,
    },
    /// Devices on a trunk that the plan does not have.
    #[error("the plan has no trunk `{trunk}`: {devices} devices of users do not ring; add it to the plan")]
    UnknownTrunk {
        /// The trunk.
        trunk: TrunkName,
        /// How many devices it would reach.
        devices: usize,
    },
    /// A number that names a user who is not there.
    #[error("{number} names the user `{user}` of `{tenant}`, who is not there: nobody holds it; add the user")]
    UserMissing {
        /// The number.
        number: E164,
        /// The tenant.
        tenant: TenantName,
        /// The user.
        user: UserName,
    },
    /// A number that a user of the plan holds as well.
    #[error("{number} is held by a user of the plan, who goes first; take it out of either")]
    HeldByPlan {
        /// The number.
        number: E164,
    },
}

/// The issues of a directory with a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issues {
    /// The first ones.
    pub shown: Vec<Issue>,
    /// How many there are beside.
    pub not_shown: usize,
}

impl Issues {
    fn tell(&mut self, issue: Issue) {
        if self.shown.len() < ISSUES_SHOWN_MAX {
            self.shown.push(issue);
        } else {
            self.not_shown = self.not_shown.saturating_add(1);
        }
    }
}

impl Directory {
    /// Looks through all rows for what does not fit together: some milliseconds for a million.
    #[must_use]
    pub fn issues(&self, plan: &Plan) -> Issues {
        let mut issues = Issues::default();
        let mut tenants: BTreeMap<u32, usize> = BTreeMap::new();
        let mut trunks: BTreeMap<u32, usize> = BTreeMap::new();
        let count = |counts: &mut BTreeMap<u32, usize>, at| {
            let count = counts.entry(at).or_default();
            *count = count.saturating_add(1);
        };
        let rows = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        // Whether a user is there, in a byte each: numbers ask for them in no order.
        let mut there = Vec::with_capacity(self.rows.len());
        for parts in (0..rows).filter_map(|at| self.rows.get(at)) {
            there.push(parts.present);
            if parts.present && !self.bound.has_tenant(parts.tenant) {
                count(&mut tenants, parts.tenant);
            }
            let unknown = parts.devices.iter().filter(|device| self.bound.trunk(device.trunk()).is_none());
            unknown.for_each(|device| count(&mut trunks, device.trunk()));
        }
        for (at, users) in tenants {
            let tenant = self.tenants.get(at).cloned();
            tenant.into_iter().for_each(|tenant| issues.tell(Issue::UnknownTenant { tenant, users }));
        }
        for (at, devices) in trunks {
            let trunk = self.trunks.get(at).cloned();
            trunk.into_iter().for_each(|trunk| issues.tell(Issue::UnknownTrunk { trunk, devices }));
        }
        for number in plan.holders.keys().filter(|number| self.number(**number).is_some()) {
            issues.tell(Issue::HeldByPlan { number: *number });
        }
        let is_there = |user: u32| usize::try_from(user).ok().and_then(|at| there.get(at)).copied().unwrap_or(false);
        for (number, detail) in self.details_by_number() {
            let Some(missing) = detail.user.filter(|user| !is_there(*user)) else { continue };
            self.missing(number, missing).into_iter().for_each(|issue| issues.tell(issue));
        }
        issues
    }

    fn missing(&self, number: E164, user: u32) -> Option<Issue> {
        let parts = self.rows.get(user)?;
        let tenant = self.tenants.get(parts.tenant)?.clone();
        Some(Issue::UserMissing { number, tenant, user: parts.name.parse().ok()? })
    }
}
