//! The head of a SIP message, a request's or a response's: its lines and headers, read within bounds.

use std::borrow::Cow;

/// The longest head of a message, in bytes. Those of OPTIONS have some hundreds.
pub(super) const HEAD_BYTES_MAX: usize = 8 * 1024;

/// The longest body that is passed over, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// The most lines of a head.
pub(super) const LINES_MAX: usize = 128;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// More may follow that make it one.
    Cut,
    /// It can never be one.
    Malformed(&'static str),
}

use Unread::{Cut, Malformed};

/// The text of the head that bytes begin with, and how many of them come before what follows it.
pub(super) fn text(bytes: &[u8]) -> Result<(Cow<'_, str>, usize), Unread> {
    // Empty lines before a message are a keep-alive (RFC 3261, 7.5; RFC 5626, 3.5.1).
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let message = bytes.get(blank..).unwrap_or_default();
    let end = message.windows(4).take(HEAD_BYTES_MAX).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else {
        return Err(if bytes.len() < HEAD_BYTES_MAX { Cut } else { Malformed("its head is too long") });
    };
    // A reason phrase in another encoding does not make an answer none.
    let text = String::from_utf8_lossy(message.get(..end).unwrap_or_default());
    Ok((text, blank.saturating_add(end).saturating_add(4)))
}

/// A head in its parts.
#[derive(Debug)]
pub(super) struct Head<'a> {
    /// The first line.
    pub(super) start: &'a str,
    /// What the first line is that is no header, if one is none.
    pub(super) fault: Option<&'static str>,
    headers: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Head<'a> {
    /// Takes a head apart. A line that begins with a space goes on with the one before.
    pub(super) fn of(text: &'a str) -> Result<Self, Unread> {
        let mut lines = text.split("\r\n");
        let start = whole(lines.next().unwrap_or_default())?;
        let mut head = Self { start, fault: None, headers: Vec::new() };
        for (count, line) in lines.enumerate() {
            if count >= LINES_MAX {
                return Err(Malformed("its head has too many lines"));
            }
            let line = whole(line)?;
            if let Err(fault) = head.take(line) {
                head.fault.get_or_insert(fault);
            }
        }
        Ok(head)
    }

    fn take(&mut self, line: &'a str) -> Result<(), &'static str> {
        if line.starts_with([' ', '\t']) {
            let (_, value) = self.headers.last_mut().ok_or("its first line goes on in a second")?;
            let more = line.trim();
            if value.is_empty() {
                *value = Cow::Borrowed(more);
            } else if !more.is_empty() {
                let value = value.to_mut();
                value.push(' ');
                value.push_str(more);
            }
            return Ok(());
        }
        let (name, value) = line.split_once(':').ok_or("a line of its head is no header")?;
        let name = name.trim_end_matches([' ', '\t']);
        if !is_token(name) {
            return Err("a header's name is none");
        }
        self.headers.push((name, Cow::Borrowed(value.trim())));
        Ok(())
    }

    /// The values of a header, by its name and its short name, line by line.
    pub(super) fn all(&self, name: &'static str, short: &'static str) -> impl Iterator<Item = &str> {
        let is = move |one: &str| one.eq_ignore_ascii_case(name) || one.eq_ignore_ascii_case(short);
        self.headers.iter().filter(move |(one, _)| is(one)).map(|(_, value)| &**value)
    }

    /// The value of a header that has to be there once.
    pub(super) fn one(&self, name: &'static str, short: &'static str) -> Result<&str, &'static str> {
        let mut values = self.all(name, short);
        match (values.next(), values.next()) {
            (Some(value), None) if !value.is_empty() => Ok(value),
            (Some(_), _) => Err("a header that is there once is empty or there again"),
            (None, _) => Err("a header is missing that every message has"),
        }
    }

    /// The number and the method of its CSeq.
    pub(super) fn cseq(&self) -> Result<(u32, &str), &'static str> {
        let mut words = self.one("cseq", "cseq")?.split_ascii_whitespace();
        let number = words.next().and_then(number).filter(|number| *number < 1 << 31);
        let number = number.and_then(|number| u32::try_from(number).ok());
        match (number, words.next(), words.next()) {
            (Some(number), Some(method), None) => Ok((number, method)),
            _ => Err("its CSeq is no number and a method"),
        }
    }

    /// How long its body is, as far as it says.
    pub(super) fn content_length(&self) -> Result<usize, &'static str> {
        let mut values = self.all("content-length", "l");
        let Some(value) = values.next() else { return Ok(0) };
        let length = number(value).filter(|_| values.next().is_none());
        length.map(|length| usize::try_from(length).unwrap_or(usize::MAX)).ok_or("its Content-Length is none")
    }
}

/// A line without the signs that belong in none, which would else be another line somewhere.
fn whole(line: &str) -> Result<&str, Unread> {
    if line.contains(['\r', '\n', '\0']) {
        return Err(Malformed("a line of its head has a sign that belongs in none"));
    }
    Ok(line)
}

/// Whether a word is a token (RFC 3261, 25.1), as methods and names of headers are.
pub(super) fn is_token(word: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    !word.is_empty() && word.bytes().all(token)
}

/// A number that is written with digits alone. One beyond all that is counted is the largest.
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The parts of a value between a sign, but for where that stands in quotes or in angle brackets.
pub(super) fn parts(value: &str, sign: char) -> impl Iterator<Item = &str> {
    let mut nesting = Nesting::default();
    value.split(move |letter: char| nesting.is_outside(letter) && letter == sign)
}

/// Whether every quote and every angle bracket of a value has its end.
pub(super) fn is_closed(value: &str) -> bool {
    let mut nesting = Nesting::default();
    for letter in value.chars() {
        nesting.is_outside(letter);
    }
    !nesting.quoted && !nesting.bracketed
}

/// How far into quotes and brackets a reader is.
#[derive(Default)]
struct Nesting {
    quoted: bool,
    bracketed: bool,
    escaped: bool,
}

impl Nesting {
    /// Whether the next letter stands in neither.
    fn is_outside(&mut self, letter: char) -> bool {
        let outside = !self.quoted && !self.bracketed;
        match letter {
            _ if self.escaped => self.escaped = false,
            '\\' if self.quoted => self.escaped = true,
            '"' if !self.bracketed => self.quoted = !self.quoted,
            '<' if outside => self.bracketed = true,
            '>' if self.bracketed => self.bracketed = false,
            _ => {}
        }
        outside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_quotes_or_brackets_parts_nothing() {
        let parts = |value| parts(value, ';').collect::<Vec<_>>();
        assert_eq!(parts(r#""a;\";b" <sip:x;y>;tag=1;z"#), [r#""a;\";b" <sip:x;y>"#, "tag=1", "z"]);
        assert_eq!(parts("sip:x;tag=1"), ["sip:x", "tag=1"]);
        assert_eq!(parts(""), [""]);
        assert!(is_closed(r#""a" <sip:x>"#) && !is_closed(r#""a <sip:x>"#) && !is_closed("<sip:x"));
    }

    #[test]
    fn a_number_has_digits_alone_and_never_overflows() {
        assert_eq!(["7", "0042", "99999999999999999999999"].map(number), [Some(7), Some(42), Some(u64::MAX)]);
        assert_eq!(["", "+1", "-1", " 1", "1 ", "0x1"].map(number), [None; 6]);
    }
}
