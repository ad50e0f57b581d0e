//! `telness tenants`: customers and operators.

use clap::Args;
use telness_core::directory::{CALLS_PER_S_LIMIT_MAX, Tenant};
use telness_core::names::TenantName;
use telness_core::number::Digits;
use telness_core::retention::TenantRetention;

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
    /// Lets it make so many calls a second, and as many at once; no limit if not said
    #[arg(long, value_name = "CALLS", value_parser = clap::value_parser!(u32).range(1..=i64::from(CALLS_PER_S_LIMIT_MAX)))]
    calls_per_s_max: Option<u32>,
    /// What its people dial before an outside number; may be said several times
    #[arg(long, value_name = "DIGITS")]
    outside_line_prefix: Vec<Digits>,
    #[command(flatten)]
    retention: RetentionFields,
}

/// For how many days its records are kept, 0 for ever, where that is another time than the settings `retention.*` say.
#[derive(Args, Debug)]
struct RetentionFields {
    /// Keeps its calls so long; 0 for ever. What is not said is as the settings retention.* have it
    #[arg(long, value_name = "DAYS", value_parser = days())]
    calls_days: Option<u32>,
    /// Keeps its emergency calls so long
    #[arg(long, value_name = "DAYS", value_parser = days())]
    emergency_calls_days: Option<u32>,
    /// Keeps numbers, names, places and the trace in its calls so long
    #[arg(long, value_name = "DAYS", value_parser = days())]
    personal_days: Option<u32>,
    /// Keeps the same in its emergency calls so long
    #[arg(long, value_name = "DAYS", value_parser = days())]
    emergency_personal_days: Option<u32>,
    /// Keeps events whose call is not there so long
    #[arg(long, value_name = "DAYS", value_parser = days())]
    waiting_events_days: Option<u32>,
}

impl From<RetentionFields> for TenantRetention {
    fn from(fields: RetentionFields) -> Self {
        let RetentionFields {
            calls_days,
            emergency_calls_days,
            personal_days,
            emergency_personal_days,
            waiting_events_days,
        } = fields;
        Self { calls_days, emergency_calls_days, personal_days, emergency_personal_days, waiting_events_days }
    }
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
        let TenantFields { suspended, calls_per_s_max, outside_line_prefix, retention } = fields;
        let (outside_line_prefixes, retention) = (outside_line_prefix, retention.into());
        Ok(Self { name, suspended, calls_per_s_max, outside_line_prefixes, retention })
    }

    fn row(&self) -> String {
        let prefixes: Vec<String> = self.outside_line_prefixes.iter().map(ToString::to_string).collect();
        let suspended = if self.suspended { "yes" } else { "no" };
        format!("{:<32} {suspended:<9}  {}", self.name.as_str(), prefixes.join(" "))
    }
}

/// As many days as the API takes.
fn days() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(0..=36_500)
}
