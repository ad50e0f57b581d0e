//! What people edit, over HTTP: tenants, users, the inventory of numbers, plans, rate decks, and the log of changes.
//!
//! A resource is a file, with the same order inside: how it is documented, how it is read, its operations. [`resource`]
//! has what they do alike, [`asking`] what all requests have in common, [`answering`] what all answers have.

mod answering;
mod arriving;
mod asking;
pub mod blocks;
pub mod changes;
pub mod deck_rows;
pub mod decks;
pub mod documented;
pub mod numbers;
pub mod plans;
pub mod published;
mod reading;
pub mod refused;
mod resource;
pub mod tenants;
pub mod users;

pub use asking::Head;
pub use reading::read_bodies;
