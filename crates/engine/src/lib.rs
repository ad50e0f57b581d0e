//! Everything that waits and is no edge: the flow of a call, its recording, and what both stand on.
//!
//! **Invariant:** there is no HTTP here and no SQL. Edges turn bytes into a [`Draft`](telness_core::call::Draft)
//! and an [`Answer`] into bytes; the store crate keeps the records.

pub mod auth;
pub mod billing;
mod call_flow;
mod call_log;
mod callbacks;
pub mod clock;
pub mod config;
mod data_folder;
pub mod deck_flow;
mod dialled;
pub mod directory_flow;
mod emergency_flow;
mod error;
mod event_flow;
pub mod health;
mod heartbeat;
mod idempotency;
pub mod identity;
pub mod incidents;
pub mod inventory;
pub mod lookup;
mod node;
pub mod plan_flow;
pub mod prune_flow;
mod readiness;
pub mod reconcile_flow;
pub mod recorder;
pub mod sip;
pub mod snapshot;
pub mod storage;
pub mod supervise;
mod synthetic;
pub mod telemetry;
mod trial;
pub mod workflow;
mod world_flow;

pub use auth::Asker;
pub use call_flow::Answer;
pub use data_folder::{DataFolder, DataFolderError, gateways_file, incidents_file, read_secret, store_file};
pub use emergency_flow::EmergencyReadiness;
pub use error::{CallError, ReadError};
pub use event_flow::{EventReport, EventTaken};
pub use heartbeat::{ALIVE_MAX, is_alive};
pub use node::{Engine, Node, StartError};
pub use readiness::{Readiness, Unready};
pub use snapshot::PlanFrom;
pub use trial::{Trial, TrialCall, try_call, try_standing};
pub use world_flow::{Beginning, begin, example};
