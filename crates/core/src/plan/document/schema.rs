//! The JSON Schema of the document, for editors and other programs.

use serde_json::{Value as Json, json};

use super::Document;
use super::decode::{Decode as _, Definitions};

/// The JSON Schema (draft 2020-12) of the plan document, from the same list of fields that the decoder reads.
#[must_use]
pub fn schema() -> Json {
    let mut definitions = Definitions::new();
    let reference = Document::schema(&mut definitions);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "telness plan",
        "$defs": definitions,
    });
    if let (Some(schema), Json::Object(reference)) = (schema.as_object_mut(), reference) {
        schema.extend(reference);
    }
    schema
}
