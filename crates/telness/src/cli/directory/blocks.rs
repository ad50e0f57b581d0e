//! `telness blocks`: runs of public numbers, each by its first.

use clap::Args;
use telness_core::directory::Block;
use telness_core::names::TenantName;
use telness_core::number::{E164, E164Error};

use super::super::output::plain;
use super::*;

/// What to do with blocks of numbers.
#[derive(Args, Debug)]
pub(in super::super) struct Blocks {
    #[command(subcommand)]
    action: Action<Block>,
}

impl Blocks {
    pub(in super::super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        self.action.run(out)
    }
}

/// What a block has.
#[derive(Args, Debug)]
pub(super) struct BlockFields {
    /// Its last number
    #[arg(long, value_name = "NUMBER")]
    last: Option<E164>,
    /// Whose it is; nobody's yet if not said
    #[arg(long)]
    tenant: Option<TenantName>,
    /// What there is to say of it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    note: String,
}

impl Thing for Block {
    type Fields = BlockFields;
    const FIELDS: &'static str = "BlockFields";
    const KEY_NAME: &'static str = "FIRST";
    const HEADING: &'static str = "FIRST             LAST              TENANT            NOTE";

    fn key_of(text: &str) -> Result<E164, String> {
        text.parse().map_err(|error: E164Error| error.to_string())
    }

    fn of(first: E164, fields: BlockFields) -> Result<Self, String> {
        let BlockFields { last, tenant, note } = fields;
        let last = last.ok_or("say the block's last number with --last")?;
        Ok(Self { first, last, tenant, note })
    }

    fn row(&self) -> String {
        let tenant = self.tenant.as_ref().map_or("-", TenantName::as_str);
        let (first, last) = (self.first.to_string(), self.last.to_string());
        format!("{first:<16}  {last:<16}  {tenant:<16}  {}", plain(&self.note))
    }
}
