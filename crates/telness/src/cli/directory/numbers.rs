//! `telness numbers`: the inventory of public numbers: who holds which, which are free, and what became of one.

mod free;
mod standing;

use clap::Args;
use telness_core::directory::{NumberEntry, NumberState};
use telness_core::names::{TenantName, UserName};
use telness_core::number::{E164, E164Error};
use telness_core::time::Timestamp;

use super::*;

/// What to do with numbers.
#[derive(Args, Debug)]
pub(in super::super) struct Numbers {
    #[command(subcommand)]
    action: NumbersAction,
}

#[derive(Debug, Subcommand)]
enum NumbersAction {
    #[command(flatten)]
    Any(Action<NumberEntry>),
    /// The first numbers of a block that nobody has
    Free(free::Free),
    /// What became of a number at a time: free, assigned, quarantined, ported in or out
    Standing(standing::Standing),
}

impl Numbers {
    pub(in super::super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match self.action {
            NumbersAction::Any(action) => action.run(out),
            NumbersAction::Free(free) => free.run(out),
            NumbersAction::Standing(standing) => standing.run(out),
        }
    }
}

/// What a number has.
#[derive(Args, Debug)]
pub(super) struct NumberFields {
    /// Whose it is, or was
    #[arg(long)]
    tenant: Option<TenantName>,
    /// The user of this tenant who holds it
    #[arg(long)]
    user: Option<UserName>,
    /// What became of it: assigned, quarantined, ported_in or ported_out
    #[arg(long, default_value = "assigned", value_parser = state)]
    state: NumberState,
    /// When that changes: the end of the quarantine, or the day of the porting
    #[arg(long, value_name = "TIME")]
    cutover: Option<Timestamp>,
}

impl Thing for NumberEntry {
    type Fields = NumberFields;
    const FIELDS: &'static str = "NumberFields";
    const KEY_NAME: &'static str = "NUMBER";
    const HEADING: &'static str = "NUMBER            STATE        TENANT/USER                       CUTOVER";

    fn key_of(text: &str) -> Result<E164, String> {
        text.parse().map_err(|error: E164Error| error.to_string())
    }

    fn of(number: E164, fields: NumberFields) -> Result<Self, String> {
        let NumberFields { tenant, user, state, cutover } = fields;
        let tenant = tenant.ok_or("say whose number it is with --tenant")?;
        Ok(Self { number, state, tenant, user, cutover })
    }

    fn row(&self) -> String {
        let user = self.user.as_ref().map_or("-", UserName::as_str);
        let holder = format!("{}/{user}", self.tenant);
        let cutover = self.cutover.map_or(String::new(), |cutover| cutover.to_string());
        format!("{:<16}  {:<11}  {holder:<32}  {cutover}", self.number.to_string(), self.state.word())
    }
}

fn state(text: &str) -> Result<NumberState, String> {
    NumberState::of_word(text).ok_or_else(|| "write assigned, quarantined, ported_in or ported_out".to_owned())
}
