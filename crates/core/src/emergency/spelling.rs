//! What was dialled without its spelling: schemes, parameters, separators, other scripts' digits and extensions.
//!
//! It allocates nothing but where a SIP user is percent-encoded, and is linear in what was sent.

use std::borrow::Cow;

use super::service::Service;
use crate::number::Digits;

/// The longest number, in bytes, as written: without the scheme, host and parameters of a URI.
pub const NUMBER_BYTES_MAX: usize = 64;

/// The most digits that an extension after a number has; it is read over.
const EXTENSION_DIGITS_MAX: usize = 15;

/// The words before an extension.
const EXTENSION_WORDS: [&str; 6] = ["x", "ext", "extn", "extension", "ankn", "anknytning"];

/// A dialled text without its spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spelled {
    /// An emergency service asked for by name (RFC 5031).
    Service {
        /// The service.
        service: Service,
        /// Whether it is a test.
        test: bool,
    },
    /// Digits, with or without a plus.
    Number(SpelledNumber),
}

/// Digits, with a plus before them if they begin with a country code.
#[derive(Clone, PartialEq, Eq)]
pub struct SpelledNumber {
    text: [u8; NUMBER_BYTES_MAX],
    len: usize,
    /// How many bytes of the text were a phone-context, and not dialled.
    context_len: usize,
}

/// Why a text is neither a number nor an emergency service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpellingFault {
    /// It has no digit.
    #[error("it is empty")]
    Empty,
    /// The number in it is over [`NUMBER_BYTES_MAX`].
    #[error("it is longer than 64 bytes")]
    TooManyBytes,
    /// A character that no number has.
    #[error("it is not a number")]
    NotANumber,
    /// A service URN that is none of the emergency services.
    #[error("it names a service that is not an emergency service")]
    UnknownService,
}

impl SpelledNumber {
    const EMPTY: Self = Self { text: [0; NUMBER_BYTES_MAX], len: 0, context_len: 0 };

    /// Whether a plus stands before the digits.
    #[must_use]
    pub fn is_international(&self) -> bool {
        self.text.first() == Some(&b'+')
    }

    /// The digits, after the plus if there is one.
    #[must_use]
    pub fn digits(&self) -> &str {
        let text = self.as_str();
        text.strip_prefix('+').unwrap_or(text)
    }

    /// The plus, if there is one, and the digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Nothing but ASCII is ever pushed.
        self.text.get(..self.len).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or("")
    }

    /// The digits of the phone-context that stands before what was dialled, and what was dialled alone; nothing if
    /// there was no such context.
    ///
    /// A context says where digits were dialled and need not make a number of them: "911" is labelled with "+1", and
    /// "+1911" is nobody's (RFC 3966, 5.1.5).
    #[must_use]
    pub fn without_context(&self) -> Option<(&str, Self)> {
        let (context, dialled) =
            self.as_str().split_at_checked(self.context_len).filter(|(head, _)| !head.is_empty())?;
        let mut alone = Self::EMPTY;
        dialled.bytes().try_for_each(|digit| alone.push(digit)).ok()?;
        Some((context.trim_start_matches('+'), alone))
    }

    /// Puts a plus or a digit at the end.
    fn push(&mut self, byte: u8) -> Result<(), SpellingFault> {
        *self.text.get_mut(self.len).ok_or(SpellingFault::TooManyBytes)? = byte;
        self.len = self.len.saturating_add(1);
        Ok(())
    }
}

impl std::fmt::Debug for SpelledNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Takes the spelling off what was dialled.
///
/// # Errors
/// Why it is neither a number nor an emergency service.
pub fn spell(dialled: &str) -> Result<Spelled, SpellingFault> {
    let text = address(dialled);
    if let Some(name) = without_scheme(text, "urn:service:") {
        return service(name);
    }
    let number = if let Some(rest) = after_sip(text) {
        subscriber(&sip_user(rest)?)?
    } else {
        subscriber(without_scheme(text, "tel:").unwrap_or(text))?
    };
    Ok(Spelled::Number(number))
}

/// The address in what a switch wrote: without a display name, angle brackets and what stands after them
/// (RFC 3261, 20.10), or the text itself.
#[must_use]
pub fn address(text: &str) -> &str {
    let text = text.trim();
    let after_name = text.strip_prefix('"').and_then(after_quoted).unwrap_or(text);
    match after_name.split_once('<') {
        Some((_, address)) => address.split('>').next().unwrap_or(address).trim(),
        None => text,
    }
}

/// What stands before the host and the parameters of an address, decoded: a number or a word for none. It is for what
/// [`spell`] does not read, and takes any text.
#[must_use]
pub fn user_part(text: &str) -> Cow<'_, str> {
    let text = address(text);
    let rest = after_sip(text).or_else(|| without_scheme(text, "tel:")).unwrap_or(text);
    let user = rest.split(['@', ';']).next().unwrap_or(rest);
    decoded(user).unwrap_or(Cow::Borrowed(user))
}

/// What follows the quotation mark that ends a quoted name; in the name a backslash escapes the next character.
fn after_quoted(text: &str) -> Option<&str> {
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => drop(rest.next()),
            '"' => return Some(rest.as_str()),
            _ => {}
        }
    }
    None
}

/// What follows a scheme, which is written in any case.
fn without_scheme<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// What follows the scheme of a SIP URI.
fn after_sip(text: &str) -> Option<&str> {
    without_scheme(text, "sip:").or_else(|| without_scheme(text, "sips:"))
}

/// Reads what follows `urn:service:`.
fn service(name: &str) -> Result<Spelled, SpellingFault> {
    let name = name.split([';', '?', '#']).next().unwrap_or("");
    let (test, name) = match without_scheme(name, "test.") {
        Some(rest) => (true, rest),
        None => (false, name),
    };
    let (root, label) = name.split_once('.').unwrap_or((name, ""));
    if root.eq_ignore_ascii_case("sos") {
        Ok(Spelled::Service { service: Service::of_label(label), test })
    } else {
        Err(SpellingFault::UnknownService)
    }
}

/// The user part of a SIP URI, decoded, without its password.
///
/// A URI without a user has a host alone. One that is all digits, with or without a plus, is nobody's host name but
/// what a careless switch makes of a dialled number.
fn sip_user(rest: &str) -> Result<Cow<'_, str>, SpellingFault> {
    let Some((user, _host)) = rest.split_once('@') else {
        let host = rest.split([';', '?', ':']).next().unwrap_or("");
        let digits = host.strip_prefix('+').unwrap_or(host).bytes().all(|byte| byte.is_ascii_digit());
        return if digits { Ok(host.into()) } else { Err(SpellingFault::NotANumber) };
    };
    decoded(user.split(':').next().unwrap_or(user))
}

/// Percent-decoding.
fn decoded(text: &str) -> Result<Cow<'_, str>, SpellingFault> {
    if !text.contains('%') {
        return Ok(text.into());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or("").as_bytes());
    for part in parts {
        let (code, rest) = part.split_at_checked(2).ok_or(SpellingFault::NotANumber)?;
        let hex = code.bytes().all(|byte| byte.is_ascii_hexdigit());
        let byte = u8::from_str_radix(code, 16).ok().filter(|_| hex).ok_or(SpellingFault::NotANumber)?;
        bytes.push(byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| SpellingFault::NotANumber)
}

/// Reads a number and its parameters (RFC 3966), of which only a phone-context that is a prefix has a meaning here;
/// one that cannot be read costs no call (E8).
fn subscriber(text: &str) -> Result<SpelledNumber, SpellingFault> {
    let (number, parameters) = text.split_once(';').unwrap_or((text, ""));
    if number.len() > NUMBER_BYTES_MAX {
        return Err(SpellingFault::TooManyBytes);
    }
    let number = digits_of(number)?;
    let context = parameters.split(';').find_map(|parameter| without_scheme(parameter, "phone-context="));
    let context = context.filter(|context| context.starts_with('+') && !number.is_international());
    Ok(context.and_then(|context| in_context(context, &number)).unwrap_or(number))
}

/// A number with the digits of its context before it.
fn in_context(context: &str, number: &SpelledNumber) -> Option<SpelledNumber> {
    let mut whole = digits_of(context).ok()?;
    whole.context_len = whole.len;
    number.digits().bytes().try_for_each(|digit| whole.push(digit)).ok()?;
    Some(whole)
}

/// Keeps the digits of a number and the plus before them.
fn digits_of(text: &str) -> Result<SpelledNumber, SpellingFault> {
    let mut number = SpelledNumber::EMPTY;
    let mut rest = text.chars();
    loop {
        let before = rest.as_str();
        let Some(character) = rest.next() else { break };
        if let Some(digit) = decimal(character) {
            number.push(digit)?;
        } else if matches!(character, '+' | '＋') && number.digits().is_empty() {
            // Some switches double the plus.
            number.text[0] = b'+';
            number.len = 1;
        } else if !is_separator(character) {
            let extension = !number.digits().is_empty() && is_extension(before);
            return if extension { Ok(number) } else { Err(SpellingFault::NotANumber) };
        }
    }
    if number.digits().is_empty() { Err(SpellingFault::Empty) } else { Ok(number) }
}

/// Whether a text is an extension: a word such as `x` or `ext.`, and digits.
fn is_extension(text: &str) -> bool {
    let word_len = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let Some((word, rest)) = text.split_at_checked(word_len) else { return false };
    if !EXTENSION_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        return false;
    }
    let rest = rest.trim_start_matches(|character| character == ':' || is_separator(character));
    let digits = rest.chars().filter(|character| decimal(*character).is_some()).count();
    let others = rest.chars().any(|character| decimal(character).is_none() && !is_separator(character));
    !others && (1..=EXTENSION_DIGITS_MAX).contains(&digits)
}

/// The ASCII digit that a decimal digit of any script stands for.
fn decimal(character: char) -> Option<u8> {
    if character.is_ascii() {
        return u8::try_from(character).ok().filter(u8::is_ascii_digit);
    }
    let code = u32::from(character);
    let at = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?;
    let value = u8::try_from(code.checked_sub(*ZEROS.get(at)?)?).ok()?;
    (value < 10).then(|| b'0'.saturating_add(value))
}

/// Whether a character parts the digits of a number and means nothing: spaces, dashes, dots, slashes, brackets, and
/// the marks of writing direction that telephones copy along.
const fn is_separator(character: char) -> bool {
    matches!(
        character,
        ' ' | '\t' | '-' | '.' | '/' | '(' | ')' | '[' | ']' | '~'
            | '\u{a0}' | '\u{ad}' | '\u{b7}' | '\u{1680}'
            | '\u{2000}'..='\u{2015}' | '\u{202a}'..='\u{202f}' | '\u{2053}' | '\u{205f}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}' | '\u{2212}' | '\u{223c}' | '\u{3000}' | '\u{30fc}' | '\u{feff}'
            | '\u{ff08}' | '\u{ff09}' | '\u{ff0d}'..='\u{ff0f}' | '\u{ff3b}' | '\u{ff3d}' | '\u{ff5e}'
    )
}

/// What follows the digits of `prefix`.
pub(super) fn without(digits: &str, prefix: Digits) -> Option<&str> {
    let mut text = [0; Digits::MAX];
    digits.strip_prefix(text_of(prefix, &mut text))
}

/// Digits as text, with their leading zeros.
pub(super) fn text_of(digits: Digits, text: &mut [u8; Digits::MAX]) -> &str {
    let mut value = digits.value();
    let used = text.get_mut(..digits.len()).unwrap_or_default();
    for place in used.iter_mut().rev() {
        *place = u8::try_from(value % 10).map_or(b'0', |digit| b'0'.saturating_add(digit));
        value /= 10;
    }
    std::str::from_utf8(used).unwrap_or("")
}

/// The zeros of the scripts that have decimal digits, beside ASCII (Unicode, category Nd); nine digits follow each.
const ZEROS: [u32; 65] = [
    0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6, 0x0e50,
    0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50,
    0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136,
    0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0,
    0x16a60, 0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];
