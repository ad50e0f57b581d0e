//! Who holds a number: a user of the plan, else one of the directory.

use smallvec::SmallVec;

use crate::directory::{HeldBy, UserView};
use crate::names::{TenantName, TrunkName, UserName};
use crate::number::Number;
use crate::plan::{Plan, TrunkIx, User};
use crate::time::Timestamp;
use crate::world::World;

/// Whose a number is.
#[derive(Clone, Debug)]
pub enum Held<'w> {
    /// Nobody's, as far as is known.
    Nobody,
    /// A user's.
    By(Holder<'w>),
    /// Nobody's, and nobody is to be reached by it.
    Quarantine,
}

impl<'w> Held<'w> {
    /// The user who holds it.
    #[must_use]
    pub const fn holder(&self) -> Option<&Holder<'w>> {
        match self {
            Self::By(holder) => Some(holder),
            Self::Nobody | Self::Quarantine => None,
        }
    }

    /// Whether it ends the call unless a rule names the whole number.
    pub(super) const fn settles(&self) -> bool {
        !matches!(self, Self::Nobody)
    }
}

/// A user who holds a number.
#[derive(Clone, Debug)]
pub struct Holder<'w> {
    tenant: &'w TenantName,
    who: Who<'w>,
}

#[derive(Clone, Debug)]
enum Who<'w> {
    OfPlan(&'w User),
    OfDirectory(UserView<'w>),
}

/// A device of a holder.
pub(super) struct HoldersDevice<'w> {
    pub(super) trunk: Result<TrunkIx, &'w TrunkName>,
    pub(super) number: Number,
}

impl<'w> Holder<'w> {
    pub(super) const fn of_plan(user: &'w User) -> Self {
        Self { tenant: &user.tenant, who: Who::OfPlan(user) }
    }

    fn of_directory(user: UserView<'w>) -> Option<Self> {
        Some(Self { tenant: user.tenant()?, who: Who::OfDirectory(user) })
    }

    /// The user's name.
    #[must_use]
    pub fn name(&self) -> Option<UserName> {
        match &self.who {
            Who::OfPlan(user) => Some(user.name.clone()),
            Who::OfDirectory(user) => user.name().parse().ok(),
        }
    }

    /// Whose user it is.
    #[must_use]
    pub const fn tenant(&self) -> &'w TenantName {
        self.tenant
    }

    /// Whether it is a user of the directory.
    #[must_use]
    pub const fn is_of_directory(&self) -> bool {
        matches!(self.who, Who::OfDirectory(_))
    }

    /// Whether no device is to be rung.
    pub(super) const fn do_not_disturb(&self) -> bool {
        match &self.who {
            Who::OfPlan(_) => false,
            Who::OfDirectory(user) => user.do_not_disturb(),
        }
    }

    pub(super) fn devices(&self) -> SmallVec<[HoldersDevice<'w>; 4]> {
        match &self.who {
            Who::OfPlan(user) => {
                let device = |one: &crate::plan::Device| HoldersDevice { trunk: Ok(one.trunk), number: one.number };
                user.devices.iter().map(device).collect()
            }
            Who::OfDirectory(user) => {
                let device = |(name, at, number): (&'w TrunkName, Option<TrunkIx>, crate::directory::DeviceNumber)| {
                    HoldersDevice { trunk: at.ok_or(name), number: number.number() }
                };
                user.devices().map(device).collect()
            }
        }
    }
}

/// Whose a number is at a time: a public number of anybody's, or an extension of `tenant`'s.
#[must_use]
pub fn held<'w>(world: &'w World, number: &Number, tenant: &TenantName, at: Timestamp) -> Held<'w> {
    if let Some(user) = user_of_plan(&world.plan, number, tenant) {
        return Held::By(Holder::of_plan(user));
    }
    let by = match *number {
        Number::E164 { number } => world.directory.held(number, at),
        Number::Extension { digits } => world.directory.extension(tenant, digits).map_or(HeldBy::Nobody, HeldBy::User),
        Number::Short { .. } | Number::Service { .. } => HeldBy::Nobody,
    };
    match by {
        HeldBy::User(user) => Holder::of_directory(user).map_or(Held::Nobody, Held::By),
        HeldBy::Quarantine => Held::Quarantine,
        HeldBy::Nobody => Held::Nobody,
    }
}

fn user_of_plan<'p>(plan: &'p Plan, number: &Number, tenant: &TenantName) -> Option<&'p User> {
    let user = match *number {
        Number::E164 { number } => plan.holders.get(&number),
        Number::Extension { digits } if !plan.extensions.is_empty() => plan.extensions.get(&(tenant.clone(), digits)),
        Number::Extension { .. } | Number::Short { .. } | Number::Service { .. } => None,
    }?;
    plan.users.get(user.index())
}
