//! Incidents: what happened to emergency calls here, since when, how many failed and until when, opened and closed by the
//! node itself, for whoever has to report it. Kept on the node's disk, so that it is there when nothing else is.

mod incident;
mod log;
mod watch;

pub use incident::{Incident, IncidentKind, IncidentList};
pub(crate) use log::IncidentLog;
pub(crate) use watch::{IncidentWatch, Seen};
