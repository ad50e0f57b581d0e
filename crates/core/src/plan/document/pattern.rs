//! Numbers and prefixes as a plan writes them: `+46…`, `1177`, `ext:2`, `any`.

use serde_json::{Value as Json, json};

use super::leaf::{Bad, Leaf, Written, quoted};
use crate::number::{Digits, E164, E164_DIGITS_MAX};
use crate::plan::CallerPattern;
use crate::plan::fault::FaultCode;

/// The most digits of a short number. What is longer lacks its plus.
const SHORT_DIGITS_MAX: usize = 6;

/// What a rule asks of the called number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum CalledPattern {
    /// `+46…`: a public number that begins so.
    E164Prefix(Digits),
    /// `1177`: this short number and nothing longer.
    Short(Digits),
    /// `ext:2`: an extension that begins so.
    ExtensionPrefix(Digits),
    /// `any`: every number.
    Any,
}

/// A number that a plan names: where a rewrite leads, what is vital, what a device is dialled by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlanNumber {
    /// `+46…`.
    E164(E164),
    /// `1177`.
    Short(Digits),
    /// `ext:201`.
    Extension(Digits),
}

fn implicit_catch_all(text: &str) -> Bad {
    Bad {
        code: FaultCode::ImplicitCatchAll,
        message: format!("{} would match every number without saying so", quoted(text)),
        help: "write `any` if every number is meant, else a prefix such as +46".to_owned(),
    }
}

/// Reads the digits of `+46…`.
fn e164_prefix(text: &str, digits: &str) -> Result<Digits, Bad> {
    let help = "after `+` write 1 to 15 digits of which the first is not 0, with no spaces, such as +4670";
    let refused = || Bad::value(format!("{} is no prefix of international numbers", quoted(text)), help);
    let read: Digits = digits.parse().map_err(|_| refused())?;
    if digits.starts_with('0') || read.len() > E164_DIGITS_MAX { Err(refused()) } else { Ok(read) }
}

/// Reads the digits of `ext:2`.
fn extension(text: &str, digits: &str) -> Result<Digits, Bad> {
    let refused = |_| Bad::value(format!("{} is no extension", quoted(text)), "after `ext:` write digits alone");
    digits.parse().map_err(refused)
}

/// Reads a short number.
fn short(text: &str) -> Result<Digits, Bad> {
    let help =
        "write a public number or prefix with its plus (+46…), a whole short number (1177), or an extension (ext:2)";
    let refused = || Bad::value(format!("{} is neither a short number nor one with a plus", quoted(text)), help);
    let read: Digits = text.parse().map_err(|_| refused())?;
    if read.len() > SHORT_DIGITS_MAX { Err(refused()) } else { Ok(read) }
}

impl Leaf for CalledPattern {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "a prefix such as +46, a short number, ext:2 or any";

    fn read(text: &str) -> Result<Self, Bad> {
        if matches!(text.trim(), "" | "+" | "*" | "ext:") {
            return Err(implicit_catch_all(text));
        }
        match (text, text.strip_prefix('+'), text.strip_prefix("ext:")) {
            ("any", ..) => Ok(Self::Any),
            (_, Some(digits), _) => e164_prefix(text, digits).map(Self::E164Prefix),
            (_, _, Some(digits)) => extension(text, digits).map(Self::ExtensionPrefix),
            _ => short(text).map(Self::Short),
        }
    }

    fn schema() -> Json {
        json!({
            "type": ["string", "integer"],
            "pattern": r"^(any|\+[1-9][0-9]{0,14}|[0-9]{1,6}|ext:[0-9]{1,18})$",
        })
    }
}

impl Leaf for CallerPattern {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "a prefix such as +46, ext:2 or unknown";

    fn read(text: &str) -> Result<Self, Bad> {
        if matches!(text.trim(), "" | "+" | "*" | "ext:" | "any") {
            let message = format!("{} would match every caller", quoted(text));
            let help = "leave `caller` out if every caller is meant, else write a prefix such as +46";
            return Err(Bad { code: FaultCode::ImplicitCatchAll, message, help: help.to_owned() });
        }
        match (text, text.strip_prefix('+'), text.strip_prefix("ext:")) {
            ("unknown", ..) => Ok(Self::Unknown),
            (_, Some(digits), _) => e164_prefix(text, digits).map(Self::E164Prefix),
            (_, _, Some(digits)) => extension(text, digits).map(Self::ExtensionPrefix),
            _ => {
                let help = "write a prefix with its plus (+4670), an extension (ext:2), or unknown";
                Err(Bad::value(format!("{} is no prefix of callers", quoted(text)), help))
            }
        }
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"], "pattern": r"^(unknown|\+[1-9][0-9]{0,14}|ext:[0-9]{1,18})$" })
    }
}

impl Leaf for PlanNumber {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "a number such as +46701740605, a short number or ext:201";

    fn read(text: &str) -> Result<Self, Bad> {
        if text.starts_with('+') {
            return E164::read(text).map(Self::E164);
        }
        match text.strip_prefix("ext:") {
            Some(digits) => extension(text, digits).map(Self::Extension),
            None => short(text).map(Self::Short),
        }
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"], "pattern": r"^(\+[1-9][0-9]{3,14}|[0-9]{1,6}|ext:[0-9]{1,18})$" })
    }
}
