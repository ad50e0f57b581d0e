//! `telness users`: people and functions that can be called, each by `TENANT/USER`.

use clap::Args;
use telness_core::directory::{Language, Preferences, User, UserDevice};
use telness_core::number::Digits;
use telness_store::control::UserKey;

use super::*;

/// What to do with users.
#[derive(Args, Debug)]
pub(in super::super) struct Users {
    #[command(subcommand)]
    action: Action<User>,
}

impl Users {
    pub(in super::super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        self.action.run(out)
    }
}

/// What a user has.
#[derive(Args, Debug)]
pub(super) struct UserFields {
    /// The extension held; nobody else of the tenant has it
    #[arg(long, value_name = "DIGITS")]
    extension: Option<Digits>,
    /// What rings: a trunk of the plan and what is dialled there, such as pbx=ext:201; may be said several times
    #[arg(long, value_name = "TRUNK=NUMBER", value_parser = device)]
    device: Vec<UserDevice>,
    /// The user is not to be called now
    #[arg(long)]
    do_not_disturb: bool,
    /// The language the user is spoken to in, such as sv
    #[arg(long)]
    language: Option<Language>,
}

impl Thing for User {
    type Fields = UserFields;
    const FIELDS: &'static str = "UserFields";
    const KEY_NAME: &'static str = "TENANT/USER";
    const HEADING: &'static str = "TENANT/USER                      EXTENSION  RINGS";

    fn key_of(text: &str) -> Result<UserKey, String> {
        let (tenant, name) = text.split_once('/').ok_or("write TENANT/USER, such as nordtel/anna")?;
        let wrong = |error: telness_core::names::NameError| error.to_string();
        Ok(UserKey { tenant: tenant.parse().map_err(wrong)?, name: name.parse().map_err(wrong)? })
    }

    fn of(key: UserKey, fields: UserFields) -> Result<Self, String> {
        let UserFields { extension, device, do_not_disturb, language } = fields;
        let preferences = Preferences { do_not_disturb, language };
        Ok(Self { name: key.name, tenant: key.tenant, extension, devices: device, preferences })
    }

    fn row(&self) -> String {
        let rings: Vec<String> =
            self.devices.iter().map(|device| format!("{}={}", device.trunk, device.number)).collect();
        let extension = self.extension.map_or("-".to_owned(), |extension| extension.to_string());
        let disturbed = if self.preferences.do_not_disturb { "  (do not disturb)" } else { "" };
        format!("{:<32} {extension:<9}  {}{disturbed}", self.key().to_string(), rings.join(" "))
    }
}

fn device(text: &str) -> Result<UserDevice, String> {
    let (trunk, number) = text.split_once('=').ok_or("write TRUNK=NUMBER, such as pbx=ext:201")?;
    let trunk = trunk.parse().map_err(|error: telness_core::names::NameError| error.to_string())?;
    let number = number.parse().map_err(|error: telness_core::directory::DeviceNumberError| error.to_string())?;
    Ok(UserDevice { trunk, number })
}
