//! The directory as calls are decided on it: a million users and numbers in some hundred bytes each, found without a
//! walk. Immutable in service; a clone shares all but what is then changed, so a change of ten rows costs ten blocks.
//!
//! Names of trunks and tenants are kept once and known by their place. What a place means in a plan is in
//! [`Bound`], which is made anew for each plan while the rows stay as they are: a row may name a trunk or tenant that
//! the plan does not have yet, and is found again as soon as a plan has it.

use std::collections::HashMap;

use super::chunked::Chunked;
use super::interned::Interned;
use super::rows::{Device, Parts, Rows};
use super::table::Table;
use super::view::{HeldBy, UserView};
use super::{Language, NumberEntry, NumberState, User};
use crate::names::{TenantName, TrunkName, UserName};
use crate::number::{Digits, E164};
use crate::plan::{Plan, TrunkIx};
use crate::time::Timestamp;

/// Users, extensions and numbers, compiled.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// The version of the last change in it.
    pub version: u64,
    pub(super) tenants: Interned<TenantName>,
    pub(super) trunks: Interned<TrunkName>,
    pub(super) languages: Interned<Language>,
    pub(super) rows: Rows,
    users: usize,
    by_name: Table,
    by_extension: Table,
    numbers: Table,
    details: Chunked<Detail>,
    /// Places of `details` that are free again.
    free: Vec<u32>,
    pub(super) bound: Bound,
}

/// What is known of a number that is not simply assigned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Detail {
    pub(super) state: NumberState,
    pub(super) tenant: u32,
    pub(super) user: Option<u32>,
    pub(super) cutover: Option<Timestamp>,
}

impl Default for Detail {
    fn default() -> Self {
        Self { state: NumberState::Quarantined, tenant: 0, user: None, cutover: None }
    }
}

/// The value of a number that has a detail: this, and the detail's place. Others have their user's.
const HAS_DETAIL: u32 = 1 << 31;

/// What the directory's names are in a plan.
#[derive(Clone, Debug, Default)]
pub(super) struct Bound {
    trunks: Box<[Option<TrunkIx>]>,
    tenants: Box<[bool]>,
}

impl Bound {
    pub(super) fn trunk(&self, place: u32) -> Option<TrunkIx> {
        *self.trunks.get(usize::try_from(place).ok()?)?
    }

    pub(super) fn has_tenant(&self, place: u32) -> bool {
        usize::try_from(place).ok().and_then(|at| self.tenants.get(at)).copied().unwrap_or(false)
    }
}

impl Directory {
    /// An empty one with room for so many users and numbers.
    #[must_use]
    pub fn with_room(users: usize, extensions: usize, numbers: usize) -> Self {
        Self {
            by_name: Table::with_room(users),
            by_extension: Table::with_room(extensions),
            numbers: Table::with_room(numbers),
            ..Self::default()
        }
    }

    /// Whether there is nobody in it and no number.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.users == 0 && self.numbers.len() == 0
    }

    /// How many users there are.
    #[must_use]
    pub const fn users_len(&self) -> usize {
        self.users
    }

    /// How many numbers have an entry.
    #[must_use]
    pub const fn numbers_len(&self) -> usize {
        self.numbers.len()
    }

    /// Finds out what the names of trunks and tenants are in a plan. To be done after each change of either.
    pub fn bind(&mut self, plan: &Plan) {
        let places = plan.trunks.iter().zip(0..).map(|(trunk, at)| (&trunk.name, TrunkIx(at)));
        let places: HashMap<&TrunkName, TrunkIx> = places.collect();
        self.bound = Bound {
            trunks: self.trunks.iter().map(|name| places.get(name).copied()).collect(),
            tenants: self.tenants.iter().map(|name| plan.tenants.contains_key(name)).collect(),
        };
    }

    /// Who holds a public number at a time.
    #[inline]
    #[must_use]
    pub fn held(&self, number: E164, at: Timestamp) -> HeldBy<'_> {
        match self.numbers.find(number.digits().packed(), |_| true) {
            Some(value) => self.held_by(value, at),
            None => HeldBy::Nobody,
        }
    }

    fn held_by(&self, value: u32, at: Timestamp) -> HeldBy<'_> {
        let detail = self.detail(value);
        let reached = |cutover: Option<Timestamp>| cutover.is_some_and(|cutover| cutover <= at);
        let held = match detail.state {
            NumberState::Assigned => true,
            NumberState::Quarantined if reached(detail.cutover) => false,
            NumberState::Quarantined => return HeldBy::Quarantine,
            NumberState::PortedIn => reached(detail.cutover),
            NumberState::PortedOut => !reached(detail.cutover),
        };
        let user = detail.user.filter(|_| held).and_then(|user| self.view(user));
        user.map_or(HeldBy::Nobody, HeldBy::User)
    }

    /// The user who holds an extension of a tenant.
    #[must_use]
    pub fn extension(&self, tenant: &TenantName, extension: Digits) -> Option<UserView<'_>> {
        if self.by_extension.len() == 0 {
            return None;
        }
        let tenant = self.tenants.place(tenant)?;
        let is_it = |user| self.rows.holds(user, tenant, extension);
        self.view(self.by_extension.find(extension_key(tenant, extension), is_it)?)
    }

    /// A tenant's user by name.
    #[must_use]
    pub fn user(&self, tenant: &TenantName, name: &UserName) -> Option<UserView<'_>> {
        self.view(self.place(self.tenants.place(tenant)?, name.as_str())?)
    }

    /// The entry of a number.
    #[must_use]
    pub fn number(&self, number: E164) -> Option<NumberEntry> {
        let value = self.numbers.find(number.digits().packed(), |_| true)?;
        self.entry(number, value)
    }

    /// Every user, in the order in which they came.
    pub fn users(&self) -> impl Iterator<Item = User> + '_ {
        let places = 0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let views = places.filter_map(|at| Some(UserView { directory: self, parts: self.rows.get(at)? }));
        views.filter(|view| view.parts.present).filter_map(|view| view.entity())
    }

    /// Every number's entry, in no order.
    pub fn numbers(&self) -> impl Iterator<Item = NumberEntry> + '_ {
        self.details_by_number().filter_map(|(number, detail)| self.entry_of(number, detail))
    }

    /// How many bytes it takes, with what it shares.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let tables = [&self.by_name, &self.by_extension, &self.numbers].map(Table::heap_bytes);
        let rest = [self.rows.heap_bytes(), self.details.heap_bytes(), self.free.capacity().saturating_mul(4)];
        tables.into_iter().chain(rest).fold(0, usize::saturating_add)
    }
}

/// Changes, of a directory that is not in service yet.
impl Directory {
    /// Puts a user in, or in the place of the one of the same name.
    pub fn put_user(&mut self, user: &User) {
        let parts = Parts {
            tenant: self.tenants.intern(&user.tenant),
            name: user.name.as_str(),
            present: true,
            extension: user.extension,
            do_not_disturb: user.preferences.do_not_disturb,
            language: user.preferences.language.as_ref().and_then(|one| self.languages.intern(one).try_into().ok()),
            devices: user.devices.iter().map(|one| Device::new(self.trunks.intern(&one.trunk), one.number)).collect(),
        };
        self.put_parts(&parts);
    }

    /// Takes a user out. Numbers that name it are held by nobody until there is one of that name again.
    pub fn remove_user(&mut self, tenant: &TenantName, name: &UserName) {
        if let Some(tenant) = self.tenants.place(tenant) {
            self.put_parts(&Parts { tenant, name: name.as_str(), ..Parts::default() });
        }
    }

    /// Puts a number's entry in, or in the place of the one before.
    pub fn put_number(&mut self, entry: &NumberEntry) {
        let tenant = self.tenants.intern(&entry.tenant);
        let user = entry.user.as_ref().map(|name| self.place_or_new(tenant, name.as_str()));
        self.put_detail(entry.number, Detail { state: entry.state, tenant, user, cutover: entry.cutover });
    }

    /// Takes a number's entry out.
    pub fn remove_number(&mut self, number: E164) {
        if let Some(before) = self.numbers.remove(number.digits().packed(), |_| true) {
            self.free_detail(before);
        }
    }

    /// Puts a user's row in; one that is not present is put only in the place of another.
    pub(super) fn put_parts(&mut self, parts: &Parts<'_>) {
        let Some(at) = self.place(parts.tenant, parts.name) else {
            if parts.present {
                self.push(parts);
            }
            return;
        };
        let before = self.rows.get(at).map(|before| (before.present, before.extension)).unwrap_or_default();
        if before.0 {
            self.users = self.users.saturating_sub(1);
        }
        if let Some(extension) = before.1.filter(|_| before.1 != parts.extension) {
            self.by_extension.remove(extension_key(parts.tenant, extension), |user| user == at);
        }
        self.users = self.users.saturating_add(usize::from(parts.present));
        if let Some(extension) = parts.extension {
            let rows = &self.rows;
            let is_it = |user| rows.holds(user, parts.tenant, extension);
            self.by_extension.put(extension_key(parts.tenant, extension), at, is_it);
        }
        self.rows.set(at, parts);
    }

    /// Adds a row for a user of a new name.
    pub(super) fn push(&mut self, parts: &Parts<'_>) -> u32 {
        let at = self.rows.push(parts);
        self.by_name.put(name_key(parts.tenant, parts.name), at, |_| false);
        self.users = self.users.saturating_add(usize::from(parts.present));
        if let Some(extension) = parts.extension {
            let rows = &self.rows;
            let is_it = |user| rows.holds(user, parts.tenant, extension);
            self.by_extension.put(extension_key(parts.tenant, extension), at, is_it);
        }
        at
    }

    /// The place of a user, who gets a row as an absent one if there is none.
    fn place_or_new(&mut self, tenant: u32, name: &str) -> u32 {
        let found = self.place(tenant, name);
        found.unwrap_or_else(|| self.push(&Parts { tenant, name, ..Parts::default() }))
    }

    pub(super) fn put_detail(&mut self, number: E164, detail: Detail) {
        let value = match detail {
            Detail { state: NumberState::Assigned, user: Some(user), cutover: None, .. } => user,
            detail => HAS_DETAIL | self.new_detail(detail),
        };
        if let Some(before) = self.numbers.put(number.digits().packed(), value, |_| true) {
            self.free_detail(before);
        }
    }

    fn new_detail(&mut self, detail: Detail) -> u32 {
        if let Some(at) = self.free.pop() {
            self.details.set(at as usize, detail);
            return at;
        }
        u32::try_from(self.details.push(detail)).unwrap_or(HAS_DETAIL) & !HAS_DETAIL
    }

    fn free_detail(&mut self, value: u32) {
        if value & HAS_DETAIL != 0 {
            self.free.push(value & !HAS_DETAIL);
        }
    }
}

/// What the rows say.
impl Directory {
    pub(super) fn details_by_number(&self) -> impl Iterator<Item = (E164, Detail)> + '_ {
        self.numbers.iter().filter_map(|(packed, value)| {
            let number = Digits::of_packed(packed).and_then(|digits| E164::try_from(digits).ok())?;
            Some((number, self.detail(value)))
        })
    }

    fn detail(&self, value: u32) -> Detail {
        if value & HAS_DETAIL != 0 {
            return self.details.get((value & !HAS_DETAIL) as usize).unwrap_or_default();
        }
        Detail { state: NumberState::Assigned, tenant: u32::MAX, user: Some(value), cutover: None }
    }

    fn entry(&self, number: E164, value: u32) -> Option<NumberEntry> {
        self.entry_of(number, self.detail(value))
    }

    fn entry_of(&self, number: E164, detail: Detail) -> Option<NumberEntry> {
        let row = detail.user.and_then(|user| self.rows.get(user));
        Some(NumberEntry {
            number,
            state: detail.state,
            tenant: self.tenants.get(row.as_ref().map_or(detail.tenant, |row| row.tenant))?.clone(),
            user: row.and_then(|row| row.name.parse().ok()),
            cutover: detail.cutover,
        })
    }

    /// A user of a tenant that the plan has, if it is there.
    fn view(&self, user: u32) -> Option<UserView<'_>> {
        let parts = self.rows.get(user).filter(|parts| parts.present && self.bound.has_tenant(parts.tenant))?;
        Some(UserView { directory: self, parts })
    }

    pub(super) fn place(&self, tenant: u32, name: &str) -> Option<u32> {
        self.by_name.find(name_key(tenant, name), |user| self.rows.is_named(user, tenant, name))
    }
}

/// A table's key, which is neither of the two that tables keep for themselves.
const fn key(hash: u64) -> u64 {
    if hash == 0 || hash == u64::MAX { 1 } else { hash }
}

fn name_key(tenant: u32, name: &str) -> u64 {
    use std::hash::Hasher as _;
    let mut hasher = siphasher::sip::SipHasher13::new_with_keys(u64::from(tenant), 0);
    hasher.write(name.as_bytes());
    key(hasher.finish())
}

fn extension_key(tenant: u32, extension: Digits) -> u64 {
    // An odd number near 2^64 divided by the golden ratio sets the tenants apart.
    key(extension.packed() ^ u64::from(tenant).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}
