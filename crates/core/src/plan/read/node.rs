//! A value of a document and its place.

use crate::plan::fault::Mark;
use crate::plan::path::{Path, Step};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) value: Value,
}

/// What a value is, before anybody asks what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Nothing: a YAML field without a value, `~` or `null`.
    Nothing,
    /// A scalar, as it was written.
    Scalar(String, Style),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order it was written.
    Map(Vec<(Key, Node)>),
}

/// Whether a scalar can be anything but text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Written bare, so it may be a number or a truth value where a field takes one.
    Bare,
    /// Written in quotes or as a block: text and nothing else.
    Text,
}

/// A field's name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) mark: Mark,
}

impl Value {
    /// What it is, in words for a message.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Scalar(_, Style::Bare) => "a plain value",
            Self::Scalar(_, Style::Text) => "text in quotes",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

impl Node {
    /// The value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(fields) => fields.iter().find(|(key, _)| key.text == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The place of what a path leads to, or of the last thing on the way that is there.
    pub(crate) fn mark_of(&self, path: &Path<'_>) -> Mark {
        let mut here = self;
        for step in path.steps() {
            let next = match (step, &here.value) {
                (Step::Field(name), _) => here.field(name),
                (Step::Item(at), Value::List(items)) => items.get(at),
                (Step::Item(_), _) => None,
            };
            match next {
                Some(next) => here = next,
                None => break,
            }
        }
        here.mark
    }
}
