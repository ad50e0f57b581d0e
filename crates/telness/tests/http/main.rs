//! The HTTP edge as a client sees it: over sockets, on a real node in this process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::type_complexity,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a test"
)]

mod bad_input;
mod billing;
mod connections;
mod directory;
mod emergencies;
mod gateways;
mod operations;
mod served;
mod workflows;
