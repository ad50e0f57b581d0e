//! `telness config`: the settings in force, where each comes from, secrets hidden.

use clap::Args;
use serde_json::{Map, Value, json};

use super::{Exit, Failure, Output, SettingFlags};

/// Which settings.
#[derive(Args, Debug)]
pub(super) struct Config {
    #[command(flatten)]
    settings: SettingFlags,
    /// Where HTTP is served [setting `listen`]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
}

impl Config {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let loaded = self.settings.load(self.listen.as_deref())?;
        if out.is_json() {
            let settings = loaded.effective.iter().map(|one| {
                let value = json!({ "value": one.shown, "source": one.source, "variable": one.setting.variable() });
                (one.setting.name.to_owned(), value)
            });
            let settings: Map<String, Value> = settings.collect();
            out.json(&json!({ "file": loaded.file, "settings": settings }))?;
            return Ok(Exit::Done);
        }
        match &loaded.file {
            Some(file) => out.line(format_args!("# file: {}", file.display()))?,
            None => out.line("# no settings file")?,
        }
        for one in &loaded.effective {
            let shown = if one.shown.is_empty() { "-" } else { &one.shown };
            out.line(format_args!("{:<36} {:<24} {}", one.setting.name, shown, one.source))?;
        }
        Ok(Exit::Done)
    }
}
