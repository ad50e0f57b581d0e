//! The names that people give to tenants, trunks, rules and the rest: short, safe to print, cheap to share.

use crate::short_text::short_texts;

/// The longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// Why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {what} name: 1 to 64 of a-z, 0-9, '-', '_' and '.', beginning with a letter or a digit")]
pub struct NameError {
    /// What it was to name.
    pub what: &'static str,
}

/// Whether a text can be a name: `[a-z0-9][a-z0-9._-]{0,63}`.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= NAME_BYTES_MAX
        && text.bytes().next().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || matches!(byte, b'-' | b'_' | b'.'))
}

short_texts! {
    is_name, NameError;

    /// A customer or operator: the boundary of data, rules, limits and keys.
    TenantName = "tenant";
    /// Who asks: a switch or an application, known by its network or certificate.
    PeerName = "peer";
    /// A place that calls come from, with its region and outside-line prefix.
    SiteName = "site";
    /// A part of a region whose emergency calls are told apart.
    AreaName = "area";
    /// A commercial route to a carrier or a PBX.
    TrunkName = "trunk";
    /// One SIP address of a trunk.
    GatewayName = "gateway";
    /// A condition and an action of the plan.
    RuleName = "rule";
    /// A person or a function that can be called, with devices.
    UserName = "user";
    /// A time window with a zone and holidays.
    ScheduleName = "schedule";
    /// Whose key of the operator it is: a person or a program, as the log of changes names it.
    OperatorName = "key";
    /// One running process of the service.
    NodeName = "node";
}
