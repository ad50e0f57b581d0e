//! Where the caller is, as `telness route` is told it: what `POST /v1/calls` takes as `location`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use telness_core::call::{FieldFault, Location};
use telness_core::reason::Reason;

use super::super::{Failure, short_file};
use crate::pidf_lo::{self, PIDF_LO_BYTES_MAX};

/// Where the caller is, for an emergency call.
#[derive(Args, Debug)]
pub(super) struct PlaceFlags {
    /// Where the caller is, for an emergency call: degrees north and east, such as 59.33,18.06
    #[arg(long, value_name = "LAT,LON", value_parser = position, allow_hyphen_values = true)]
    position: Option<(f64, f64)>,
    /// The caller's cell
    #[arg(long)]
    cell: Option<String>,
    /// The code of the caller's municipality
    #[arg(long, value_name = "CODE")]
    municipality: Option<String>,
    /// The plan's site where the caller is
    #[arg(long, value_name = "NAME")]
    site: Option<String>,
    /// Says that the caller may be anywhere
    #[arg(long)]
    nomadic: bool,
    /// A location by value, PIDF-LO in a file; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pidf_lo: Option<PathBuf>,
}

impl PlaceFlags {
    /// The location, if anything of it was said, and what of it cannot be read: of a live request that would be a fault,
    /// and of an emergency call a note.
    pub(super) fn location(&self) -> Result<(Option<Location>, Vec<FieldFault>), Failure> {
        let shared = |text: &Option<String>| text.as_deref().map(Arc::from);
        let pidf_lo = self.pidf_lo.as_deref().map(document).transpose()?;
        let (pidf_lo_read, wrong) = pidf_lo.as_deref().map(pidf_lo::read).unwrap_or_default();
        let location = Location {
            latitude: self.position.map(|(latitude, _)| latitude),
            longitude: self.position.map(|(_, longitude)| longitude),
            cell: shared(&self.cell),
            municipality: shared(&self.municipality),
            site: shared(&self.site),
            nomadic: self.nomadic,
            pidf_lo: pidf_lo.map(Arc::from),
            pidf_lo_read,
            ..Location::default()
        };
        let fault = |detail: String| FieldFault {
            field: Arc::from("location.pidf_lo"),
            reason: Reason::FieldInvalid,
            detail: Arc::from(detail),
        };
        Ok(((location != Location::default()).then_some(location), wrong.map(fault).into_iter().collect()))
    }
}

fn document(file: &Path) -> Result<String, Failure> {
    let bytes = short_file::read("location", file, PIDF_LO_BYTES_MAX)?;
    let name = file.display();
    if bytes.len() > PIDF_LO_BYTES_MAX {
        return Err(Failure::usage(format_args!(
            "the location {name} has more than the {PIDF_LO_BYTES_MAX} bytes that a request may send; the positions and \
             addresses of its first tuple are enough"
        )));
    }
    String::from_utf8(bytes).map_err(|why| Failure::cannot(format_args!("the location {name} cannot be read: {why}")))
}

fn position(text: &str) -> Result<(f64, f64), String> {
    let (latitude, longitude) = text.split_once(',').ok_or("write LAT,LON")?;
    let degrees = |text: &str, max: f64| {
        let read = text.trim().parse().ok().filter(|degrees: &f64| (-max..=max).contains(degrees));
        read.ok_or_else(|| format!("`{text}` is not from -{max} to {max}"))
    };
    Ok((degrees(latitude, 90.0)?, degrees(longitude, 180.0)?))
}
