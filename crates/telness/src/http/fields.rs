//! Reads the fields of a request one by one and collects every fault, so that all are reported at once and what is
//! good is kept.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;

use telness_core::call::FieldFault;
use telness_core::reason::Reason;

use super::json::{Entries, Json};

/// Faults that one request is told of; whoever has more finds the rest after these.
pub const FAULTS_MAX: usize = 64;

/// Everything found wrong so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldFault>);

impl Faults {
    /// Adds a fault, unless there are enough.
    pub fn add(&mut self, field: &str, reason: Reason, detail: impl Into<Cow<'static, str>>) {
        if self.0.len() < FAULTS_MAX {
            let detail: Cow<'static, str> = detail.into();
            self.0.push(FieldFault { field: Arc::from(field), reason, detail: Arc::from(detail.as_ref()) });
        }
    }

    /// Adds that a field has a value that it cannot have.
    pub fn invalid(&mut self, field: &str, detail: impl Into<Cow<'static, str>>) {
        self.add(field, Reason::FieldInvalid, detail);
    }

    /// Adds what is wrong with the body as a whole. One such fault is enough: another would follow from it.
    pub fn body(&mut self, reason: Reason, detail: impl Into<Cow<'static, str>>) {
        if !self.of_body() {
            self.add("", reason, detail);
        }
    }

    /// Whether the body as a whole is wrong. What it lacks may then have been in what could not be read.
    #[must_use]
    pub fn of_body(&self) -> bool {
        self.0.iter().any(|fault| fault.field.is_empty())
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, in the order in which they were found.
    #[must_use]
    pub fn into_vec(self) -> Vec<FieldFault> {
        self.0
    }
}

/// What a text may be.
#[derive(Clone, Copy, Debug)]
pub struct TextRule {
    /// The most bytes, in UTF-8. One is the least.
    pub bytes_max: usize,
    /// Which characters it may have.
    pub allows: fn(char) -> bool,
    /// What that is called: the message says "must be N bytes at most of …".
    pub of: &'static str,
}

/// Any text without control characters.
pub const fn plain(bytes_max: usize) -> TextRule {
    TextRule { bytes_max, allows: |character| !character.is_control(), of: "text without control characters" }
}

/// Printable ASCII without spaces.
pub const fn graphic(bytes_max: usize) -> TextRule {
    TextRule { bytes_max, allows: |character| character.is_ascii_graphic(), of: "printable ASCII without spaces" }
}

impl TextRule {
    /// What is wrong with a text by this rule.
    ///
    /// # Errors
    /// In words that follow the field's name.
    pub fn check(&self, text: &str) -> Result<(), (Reason, String)> {
        if text.len() > self.bytes_max {
            let why = format!("has {} bytes; the limit is {}", text.len(), self.bytes_max);
            return Err((Reason::RequestTooLarge, why));
        }
        if text.is_empty() || !text.chars().all(self.allows) {
            return Err((Reason::FieldInvalid, format!("must be 1 to {} bytes of {}", self.bytes_max, self.of)));
        }
        Ok(())
    }
}

/// The fields of one object that were not read yet.
#[derive(Debug)]
pub struct Fields<'a, 'f> {
    within: String,
    entries: Entries<'a>,
    /// What was found wrong.
    pub faults: &'f mut Faults,
}

impl<'a, 'f> Fields<'a, 'f> {
    /// The fields of an object that is itself the field `within`, or the whole request if that is empty.
    pub fn new(within: &str, entries: Entries<'a>, faults: &'f mut Faults) -> Self {
        Self { within: within.to_owned(), entries, faults }
    }

    /// The path of a field, such as `location.cell`.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if self.within.is_empty() { name.to_owned() } else { format!("{}.{name}", self.within) }
    }

    /// Adds that a field has a value that it cannot have.
    pub fn invalid(&mut self, name: &str, detail: impl Into<Cow<'static, str>>) {
        let path = self.path(name);
        self.faults.invalid(&path, detail);
    }

    /// Takes every value of a field out, as they came. `null` is the same as not sending it; more than one value is a
    /// fault.
    fn each(&mut self, name: &str, mut take: impl FnMut(Json<'a>)) {
        let mut count = 0_usize;
        self.entries.retain_mut(|(entry, value)| {
            if entry != name {
                return true;
            }
            let value = std::mem::replace(value, Json::Null);
            if value != Json::Null {
                count = count.saturating_add(1);
                take(value);
            }
            false
        });
        if count > 1 {
            let path = self.path(name);
            self.faults.add(&path, Reason::RequestUnreadable, "is there more than once");
        }
    }

    /// Takes a field out. Of a doubled field the first value is taken.
    pub fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let mut found = None;
        self.each(name, |value| found = found.take().or(Some(value)));
        match found {
            Some(Json::Unusable(why) | Json::Spoiled(_, why)) => {
                let path = self.path(name);
                self.faults.add(&path, Reason::RequestUnreadable, why);
                None
            }
            found => found,
        }
    }

    /// Takes every value of a field out, unusable ones too.
    pub fn take_every(&mut self, name: &str) -> Vec<Json<'a>> {
        let mut values = Vec::new();
        self.each(name, |value| values.push(value));
        values
    }

    /// Takes a text.
    pub fn text(&mut self, name: &str, rule: TextRule) -> Option<Cow<'a, str>> {
        let text = match self.take(name)? {
            Json::Text(text) => text,
            _ => {
                self.invalid(name, "must be a text");
                return None;
            }
        };
        match rule.check(&text) {
            Ok(()) => Some(text),
            Err((reason, why)) => {
                let path = self.path(name);
                self.faults.add(&path, reason, why);
                None
            }
        }
    }

    /// Takes a text that stands for one of a few values.
    pub fn word<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Option<T>, allowed: &'static str) -> Option<T> {
        let value = match self.take(name)? {
            Json::Text(text) => read(&text),
            _ => None,
        };
        if value.is_none() {
            self.invalid(name, format!("must be {allowed}"));
        }
        value
    }

    /// Takes a number in a range.
    pub fn number(&mut self, name: &str, from: f64, to: f64) -> Option<f64> {
        let sent = match self.take(name)? {
            #[allow(clippy::cast_precision_loss, reason = "beyond 2^53 it is out of every range here")]
            Json::Whole(value) => value as f64,
            Json::Number(value) => value,
            _ => {
                self.invalid(name, "must be a number");
                return None;
            }
        };
        let fits = (from..=to).contains(&sent);
        if !fits {
            self.invalid(name, format!("must be from {from} to {to}; it is {sent}"));
        }
        fits.then_some(sent)
    }

    /// Takes a whole number in a range.
    pub fn whole<N>(&mut self, name: &str, from: N, to: N) -> Option<N>
    where
        N: TryFrom<u64> + PartialOrd + Display + Copy,
    {
        let value = match self.take(name)? {
            Json::Whole(value) => N::try_from(value).ok().filter(|value| (from..=to).contains(value)),
            _ => None,
        };
        if value.is_none() {
            self.invalid(name, format!("must be a whole number from {from} to {to}"));
        }
        value
    }

    /// Takes `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Json::Bool(value) => Some(value),
            _ => {
                self.invalid(name, "must be true or false");
                None
            }
        }
    }

    /// Takes an object.
    pub fn object(&mut self, name: &str) -> Option<Entries<'a>> {
        match self.take(name)? {
            Json::Object(entries) => Some(entries),
            _ => {
                self.invalid(name, "must be an object");
                None
            }
        }
    }

    /// Takes a list.
    pub fn list(&mut self, name: &str) -> Option<Vec<Json<'a>>> {
        match self.take(name)? {
            Json::List(entries) => Some(entries),
            _ => {
                self.invalid(name, "must be a list");
                None
            }
        }
    }

    /// Says that every field that was not taken is unknown.
    pub fn done(self) {
        for (name, _) in self.entries.iter().take(FAULTS_MAX) {
            let shown: String = name.chars().filter(|character| !character.is_control()).take(64).collect();
            let path = self.path(&shown);
            self.faults.add(&path, Reason::FieldUnknown, "is no field of this request");
        }
    }
}
