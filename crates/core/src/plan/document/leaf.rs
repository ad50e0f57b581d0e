//! The single values of a document: how each is written, and what is wrong with it when it is not.

use serde_json::{Value as Json, json};

use super::decode::{Decode, Definitions, wrong_type};
use crate::call::{CallType, Direction};
use crate::emergency::{self, Service};
use crate::names::{
    AreaName, GatewayName, PeerName, RuleName, ScheduleName, SiteName, TenantName, TrunkName, UserName,
};
use crate::number::{Digits, E164, Region};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::path::Path;
use crate::plan::read::{Node, Style, Value};
use crate::plan::{LISTENER_HTTP, NumberFormat, Transport};
use crate::reason::Reason;

/// Why a text is not a value of its field.
pub(crate) struct Bad {
    pub(crate) code: FaultCode,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Bad {
    pub(crate) fn value(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code: FaultCode::BadValue, message: message.into(), help: help.into() }
    }
}

/// How a value is written in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Text, in quotes or bare.
    Text,
    /// A whole number or a truth value: bare only.
    Bare,
}

/// A value that is written as one scalar.
pub(crate) trait Leaf: Sized {
    /// How it is written.
    const WRITTEN: Written;
    /// What is expected, in words.
    const WANTED: &'static str;

    /// Reads what was written.
    fn read(text: &str) -> Result<Self, Bad>;

    /// The JSON Schema.
    fn schema() -> Json;

    /// How a schema shows it as a default.
    fn shown(&self) -> Option<Json> {
        None
    }
}

impl<T: Leaf> Decode for T {
    fn decode(node: &Node, path: &Path<'_>, faults: &mut Faults<'_>) -> Option<Self> {
        let text = match &node.value {
            Value::Scalar(text, Style::Bare) => text,
            Value::Scalar(text, Style::Text) if T::WRITTEN == Written::Text => text,
            _ => {
                wrong_type(node, path, faults, T::WANTED);
                return None;
            }
        };
        match T::read(text) {
            Ok(value) => Some(value),
            Err(bad) => {
                faults.tell(bad.code, path, bad.message, bad.help);
                None
            }
        }
    }

    fn schema(_: &mut Definitions) -> Json {
        T::schema()
    }

    fn shown(&self) -> Option<Json> {
        Leaf::shown(self)
    }
}

/// What was written, short enough for a message.
pub(crate) fn quoted(text: &str) -> String {
    const CHARS_SHOWN_MAX: usize = 60;
    let shown: String = text.chars().take(CHARS_SHOWN_MAX).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", shown.escape_debug())
}

macro_rules! names {
    ($($name:ident)*) => {$(
        impl Leaf for $name {
            const WRITTEN: Written = Written::Text;
            const WANTED: &'static str = "a name";

            fn read(text: &str) -> Result<Self, Bad> {
                let help = "use 1 to 64 of a-z, 0-9, '-', '_' and '.', and begin with a letter or a digit";
                text.parse().map_err(|error| Bad::value(format!("{} is {error}", quoted(text)), help))
            }

            fn schema() -> Json {
                // Editors read a bare `1` as a number, and the plan reads it as a name.
                json!({ "type": ["string", "integer"], "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$" })
            }
        }
    )*};
}

names! { TenantName PeerName SiteName AreaName TrunkName GatewayName RuleName UserName ScheduleName }

/// What is written for a region by mistake, and its code. A guess by likeness would do harm: two letters are like
/// those of a dozen countries.
const MISTAKEN_REGIONS: [(&str, &str); 2] = [("UK", "GB"), ("EL", "GR")];

/// Whether the numbers of a region are known, and so its emergency numbers (E1).
fn is_known(region: Region) -> bool {
    emergency::regions().any(|known| known == region)
}

impl Leaf for Region {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "a region such as SE";

    fn read(text: &str) -> Result<Self, Bad> {
        let read = text.parse::<Self>();
        if let Some(known) = read.as_ref().ok().filter(|region| is_known(**region)) {
            return Ok(*known);
        }
        let upper = text.to_uppercase();
        let meant = MISTAKEN_REGIONS.iter().find(|(written, _)| *written == upper).map(|(_, meant)| *meant);
        let meant = meant.or_else(|| upper.parse().is_ok_and(is_known).then_some(&*upper));
        let help = match meant {
            Some(meant) => format!("write {meant}"),
            None => "write two capital letters of ISO 3166-1, such as SE".to_owned(),
        };
        // A region without known numbers would be taken for one whose emergency numbers are 112 and 911 alone.
        let which = if read.is_ok() { " whose numbers are known" } else { "" };
        Err(Bad::value(format!("{} is no region{which}", quoted(text)), help))
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Z]{2}$" })
    }
}

impl Leaf for Digits {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "digits";

    fn read(text: &str) -> Result<Self, Bad> {
        let help = "write 1 to 18 digits and nothing else";
        text.parse().map_err(|_| Bad::value(format!("{} is not a run of digits", quoted(text)), help))
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"], "pattern": "^[0-9]{1,18}$" })
    }
}

impl Leaf for E164 {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "a number such as +46701740605";

    fn read(text: &str) -> Result<Self, Bad> {
        let help = "write `+`, the country code and the rest with no spaces and no leading 0, such as +46701740605";
        text.parse().map_err(|_| Bad::value(format!("{} is not an international number", quoted(text)), help))
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"], "pattern": r"^\+[1-9][0-9]{3,14}$" })
    }
}

impl Leaf for String {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "text";

    fn read(text: &str) -> Result<Self, Bad> {
        const TEXT_CHARS_MAX: usize = 256;
        if text.chars().count() > TEXT_CHARS_MAX {
            let message = format!("{} is longer than {TEXT_CHARS_MAX} characters", quoted(text));
            return Err(Bad::value(message, "shorten it"));
        }
        Ok(text.to_owned())
    }

    fn schema() -> Json {
        json!({ "type": ["string", "integer"], "maxLength": 256 })
    }
}

impl Leaf for bool {
    const WRITTEN: Written = Written::Bare;
    const WANTED: &'static str = "true or false";

    fn read(text: &str) -> Result<Self, Bad> {
        let refused = || Bad::value(format!("{} is neither true nor false", quoted(text)), "write true or false");
        text.parse().map_err(|_| refused())
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }

    fn shown(&self) -> Option<Json> {
        Some((*self).into())
    }
}

impl Leaf for i32 {
    const WRITTEN: Written = Written::Bare;
    const WANTED: &'static str = "a whole number";

    fn read(text: &str) -> Result<Self, Bad> {
        let help = format!("write a whole number from {} to {}", Self::MIN, Self::MAX);
        text.parse().map_err(|_| Bad::value(format!("{} is not a whole number in range", quoted(text)), help))
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": Self::MIN, "maximum": Self::MAX })
    }

    fn shown(&self) -> Option<Json> {
        Some((*self).into())
    }
}

/// A whole number within bounds that its type carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Whole<const MIN: u32, const MAX: u32>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Whole<MIN, MAX> {
    /// The value in a narrower type, which its bounds must fit.
    pub(crate) fn narrow<T: TryFrom<u32> + Default>(self) -> T {
        T::try_from(self.0).unwrap_or_default()
    }
}

impl<const MIN: u32, const MAX: u32> Leaf for Whole<MIN, MAX> {
    const WRITTEN: Written = Written::Bare;
    const WANTED: &'static str = "a whole number";

    fn read(text: &str) -> Result<Self, Bad> {
        let read = text.parse().ok().filter(|number| (MIN..=MAX).contains(number));
        let help = format!("write a whole number from {MIN} to {MAX}");
        read.map(Self).ok_or_else(|| Bad::value(format!("{} is not a whole number in range", quoted(text)), help))
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": MIN, "maximum": MAX })
    }

    fn shown(&self) -> Option<Json> {
        Some(self.0.into())
    }
}

/// A value that is one of a list of words.
pub(crate) trait Word: Copy + Sized + 'static {
    /// What the words are.
    const WHAT: &'static str;
    /// All of them.
    const WORDS: &'static [(&'static str, Self)];
}

/// Reads one of the words.
pub(crate) fn read_word<T: Word>(text: &str) -> Result<T, Bad> {
    if let Some((_, value)) = T::WORDS.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
    let help = match crate::plan::nearest::nearest(text, words.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", words.join(", ")),
    };
    Err(Bad::value(format!("{} is no {}", quoted(text), T::WHAT), help))
}

macro_rules! words {
    ($($kind:ty = $what:literal { $($word:literal: $value:expr),* $(,)? })*) => {$(
        impl Word for $kind {
            const WHAT: &'static str = $what;
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $value)),*];
        }

        impl Leaf for $kind {
            const WRITTEN: Written = Written::Text;
            const WANTED: &'static str = concat!("a ", $what);

            fn read(text: &str) -> Result<Self, Bad> {
                read_word(text)
            }

            fn schema() -> Json {
                json!({ "type": "string", "enum": [$($word),*] })
            }

            fn shown(&self) -> Option<Json> {
                Self::WORDS.iter().find(|(_, value)| value == self).map(|(word, _)| (*word).into())
            }
        }
    )*};
}

/// The version of the document's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version1;

impl Leaf for Version1 {
    const WRITTEN: Written = Written::Bare;
    const WANTED: &'static str = "the number 1";

    fn read(text: &str) -> Result<Self, Bad> {
        let refused = || Bad::value(format!("{} is no version of plans that is known here", quoted(text)), "write 1");
        if text == "1" { Ok(Self) } else { Err(refused()) }
    }

    fn schema() -> Json {
        json!({ "const": 1 })
    }
}

/// A reason that a plan may end a call with: those that say something about the call, not about the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RejectReason(pub(crate) Reason);

/// The name of a listener that the service has: a peer that named another one would never be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Listener(pub(crate) &'static str);

words! {
    Listener = "listener" { "http": Self(LISTENER_HTTP) }
    CallType = "call type" {
        "mobile": Self::Mobile, "pbx": Self::Pbx, "sip": Self::Sip, "api": Self::Api,
    }
    Direction = "direction" { "from_tenant": Self::FromTenant, "from_carrier": Self::FromCarrier }
    Transport = "transport" { "udp": Self::Udp, "tcp": Self::Tcp, "tls": Self::Tls }
    NumberFormat = "number format" {
        "e164": Self::E164, "digits": Self::Digits, "double_zero": Self::DoubleZero,
    }
    Service = "emergency service" {
        "any": Self::Any, "ambulance": Self::Ambulance, "fire": Self::Fire, "police": Self::Police,
        "marine": Self::Marine, "mountain": Self::Mountain, "physician": Self::Physician,
        "poison": Self::Poison, "gas": Self::Gas, "animal_control": Self::AnimalControl,
    }
    RejectReason = "reason to reject a call for" {
        "denied_by_plan": Self(Reason::DeniedByPlan),
        "premium_denied": Self(Reason::PremiumDenied),
        "outside_hours": Self(Reason::OutsideHours),
        "caller_blocked": Self(Reason::CallerBlocked),
        "number_not_assigned": Self(Reason::NumberNotAssigned),
    }
}
