//! HTTP: the native API, the metrics and the documentation. Bytes to the engine's types and back, nothing decided.
//!
//! One operation is one file, with the same order inside: what it takes and gives, its place in the document, the
//! handler, its tests. [`problem`] alone knows which reason is which status.

pub mod api;
pub mod asker;
mod body;
pub mod call_answer;
pub mod call_request;
pub mod call_schema;
pub mod call_view;
mod connection;
pub mod create_call;
pub(crate) mod csv;
pub mod directory;
mod dispatch;
pub mod docs;
pub mod fields;
pub mod health;
pub mod json;
pub mod list_billing_files;
pub mod list_calls;
pub mod list_gateways;
pub mod list_incidents;
pub mod located_view;
mod location;
pub mod metrics;
mod pace;
mod paging;
pub mod problem;
pub mod read_billing_file;
pub mod read_call;
pub mod read_trace;
pub mod reconcile;
pub mod report_event;
mod request_id;
mod server;
pub mod trace_view;
pub mod words;

pub(crate) use call_answer::DecisionView;
pub(crate) use call_view::PartyView;
pub use server::serve;

/// Reads bytes as every body that the API takes; for fuzzing, which must find nothing that panics.
pub fn read_bodies(body: &[u8]) {
    drop(call_request::read(body, None, fields::Faults::default()));
    drop(report_event::read(body, fields::Faults::default()));
    directory::read_bodies(body);
}
