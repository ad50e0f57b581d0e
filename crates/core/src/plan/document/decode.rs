//! From the tree of values to the document's types, telling everything that is wrong on the way.
//!
//! [`shape!`] writes a type, its decoder and its JSON Schema from one list of fields, so that the three agree.

use serde_json::{Map, Value as Json, json};

use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::nearest::nearest;
use crate::plan::path::Path;
use crate::plan::read::{Node, Value};

/// The schemas of the shapes, by name: the `$defs` of the JSON Schema.
pub(crate) type Definitions = Map<String, Json>;

/// What can be read out of a document.
pub(crate) trait Decode: Sized {
    /// Reads a value. `None` means that it could not be read and that the faults say why.
    fn decode(node: &Node, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<Self>;

    /// The JSON Schema of the value; shapes put themselves into `definitions` and give a reference.
    fn schema(definitions: &mut Definitions) -> Json;

    /// How the schema shows the value as a default, if it is worth showing.
    fn shown(&self) -> Option<Json> {
        None
    }
}

/// A value that may be absent; present, it is never nothing.
impl<T: Decode> Decode for Option<T> {
    fn decode(node: &Node, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<Self> {
        T::decode(node, path, faults).map(Some)
    }

    fn schema(definitions: &mut Definitions) -> Json {
        T::schema(definitions)
    }

    fn shown(&self) -> Option<Json> {
        self.as_ref().and_then(T::shown)
    }
}

/// A list. Items that could not be read are left out, and the others keep their places.
#[derive(Clone, Debug)]
pub(crate) struct List<T> {
    items: Vec<(usize, T)>,
    written: usize,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), written: 0 }
    }
}

impl<T> List<T> {
    /// The items that could be read, with their places in the document.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.items.iter().map(|(at, item)| (*at, item))
    }

    /// Whether the list was written without an item.
    pub(crate) const fn is_empty(&self) -> bool {
        self.written == 0
    }
}

impl<T: Decode> Decode for List<T> {
    fn decode(node: &Node, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<Self> {
        let Value::List(nodes) = &node.value else {
            wrong_type(node, path, faults, "a list");
            return None;
        };
        let mut items = Vec::with_capacity(nodes.len());
        for (at, child) in nodes.iter().enumerate() {
            match T::decode(child, &path.item(at), faults) {
                Some(item) => items.push((at, item)),
                None => faults.broken(child),
            }
        }
        Some(Self { items, written: nodes.len() })
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({ "type": "array", "items": T::schema(definitions) })
    }
}

/// A mapping whose names the document chooses.
#[derive(Clone, Debug)]
pub(crate) struct Entries<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Decode> Decode for Entries<T> {
    fn decode(node: &Node, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<Self> {
        let Value::Map(fields) = &node.value else {
            wrong_type(node, path, faults, "a mapping of names to values");
            return None;
        };
        let read = |(key, child): &(crate::plan::read::Key, Node)| {
            T::decode(child, &path.field(&key.text), faults).map(|value| (key.text.clone(), value))
        };
        Some(Self(fields.iter().filter_map(read).collect()))
    }

    fn schema(definitions: &mut Definitions) -> Json {
        json!({ "type": "object", "additionalProperties": T::schema(definitions) })
    }
}

/// Tells that a value is of another kind than the field takes.
pub(crate) fn wrong_type(node: &Node, path: &Path<'_>, faults: &mut Faults<'_>, wanted: &str) {
    if node.value == Value::Nothing {
        let message = format!("the field has no value, and {wanted} is expected");
        faults.tell(FaultCode::EmptyValue, path, message, "give it a value, or take the field out");
        return;
    }
    let message = format!("here is {}, and {wanted} is expected", node.value.kind());
    faults.tell(FaultCode::WrongType, path, message, format!("write {wanted}"));
}

/// The fields of one mapping while they are read.
pub(crate) struct Fields<'n, 'p, 'f, 'd> {
    node: &'n Node,
    path: &'p Path<'p>,
    faults: &'f mut Faults<'d>,
}

impl<'n, 'p, 'f, 'd> Fields<'n, 'p, 'f, 'd> {
    /// Opens a mapping and tells of each field that it should not have.
    pub(crate) fn open(
        node: &'n Node,
        path: &'p Path<'p>,
        faults: &'f mut Faults<'d>,
        known: &[&'static str],
    ) -> Option<Self> {
        let Value::Map(fields) = &node.value else {
            wrong_type(node, path, faults, "a mapping of fields");
            return None;
        };
        for (key, _) in fields.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let help = match nearest(&key.text, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the fields here are {}", known.join(", ")),
            };
            let message = format!("there is no field `{}` here", key.text);
            faults.tell_at(key.mark, FaultCode::UnknownField, &path.field(&key.text), message, help);
        }
        Some(Self { node, path, faults })
    }

    /// Reads a field that must be there.
    pub(crate) fn required<T: Decode>(&mut self, name: &'static str) -> Option<T> {
        let Some(child) = self.node.field(name) else {
            let message = format!("the field `{name}` is missing");
            self.faults.tell(FaultCode::MissingField, self.path, message, format!("add `{name}`"));
            return None;
        };
        T::decode(child, &self.path.field(name), self.faults)
    }

    /// Reads a field that may be absent. One that cannot be read counts as absent once its fault is told.
    pub(crate) fn optional<T: Decode>(&mut self, name: &'static str, default: T) -> Option<T> {
        let read = self.node.field(name).and_then(|child| T::decode(child, &self.path.field(name), self.faults));
        Some(read.unwrap_or(default))
    }

    /// Tells if not exactly one of some fields is there.
    pub(crate) fn exactly_one(&mut self, names: &[&'static str]) {
        let there: Vec<&str> = names.iter().copied().filter(|name| self.node.field(name).is_some()).collect();
        if there.len() != 1 {
            let found = if there.is_empty() { "none".to_owned() } else { there.join(" and ") };
            let message = format!("exactly one of {} is expected, and here is {found}", names.join(", "));
            self.faults.tell(FaultCode::NotExactlyOne, self.path, message, "keep one of them");
        }
    }
}

/// Joins the lines of a doc comment.
pub(crate) fn description(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Writes a type of the document, its decoder and its schema.
///
/// A field is `name "key": Type,` and then `required` or `default VALUE`.
macro_rules! shape {
    (
        $(#[doc = $doc:literal])*
        struct $name:ident $definition:literal $(exactly_one_of [$($one:literal),*])? {
            $($(#[doc = $field_doc:literal])* $field:ident $key:literal: $kind:ty, $need:ident $($default:expr)?;)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub(crate) struct $name {
            $($(#[doc = $field_doc])* pub(crate) $field: $kind,)*
        }

        impl $crate::plan::document::decode::Decode for $name {
            fn decode(
                node: &$crate::plan::read::Node,
                path: &$crate::plan::path::Path<'_>,
                faults: &mut $crate::plan::faults::Faults<'_>,
            ) -> Option<Self> {
                use $crate::plan::document::decode::Fields;
                let mut fields = Fields::open(node, path, faults, &[$($key),*])?;
                $(fields.exactly_one(&[$($one),*]);)?
                $(let $field: Option<$kind> = shape!(@read fields, $key, $need $($default)?);)*
                Some(Self { $($field: $field?,)* })
            }

            fn schema(
                definitions: &mut $crate::plan::document::decode::Definitions,
            ) -> serde_json::Value {
                use serde_json::{Map, Value, json};
                use $crate::plan::document::decode::description;
                let reference = json!({ "$ref": concat!("#/$defs/", $definition) });
                if definitions.contains_key($definition) {
                    return reference;
                }
                definitions.insert($definition.to_owned(), Value::Null);
                let mut properties = Map::new();
                let required: Vec<&str> =
                    [$(shape!(@required $key, $need)),*].into_iter().flatten().collect();
                $(
                    let mut field = <$kind>::schema(definitions);
                    if let Some(field) = field.as_object_mut() {
                        field.insert("description".to_owned(), description(&[$($field_doc),*]).into());
                        shape!(@note field, $kind, $need $($default)?);
                    }
                    properties.insert($key.to_owned(), field);
                )*
                #[allow(unused_mut, reason = "not every shape has a choice")]
                let mut schema = json!({
                    "type": "object",
                    "description": description(&[$($doc),*]),
                    "properties": properties,
                    "required": required,
                    "additionalProperties": false,
                });
                $(if let Some(schema) = schema.as_object_mut() {
                    schema.insert("oneOf".to_owned(), json!([$({ "required": [$one] }),*]));
                })?
                definitions.insert($definition.to_owned(), schema);
                reference
            }
        }
    };
    (@read $fields:ident, $key:literal, required) => { $fields.required($key) };
    (@read $fields:ident, $key:literal, default $default:expr) => { $fields.optional($key, $default) };
    (@required $key:literal, required) => { Some($key) };
    (@required $key:literal, default) => { None };
    (@note $field:ident, $kind:ty, required) => {};
    (@note $field:ident, $kind:ty, default $default:expr) => {
        let default: $kind = $default;
        if let Some(shown) = default.shown() {
            $field.insert("default".to_owned(), shown);
        }
    };
}

pub(crate) use shape;
