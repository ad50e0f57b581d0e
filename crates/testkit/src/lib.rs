//! What the tests and benchmarks of telness share: the service as a process, a client for it, waiting for a
//! condition, and load.
//!
//! **Invariant:** nothing here imports telness. A test that drives the real process must not share code with it,
//! or one mistake would hide the other.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test tool fails by panicking with what went wrong, as the test that uses it would"
)]

pub mod balancer;
pub mod client;
pub mod dice;
pub mod load;
pub mod patroni;
pub mod pgbackrest;
pub mod postgres;
pub mod proxy;
pub mod service;
pub mod wait;

pub use balancer::Balancer;
pub use client::{Client, Response};
pub use dice::Dice;
pub use patroni::Cluster;
pub use pgbackrest::Backups;
pub use postgres::Postgres;
pub use proxy::{Network, Proxy};
pub use service::{Service, ServiceOptions, lasting_addresses, tied, without_settings};
pub use wait::{eventually, now, pause};
