//! The world that calls are decided on, swapped whole, and what it is compiled of: tables that a node keeps on its disk,
//! so that it starts without asking anybody.
//!
//! ```text
//! disk ─ SnapshotFolder::load ─▶ Tables ─ apply(Delta) ─ compile ─▶ Compiled { World } ─ Snapshot::publish ─▶ calls
//!   ▲──── SnapshotFolder::save ───┘
//! ```

mod body;
mod compile;
mod file;
mod folder;
mod in_service;
mod known;
mod tables;

pub use compile::{Compiled, FaultyPlan};
pub use file::{FORMAT, SNAPSHOT_BYTES_MAX, SnapshotError, Took};
pub use folder::{Found, Loaded, Refused, SnapshotFolder};
pub use in_service::Snapshot;
pub use tables::{Delta, PlanText, Tables};
