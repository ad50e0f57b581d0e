//! Reads the bodies of the directory: one thing or several, with every fault by the path of its field.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use axum::body::Body;
use telness_core::directory::{Block, NumberEntry, Tenant, User};
use telness_core::names::TenantName;
use telness_core::reason::Reason;
use telness_store::control::{BULK_ITEMS_MAX, Expect, Version};

use super::super::body::{self, BodyLimits};
use super::super::fields::{Faults, Fields};
use super::super::json::{self, Json};
use super::super::problem::Problem;
use super::asking::{Before, Head};
use super::resource::Resource;

/// What a thing can be read from.
pub(super) trait Read: Resource {
    /// Reads the fields of one. `named` is what the path names; where it names no more than a tenant, that is `of`.
    fn read(fields: &mut Fields<'_, '_>, named: Option<&Self::Key>, of: Option<&TenantName>) -> Option<Self>;
}

/// Takes the body in, if it is JSON.
pub(super) async fn arrived(head: &Head, body: Body, limits: BodyLimits) -> Result<axum::body::Bytes, Problem> {
    let mut faults = Faults::default();
    body::expect_json(&head.headers, &mut faults);
    if !faults.none() {
        return Err(Problem::of_faults(faults.into_vec()));
    }
    if let Some(cut) = body::declared_too_large(&head.headers, limits) {
        return Err(cut.into());
    }
    body::read(&head.headers, body, limits).await.whole()
}

/// Reads one thing, and what its own `version` says has to be there before.
///
/// # Errors
/// Every wrong field.
pub(super) fn one<E: Read>(bytes: &[u8], named: Option<&E::Key>, before: Before) -> Result<(E, Before), Problem> {
    let mut faults = Faults::default();
    let read = object(bytes, &mut faults).and_then(|entries| {
        let mut fields = Fields::new("", entries, &mut faults);
        let before = expected(&mut fields, before);
        let value = E::read(&mut fields, named, None);
        fields.done();
        Some((value?, before))
    });
    read.filter(|_| faults.none()).ok_or_else(|| Problem::of_faults(faults.into_vec()))
}

/// Reads several things from the list `items`, all of one tenant if the path names one.
///
/// # Errors
/// Every wrong field, by the place of its item.
pub(super) fn several<E: Read>(bytes: &[u8], tenant: Option<&TenantName>) -> Result<Vec<(E, Expect)>, Problem> {
    let mut faults = Faults::default();
    let mut read = Vec::new();
    if let Some(entries) = object(bytes, &mut faults) {
        let mut fields = Fields::new("", entries, &mut faults);
        let items = needed(&mut fields, "items", |fields| fields.list("items")).unwrap_or_default();
        fields.done();
        for (place, item) in items.into_iter().enumerate() {
            let path = format!("items[{place}]");
            if place >= BULK_ITEMS_MAX {
                let why = format!("is one too many: at most {BULK_ITEMS_MAX} can be put at once");
                faults.add(&path, Reason::RequestTooLarge, why);
                break;
            }
            let Json::Object(entries) = item else {
                faults.invalid(&path, "must be an object");
                continue;
            };
            let mut fields = Fields::new(&path, entries, &mut faults);
            let before = expected(&mut fields, Before::Expect(Expect::Any));
            let value = E::read(&mut fields, None, tenant);
            fields.done();
            if let (Some(value), Before::Expect(expect)) = (value, before) {
                read.push((value, expect));
            }
        }
        if read.is_empty() && faults.none() {
            faults.invalid("items", "must have one item at least");
        }
    }
    if faults.none() { Ok(read) } else { Err(Problem::of_faults(faults.into_vec())) }
}

/// Reads which revision of the plan is meant.
///
/// # Errors
/// Every wrong field.
pub(super) fn revision(bytes: &[u8]) -> Result<u64, Problem> {
    let mut faults = Faults::default();
    let read = object(bytes, &mut faults).and_then(|entries| {
        let mut fields = Fields::new("", entries, &mut faults);
        let revision = needed(&mut fields, "revision", |fields| match fields.take("revision")? {
            Json::Whole(revision) if revision > 0 => Some(revision),
            _ => {
                fields.invalid("revision", "must be a whole number from 1");
                None
            }
        });
        fields.done();
        revision
    });
    read.filter(|_| faults.none()).ok_or_else(|| Problem::of_faults(faults.into_vec()))
}

fn object<'a>(bytes: &'a [u8], faults: &mut Faults) -> Option<json::Entries<'a>> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(wrong) => {
            let why = format!("the body is not UTF-8, at byte {}", wrong.valid_up_to());
            faults.body(Reason::RequestUnreadable, why);
            return None;
        }
    };
    // One more than are taken, so that too many are seen.
    match json::read_keeping(text, BULK_ITEMS_MAX.saturating_add(1)) {
        Ok(Json::Object(entries)) => Some(entries),
        Ok(_) => {
            faults.body(Reason::RequestUnreadable, "the body must be one JSON object");
            None
        }
        Err(broken) => {
            faults.body(Reason::RequestUnreadable, format!("the body is not JSON: {}", broken.why));
            None
        }
    }
}

/// The field `version`, which answers have: sent back, it says what has to be there, as `If-Match` does.
fn expected(fields: &mut Fields<'_, '_>, before: Before) -> Before {
    let version = match fields.take("version") {
        None => return before,
        Some(Json::Whole(version)) => i64::try_from(version).ok(),
        Some(_) => None,
    };
    let sent = version.map(|version| Before::Expect(Expect::Version(Version(version))));
    match (sent, before) {
        (None, _) => fields.invalid("version", "must be a whole number, as it was answered"),
        (Some(sent), Before::Expect(Expect::Any) | Before::Present) => return sent,
        (Some(sent), header) if sent == header => {}
        (Some(_), _) => fields.invalid("version", "says something else than the header If-Match or If-None-Match"),
    }
    before
}

/// A field that has to be there; that it is not is said unless something else of it was.
pub(super) fn needed<'a, T>(
    fields: &mut Fields<'a, '_>,
    name: &str,
    read: impl FnOnce(&mut Fields<'a, '_>) -> Option<T>,
) -> Option<T> {
    let before = fields.faults.count();
    let value = read(fields);
    if value.is_none() && fields.faults.count() == before {
        let path = fields.path(name);
        fields.faults.add(&path, Reason::FieldMissing, Cow::Borrowed("is needed"));
    }
    value
}

/// A text that is read as something, such as a name.
pub(super) fn parsed<T: FromStr<Err: Display>>(fields: &mut Fields<'_, '_>, name: &str) -> Option<T> {
    let read = match fields.take(name)? {
        Json::Text(text) => text.parse::<T>().map_err(|error| format!("is {error}")),
        _ => Err("must be a text".to_owned()),
    };
    read.map_err(|why| fields.invalid(name, why)).ok()
}

/// A field of the key: what the path names, or what stands in the body; both must be the same.
pub(super) fn key<T: FromStr<Err: Display> + PartialEq + Clone>(
    fields: &mut Fields<'_, '_>,
    name: &str,
    named: Option<&T>,
) -> Option<T> {
    let Some(named) = named else { return needed(fields, name, |fields| parsed(fields, name)) };
    if parsed::<T>(fields, name).is_some_and(|sent| sent != *named) {
        fields.invalid(name, "is another than the path names");
    }
    Some(named.clone())
}

/// Reads bytes as each body that the directory takes; for fuzzing, which must find nothing that panics.
pub fn read_bodies(body: &[u8]) {
    fn as_a<E: Read>(body: &[u8]) {
        drop(one::<E>(body, None, Before::Present));
        drop(several::<E>(body, None));
    }
    as_a::<Tenant>(body);
    as_a::<User>(body);
    as_a::<Block>(body);
    as_a::<NumberEntry>(body);
}
