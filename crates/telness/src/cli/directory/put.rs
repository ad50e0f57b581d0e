//! `put`: makes one thing of flags, or as many as a file has lines.

use std::fmt::Debug;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::editing::{EditFlags, ExpectFlags};
use super::super::in_store::{Access, failed, in_store};
use super::super::{Exit, Failure, Output, SettingFlags};
use super::{Thing, bulk};

/// What to put.
#[derive(Args, Debug)]
pub(super) struct Put<T: Thing> {
    /// Which one, as `list` shows it
    #[arg(value_name = T::KEY_NAME, value_parser = T::key_of, required_unless_present = "file")]
    key: Option<T::Key>,
    #[command(flatten)]
    fields: T::Fields,
    /// Puts each line of JSON of this file; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", T::FIELDS, "if_version"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    expect: ExpectFlags,
    #[command(flatten)]
    edit: EditFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

impl<T: Thing> Put<T> {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Self { key, fields, file, expect, edit, settings } = self;
        let (edit, expect) = (edit.edit(), expect.expect());
        if let Some(file) = file {
            return in_store(&settings, Access::Changes, async |control| {
                bulk::put::<T>(&control, &file, &edit, expect, out).await
            });
        }
        let key = key.ok_or_else(|| Failure::usage("say which one, or give a --file"))?;
        let value = T::of(key.clone(), fields).map_err(Failure::usage)?;
        in_store(&settings, Access::Changes, async |control| {
            let version = T::put(&control, &edit, value, expect).await.map_err(|error| failed(&error))?;
            if out.is_json() {
                out.json(&json!({ "kind": T::NAME, "key": key.to_string(), "version": version }))?;
            } else {
                out.line(format_args!("{} {key} is put: change {version}", T::NAME))?;
            }
            Ok(Exit::Done)
        })
    }
}
