//! The codes that emergency numbers carry: read whole, and one for each municipality that the plan names.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::empty_list;
use super::names::{Names, duplicate};
use crate::location::{CodePart, CodeTable};
use crate::number::Region;
use crate::plan::document::leaf::quoted;
use crate::plan::document::{CodeList, Document};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;

/// The longest format of a number, in characters: no number is longer.
const FORMAT_CHARS_MAX: usize = 32;

pub(super) fn compile(document: &Document, names: &Names, faults: &mut Faults<'_>) -> BTreeMap<Region, CodeTable> {
    let root = Path::ROOT;
    let emergency = root.field("emergency");
    let list = emergency.field("codes");
    let mut tables = BTreeMap::new();
    for (at, one) in document.emergency.codes.iter() {
        let here = list.item(at);
        let table = table(one, &here, names, faults);
        if tables.insert(one.region, table).is_some() {
            duplicate("list of codes for region", one.region.as_str(), &here.field("region"), faults);
        }
    }
    every_municipality(document, &tables, &emergency.field("areas"), faults);
    tables
}

fn table(one: &CodeList, here: &Path<'_>, names: &Names, faults: &mut Faults<'_>) -> CodeTable {
    let list = here.field("trunks");
    let mut trunks = std::collections::BTreeSet::new();
    for (at, name) in one.trunks.iter().flat_map(|trunks| trunks.iter()) {
        trunks.extend(names.trunk(name.as_str(), &list.item(at), faults));
    }
    if one.trunks.as_ref().is_some_and(|trunks| trunks.is_empty()) {
        empty_list(&list, faults, "no trunk takes the codes");
    }
    let list = here.field("municipalities");
    let mut municipalities = BTreeMap::new();
    for (at, entry) in one.municipalities.iter() {
        let code = entry.municipality.0.as_str();
        if municipalities.insert(Arc::from(code), entry.code).is_some() {
            duplicate("code of the municipality", code, &list.item(at).field("municipality"), faults);
        }
    }
    let format = format(&one.format, &here.field("format"), faults);
    CodeTable { trunks, format, municipalities, nomadic: one.nomadic, unknown: one.unknown }
}

/// Reads `{number}{code}` and the digits around. Nothing else may get into a SIP URI.
fn format(text: &str, path: &Path<'_>, faults: &mut Faults<'_>) -> Box<[CodePart]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() && text.len() <= FORMAT_CHARS_MAX {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (part, len) = if digits > 0 {
            (CodePart::Digits(Arc::from(rest.get(..digits).unwrap_or_default())), digits)
        } else if rest.starts_with("{number}") {
            (CodePart::Number, "{number}".len())
        } else if rest.starts_with("{code}") {
            (CodePart::Code, "{code}".len())
        } else {
            break;
        };
        parts.push(part);
        rest = rest.get(len..).unwrap_or_default();
    }
    if !rest.is_empty() || !parts.contains(&CodePart::Code) {
        let message = format!("{} is no format of a number with a code", quoted(text));
        let help = "write digits, `{number}` for the emergency number and `{code}` for the place's code, such as `{number}{code}`";
        faults.tell(FaultCode::BadValue, path, message, help);
    }
    parts.into()
}

/// Tells of each municipality of a region with codes that has none: its calls would not say where they are from.
fn every_municipality(
    document: &Document,
    tables: &BTreeMap<Region, CodeTable>,
    areas: &Path<'_>,
    faults: &mut Faults<'_>,
) {
    for (at, area) in document.emergency.areas.iter() {
        let (Some(table), Some(code)) = (tables.get(&area.region), &area.municipality) else { continue };
        if !table.municipalities.contains_key(code.0.as_str()) {
            let known = table.municipalities.keys().map(|code| &**code);
            let path = areas.item(at);
            faults.unknown_name(
                &path.field("municipality"),
                "code in `emergency.codes` for municipality",
                &code.0,
                known,
            );
        }
    }
}
