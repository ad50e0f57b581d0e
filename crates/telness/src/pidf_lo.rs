//! A location by value, as networks send it: PIDF-LO (RFC 4119, RFC 5139, RFC 5491), read for its first position and its
//! first civic address.
//!
//! It is read by the local names of its elements, whatever prefixes they have, and what is not known is passed over: an
//! emergency call is worth reading a sloppy document. There are no entities but the five of XML, no document type, and
//! limits on size, depth and count, so that no document costs more than it is worth.

mod shape;

use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use telness_core::call::ReadLocation;

use shape::Shape;

/// The largest document, in bytes.
pub(crate) const PIDF_LO_BYTES_MAX: usize = 16_384;
/// How many elements may stand inside each other.
const DEPTH_MAX: usize = 32;
/// The most elements.
const ELEMENTS_MAX: usize = 1_024;
/// The longest part of a civic address that is read, in bytes.
const CIVIC_BYTES_MAX: usize = 128;

/// Parts of a civic address that name a place which is an area, the smallest first: from a group of streets to the
/// national subdivision.
const CIVIC_PARTS: [&str; 6] = ["A6", "A5", "A4", "A3", "A2", "A1"];

/// What is read of a document so far.
#[derive(Default)]
struct Reading {
    depth: usize,
    elements: usize,
    /// The text of the element that was opened last.
    text: String,
    /// The shape that is being read, and how deep it stands.
    shape: Option<(Shape, usize)>,
    /// How deep the civic address that is being read stands.
    civic: Option<usize>,
    /// The names found in it, by their place in [`CIVIC_PARTS`].
    names: Vec<(usize, Arc<str>)>,
    had_civic: bool,
    had_shape: bool,
    /// What is wrong with a position.
    wrong: Option<&'static str>,
    found: ReadLocation,
}

/// Reads a document: what it gives, and what is wrong with it, in words that follow the field's name. What stands before
/// a fault counts, and so does a civic address beside a position that cannot be read.
pub(crate) fn read(text: &str) -> (Option<ReadLocation>, Option<String>) {
    let mut reading = Reading::default();
    let broken = reading.all(text).err();
    reading.done(broken)
}

impl Reading {
    fn all(&mut self, text: &str) -> Result<(), String> {
        if text.len() > PIDF_LO_BYTES_MAX {
            return Err(format!("has {} bytes; the limit is {PIDF_LO_BYTES_MAX}", text.len()));
        }
        let mut reader = Reader::from_str(text);
        loop {
            let at = reader.buffer_position();
            match reader.read_event() {
                Ok(Event::Eof) => break,
                Ok(event) => self.take(event).map_err(|why| format!("{why}, at byte {at}"))?,
                Err(why) => return Err(format!("is not XML, at byte {}: {why}", reader.error_position())),
            }
        }
        if self.depth > 0 { Err("breaks off before its end".to_owned()) } else { Ok(()) }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(start) => self.open(&start),
            Event::Empty(start) => {
                self.open(&start)?;
                self.close(start.local_name().as_ref());
                Ok(())
            }
            Event::End(end) => {
                self.close(end.local_name().as_ref());
                Ok(())
            }
            Event::Text(text) => {
                self.text.push_str(&text.xml10_content());
                Ok(())
            }
            Event::CData(text) => {
                self.text.push_str(&text.xml10_content());
                Ok(())
            }
            Event::GeneralRef(entity) => self.entity(&entity),
            Event::DocType(_) => Err("has a document type, which no location needs".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        self.depth = self.depth.saturating_add(1);
        self.elements = self.elements.saturating_add(1);
        if self.depth > DEPTH_MAX {
            return Err(format!("is nested deeper than {DEPTH_MAX} elements"));
        }
        if self.elements > ELEMENTS_MAX {
            return Err(format!("has more than {ELEMENTS_MAX} elements"));
        }
        self.text.clear();
        let name = start.local_name();
        let name: &str = name.as_ref();
        if self.shape.is_none() && !self.had_shape && Shape::is_one(name) {
            self.shape = Some((Shape::default(), self.depth));
        }
        if name == "civicAddress" && !self.had_civic {
            self.civic = Some(self.depth);
        }
        if let Some((shape, _)) = &mut self.shape
            && let Ok(Some(system)) = start.try_get_attribute("srsName")
        {
            shape.reference(&system.value);
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        if let Some((shape, depth)) = &mut self.shape {
            shape.value(name, self.text.trim());
            if *depth == self.depth {
                match shape.settle(&mut self.found) {
                    Ok(had_shape) => self.had_shape = had_shape,
                    Err(why) => self.wrong = self.wrong.or(Some(why)),
                }
                self.shape = None;
            }
        }
        if let Some(depth) = self.civic {
            self.civic_part(name);
            if depth == self.depth {
                self.had_civic = true;
                self.civic = None;
            }
        }
        self.text.clear();
        self.depth = self.depth.saturating_sub(1);
    }

    fn civic_part(&mut self, name: &str) {
        let text = self.text.trim();
        if text.is_empty() || text.len() > CIVIC_BYTES_MAX || text.chars().any(char::is_control) {
            return;
        }
        if name == "country" {
            self.found.country = text.to_ascii_uppercase().parse().ok();
        }
        if let Some(place) = CIVIC_PARTS.iter().position(|part| *part == name) {
            self.names.push((place, Arc::from(text)));
        }
    }

    fn entity(&mut self, entity: &BytesRef<'_>) -> Result<(), String> {
        let refused = || "has an entity that XML does not have by itself".to_owned();
        match entity.resolve_char_ref() {
            Ok(Some(character)) => self.text.push(character),
            Ok(None) => self.text.push_str(resolve_predefined_entity(&entity.xml10_content()).ok_or_else(refused)?),
            Err(_) => return Err(refused()),
        }
        Ok(())
    }

    fn done(mut self, broken: Option<String>) -> (Option<ReadLocation>, Option<String>) {
        self.names.sort_by_key(|(place, _)| *place);
        self.found.names = self.names.into_iter().map(|(_, name)| name).collect();
        let wrong = self.wrong.map(str::to_owned).or(broken);
        if self.found.latitude.is_none() && self.found.names.is_empty() {
            let nothing = || "has neither a position nor a civic address that names a place".to_owned();
            return (None, wrong.or_else(|| Some(nothing())));
        }
        (Some(self.found), wrong)
    }
}

#[cfg(test)]
mod tests;
