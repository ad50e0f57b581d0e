//! What the directory answers: who holds a number, and what is known of a user.

use super::compiled::Directory;
use super::rows::Parts;
use super::{DeviceNumber, Preferences, User, UserDevice};
use crate::names::{TenantName, TrunkName};
use crate::number::Digits;
use crate::plan::TrunkIx;

/// Who holds a number, as the inventory has it.
#[derive(Clone, Debug)]
pub enum HeldBy<'d> {
    /// Nobody, as far as the directory knows.
    Nobody,
    /// A user.
    User(UserView<'d>),
    /// Nobody, and nobody is to be reached by it: it is in quarantine.
    Quarantine,
}

/// A user of the directory.
#[derive(Clone, Debug)]
pub struct UserView<'d> {
    pub(super) directory: &'d Directory,
    pub(super) parts: Parts<'d>,
}

impl<'d> UserView<'d> {
    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'d str {
        self.parts.name
    }

    /// Whose user it is.
    #[must_use]
    pub fn tenant(&self) -> Option<&'d TenantName> {
        self.directory.tenants.get(self.parts.tenant)
    }

    /// The extension held.
    #[must_use]
    pub const fn extension(&self) -> Option<Digits> {
        self.parts.extension
    }

    /// Whether the user is not to be called now.
    #[must_use]
    pub const fn do_not_disturb(&self) -> bool {
        self.parts.do_not_disturb
    }

    /// What rings: the trunk's name, where it stands in the plan if it does, and the number.
    pub fn devices(&self) -> impl Iterator<Item = (&'d TrunkName, Option<TrunkIx>, DeviceNumber)> + '_ {
        self.parts.devices.iter().filter_map(|device| {
            let name = self.directory.trunks.get(device.trunk())?;
            Some((name, self.directory.bound.trunk(device.trunk()), device.number()?))
        })
    }

    /// The user as people edit it.
    #[must_use]
    pub fn entity(&self) -> Option<User> {
        let language = self.parts.language.and_then(|at| self.directory.languages.get(u32::from(at)));
        let device = |(trunk, _, number): (&TrunkName, _, _)| UserDevice { trunk: trunk.clone(), number };
        Some(User {
            name: self.parts.name.parse().ok()?,
            tenant: self.tenant()?.clone(),
            extension: self.parts.extension,
            devices: self.devices().map(device).collect(),
            preferences: Preferences { do_not_disturb: self.parts.do_not_disturb, language: language.cloned() },
        })
    }
}
