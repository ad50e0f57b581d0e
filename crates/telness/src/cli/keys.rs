//! `telness keys new`: an API key, shown once; what is kept of it is pasted into the settings file.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use serde_json::json;
use telness_core::names::{OperatorName, TenantName};
use telness_engine::auth::KeyText;

use super::{Exit, Failure, Output};

/// What to do with keys.
#[derive(Args, Debug)]
pub(super) struct KeysCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes a key and prints it once, with the lines for the settings file
    New(New),
}

/// Whose key it is to be.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct New {
    /// The tenant that the key proves
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantName>,
    /// Makes a key of the operator, who edits what is kept of all tenants; the name is what the log of changes has
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "operator")]
    operator: Option<OperatorName>,
}

impl KeysCommand {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        let Action::New(New { tenant, operator }) = self.action;
        let key = KeyText::fresh().map_err(Failure::cannot)?;
        let sha256 = hex(&key.sha256());
        let (field, holder) = match (&tenant, &operator) {
            (_, Some(name)) => ("operator", name.as_str()),
            (tenant, None) => ("tenant", tenant.as_ref().map_or("", TenantName::as_str)),
        };
        if out.is_json() {
            out.json(&json!({ field: holder, "key": key.reveal(), "sha256": sha256 }))?;
            return Ok(Exit::Done);
        }
        out.line(format_args!(
            "The key, shown this once. Send it as `Authorization: Bearer KEY`:\n\n{}\n",
            key.reveal()
        ))?;
        out.line("What telness.toml in the data folder (or the file of --config) needs; then start telness anew:\n")?;
        out.line(format_args!("[[keys]]\n{field} = \"{holder}\"\nsha256 = \"{sha256}\""))?;
        Ok(Exit::Done)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
