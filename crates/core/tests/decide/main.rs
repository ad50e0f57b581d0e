//! What `decide` answers, and that its trace says why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::needless_pass_by_value,
    missing_docs,
    reason = "a test"
)]

mod book;
mod callbacks;
mod dialling;
mod directory;
mod emergencies;
mod forwarding;
mod golden;
mod held_numbers;
mod laws;
mod locations;
mod reference;
mod rewriting;
mod routing;
