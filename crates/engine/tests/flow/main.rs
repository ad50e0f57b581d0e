//! The flows of a whole node, on a real data folder, without an edge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a test"
)]

mod callbacks;
mod calls;
mod counters;
mod decks;
mod denials;
mod directory;
mod emergency;
mod following;
mod gateways;
mod idempotency;
mod journal;
mod outages;
mod plans;
mod scene;
mod shadows;
mod shared;
mod store;
