//! What stands around the records of a closed file: which file it is, and what tells that it is whole.
//!
//! The first and the last line are made of the file's head alone, by the version that it was closed with, so that a
//! file is issued again byte for byte.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::line::{columns, row};
use crate::time::Timestamp;

/// The version of a file's form.
pub const FILE_VERSION: u8 = 1;

/// Why a file was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedBy {
    /// Its hour was over.
    Time,
    /// It had as many records as a file may have. The next one is of the same hours.
    Records,
}

impl ClosedBy {
    /// The word in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Records => "records",
        }
    }
}

impl FromStr for ClosedBy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Time, Self::Records].into_iter().find(|by| by.as_str() == text).ok_or(())
    }
}

/// The form that a file is issued in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, a line each.
    JsonLines,
    /// Comma-separated values.
    Csv,
}

impl FromStr for Format {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "jsonl" => Ok(Self::JsonLines),
            "csv" => Ok(Self::Csv),
            _ => Err(()),
        }
    }
}

/// Which file it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHead {
    /// The version of its form.
    pub v: u8,
    /// Whose file.
    pub tenant: String,
    /// From 1, without gaps.
    pub sequence: i64,
    /// From when on it holds what became final: the end of the file before.
    pub period_start: Timestamp,
    /// Until when.
    pub period_end: Timestamp,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// Why.
    pub closed_by: ClosedBy,
    /// How many records it has.
    pub records: i64,
    /// How many of them take another's place.
    pub corrections: i64,
    /// The sum of what is known of their talk.
    pub talk_ms: i64,
    /// The checksum of the file before as JSON lines; none for the first.
    pub previous_sha256: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    line: &'static str,
    #[serde(flatten)]
    head: &'a FileHead,
}

#[derive(Serialize)]
struct End<'a> {
    line: &'static str,
    tenant: &'a str,
    sequence: i64,
    records: i64,
    sha256: &'a str,
}

impl FileHead {
    /// Whether this build knows the form that it was closed in, and so can issue it again.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.v >= 1 && self.v <= FILE_VERSION
    }

    /// The line before the records.
    #[must_use]
    pub fn first_line(&self, format: Format) -> String {
        let mut text = String::new();
        match format {
            Format::JsonLines => {
                text = serde_json::to_string(&Line { line: "head", head: self }).unwrap_or_default();
                text.push('\n');
            }
            Format::Csv => row(&mut text, columns(self.v)),
        }
        text
    }

    /// The line after them, with the SHA-256 of all lines before in hexadecimal.
    #[must_use]
    pub fn last_line(&self, format: Format, sha256: &str) -> String {
        let mut text = String::new();
        match format {
            Format::JsonLines => {
                let end =
                    End { line: "end", tenant: &self.tenant, sequence: self.sequence, records: self.records, sha256 };
                text = serde_json::to_string(&end).unwrap_or_default();
                text.push('\n');
            }
            Format::Csv => row(&mut text, &self.end_cells(sha256)),
        }
        text
    }

    /// `end`, the version, the checksum, the tenant, the sequence number and the count, each in a column that fits.
    fn end_cells(&self, sha256: &str) -> Vec<String> {
        let cell = |column: &&str| match *column {
            "line" => "end".to_owned(),
            "v" => self.v.to_string(),
            "record_id" => sha256.to_owned(),
            "sequence" => self.sequence.to_string(),
            "tenant" => self.tenant.clone(),
            "received_at" => self.period_start.to_string(),
            "ended_at" => self.period_end.to_string(),
            "records" => self.records.to_string(),
            _ => String::new(),
        };
        columns(self.v).iter().map(cell).collect()
    }
}
