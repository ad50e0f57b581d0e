//! What is wrong with a plan document: a stable code, the place, and what to do about it.

use std::fmt;
use std::fmt::Write as _;

use serde::Serialize;

/// The most faults that are told at once; a document with more is rarely the one that was meant.
pub const FAULTS_SHOWN_MAX: usize = 200;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// The stable code of a fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FaultCode {$($(#[$doc])* $name,)*}

        impl FaultCode {
            /// All of them, in the order in which a document is checked.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The permanent name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$name => $text,)*}
            }
        }
    };
}

codes! {
    /// The document has more bytes than the limit.
    TooLarge = "too_large";
    /// The document has more values than the limit.
    TooManyValues = "too_many_values";
    /// Lists and mappings are nested deeper than the limit.
    TooDeep = "too_deep";
    /// The document is not UTF-8.
    NotUtf8 = "not_utf8";
    /// A control character, such as NUL.
    ControlCharacter = "control_character";
    /// It is neither YAML nor JSON.
    Syntax = "syntax";
    /// There is nothing in it.
    EmptyDocument = "empty_document";
    /// There is more than one document in the file.
    SeveralDocuments = "several_documents";
    /// A YAML anchor or alias.
    Anchor = "anchor";
    /// A YAML tag.
    Tag = "tag";
    /// A YAML merge key.
    MergeKey = "merge_key";
    /// A field's name is not text.
    KeyNotText = "key_not_text";
    /// A field is there twice.
    DuplicateField = "duplicate_field";
    /// A field that plans do not have.
    UnknownField = "unknown_field";
    /// A field that is needed is not there.
    MissingField = "missing_field";
    /// A field is there without a value.
    EmptyValue = "empty_value";
    /// A value of another kind than the field takes.
    WrongType = "wrong_type";
    /// A value that the field cannot have.
    BadValue = "bad_value";
    /// Of some fields exactly one is needed.
    NotExactlyOne = "not_exactly_one";
    /// Two fields that say different things.
    Contradiction = "contradiction";
    /// A list without items where at least one is needed.
    EmptyList = "empty_list";
    /// A rule for every number that does not say so.
    ImplicitCatchAll = "implicit_catch_all";
    /// A rule for a short number that the region does not have, so that nothing is ever read as it.
    UnknownShortNumber = "unknown_short_number";
    /// A name that is declared nowhere.
    UnknownName = "unknown_name";
    /// A name that is declared twice, or a thing that is listed twice.
    DuplicateName = "duplicate_name";
    /// A number or an extension that two users hold.
    DuplicateNumber = "duplicate_number";
    /// An extension that is read as one at no site, and that no rule makes.
    UndialableExtension = "undialable_extension";
    /// Two peers with the same network.
    OverlappingNetworks = "overlapping_networks";
    /// A time zone that the IANA database does not have.
    UnknownZone = "unknown_zone";
    /// Hours that begin when they end.
    WindowInvalid = "window_invalid";
    /// More characters come off than the prefix has.
    StripTooLong = "strip_too_long";
    /// Something would stand before an emergency number.
    ShadowsEmergency = "shadows_emergency";
    /// An outside-line prefix that makes public numbers of emergency numbers.
    OutsideLineAmbiguous = "outside_line_ambiguous";
    /// A region in use has no emergency route.
    EmergencyUncovered = "emergency_uncovered";
    /// An emergency route, area or code, or a vital number, of a region where no call is dialled.
    RegionNotInUse = "region_not_in_use";
    /// An emergency route list that depends on one trunk.
    EmergencySingleTrunk = "emergency_single_trunk";
    /// An emergency route list that depends on one gateway's address.
    EmergencySingleGateway = "emergency_single_gateway";
    /// Trunks of an emergency route list that have a gateway's address in common; a warning.
    EmergencySharedHost = "emergency_shared_host";
    /// Short numbers of the default region that are emergency numbers of another region in use; a warning.
    EmergencyElsewhere = "emergency_elsewhere";
    /// All gateways that a rule names are switched off.
    NoUsableRoute = "no_usable_route";
    /// A rule that comes behind one which always decides.
    UnreachableRule = "unreachable_rule";
    /// A rewrite that leads back to itself.
    RewriteLoop = "rewrite_loop";
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FaultCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Where something stands in the text, counted from 1; a line of 0 is the document as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) line: u32,
    pub(crate) column: u32,
    /// How many characters are meant; at least one is underlined.
    pub(crate) width: u32,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The stable code.
    pub code: FaultCode,
    /// The field, as a JSON pointer such as `/rules/3/match/called/0`; empty for the document as a whole.
    pub path: String,
    /// The line, from 1; 0 when the document could not be read at all.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// How many characters are meant.
    #[serde(skip)]
    pub width: u32,
    /// What is wrong, and why.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Fault {
    pub(crate) fn new(code: FaultCode, path: String, mark: Mark, message: String, help: String) -> Self {
        Self { code, path, line: mark.line, column: mark.column, width: mark.width, message, help }
    }
}

/// Everything that is wrong with a document, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanFaults {
    /// The faults, at most [`FAULTS_SHOWN_MAX`].
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub not_shown: usize,
}

impl PlanFaults {
    /// Every fault with the file's name, its line and a caret, the way compilers print them.
    #[must_use]
    pub fn render(&self, file: &str, text: &str) -> String {
        let lines: Vec<&str> = text.lines().collect();
        let mut out = String::new();
        for fault in &self.faults {
            render_one(&mut out, "error", fault, file, &lines);
        }
        if self.not_shown > 0 {
            push(&mut out, format_args!("and {} more faults\n", self.not_shown));
        }
        out
    }
}

impl fmt::Display for PlanFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(f, "{}:{}: {}: {}; {}", fault.line, fault.column, fault.code, fault.message, fault.help)?;
        }
        if self.not_shown > 0 {
            writeln!(f, "and {} more faults", self.not_shown)?;
        }
        Ok(())
    }
}

impl std::error::Error for PlanFaults {}

/// Each warning of a plan with the file's name, its line and a caret, as [`PlanFaults::render`] does.
#[must_use]
pub fn render_warnings(warnings: &[Fault], file: &str, text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    for warning in warnings {
        render_one(&mut out, "warning", warning, file, &lines);
    }
    out
}

/// The longest part of a line that is shown; the rest is cut so that one long line does not fill the screen.
const LINE_CHARS_SHOWN_MAX: usize = 160;

fn render_one(out: &mut String, level: &str, fault: &Fault, file: &str, lines: &[&str]) {
    push(out, format_args!("{level}[{}]: {}\n", fault.code, fault.message));
    let source = usize::try_from(fault.line).ok().and_then(|line| lines.get(line.checked_sub(1)?));
    let gutter = " ".repeat(fault.line.to_string().len());
    if let Some(source) = source {
        push(out, format_args!("{gutter}--> {file}:{}:{}\n{gutter} |\n", fault.line, fault.column));
        // Tabs would move the caret, and control characters could move the cursor.
        let column = usize::try_from(fault.column).unwrap_or(1).saturating_sub(1);
        let shift = column.saturating_sub(LINE_CHARS_SHOWN_MAX / 2);
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let shown: String = source.chars().skip(shift).take(LINE_CHARS_SHOWN_MAX).map(plain).collect();
        push(out, format_args!("{} | {}\n", fault.line, shown.trim_end()));
        let before = " ".repeat(column.saturating_sub(shift));
        let room = source.chars().count().saturating_sub(column).clamp(1, LINE_CHARS_SHOWN_MAX / 2);
        let carets = "^".repeat(usize::try_from(fault.width).unwrap_or(1).clamp(1, room));
        push(out, format_args!("{gutter} | {before}{carets}\n"));
    } else {
        push(out, format_args!("{gutter}--> {file}\n"));
    }
    if !fault.path.is_empty() {
        push(out, format_args!("{gutter} = at: {}\n", fault.path));
    }
    push(out, format_args!("{gutter} = help: {}\n\n", fault.help));
}

fn push(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}
