//! `show`: one thing as it is, with the version that a change of it can expect.

use std::fmt::Debug;

use clap::Args;

use super::super::in_store::{Access, failed, in_store};
use super::super::{Exit, Failure, Output, SettingFlags};
use super::Thing;

/// Which one.
#[derive(Args, Debug)]
pub(super) struct Show<T: Thing> {
    /// Which one, as `list` shows it
    #[arg(value_name = T::KEY_NAME, value_parser = T::key_of)]
    key: T::Key,
    #[command(flatten)]
    settings: SettingFlags,
}

impl<T: Thing> Show<T> {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { key, settings } = self;
        in_store(&settings, Access::Reads, async |control| {
            let found = T::get(&control, &key).await.map_err(|error| failed(&error))?;
            let found = found.ok_or_else(|| Failure::new(Exit::No, format_args!("there is no {} {key}", T::NAME)))?;
            if out.is_json() {
                out.json(&found)?;
            } else {
                out.line(format_args!("version {}", found.version))?;
                out.line(serde_json::to_string_pretty(&found.value).map_err(Failure::cannot)?)?;
            }
            Ok(Exit::Done)
        })
    }
}
