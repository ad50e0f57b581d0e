//! `telness tenants`: customers and operators.

use clap::Args;
use telness_core::directory::Tenant;
use telness_core::names::TenantName;
use telness_core::number::Digits;

use super::*;

/// What to do with tenants.
#[derive(Args, Debug)]
pub(in super::super) struct Tenants {
    #[command(subcommand)]
    action: Action<Tenant>,
}

impl Tenants {
    pub(in super::super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        self.action.run(out)
    }
}

/// What a tenant has.
#[derive(Args, Debug)]
pub(super) struct TenantFields {
    /// Refuses its calls, all but emergency calls
    #[arg(long)]
    suspended: bool,
    /// What its people dial before an outside number; may be said several times
    #[arg(long, value_name = "DIGITS")]
    outside_line_prefix: Vec<Digits>,
}

impl Thing for Tenant {
    type Fields = TenantFields;
    const FIELDS: &'static str = "TenantFields";
    const KEY_NAME: &'static str = "TENANT";
    const HEADING: &'static str = "TENANT                           SUSPENDED  OUTSIDE LINE";

    fn key_of(text: &str) -> Result<TenantName, String> {
        text.parse().map_err(|error: telness_core::names::NameError| error.to_string())
    }

    fn of(name: TenantName, fields: TenantFields) -> Result<Self, String> {
        let TenantFields { suspended, outside_line_prefix } = fields;
        Ok(Self { name, suspended, outside_line_prefixes: outside_line_prefix })
    }

    fn row(&self) -> String {
        let prefixes: Vec<String> = self.outside_line_prefixes.iter().map(ToString::to_string).collect();
        let suspended = if self.suspended { "yes" } else { "no" };
        format!("{:<32} {suspended:<9}  {}", self.name.as_str(), prefixes.join(" "))
    }
}
