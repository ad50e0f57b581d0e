//! The flags that many commands share: where the settings come from, and which are set on the command line.

use std::path::PathBuf;

use clap::Args;
use telness_engine::config::{Environment, Flag, Inputs, Loaded, load};

use super::exit::Failure;

/// Where settings come from.
#[derive(Args, Clone, Debug, Default)]
pub struct SettingFlags {
    /// The settings file; `telness.toml` in the data folder if not said [also: TELNESS_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder [setting `data`]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// The plan's file [setting `plan`]
    #[arg(long, value_name = "FILE")]
    plan: Option<String>,
    /// Sets any setting; `telness config` lists them
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    set: Vec<(String, String)>,
}

impl SettingFlags {
    /// Reads the settings.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(&self, listen: Option<&str>) -> Result<Loaded, Failure> {
        load(&self.inputs(listen)).map_err(Failure::usage)
    }

    /// What the settings are read from. A flag of its own outranks `--set`.
    #[must_use]
    pub fn inputs(&self, listen: Option<&str>) -> Inputs {
        let set = self.set.iter().map(|(name, text)| Flag {
            flag: "--set".to_owned(),
            name: name.clone(),
            text: text.clone(),
        });
        let own = [("data", self.data.as_deref()), ("plan", self.plan.as_deref()), ("listen", listen)];
        let own = own.into_iter().filter_map(|(name, text)| {
            let text = text?.to_owned();
            Some(Flag { flag: format!("--{name}"), name: name.to_owned(), text })
        });
        Inputs { file: self.config.clone(), environment: Environment::of_process(), flags: set.chain(own).collect() }
    }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as log.format=json")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}
