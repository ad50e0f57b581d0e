//! From the bytes of a plan to a tree of values that know their place: YAML or JSON, nothing guessed.
//!
//! Scalars stay the text that was written. So `+46`, `0046`, `010` and `NO` are what they look like, and only
//! the field that takes a value decides whether it is a number. A document that begins with `{` is read as
//! JSON by [`json`], since YAML readers differ from JSON in escapes and in where a line may end; anything else
//! is read as YAML by [`yaml`].

mod json;
mod node;
mod yaml;

pub(crate) use node::{Key, Node, Style, Value};

use super::fault::{Fault, FaultCode, Mark};

/// The largest plan, in bytes.
pub const PLAN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The deepest nesting of lists and mappings.
pub const PLAN_DEPTH_MAX: usize = 32;
/// The most values in a plan: scalars, lists and mappings.
pub const PLAN_VALUES_MAX: usize = 2_000_000;

/// Reads a document. One fault ends the reading: after it the rest cannot be trusted.
pub(crate) fn read(bytes: &[u8]) -> Result<Node, Fault> {
    if bytes.len() > PLAN_BYTES_MAX {
        let message = format!("the document has {} bytes, and a plan may have {PLAN_BYTES_MAX}", bytes.len());
        return Err(fault(FaultCode::TooLarge, Mark::default(), message, "split what is bulk data off the plan"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    refuse_control_characters(text)?;
    if text.trim_start().starts_with('{') { json::read(text) } else { yaml::read(text) }
}

fn fault(code: FaultCode, mark: Mark, message: String, help: &str) -> Fault {
    Fault::new(code, String::new(), mark, message, help.to_owned())
}

fn too_deep(mark: Mark) -> Fault {
    let message = format!("lists and mappings are nested deeper than {PLAN_DEPTH_MAX} levels");
    fault(FaultCode::TooDeep, mark, message, "no field of a plan lies that deep; look for a bracket that is not closed")
}

fn too_many_values(mark: Mark) -> Fault {
    let message = format!("the document has more than {PLAN_VALUES_MAX} values");
    fault(FaultCode::TooManyValues, mark, message, "split what is bulk data off the plan")
}

fn empty_document() -> Fault {
    let help = "begin with `version: 1`; examples/sweden.yaml is a plan to start from";
    fault(FaultCode::EmptyDocument, Mark::default(), "the document is empty".to_owned(), help)
}

/// Refuses a field that a mapping has twice: of two values one would be lost unseen.
fn refuse_duplicates(fields: &[(Key, Node)]) -> Result<(), Fault> {
    let mut seen = std::collections::HashMap::with_capacity(fields.len());
    for (key, _) in fields {
        if let Some(first) = seen.insert(key.text.as_str(), key.mark.line) {
            let message = format!("the field `{}` is here twice, first on line {first}", key.text);
            return Err(fault(FaultCode::DuplicateField, key.mark, message, "keep one of the two"));
        }
    }
    Ok(())
}

fn not_utf8(bytes: &[u8], valid: usize) -> Fault {
    let before = bytes.get(..valid).and_then(|good| std::str::from_utf8(good).ok()).unwrap_or("");
    let message = "the document is not UTF-8".to_owned();
    fault(FaultCode::NotUtf8, mark_after(before), message, "save the file as UTF-8")
}

/// YAML and JSON allow none of these, and a NUL ends some readers' input early. A carriage return alone is a line's
/// end to YAML and nothing to most editors, so the lines that faults name would not be the lines that people see.
fn refuse_control_characters(text: &str) -> Result<(), Fault> {
    let ends_line = |at: usize| text.get(at..).is_some_and(|rest| rest.starts_with("\r\n"));
    let bad = |at: usize, c: char| match c {
        '\t' | '\n' | '\u{85}' => false,
        '\r' => !ends_line(at),
        _ => c.is_control(),
    };
    let Some((at, found)) = text.char_indices().find(|(at, c)| bad(*at, *c)) else { return Ok(()) };
    let message = format!("there is a control character, U+{:04X}", u32::from(found));
    let mark = mark_after(text.get(..at).unwrap_or(""));
    Err(fault(FaultCode::ControlCharacter, mark, message, "take it out; plans are plain text"))
}

/// The place right after a text.
fn mark_after(before: &str) -> Mark {
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or("").chars().count().saturating_add(1);
    Mark { line: narrow(line), column: narrow(column), width: 1 }
}

/// A count as it is told; documents are too small to reach the end of it.
fn narrow(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
