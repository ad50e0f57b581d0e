//! What the list knows of one setting, and how a text becomes its value.

use std::path::{Path, PathBuf};

use super::Settings;

/// Puts a text in its place, or says what is wrong with it.
type SetText = fn(&mut Settings, &str) -> Result<(), String>;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name in files and flags, such as `http.body_bytes_max`. A number's unit is part of it.
    pub name: &'static str,
    /// The value when nobody says otherwise, as it would be written in the environment.
    pub default: &'static str,
    /// What values it takes.
    pub takes: Takes,
    /// What it means, and why the default is what it is.
    pub meaning: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
}

/// What values a setting takes, and where they go.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// A whole number in a range, both ends included.
    Whole {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
        /// Puts it in its place.
        set: fn(&mut Settings, u64),
    },
    /// One of some words.
    Word {
        /// The words.
        words: &'static [&'static str],
        /// Puts it in its place.
        set: fn(&mut Settings, &str),
    },
    /// A text of some form.
    Text {
        /// The form, for people.
        form: &'static str,
        /// Puts it in its place.
        set: SetText,
    },
    /// A file or folder. In a file, it is meant from that file's folder.
    Path {
        /// Whether it may be empty.
        optional: bool,
        /// Puts it in its place.
        set: fn(&mut Settings, Option<PathBuf>),
    },
    /// The API keys: tables of a file, never a text.
    Keys,
}

impl Setting {
    /// The environment variable, such as `TELNESS_HTTP_BODY_BYTES_MAX`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("TELNESS_{}", self.name.to_ascii_uppercase().replace('.', "_"))
    }

    /// What values it takes, for people.
    #[must_use]
    pub fn form(&self) -> String {
        match self.takes {
            Takes::Whole { min, max, .. } => format!("a whole number from {min} to {max}"),
            Takes::Word { words, .. } => format!("one of {}", words.join(", ")),
            Takes::Text { form, .. } => form.to_owned(),
            Takes::Path { optional: true, .. } => "a path, or nothing".to_owned(),
            Takes::Path { optional: false, .. } => "a path".to_owned(),
            Takes::Keys => "tables of the file alone".to_owned(),
        }
    }

    /// Reads a text and puts the value in its place. A path that is not absolute is meant from `from`.
    pub(super) fn apply(&self, settings: &mut Settings, text: &str, from: Option<&Path>) -> Result<(), String> {
        let wrong = || format!("`{text}` is not {}", self.form());
        match self.takes {
            Takes::Whole { min, max, set } => {
                let number = text.replace('_', "").parse().ok().filter(|number| (min..=max).contains(number));
                set(settings, number.ok_or_else(wrong)?);
            }
            Takes::Word { words, set } => {
                let word = words.iter().find(|word| **word == text).ok_or_else(wrong)?;
                set(settings, word);
            }
            Takes::Text { set, .. } => set(settings, text)?,
            Takes::Path { optional, set } => {
                if text.is_empty() && !optional {
                    return Err("it is empty".to_owned());
                }
                let path = from.map_or_else(|| PathBuf::from(text), |from| from.join(text));
                set(settings, (!text.is_empty()).then_some(path));
            }
            Takes::Keys => return Err("keys are set in the file alone, as [[keys]] tables".to_owned()),
        }
        Ok(())
    }
}
