//! A request's JSON as a tree that keeps what is wrong with it, so that a destination is read beside a broken field.
//!
//! A usual parser stops at the first thing it cannot represent: a lone surrogate, a number that no float holds, a
//! nesting too deep. An emergency call must not end there (E8), so such a value becomes [`Json::Unusable`] or
//! [`Json::Spoiled`] and the rest is read on. Where the text is no JSON any more, what was finished before is kept.

use std::borrow::Cow;

/// How many objects and lists may stand inside each other.
pub const DEPTH_MAX: usize = 16;

/// How many entries of an inner object or list are kept: one more than any field allows, so that too many are seen.
pub const ENTRIES_KEPT: usize = 129;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without sign, fraction and exponent that fits 64 bits.
    Whole(u64),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// A list, of which at most [`ENTRIES_KEPT`] entries are kept.
    List(Vec<Self>),
    /// An object with its entries as they came, doubled ones too; at most [`ENTRIES_KEPT`] are kept, but of the
    /// outermost all, so that nothing pushes the destination out. The limit of the body bounds those.
    Object(Entries<'a>),
    /// A text with something in it that no text may have, and why. What stands for no character is U+FFFD in it.
    Spoiled(Cow<'a, str>, &'static str),
    /// A value that has a form but cannot be used, and why.
    Unusable(&'static str),
}

/// The entries of an object in their order.
pub type Entries<'a> = Vec<(Cow<'a, str>, Json<'a>)>;

/// The text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}, at byte {at}")]
pub struct Unreadable {
    /// How many bytes were read before.
    pub at: usize,
    /// What is wrong there.
    pub why: &'static str,
}

/// A text that is not JSON, with what stood in it before that.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken<'a> {
    /// Where and why it is not.
    pub why: Unreadable,
    /// The entries of the outermost object that were finished before, each as a whole text would have it.
    pub finished: Entries<'a>,
}

/// Reads one value and nothing after it.
///
/// # Errors
/// Where and why the text is not JSON, with what was finished before.
pub fn read(text: &str) -> Result<Json<'_>, Broken<'_>> {
    read_keeping(text, ENTRIES_KEPT)
}

/// Reads one value and nothing after it, and keeps so many entries of each inner object or list.
///
/// # Errors
/// Where and why the text is not JSON, with what was finished before.
pub fn read_keeping(text: &str, kept: usize) -> Result<Json<'_>, Broken<'_>> {
    let mut reader = Reader { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 }, kept };
    let mut entries = Vec::new();
    reader.whole(&mut entries).map_err(|why| Broken { why, finished: entries })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    kept: usize,
}

impl<'a> Reader<'a> {
    const fn wrong(&self, why: &'static str) -> Unreadable {
        Unreadable { at: self.at, why }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    const fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    /// Passes over `byte` if it stands here.
    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        if there {
            self.step();
        }
        there
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.step();
        }
    }

    /// One value to the end of the text; `top` has the entries of an outermost object as they are finished.
    fn whole(&mut self, top: &mut Entries<'a>) -> Result<Json<'a>, Unreadable> {
        self.blank();
        let other = if self.peek() == Some(b'{') {
            self.entries(0, top)?;
            None
        } else {
            Some(self.value(0)?)
        };
        self.blank();
        if self.at < self.text.len() {
            return Err(self.wrong("there is something after the value"));
        }
        Ok(other.unwrap_or_else(|| Json::Object(std::mem::take(top))))
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, Unreadable> {
        self.blank();
        match self.peek() {
            Some(b'{' | b'[') if depth >= DEPTH_MAX => self.pass_over(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(match self.string()? {
                (text, None) => Json::Text(text),
                (text, Some(why)) => Json::Spoiled(text, why),
            }),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err(self.wrong("there should be a value")),
            None => Err(self.wrong("it is cut short")),
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result<Json<'a>, Unreadable> {
        let rest = self.text.get(self.at..).unwrap_or("");
        if !rest.starts_with(word) {
            return Err(self.wrong("there should be a value"));
        }
        self.at = self.at.saturating_add(word.len());
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, Unreadable> {
        let mut entries = Vec::new();
        self.entries(depth, &mut entries)?;
        Ok(Json::Object(entries))
    }

    fn entries(&mut self, depth: usize, entries: &mut Entries<'a>) -> Result<(), Unreadable> {
        self.step();
        self.blank();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.name()?;
            let value = self.value(depth.saturating_add(1))?;
            // A text ends at its quote. A number that no comma or bracket follows may be the half of one.
            let finished = matches!(value, Json::Text(_) | Json::Spoiled(..));
            let end = self.ends(b'}');
            if (finished || end.is_ok()) && (depth == 0 || entries.len() < self.kept) {
                entries.push((name, value));
            }
            if end? {
                return Ok(());
            }
        }
    }

    /// The name of an entry, to the colon.
    fn name(&mut self) -> Result<Cow<'a, str>, Unreadable> {
        self.blank();
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(self.wrong("there should be a name")),
            None => return Err(self.wrong("it is cut short")),
        }
        let (name, _) = self.string()?;
        self.blank();
        if self.eat(b':') { Ok(name) } else { Err(self.wrong("there should be a colon")) }
    }

    fn list(&mut self, depth: usize) -> Result<Json<'a>, Unreadable> {
        self.step();
        let mut entries = Vec::new();
        self.blank();
        if self.eat(b']') {
            return Ok(Json::List(entries));
        }
        loop {
            let value = self.value(depth.saturating_add(1))?;
            if entries.len() < self.kept {
                entries.push(value);
            }
            if self.ends(b']')? {
                return Ok(Json::List(entries));
            }
        }
    }

    /// After an entry: whether the object or list ends here, or another entry follows.
    fn ends(&mut self, closing: u8) -> Result<bool, Unreadable> {
        self.blank();
        if self.eat(closing) {
            return Ok(true);
        }
        if self.eat(b',') {
            return Ok(false);
        }
        Err(self.wrong(if self.peek().is_some() { "there should be a comma" } else { "it is cut short" }))
    }

    /// Passes over an object or list by its brackets alone, without recursion.
    fn pass_over(&mut self) -> Result<Json<'a>, Unreadable> {
        let mut open = 0_usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    continue;
                }
                Some(b'{' | b'[') => open = open.saturating_add(1),
                Some(b'}' | b']') => open = open.saturating_sub(1),
                Some(_) => {}
                None => return Err(self.wrong("it is cut short")),
            }
            self.step();
            if open == 0 {
                return Ok(Json::Unusable("is nested deeper than 16 levels"));
            }
        }
    }

    fn number(&mut self) -> Result<Json<'a>, Unreadable> {
        let from = self.at;
        let negative = self.eat(b'-');
        let mut whole = !negative;
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            whole = false;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.step();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.step();
            }
            self.digits()?;
        }
        let text = self.text.get(from..self.at).unwrap_or("");
        if let (true, Ok(value)) = (whole, text.parse()) {
            return Ok(Json::Whole(value));
        }
        let value: Option<f64> = text.parse().ok();
        Ok(value.filter(|value| value.is_finite()).map_or(Json::Unusable("is too large a number"), Json::Number))
    }

    /// One digit at least.
    fn digits(&mut self) -> Result<(), Unreadable> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.wrong("there should be a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.step();
        }
        Ok(())
    }

    /// A string, with what makes it unusable. It ends at the next quote that is not escaped, whatever is in it.
    fn string(&mut self) -> Result<(Cow<'a, str>, Option<&'static str>), Unreadable> {
        self.step();
        let mut from = self.at;
        let mut fault = None;
        let mut unescaped = String::new();
        loop {
            match self.peek() {
                Some(b'"') => {
                    let rest = self.text.get(from..self.at).unwrap_or("");
                    self.step();
                    if unescaped.is_empty() {
                        return Ok((Cow::Borrowed(rest), fault));
                    }
                    unescaped.push_str(rest);
                    return Ok((Cow::Owned(unescaped), fault));
                }
                Some(b'\\') => {
                    unescaped.push_str(self.text.get(from..self.at).unwrap_or(""));
                    self.step();
                    match self.escape()? {
                        Ok(character) => unescaped.push(character),
                        Err(why) => {
                            fault = Some(why);
                            unescaped.push(char::REPLACEMENT_CHARACTER);
                        }
                    }
                    from = self.at;
                }
                Some(byte) => {
                    if byte < 0x20 {
                        fault = Some("has a control character that is not escaped");
                    }
                    self.step();
                }
                None => return Err(self.wrong("it is cut short")),
            }
        }
    }

    /// What follows a backslash; the inner error is a fault of the string alone.
    fn escape(&mut self) -> Result<Result<char, &'static str>, Unreadable> {
        let Some(byte) = self.peek() else {
            return Err(self.wrong("it is cut short"));
        };
        let character = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.step();
                return Ok(self.unicode());
            }
            // The byte may begin a longer character, which stays where it is.
            _ => return Ok(Err("has an escape that JSON does not know")),
        };
        self.step();
        Ok(Ok(character))
    }

    /// A UTF-16 unit by its four digits, with the second half of a surrogate pair.
    fn unicode(&mut self) -> Result<char, &'static str> {
        const LONE: &str = "has half a surrogate pair";
        let first = self.four_digits()?;
        if !(0xd800..0xe000).contains(&first) {
            return char::from_u32(first).ok_or(LONE);
        }
        let before = self.at;
        if !(self.eat(b'\\') && self.eat(b'u')) {
            self.at = before;
            return Err(LONE);
        }
        let second = self.four_digits()?;
        let pair = char::decode_utf16([first, second].map(|unit| u16::try_from(unit).unwrap_or(0))).next();
        match pair {
            Some(Ok(character)) if (0xd800..0xdc00).contains(&first) => Ok(character),
            _ => {
                self.at = before;
                Err(LONE)
            }
        }
    }

    fn four_digits(&mut self) -> Result<u32, &'static str> {
        const WRONG: &str = r"has a \u without four hexadecimal digits";
        let digits = self.text.get(self.at..self.at.saturating_add(4)).ok_or(WRONG)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        self.at = self.at.saturating_add(4);
        u32::from_str_radix(digits, 16).map_err(|_| WRONG)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{Broken, Json, read};

    fn same(ours: &Json<'_>, theirs: &Value) -> bool {
        match (ours, theirs) {
            (Json::Null, Value::Null) => true,
            (Json::Bool(a), Value::Bool(b)) => a == b,
            (Json::Whole(a), Value::Number(b)) => b.as_u64() == Some(*a),
            (Json::Number(a), Value::Number(b)) => b.as_f64().is_some_and(|b| (a - b).abs() <= b.abs() * 1e-14),
            (Json::Text(a), Value::String(b)) => a == b,
            (Json::List(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Json::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(name, value)| b.get(&**name).is_some_and(|b| same(value, b)))
            }
            _ => false,
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_another_parser_reads(value in value(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            prop_assert!(same(&read(&text).unwrap(), &value), "{text}");
        }

        #[test]
        fn never_panics_and_takes_all_that_another_takes(text in r#"[\[\]{}:,"\\0-9a-fu.eE+ \-tn"é]{0,24}"#) {
            let ours = read(&text);
            // Where another parser succeeds so do we; the other way we are more lenient, and say so in the value.
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert!(ours.is_ok(), "{text}");
            }
        }
    }

    #[test]
    fn what_is_unusable_does_not_hide_what_follows() {
        let spoiled = |text: &'static str, why| Json::Spoiled(text.into(), why);
        let cases = [
            (r#"["1\ud800",1]"#, spoiled("1\u{fffd}", "has half a surrogate pair")),
            (r#"["\udc00\ud800",1]"#, spoiled("\u{fffd}\u{fffd}", "has half a surrogate pair")),
            (r#"["\uzz",1]"#, spoiled("\u{fffd}zz", "has a \\u without four hexadecimal digits")),
            (r#"["\é",1]"#, spoiled("\u{fffd}é", "has an escape that JSON does not know")),
            ("[\"a\nb\",1]", spoiled("a\nb", "has a control character that is not escaped")),
            ("[1e999,1]", Json::Unusable("is too large a number")),
        ];
        for (text, value) in cases {
            assert_eq!(read(text), Ok(Json::List(vec![value, Json::Whole(1)])), "{text}");
        }
    }

    #[test]
    fn what_was_finished_before_the_text_breaks_off_is_kept() {
        let finished = |text| match read(text) {
            Err(Broken { finished, .. }) => finished.into_iter().map(|(name, _)| name.into_owned()).collect::<Vec<_>>(),
            Ok(value) => panic!("{value:?}"),
        };
        for text in [r#"{"a":"1",}"#, r#"{"a":"1"}x"#, r#"{"a":"1""#, r#"{"a":1,"b":01}"#, r#"{"a":1,"b":{"c":"1"x}}"#]
        {
            assert_eq!(finished(text), ["a"], "{text}");
        }
        // Half a text and half a number are no values; nor is what stands inside something else.
        for text in [r#"{"a":"1"#, r#"{"a":1"#, r#"{"a":1 2}"#, r#"{"b":{"a":"1",}}"#, r#"[{"a":"1",}]"#, "{", ""] {
            assert_eq!(finished(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn of_the_outermost_object_every_entry_is_kept() {
        let entries: String = (0..1000).map(|at| format!("\"a{at}\":{{}},")).collect();
        let text = format!("{{{entries}\"to\":\"1\"}}");
        let Ok(Json::Object(entries)) = read(&text) else { panic!("an object") };
        assert_eq!(entries.len(), 1001);
    }

    #[test]
    fn deep_nesting_costs_no_stack() {
        let deep = format!("[{}{}, 1]", "[".repeat(500_000), "]".repeat(500_000));
        let Ok(Json::List(entries)) = read(&deep) else { panic!("a list") };
        assert_eq!(entries.last(), Some(&Json::Whole(1)));
        assert!(read(&"{\"a\":".repeat(500_000)).is_err());
    }

    #[test]
    fn what_is_no_json_says_where() {
        for (text, at) in
            [("", 0), ("{", 1), ("{\"a\" 1}", 5), ("[1 2]", 3), ("{} x", 3), ("[01]", 2), ("nul", 0), ("{1:2}", 1)]
        {
            assert_eq!(read(text).unwrap_err().why.at, at, "{text}");
        }
    }
}
