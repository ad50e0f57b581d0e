//! The areas that a plan names, found by municipality, cell, civic name or position.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Polygon, Position};
use crate::names::AreaName;
use crate::number::Region;
use crate::plan::AreaIx;

/// The longest identity of a cell, in bytes: in a plan and in a request alike.
pub const CELL_BYTES_MAX: usize = 64;
/// The longest code of a municipality, in bytes: in a plan and in a request alike.
pub const MUNICIPALITY_BYTES_MAX: usize = 16;

/// A part of a region whose emergency calls are told apart from those of others.
#[derive(Clone, Debug)]
pub struct Area {
    /// Its name.
    pub name: AreaName,
    /// The region that it is in.
    pub region: Region,
    /// The code of the municipality that it is, or is in.
    pub municipality: Option<Arc<str>>,
}

/// The areas of a plan.
#[derive(Clone, Debug, Default)]
pub struct Areas {
    /// The areas, in the order of the document.
    pub all: Box<[Area]>,
    /// By municipality; its code means something in its region alone.
    pub by_municipality: BTreeMap<Region, BTreeMap<Arc<str>, AreaIx>>,
    /// By a name in a civic address, in lower case, and its region.
    pub by_civic: BTreeMap<Region, BTreeMap<Arc<str>, AreaIx>>,
    /// By a cell's whole identity.
    pub by_cell: BTreeMap<Arc<str>, AreaIx>,
    /// By what the identities of cells begin with.
    pub by_cell_prefix: BTreeMap<Arc<str>, AreaIx>,
    /// By position; of two that have it the first counts.
    pub polygons: Box<[(Polygon, AreaIx)]>,
}

impl Areas {
    /// The area at an index of this plan.
    #[must_use]
    pub fn get(&self, at: AreaIx) -> Option<&Area> {
        self.all.get(at.index())
    }

    /// The area of a name.
    #[must_use]
    pub fn named(&self, name: &AreaName) -> Option<AreaIx> {
        let at = self.all.iter().position(|area| area.name == *name)?;
        u32::try_from(at).ok().map(AreaIx)
    }

    /// The area of a municipality of a region.
    #[must_use]
    pub fn of_municipality(&self, region: Region, code: &str) -> Option<AreaIx> {
        self.by_municipality.get(&region)?.get(code).copied()
    }

    /// The area of the first of some names that the plan has for one, whatever their case.
    #[must_use]
    pub fn of_civic(&self, region: Region, names: &[Arc<str>]) -> Option<AreaIx> {
        let areas = self.by_civic.get(&region)?;
        names.iter().find_map(|name| areas.get(&*name.to_lowercase()).copied())
    }

    /// The area of a cell: by its whole identity, else by the longest beginning of it that the plan has.
    #[must_use]
    pub fn of_cell(&self, cell: &str) -> Option<AreaIx> {
        let by_prefix = || {
            let mut lengths = (1..=cell.len().min(CELL_BYTES_MAX)).rev();
            lengths.find_map(|len| self.by_cell_prefix.get(cell.get(..len)?).copied())
        };
        self.by_cell.get(cell).copied().or_else(by_prefix)
    }

    /// The area that has a position.
    #[must_use]
    pub fn of_position(&self, position: Position) -> Option<AreaIx> {
        self.polygons.iter().find(|(polygon, _)| polygon.has(position)).map(|(_, area)| *area)
    }
}
