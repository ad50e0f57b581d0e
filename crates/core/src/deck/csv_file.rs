//! A rate deck as a CSV file: read row by row, with all that is wrong told by line.

use std::collections::HashMap;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};

use super::bounded::Bounded;
use super::lines::Lines;
use super::{DeckRow, field};
use crate::world::Rate;

/// How many faults of a file are told; of the others only how many there are.
pub const FAULTS_MAX: usize = 100;

/// The most rows of a deck.
pub const DECK_ROWS_MAX: u64 = 5_000_000;

/// The columns, by their names in the header. Those from `OPTIONAL` on may be left out.
pub(super) const COLUMNS: [&str; 9] =
    ["prefix", "price", "connection_fee", "first_s", "next_s", "origin", "surcharge", "valid_from", "valid_until"];
const OPTIONAL: usize = 5;

/// What is wrong at one place of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {message}", .column.map(|column| format!(", {column}")).unwrap_or_default())]
pub struct DeckFault {
    /// The line, from 1, as editors count them.
    pub line: u64,
    /// The column, if it is one field alone.
    pub column: Option<&'static str>,
    /// What is wrong and what to do.
    pub message: String,
}

/// Why a file is no deck.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeckError {
    /// It could not be read to its end.
    #[error("the file cannot be read: {0}")]
    Read(String),
    /// It has faults.
    #[error("{count} faults: {}", .faults.first().map(ToString::to_string).unwrap_or_default())]
    Faulty {
        /// The first of them.
        faults: Vec<DeckFault>,
        /// How many there are.
        count: u64,
    },
}

/// Reads a file's rows one after the other. It goes on after a fault, so that all are told: what it gave counts only
/// when [`finish`](DeckReader::finish) says that nothing was wrong.
pub struct DeckReader<R> {
    csv: csv::Reader<Bounded<Lines<R>>>,
    /// The place of each of `COLUMNS` in a row.
    places: [Option<usize>; COLUMNS.len()],
    record: ByteRecord,
    rows: u64,
    /// The line of the last row.
    line: u64,
    /// Whether what comes is not read any more.
    ended: bool,
    faults: Vec<DeckFault>,
    count: u64,
    broken: Option<String>,
    /// The line on which each key stood first.
    seen: HashMap<(u64, u64, i64), u32>,
}

impl<R: Read> DeckReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is not that of a deck.
    pub fn new(input: R) -> Result<Self, DeckError> {
        let mut csv = ReaderBuilder::new().trim(csv::Trim::All).from_reader(Bounded::new(Lines::new(input)));
        let header = csv.byte_headers().map_err(|error| DeckError::Read(error.to_string()))?.clone();
        let places = places(&header).map_err(|message| DeckError::Faulty {
            faults: vec![DeckFault { line: 1, column: None, message }],
            count: 1,
        })?;
        Ok(Self {
            csv,
            places,
            record: ByteRecord::new(),
            rows: 0,
            line: 1,
            ended: false,
            faults: Vec::new(),
            count: 0,
            broken: None,
            seen: HashMap::new(),
        })
    }

    /// How many faults there are so far. Once there are, no row needs to be kept any more.
    #[must_use]
    pub const fn faults_so_far(&self) -> u64 {
        self.count
    }

    /// How many rows there were, if nothing was wrong with any.
    ///
    /// # Errors
    /// What was wrong.
    pub fn finish(mut self) -> Result<u64, DeckError> {
        if let Some(why) = self.broken {
            return Err(DeckError::Read(why));
        }
        if self.count == 0 && self.rows == 0 {
            let message = "there is no row below the header: a deck without prices would end all calls by it";
            self.tell(1, None, message.to_owned());
        }
        if self.count > 0 { Err(DeckError::Faulty { faults: self.faults, count: self.count }) } else { Ok(self.rows) }
    }

    /// The line that was read last: each has an end, so that the next one is at hand.
    fn line_read(&self) -> u64 {
        self.csv.position().line().saturating_sub(1)
    }

    fn tell(&mut self, line: u64, column: Option<&'static str>, message: String) {
        self.count = self.count.saturating_add(1);
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(DeckFault { line, column, message });
        }
    }

    /// Tells of what is no row, and ends if nothing can be read after it.
    fn broken(&mut self, error: &csv::Error) {
        match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                self.line = self.line_read();
                self.tell(self.line, None, format!("it has {len} fields and the header has {expected_len}"));
            }
            _ if self.csv.get_ref().is_exceeded() => {
                self.tell(self.line.saturating_add(1), None, error.to_string());
                self.ended = true;
            }
            _ => {
                self.broken = Some(error.to_string());
                self.ended = true;
            }
        }
    }

    /// Reads the fields of the row at hand, telling of each that is wrong.
    fn row(&mut self, line: u64) -> Option<DeckRow> {
        let record = std::mem::take(&mut self.record);
        let mut fields = Fields { record: &record, places: &self.places, wrong: Vec::new() };
        let prefix = fields.needed(0, field::prefix);
        let price = fields.needed(1, field::amount);
        let connection_fee = fields.needed(2, field::amount);
        let first_s = fields.needed(3, |text| field::seconds(text, 0));
        let next_s = fields.needed(4, |text| field::seconds(text, 1));
        let origin = fields.optional(5, field::prefix);
        let surcharge = fields.optional(6, field::amount);
        let valid_from = fields.optional(7, field::time);
        let valid_until = fields.optional(8, field::time);
        if surcharge.is_some() && origin.is_none() {
            fields.say(6, "a surcharge is of an origin; write the origin as well, or add it to the price".to_owned());
        }
        if valid_until.is_some_and(|until| valid_from.is_some_and(|from| until <= from)) {
            fields.say(8, "it ends before it begins".to_owned());
        }
        let wrong = fields.wrong;
        self.record = record;
        let right = wrong.is_empty();
        for (column, message) in wrong {
            self.tell(line, COLUMNS.get(column).copied(), message);
        }
        let row = DeckRow {
            prefix: prefix?,
            price: price?,
            connection_fee: connection_fee?,
            first_s: first_s?,
            next_s: next_s?,
            origin,
            surcharge: surcharge.unwrap_or(Rate(0)),
            valid_from,
            valid_until,
        };
        (right && self.is_first(&row, line)).then_some(row)
    }

    /// Whether no row before it has the same prefix, origin and beginning.
    fn is_first(&mut self, row: &DeckRow, line: u64) -> bool {
        // Neither begins with a zero, so that the value says all; no time is before all others.
        let origin = row.origin.map_or(0, |origin| origin.value());
        let from = row.valid_from.map_or(i64::MIN, |from| from.as_micros());
        let first = self.seen.insert((row.prefix.value(), origin, from), u32::try_from(line).unwrap_or(u32::MAX));
        if let Some(first) = first {
            let message = format!("line {first} has the same prefix, origin and valid_from; take one of the two out");
            self.tell(line, None, message);
        }
        first.is_none()
    }
}

impl<R: Read> Iterator for DeckReader<R> {
    type Item = DeckRow;

    fn next(&mut self) -> Option<DeckRow> {
        while !self.ended {
            self.csv.get_mut().begin_row();
            match self.csv.read_byte_record(&mut self.record) {
                Ok(false) => self.ended = true,
                Ok(true) => {
                    self.rows = self.rows.saturating_add(1);
                    self.line = self.line_read();
                    if self.rows > DECK_ROWS_MAX {
                        self.tell(
                            self.line,
                            None,
                            format!("a deck has at most {DECK_ROWS_MAX} rows; this one has more"),
                        );
                        self.ended = true;
                    } else if let Some(row) = self.row(self.line) {
                        return Some(row);
                    }
                }
                Err(error) => self.broken(&error),
            }
        }
        None
    }
}

/// Finds the columns by the header.
fn places(header: &ByteRecord) -> Result<[Option<usize>; COLUMNS.len()], String> {
    let known = || format!("the columns are {}; the first {OPTIONAL} are needed", COLUMNS.join(","));
    let mut places = [None; COLUMNS.len()];
    for (at, name) in header.iter().enumerate() {
        let name = String::from_utf8_lossy(name);
        let Some(column) = COLUMNS.iter().position(|column| *column == name) else {
            return Err(format!("`{}` is no column of a deck: {}", name.escape_debug(), known()));
        };
        match places.get_mut(column) {
            Some(place @ None) => *place = Some(at),
            _ => return Err(format!("the column {name} is there twice")),
        }
    }
    let missing = COLUMNS.iter().zip(&places).take(OPTIONAL).find(|(_, place)| place.is_none());
    missing.map_or(Ok(places), |(name, _)| Err(format!("the column {name} is missing: {}", known())))
}

/// The fields of one row, and what is wrong with them.
struct Fields<'a> {
    record: &'a ByteRecord,
    places: &'a [Option<usize>; COLUMNS.len()],
    wrong: Vec<(usize, String)>,
}

impl Fields<'_> {
    fn say(&mut self, column: usize, message: String) {
        self.wrong.push((column, message));
    }

    fn needed<T>(&mut self, column: usize, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let bytes = self.places.get(column).copied().flatten().and_then(|at| self.record.get(at)).unwrap_or_default();
        let read = match std::str::from_utf8(bytes) {
            Ok("") => Err("it is empty".to_owned()),
            Ok(text) => read(text),
            Err(_) => Err("it is not UTF-8".to_owned()),
        };
        read.map_err(|message| self.say(column, message)).ok()
    }

    fn optional<T>(&mut self, column: usize, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let place = self.places.get(column).copied().flatten();
        let empty = place.and_then(|at| self.record.get(at)).is_none_or(<[u8]>::is_empty);
        if empty { None } else { self.needed(column, read) }
    }
}
