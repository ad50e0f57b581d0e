//! `telness tenants|users|numbers|blocks`: what people edit one by one, or by lines of JSON in bulk. The four commands
//! of each are the same; what differs is said once a kind.

mod blocks;
mod bulk;
mod delete;
mod list;
mod numbers;
mod put;
mod show;
mod tenants;
mod users;

use std::fmt::Debug;

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use telness_engine::directory_flow::Edited;
use telness_store::control::Entity as _;

use super::{Exit, Failure, Output};

pub(super) use blocks::Blocks;
pub(super) use numbers::Numbers;
pub(super) use tenants::Tenants;
pub(super) use users::Users;

/// The commands that every kind has.
#[derive(Debug, Subcommand)]
enum Action<T: Thing> {
    /// Lists them in the order of their keys
    List(list::List<T>),
    /// Shows one, with its version
    Show(show::Show<T>),
    /// Makes one or replaces it whole; or as many as a file has lines
    Put(put::Put<T>),
    /// Deletes one, if nothing needs it
    Delete(delete::Delete<T>),
}

impl<T: Thing> Action<T> {
    fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(out),
            Self::Show(show) => show.run(out),
            Self::Put(put) => put.run(out),
            Self::Delete(delete) => delete.run(out),
        }
    }
}

/// A kind of thing: how it is given on the command line, and shown.
trait Thing: Edited + DeserializeOwned {
    /// The flags that one is put by.
    type Fields: Args + Debug + Send + Sync;
    /// The name that the command line knows those flags by, together.
    const FIELDS: &'static str;
    /// What stands for a key in `--help`.
    const KEY_NAME: &'static str;
    /// The heading of a list.
    const HEADING: &'static str;

    /// Reads a key.
    fn key_of(text: &str) -> Result<Self::Key, String>;
    /// One of a key and flags.
    fn of(key: Self::Key, fields: Self::Fields) -> Result<Self, String>;
    /// The line of a list.
    fn row(&self) -> String;
}
