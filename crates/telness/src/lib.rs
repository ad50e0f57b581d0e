//! The edges of telness: bytes to the engine's types and back. The binary is a thin shell over this library, so
//! that tests and fuzzers reach the edges without a process.

mod accepting;
#[doc(hidden)]
pub mod app;
#[doc(hidden)]
pub mod cli;
#[doc(hidden)]
pub mod http;
mod listeners;
mod open_files;
mod pidf_lo;
mod reload;
#[doc(hidden)]
pub mod sip;
