//! The areas that emergency calls are told apart by, and what is sent to find them: no two may be found by the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::names::Names;
use crate::location::{Area, Areas, Polygon, Position};
use crate::plan::AreaIx;
use crate::plan::document::decode::List;
use crate::plan::document::{self, CellPattern, Corner, Document};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;

/// The most corners of one polygon: what is drawn finer finds no other answering point, and takes longer.
const CORNERS_MAX: usize = 2_000;
/// A polygon that is wider has a side across the 180th meridian, or was meant to have.
const WIDTH_DEGREES_MAX: f64 = 180.0;

pub(super) fn compile(document: &Document, names: &Names, faults: &mut Faults<'_>) -> Areas {
    let root = Path::ROOT;
    let (emergency, mut areas) = (root.field("emergency"), Areas::default());
    let list = emergency.field("areas");
    let (mut all, mut polygons) = (Vec::new(), Vec::new());
    for (at, one) in document.emergency.areas.iter() {
        let here = list.item(at);
        let Some(area) = names.area(one.name.as_str(), &here.field("name"), faults) else { continue };
        municipality(&mut areas, one, area, &here.field("municipality"), faults);
        civic(&mut areas, one, area, &here.field("civic"), faults);
        cells(&mut areas, one, area, &here.field("cells"), faults);
        let drawn = here.field("polygons");
        for (at, corners) in one.polygons.iter() {
            polygons.extend(polygon(corners, &drawn.item(at), faults).map(|polygon| (polygon, area)));
        }
        let municipality = one.municipality.as_ref().map(|code| Arc::from(code.0.as_str()));
        all.push(Area { name: one.name.clone(), region: one.region, municipality });
    }
    areas.all = all.into();
    areas.polygons = polygons.into();
    areas
}

fn municipality(areas: &mut Areas, one: &document::Area, area: AreaIx, path: &Path<'_>, faults: &mut Faults<'_>) {
    let Some(code) = &one.municipality else { return };
    let held = areas.by_municipality.entry(one.region).or_default();
    once(held, &code.0, area, "municipality", path, faults);
}

fn civic(areas: &mut Areas, one: &document::Area, area: AreaIx, list: &Path<'_>, faults: &mut Faults<'_>) {
    for (at, name) in one.civic.iter() {
        let held = areas.by_civic.entry(one.region).or_default();
        once(held, &name.to_lowercase(), area, "civic name", &list.item(at), faults);
    }
}

fn cells(areas: &mut Areas, one: &document::Area, area: AreaIx, list: &Path<'_>, faults: &mut Faults<'_>) {
    for (at, cell) in one.cells.iter() {
        let (held, identity) = match cell {
            CellPattern::Whole(identity) => (&mut areas.by_cell, identity),
            CellPattern::Prefix(identity) => (&mut areas.by_cell_prefix, identity),
        };
        once(held, identity, area, "cell", &list.item(at), faults);
    }
}

/// Takes down what an area is found by. Of two areas that have the same nobody could say which is meant.
fn once(
    held: &mut BTreeMap<Arc<str>, AreaIx>,
    text: &str,
    area: AreaIx,
    what: &str,
    path: &Path<'_>,
    faults: &mut Faults<'_>,
) {
    if held.insert(Arc::from(text), area).is_some() {
        let message = format!("the {what} `{text}` is in an area before this one already");
        faults.tell(FaultCode::DuplicateName, path, message, "let it be in one area");
    }
}

fn polygon(corners: &List<Corner>, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<Polygon> {
    let mut refuse = |message: String, help: &str| {
        faults.tell(FaultCode::BadValue, path, message, help);
        None
    };
    let corners: Box<[Position]> = corners
        .iter()
        .map(|(_, corner)| Position { latitude: corner.latitude.0, longitude: corner.longitude.0 })
        .collect();
    let count = corners.len();
    if count > CORNERS_MAX {
        let help = "leave out corners that change no answering point, or draw several polygons";
        return refuse(format!("the polygon has {count} corners, and {CORNERS_MAX} are the most"), help);
    }
    let Some(polygon) = Polygon::new(corners).filter(|polygon| polygon.doubled_area() > 0.0) else {
        return refuse(
            "the corners enclose nothing".to_owned(),
            "write three or more corners that are not on one line",
        );
    };
    if polygon.width_degrees() > WIDTH_DEGREES_MAX {
        let help = "draw one polygon on each side of the 180th meridian";
        return refuse("the polygon spans more than half the way round the Earth".to_owned(), help);
    }
    Some(polygon)
}
