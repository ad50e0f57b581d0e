//! `delete`: takes one thing away, if nothing needs it.

use std::fmt::Debug;

use clap::Args;
use serde_json::json;

use super::super::editing::{EditFlags, VersionFlag};
use super::super::in_store::{Access, failed, in_store};
use super::super::{Exit, Failure, Output, SettingFlags};
use super::Thing;

/// Which one.
#[derive(Args, Debug)]
pub(super) struct Delete<T: Thing> {
    /// Which one, as `list` shows it
    #[arg(value_name = T::KEY_NAME, value_parser = T::key_of)]
    key: T::Key,
    #[command(flatten)]
    expect: VersionFlag,
    #[command(flatten)]
    edit: EditFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

impl<T: Thing> Delete<T> {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { key, expect, edit, settings } = self;
        in_store(&settings, Access::Changes, async |control| {
            let deleted = T::delete(&control, &edit.edit(), &key, expect.expect()).await;
            let version = deleted.map_err(|error| failed(&error))?;
            if out.is_json() {
                out.json(&json!({ "kind": T::NAME, "key": key.to_string(), "version": version }))?;
            } else {
                out.line(format_args!("{} {key} is deleted: change {version}", T::NAME))?;
            }
            Ok(Exit::Done)
        })
    }
}
