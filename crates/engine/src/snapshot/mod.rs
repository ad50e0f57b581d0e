//! The world that calls are decided on, swapped whole, and what it is compiled of: tables that a node keeps on its disk,
//! so that it starts without asking anybody.
//!
//! ```text
//! disk ─ SnapshotFolder::load ─▶ Tables ─ apply(Delta) ─ compile ─▶ Compiled { World } ─ Snapshot::publish ─▶ calls
//!   ▲──── SnapshotFolder::save ───┘
//! ```
//! [`Follower`] is who turns this: it asks the store for what changed.

mod ask;
mod body;
mod compile;
mod file;
mod folder;
mod follow;
mod in_service;
mod keeping;
mod known;
mod served;
mod tables;

pub use compile::{Compiled, FaultyPlan};
pub use file::{FORMAT, SNAPSHOT_BYTES_MAX, SnapshotError, Took};
pub use folder::{Found, Loaded, Refused, SnapshotFolder};
pub use in_service::Snapshot;
pub use tables::{Delta, LastChange, PlanFrom, PlanText, Tables};

pub(crate) use follow::Follower;
pub(crate) use keeping::Keeping;
pub(crate) use served::{Fault, MadeOf, Served};
