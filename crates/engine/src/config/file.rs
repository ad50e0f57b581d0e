//! The settings file: TOML, every value with its line, unknown names refused.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{ConfigFault, Source};
use super::list::SETTINGS;
use super::nearest::nearest;
use super::{KeyHolder, KeySetting};

/// What a `[[keys]]` table may have.
const KEY_FIELDS: [&str; 3] = ["tenant", "operator", "sha256"];

/// A value of the file, as text.
#[derive(Debug)]
pub(super) struct FileValue {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) line: usize,
}

/// What stands in a file.
#[derive(Debug, Default)]
pub(super) struct FileSettings {
    pub(super) values: Vec<FileValue>,
    pub(super) keys: Vec<KeySetting>,
    /// The line of the first key.
    pub(super) keys_line: usize,
    pub(super) faults: Vec<ConfigFault>,
}

/// Reads the text of a settings file.
pub(super) fn read(path: &Path, text: &str) -> FileSettings {
    let mut reader = Reader { path, text, found: FileSettings::default() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let line = error.span().map_or(0, |span| reader.line(span.start));
        reader.fault(line, "", error.message().replace('\n', ", "), None);
    }
    reader.table("", table.get_ref());
    reader.found
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    found: FileSettings,
}

impl Reader<'_> {
    /// The line that a byte stands on, from 1.
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count().saturating_add(1)
    }

    fn fault(&mut self, line: usize, name: &str, what: String, help: Option<String>) {
        let source = Source::File { path: self.path.to_owned(), line };
        self.found.faults.push(ConfigFault { source, name: name.to_owned(), what, help });
    }

    fn table(&mut self, within: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name =
                if within.is_empty() { key.get_ref().to_string() } else { format!("{within}.{}", key.get_ref()) };
            let line = self.line(key.span().start);
            self.value(name, line, value);
        }
    }

    fn value(&mut self, name: String, line: usize, value: &Spanned<DeValue<'_>>) {
        let text = match value.get_ref() {
            DeValue::Array(keys) if name == "keys" => {
                self.found.keys_line = line;
                keys.iter().for_each(|key| self.key(key));
                return;
            }
            DeValue::Table(table) => {
                let group = format!("{name}.");
                if SETTINGS.iter().any(|setting| setting.name.starts_with(&group)) {
                    self.table(&name, table);
                } else {
                    let help = nearest(&name, groups()).map(|near| format!("did you mean [{near}]?"));
                    self.fault(line, &name, "there is no such group of settings".to_owned(), help);
                }
                return;
            }
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => number.to_string(),
                Err(_) => number.as_str().to_owned(),
            },
            other => {
                let what = format!("a {} is no value of any setting", other.type_str());
                return self.fault(line, &name, what, None);
            }
        };
        self.found.values.push(FileValue { name, text, line });
    }

    /// One `[[keys]]` table. What stands in it is never repeated in a message.
    fn key(&mut self, key: &Spanned<DeValue<'_>>) {
        let line = self.line(key.span().start);
        let Some(table) = key.get_ref().as_table() else {
            return self.fault(line, "keys", "a key is a table".to_owned(), Some("write [[keys]]".to_owned()));
        };
        let unknown: Vec<_> = table.keys().filter(|name| !KEY_FIELDS.contains(&&**name.get_ref())).collect();
        for name in unknown {
            let at = self.line(name.span().start);
            let what = format!("a key has no `{}`", name.get_ref());
            self.fault(at, "keys", what, Some("it has `tenant` or `operator`, and `sha256`".to_owned()));
        }
        let text = |name: &str| table.get(name).and_then(|value| value.get_ref().as_str());
        let holder = match (text("tenant"), text("operator")) {
            (Some(tenant), None) => Some(tenant.parse().map(KeyHolder::Tenant).map_err(|error| ("keys.tenant", error))),
            (None, Some(name)) => Some(name.parse().map(KeyHolder::Operator).map_err(|error| ("keys.operator", error))),
            (None, None) => None,
            (Some(_), Some(_)) => {
                let what = "a key has either `tenant` or `operator`".to_owned();
                return self.fault(line, "keys", what, Some("make a key for each".to_owned()));
            }
        };
        let sha256 = text("sha256").map(|text| unhex(text).ok_or(()));
        match (holder, sha256) {
            (Some(Ok(holder)), Some(Ok(sha256))) => self.found.keys.push(KeySetting { holder, sha256 }),
            (holder, sha256) => {
                if let Some(Err((name, error))) = &holder {
                    self.fault(line, name, error.to_string(), None);
                }
                if let Some(Err(())) = &sha256 {
                    let help = Some("`telness keys new` prints it".to_owned());
                    self.fault(line, "keys.sha256", "it is not 64 hexadecimal digits".to_owned(), help);
                }
                for (missing, name) in [(holder.is_none(), "`tenant` or `operator`"), (sha256.is_none(), "`sha256`")] {
                    if missing {
                        self.fault(line, "keys", format!("a key lacks {name}, a text"), None);
                    }
                }
            }
        }
    }
}

/// The groups that settings are in, such as `http` and `workflow.low`.
fn groups() -> impl Iterator<Item = String> {
    SETTINGS.iter().filter_map(|setting| setting.name.rsplit_once('.')).map(|(group, _)| group.to_owned())
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = pair.iter().fold(0, |value: u8, digit| value.wrapping_shl(4) | digit);
    }
    Some(bytes)
}
