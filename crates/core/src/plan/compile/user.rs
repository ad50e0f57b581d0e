//! Users, and who holds which number.

use std::collections::BTreeMap;

use super::emergency::Guard;
use super::empty_list;
use super::names::Names;
use crate::names::TenantName;
use crate::number::{Digits, E164, Number};
use crate::plan::document::pattern::PlanNumber;
use crate::plan::document::{self, Document};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::{Device, User, UserIx};

/// The users and their numbers.
#[derive(Default)]
pub(super) struct Users {
    pub(super) users: Box<[User]>,
    pub(super) holders: BTreeMap<E164, UserIx>,
    pub(super) extensions: BTreeMap<(TenantName, Digits), UserIx>,
}

pub(super) fn compile(document: &Document, names: &Names, guard: &Guard, faults: &mut Faults<'_>) -> Users {
    let root = Path::ROOT;
    let list = root.field("users");
    let mut out = Users::default();
    let mut users = Vec::new();
    for (place, (at, user)) in document.users.iter().enumerate() {
        let here = list.item(at);
        let ix = UserIx(u32::try_from(place).unwrap_or(u32::MAX));
        names.tenants.find(user.tenant.as_str(), &here.field("tenant"), faults);
        hold(user, ix, &here, guard, &mut out, faults);
        users.push(User {
            name: user.name.clone(),
            tenant: user.tenant.clone(),
            numbers: user.numbers.iter().map(|(_, number)| *number).collect(),
            extension: user.extension,
            devices: devices(user, &here.field("devices"), names, guard, faults),
        });
    }
    out.users = users.into();
    out
}

/// Notes which numbers a user holds; nobody else may hold them.
fn hold(user: &document::User, ix: UserIx, here: &Path<'_>, guard: &Guard, out: &mut Users, faults: &mut Faults<'_>) {
    let numbers = here.field("numbers");
    for (at, number) in user.numbers.iter() {
        let path = numbers.item(at);
        guard.dialled(&number.to_string(), "a user's number", &path, faults);
        if out.holders.insert(*number, ix).is_some() {
            held_already(&number.to_string(), &path, faults);
        }
    }
    if let Some(extension) = user.extension {
        let path = here.field("extension");
        guard.dialled(&extension.to_string(), "an extension", &path, faults);
        if out.extensions.insert((user.tenant.clone(), extension), ix).is_some() {
            held_already(&extension.to_string(), &path, faults);
        }
    }
}

fn held_already(number: &str, path: &Path<'_>, faults: &mut Faults<'_>) {
    let message = format!("{number} is held already, and a number can have one holder");
    faults.tell(FaultCode::DuplicateNumber, path, message, "take it from one of the two");
}

fn devices(
    user: &document::User,
    list: &Path<'_>,
    names: &Names,
    guard: &Guard,
    faults: &mut Faults<'_>,
) -> Box<[Device]> {
    if user.devices.is_empty() {
        empty_list(list, faults, "a user without a device cannot be reached");
    }
    let mut devices = Vec::new();
    for (at, device) in user.devices.iter() {
        let here = list.item(at);
        let path = here.field("number");
        let trunk = names.trunk(device.trunk.as_str(), &here.field("trunk"), faults);
        let (number, text) = match device.number {
            PlanNumber::E164(number) => (Number::E164 { number }, number.to_string()),
            PlanNumber::Extension(digits) => (Number::Extension { digits }, digits.to_string()),
            PlanNumber::Short(digits) => {
                let message = format!("`{digits}` is read as a short number, and devices have none");
                let help = format!("write `ext:{digits}` for an extension, or a public number with its plus");
                faults.tell(FaultCode::BadValue, &path, message, help);
                continue;
            }
        };
        guard.dialled(&text, "a user's device", &path, faults);
        if let Some(trunk) = trunk {
            devices.push(Device { trunk, number });
        }
    }
    devices.into()
}
