//! Every reason why a call can end or a request be refused: a permanent code, a name, and what to do.
//!
//! Codes are never used again for another thing. `telness explain` prints this table, `docs/reasons.md` is
//! generated from it, and the HTTP, SIP and Q.850 codes that answers carry come from here alone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a reason means to each protocol and to people.
#[derive(Debug)]
pub struct ReasonPage {
    /// The permanent code.
    pub code: u16,
    /// The permanent name.
    pub name: &'static str,
    /// The HTTP status of a request refused for it.
    pub http: u16,
    /// The SIP status of a call rejected for it (RFC 3261).
    pub sip: u16,
    /// The Q.850 cause of a call rejected for it.
    pub q850: u8,
    /// What happened, in one sentence.
    pub what: &'static str,
    /// Why it can come to that.
    pub why: &'static str,
    /// What to do about it.
    pub todo: &'static str,
}

macro_rules! reasons {
    ($($name:ident = $code:literal, $text:literal, $http:literal, $sip:literal, $q850:literal,
        $what:literal, $why:literal, $todo:literal;)*) => {
        /// A stable code for why a call ended or a request was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Reason {$(
            #[doc = $what]
            $name = $code,
        )*}

        impl Reason {
            /// All of them, by code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The page that explains it.
            #[must_use]
            pub const fn page(self) -> &'static ReasonPage {
                match self {$(
                    Self::$name => &ReasonPage {
                        code: $code, name: $text, http: $http, sip: $sip, q850: $q850,
                        what: $what, why: $why, todo: $todo,
                    },
                )*}
            }
        }
    };
}

include!("reason_list.rs");

impl Reason {
    /// The permanent code.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The permanent name, such as `no_route`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.page().name
    }

    /// The reason with this code.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

/// There is no such reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such reason; `telness explain` lists them")]
pub struct UnknownReason;

impl FromStr for Reason {
    type Err = UnknownReason;

    /// Reads a name or a code.
    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        let found = match text.parse() {
            Ok(code) => Self::from_code(code),
            Err(_) => Self::ALL.iter().copied().find(|reason| reason.name() == text),
        };
        found.ok_or(UnknownReason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
