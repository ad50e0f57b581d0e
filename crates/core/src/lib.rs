//! What a call is, how it is classed and decided, and what is kept of it: pure and synchronous.
//!
//! **Invariant:** there is no tokio here, no clock, no random source and no I/O. The time and the draw of a
//! call come in as a [`Moment`](world::Moment), so that the live path, the simulator, the replay of recorded
//! calls, the fuzzers and the benchmarks are one function.

pub mod call;
pub mod class;
pub mod csv_cell;
pub mod decide;
pub mod deck;
pub mod directory;
pub mod emergency;
pub mod facts;
pub mod last_resort;
pub mod location;
pub mod names;
pub mod number;
pub mod plan;
pub mod rates;
pub mod reason;
pub mod reconcile;
pub mod record;
pub mod retention;
mod short_text;
pub mod standing;
pub mod time;
pub mod world;
