//! Users, and who holds which number.

use std::collections::{BTreeMap, BTreeSet};

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
use crate::plan::{Device, Plan, Rewrite, RuleAction, Site, User, UserIx};

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

/// Tells of extensions that nobody can dial: at each of the tenant's sites they have other lengths, or begin with
/// the outside-line prefix. What a rule makes of another number needs to be dialled nowhere.
pub(super) fn undialable(document: &Document, plan: &Plan, faults: &mut Faults<'_>) {
    let root = Path::ROOT;
    let list = root.field("users");
    let mut sites: BTreeMap<&TenantName, Vec<&Site>> = BTreeMap::new();
    for site in &plan.sites {
        sites.entry(&site.tenant).or_default().push(site);
    }
    let made = Made::by(plan);
    for (at, user) in document.users.iter() {
        let Some(extension) = user.extension else { continue };
        let theirs = sites.get(&user.tenant).map_or(&[][..], Vec::as_slice);
        if theirs.iter().any(|site| is_extension_at(site, extension)) || made.has(extension) {
            continue;
        }
        let message =
            format!("no site of tenant `{}` reads {extension} as an extension, so nobody can dial it", user.tenant);
        let help = "give it as many digits as the site's `extension_digits` say, not beginning with the outside-line \
                    prefix, or change the site";
        faults.tell(FaultCode::UndialableExtension, &list.item(at).field("extension"), message, help);
    }
}

/// Whether these digits are dialled for an extension at a site.
fn is_extension_at(site: &Site, digits: Digits) -> bool {
    let fits = |(from, to): (u8, u8)| (usize::from(from)..=usize::from(to)).contains(&digits.len());
    let outside = site.outside_line_prefix.is_some_and(|prefix| digits.starts_with(prefix));
    site.extension_digits.is_some_and(fits) && !outside
}

/// The extensions that rules make of other numbers.
struct Made {
    whole: BTreeSet<Digits>,
    /// What is put before the rest of an extension; nothing where digits only come off.
    prepended: BTreeSet<Option<Digits>>,
}

impl Made {
    fn by(plan: &Plan) -> Self {
        let mut made = Self { whole: BTreeSet::new(), prepended: BTreeSet::new() };
        for rule in plan.rules.iter().filter(|rule| rule.enabled) {
            match rule.action {
                RuleAction::Rewrite(Rewrite::To(Number::Extension { digits })) => {
                    made.whole.insert(digits);
                }
                RuleAction::Rewrite(Rewrite::Digits { prepend, .. }) => {
                    made.prepended.insert(prepend);
                }
                _ => {}
            }
        }
        made
    }

    fn has(&self, extension: Digits) -> bool {
        let beginnings = (1..=extension.len()).map(|len| extension.prefix(len)).chain([None]);
        self.whole.contains(&extension) || beginnings.into_iter().any(|prefix| self.prepended.contains(&prefix))
    }
}
