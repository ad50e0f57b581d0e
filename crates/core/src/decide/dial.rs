//! How a number is written for a trunk: the URI to dial and the caller to present, safe to hand to a switch.
//!
//! Nothing but digits, `*`, `#` and a leading plus ever comes out of a number or a translation, so that no caller
//! and no slip in a plan can write into a switch's headers or dial strings (P3).

use std::borrow::Cow;
use std::sync::Arc;

use super::weighing::Weighing;
use crate::call::Privacy;
use crate::class::Place;
use crate::emergency::{self, Emergency};
use crate::number::Number;
use crate::plan::{Gateway, NumberFormat, Translation, Transport, Trunk};

const SCHEME: &str = "sip:";

/// Why a number was not written.
pub(super) enum Unwritten {
    /// It would have characters that may not be dialled.
    Unsafe,
    /// The trunk's translation made an emergency number of it (E4).
    Emergency(Emergency),
}

/// Writes `sip:` and the called number as the trunk takes it: in its format, then by its outward translation.
pub(super) fn write_called(text: &mut String, number: &Number, trunk: &Trunk, place: &Place) -> Result<(), Unwritten> {
    text.clear();
    text.push_str(SCHEME);
    match number {
        Number::E164 { number } => {
            text.push_str(match trunk.number_format {
                NumberFormat::E164 => "+",
                NumberFormat::Digits => "",
                NumberFormat::DoubleZero => "00",
            });
            number.digits().push_to(text);
        }
        Number::Short { digits, .. } | Number::Extension { digits } => digits.push_to(text),
        Number::Service { .. } => return Err(Unwritten::Unsafe),
    }
    let translations = &trunk.translations.out_called;
    if translations.is_empty() {
        return Ok(());
    }
    let Cow::Owned(translated) = Translation::first_of(translations, text.get(SCHEME.len()..).unwrap_or("")) else {
        return Ok(());
    };
    if let Some(emergency) = emergency::recognise(&translated, place) {
        return Err(Unwritten::Emergency(emergency));
    }
    if !is_dialable(&translated) {
        return Err(Unwritten::Unsafe);
    }
    text.truncate(SCHEME.len());
    // A hash must be escaped in the user part of a SIP URI (RFC 3261, 25.1).
    text.push_str(&translated.replace('#', "%23"));
    Ok(())
}

/// Writes `sip:` and a user part that is no number of anybody's.
pub(super) fn write_user(text: &mut String, user: &str) {
    text.clear();
    text.push_str(SCHEME);
    text.push_str(user);
}

/// The whole URI: `text` up to `head` is its scheme and user part, the gateway gives the rest.
pub(super) fn uri(text: &mut String, head: usize, phone: bool, gateway: &Gateway) -> Arc<str> {
    text.truncate(head);
    text.push('@');
    text.push_str(&gateway.address);
    if phone {
        text.push_str(";user=phone");
    }
    text.push_str(match gateway.transport {
        Transport::Udp => "",
        Transport::Tcp => ";transport=tcp",
        Transport::Tls => ";transport=tls",
    });
    Arc::from(text.as_str())
}

/// Digits, `*` and `#`, at least one of them, with nothing but a plus before.
fn is_dialable(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'#'))
}

impl Weighing<'_> {
    /// The caller to present on a trunk: none if the number is withheld, unless `over_withholding` (E7).
    ///
    /// A public number is presented as it is. Other numbers mean nothing outside, so a trunk with a default caller
    /// presents that for them, and for a call without a number that could be read.
    pub(super) fn caller_on(&mut self, trunk: &Trunk, over_withholding: bool) -> Option<Arc<str>> {
        if self.call.privacy == Privacy::Withheld && !over_withholding {
            return None;
        }
        let own = match self.call.caller() {
            Some(Number::E164 { .. }) => self.public_caller(),
            Some(Number::Extension { digits } | Number::Short { digits, .. }) if trunk.default_caller.is_none() => {
                Some(Arc::from(digits.to_string()))
            }
            Some(Number::Extension { .. } | Number::Short { .. } | Number::Service { .. }) | None => None,
        };
        let shown: Arc<str> = own.or_else(|| Some(Arc::from(trunk.default_caller?.to_string())))?;
        match Translation::first_of(&trunk.translations.out_caller, &shown) {
            Cow::Owned(translated) if is_dialable(&translated) => Some(Arc::from(translated)),
            Cow::Owned(_) | Cow::Borrowed(_) => Some(shown),
        }
    }

    /// The caller's public number as text, written once for all targets.
    pub(super) fn public_caller(&mut self) -> Option<Arc<str>> {
        if self.caller_text.is_none() {
            let Some(Number::E164 { number }) = self.call.caller() else { return None };
            self.text.clear();
            self.text.push('+');
            number.digits().push_to(&mut self.text);
            self.caller_text = Some(Arc::from(self.text.as_str()));
        }
        self.caller_text.clone()
    }
}
