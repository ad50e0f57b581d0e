//! The rows of a directory as a snapshot keeps them: names by their place in a list, numbers as one word.
//!
//! A row has its fields by name, so that a later version can add one.

use serde::{Deserialize, Serialize};

use super::compiled::{Detail, Directory};
use super::rows::{Device, Parts};
use super::{DeviceNumber, Language, NumberState};
use crate::names::{TenantName, TrunkName, UserName};
use crate::number::{Digits, E164};
use crate::time::Timestamp;

/// The names that rows mean by their places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// The tenants.
    pub tenants: Vec<TenantName>,
    /// The trunks.
    pub trunks: Vec<TrunkName>,
    /// The languages.
    pub languages: Vec<Language>,
}

/// A user's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserImage<'a> {
    /// The tenant's place.
    #[serde(rename = "t")]
    tenant: u32,
    #[serde(rename = "n", borrow)]
    name: &'a str,
    /// Whether there is no such user, but a number that names it.
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    absent: bool,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    extension: Option<u64>,
    #[serde(rename = "q", default, skip_serializing_if = "std::ops::Not::not")]
    do_not_disturb: bool,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    language: Option<u16>,
    /// The trunk's place, and the number; it is public if the third is true.
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    devices: Vec<(u32, u64, bool)>,
}

/// A number's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberImage {
    #[serde(rename = "n")]
    number: u64,
    /// The user's place among the users.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    user: Option<u32>,
    /// The state; assigned if it is not said.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    state: Option<NumberState>,
    /// The tenant's place, where it is not the user's.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    tenant: Option<u32>,
    /// Microseconds since 1970.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    cutover: Option<i64>,
}

impl Directory {
    /// The names that the rows mean.
    #[must_use]
    pub fn names(&self) -> Names {
        Names {
            tenants: self.tenants.iter().cloned().collect(),
            trunks: self.trunks.iter().cloned().collect(),
            languages: self.languages.iter().cloned().collect(),
        }
    }

    /// How many rows of users there are, absent ones included.
    #[must_use]
    pub fn user_images_len(&self) -> usize {
        self.rows.len()
    }

    /// The rows of the users, each at the place by which numbers mean it.
    pub fn user_images(&self) -> impl Iterator<Item = UserImage<'_>> {
        let places = 0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        places.filter_map(|at| self.rows.get(at)).map(|parts| UserImage {
            tenant: parts.tenant,
            name: parts.name,
            absent: !parts.present,
            extension: parts.extension.map(Digits::packed),
            do_not_disturb: parts.do_not_disturb,
            language: parts.language,
            devices: parts.devices.iter().filter_map(|device| device_image(*device)).collect(),
        })
    }

    /// The rows of the numbers, in no order.
    pub fn number_images(&self) -> impl Iterator<Item = NumberImage> + '_ {
        self.details_by_number().map(|(number, detail)| NumberImage {
            number: number.digits().packed(),
            user: detail.user,
            state: Some(detail.state).filter(|state| *state != NumberState::Assigned),
            tenant: Some(detail.tenant).filter(|_| detail.user.is_none()),
            cutover: detail.cutover.map(Timestamp::as_micros),
        })
    }
}

fn device_image(device: Device) -> Option<(u32, u64, bool)> {
    Some(match device.number()? {
        DeviceNumber::E164(number) => (device.trunk(), number.digits().packed(), true),
        DeviceNumber::Extension(digits) => (device.trunk(), digits.packed(), false),
    })
}

/// A row that no directory gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row of {of} does not hold together")]
pub struct BadImage {
    /// What it is a row of.
    pub of: &'static str,
}

/// A directory that is put together of its rows again: all users, then the numbers.
#[derive(Debug)]
pub struct Restore(Directory);

impl Restore {
    /// Begins with the names, and room for so many users and numbers.
    ///
    /// # Errors
    /// When a name is there twice.
    pub fn new(names: &Names, users: usize, numbers: usize) -> Result<Self, BadImage> {
        let mut directory = Directory::with_room(users, users, numbers);
        for name in &names.tenants {
            directory.tenants.intern(name);
        }
        for name in &names.trunks {
            directory.trunks.intern(name);
        }
        for name in &names.languages {
            directory.languages.intern(name);
        }
        if directory.names() == *names { Ok(Self(directory)) } else { Err(BadImage { of: "names" }) }
    }

    /// Adds the next user.
    ///
    /// # Errors
    /// When it cannot be one, or is there already.
    pub fn user(&mut self, image: &UserImage<'_>) -> Result<(), BadImage> {
        let parts = self.parts(image).ok_or(BadImage { of: "users" })?;
        self.0.push(&parts);
        Ok(())
    }

    fn parts<'a>(&self, image: &UserImage<'a>) -> Option<Parts<'a>> {
        let directory = &self.0;
        directory.tenants.get(image.tenant)?;
        let device = |(trunk, packed, public): &(u32, u64, bool)| {
            directory.trunks.get(*trunk)?;
            let digits = Digits::of_packed(*packed)?;
            let number = if *public { E164::try_from(digits).ok().map(DeviceNumber::E164) } else { None };
            let number = number.or((!*public).then_some(DeviceNumber::Extension(digits)))?;
            Some(Device::new(*trunk, number))
        };
        let parts = Parts {
            tenant: image.tenant,
            name: Some(image.name).filter(|name| UserName::fits(name))?,
            present: !image.absent,
            extension: match image.extension {
                Some(packed) => Some(Digits::of_packed(packed)?),
                None => None,
            },
            do_not_disturb: image.do_not_disturb,
            language: match image.language {
                Some(at) => Some(directory.languages.get(u32::from(at)).map(|_| at)?),
                None => None,
            },
            devices: image.devices.iter().map(device).collect::<Option<_>>()?,
        };
        directory.place(parts.tenant, parts.name).is_none().then_some(parts)
    }

    /// Adds a number.
    ///
    /// # Errors
    /// When it cannot be one.
    pub fn number(&mut self, image: &NumberImage) -> Result<(), BadImage> {
        self.detail(image).map(|(number, detail)| self.0.put_detail(number, detail)).ok_or(BadImage { of: "numbers" })
    }

    fn detail(&self, image: &NumberImage) -> Option<(E164, Detail)> {
        let number = E164::try_from(Digits::of_packed(image.number)?).ok()?;
        let in_place = |user: u32| usize::try_from(user).is_ok_and(|user| user < self.0.rows.len());
        let tenant = match (image.user, image.tenant) {
            (Some(user), _) if in_place(user) => self.0.rows.get(user)?.tenant,
            (None, Some(tenant)) => self.0.tenants.get(tenant).map(|_| tenant)?,
            _ => return None,
        };
        let state = image.state.unwrap_or(NumberState::Assigned);
        let cutover = image.cutover.map(Timestamp::from_micros);
        Some((number, Detail { state, tenant, user: image.user, cutover }))
    }

    /// The directory, at a version.
    #[must_use]
    pub fn finish(mut self, version: u64) -> Directory {
        self.0.version = version;
        self.0
    }
}
