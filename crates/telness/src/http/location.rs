//! The location of a request: what of it can be read, and all of it as sent when something cannot.

use std::fmt::Write as _;
use std::sync::Arc;

use telness_core::call::Location;
pub(super) use telness_core::location::{CELL_BYTES_MAX, MUNICIPALITY_BYTES_MAX};
use telness_core::names::NAME_BYTES_MAX;
use telness_core::reason::Reason;

use super::call_request::shared;
use super::fields::{Fields, TextRule, graphic};
use super::json::{Entries, Json};
use crate::pidf_lo::{self, PIDF_LO_BYTES_MAX};

/// The largest radius of uncertainty, in metres: half the way round the Earth.
pub(super) const UNCERTAINTY_M_MAX: f64 = 20_040_000.0;
/// How much of a location that cannot be read is kept as sent, in bytes of JSON.
const SENT_BYTES_MAX: usize = 20_480;

/// Takes the location out. What is wrong in it becomes a fault for each field; what is good is read beside it, and all of
/// it is kept (E10).
pub(super) fn read(fields: &mut Fields<'_, '_>) -> Option<Location> {
    let before = fields.faults.count();
    let value = fields.take("location");
    let wrong = fields.faults.count() != before;
    match value {
        Some(Json::Object(entries)) => Some(object(entries, fields)),
        Some(other) => {
            fields.invalid("location", "must be an object");
            Some(Location { sent: as_sent(&other), ..Location::default() })
        }
        // It was there, and nothing of it has a form that could be kept.
        None if wrong => Some(Location::default()),
        None => None,
    }
}

fn object(entries: Entries<'_>, within: &mut Fields<'_, '_>) -> Location {
    let all = entries.clone();
    let mut fields = Fields::new("location", entries, within.faults);
    let before = fields.faults.count();
    let latitude = fields.number("latitude", -90.0, 90.0);
    let longitude = fields.number("longitude", -180.0, 180.0);
    let whole = latitude.is_some() == longitude.is_some();
    if !whole && fields.faults.count() == before {
        let missing = if latitude.is_some() { "longitude" } else { "latitude" };
        let path = fields.path(missing);
        fields.faults.add(&path, Reason::FieldMissing, "is needed: latitude and longitude come together");
    }
    let pidf_lo = fields.text("pidf_lo", document()).map(shared);
    let (pidf_lo_read, wrong) = pidf_lo.as_deref().map(pidf_lo::read).unwrap_or_default();
    if let Some(why) = wrong {
        fields.invalid("pidf_lo", why);
    }
    let location = Location {
        latitude: latitude.filter(|_| whole),
        longitude: longitude.filter(|_| whole),
        uncertainty_m: fields.number("uncertainty_m", 0.0, UNCERTAINTY_M_MAX),
        cell: fields.text("cell", graphic(CELL_BYTES_MAX)).map(shared),
        municipality: fields.text("municipality", graphic(MUNICIPALITY_BYTES_MAX)).map(shared),
        site: fields.text("site", graphic(NAME_BYTES_MAX)).map(shared),
        nomadic: fields.flag("nomadic").unwrap_or(false),
        pidf_lo,
        pidf_lo_read,
        sent: None,
    };
    fields.done();
    let faulty = within.faults.count() != before;
    Location { sent: if faulty { as_sent(&Json::Object(all)) } else { None }, ..location }
}

/// A document of XML: any text, lines and all.
const fn document() -> TextRule {
    TextRule { bytes_max: PIDF_LO_BYTES_MAX, allows: |character| character != '\0', of: "text" }
}

/// A value as JSON again, as far as it is kept.
fn as_sent(json: &Json<'_>) -> Option<Arc<str>> {
    let mut text = String::new();
    write(json, &mut text);
    let end = text.floor_char_boundary(SENT_BYTES_MAX);
    text.get(..end).map(Arc::from)
}

fn write(json: &Json<'_>, out: &mut String) {
    if out.len() > SENT_BYTES_MAX {
        return;
    }
    // Writing to a string does not fail.
    let _ = match json {
        Json::Null | Json::Unusable(_) => write!(out, "null"),
        Json::Bool(value) => write!(out, "{value}"),
        Json::Whole(value) => write!(out, "{value}"),
        Json::Number(value) => write!(out, "{value}"),
        Json::Text(text) | Json::Spoiled(text, _) => write!(out, "{}", serde_json::Value::from(text.as_ref())),
        Json::List(items) => {
            between(out, ['[', ']'], items, |out, item| write(item, out));
            Ok(())
        }
        Json::Object(entries) => {
            between(out, ['{', '}'], entries, |out, (name, value)| {
                let _ = write!(out, "{}:", serde_json::Value::from(name.as_ref()));
                write(value, out);
            });
            Ok(())
        }
    };
}

fn between<T>(out: &mut String, [open, close]: [char; 2], all: &[T], one: impl Fn(&mut String, &T)) {
    out.push(open);
    for (at, item) in all.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        one(out, item);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::super::call_request;
    use super::super::fields::Faults;
    use super::*;

    fn read_location(location: &str) -> (Location, Vec<String>) {
        let body = format!("{{\"to\":\"112\",\"location\":{location}}}");
        let draft = call_request::read(body.as_bytes(), None, Faults::default()).draft;
        let faults = draft.faults.iter().map(|fault| fault.field.to_string()).collect();
        (draft.location.unwrap_or_default(), faults)
    }

    #[test]
    fn all_that_a_switch_may_send_is_read() {
        let (read, faults) = read_location(
            r#"{"latitude":59.33,"longitude":18.06,"uncertainty_m":50,"cell":"240-01-1","municipality":"0180",
                "site":"kista","nomadic":true,"pidf_lo":"<p><Point><pos>59.3 18.0</pos></Point></p>"}"#,
        );
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!((read.site.as_deref(), read.nomadic, &read.sent), (Some("kista"), true, &None));
        assert_eq!(read.pidf_lo.as_deref(), Some("<p><Point><pos>59.3 18.0</pos></Point></p>"));
        assert_eq!(read.pidf_lo_read.and_then(|read| read.latitude), Some(59.3));
    }

    #[test]
    fn e10_what_cannot_be_read_is_kept_as_sent_beside_what_can() {
        let sent =
            r#"{"latitude":"59\u00b0","longitude":18,"cell":"240-01-1","pidf_lo":"<p","x":[1.5,null,{"y":true}]}"#;
        let (read, faults) = read_location(sent);
        assert_eq!(faults, ["location.latitude", "location.pidf_lo", "location.x"]);
        assert_eq!((read.latitude, read.longitude, read.cell.as_deref()), (None, None, Some("240-01-1")));
        assert_eq!((read.pidf_lo.as_deref(), read.pidf_lo_read), (Some("<p"), None));
        let kept: serde_json::Value = serde_json::from_str(read.sent.as_deref().unwrap()).unwrap();
        assert_eq!(kept, serde_json::from_str::<serde_json::Value>(sent).unwrap());
        for (sent, kept) in [("\"home\"", Some("\"home\"")), ("[59,18]", Some("[59,18]")), ("1e999", None)] {
            let (read, faults) = read_location(sent);
            assert_eq!((read.sent.as_deref(), faults), (kept, vec!["location".to_owned()]), "{sent}");
        }
        let long = format!("{{\"x\":\"{}\"}}", "\u{e5}".repeat(SENT_BYTES_MAX));
        assert!(read_location(&long).0.sent.unwrap().len() <= SENT_BYTES_MAX);
        let (read, faults) = read_location("null");
        assert_eq!((read, faults), (Location::default(), Vec::new()));
    }
}
