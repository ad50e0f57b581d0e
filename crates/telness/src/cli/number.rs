//! `telness number`: what a dialled text is read as, one at a time or a line each.

use std::io::BufReader;

use clap::Args;
use serde_json::{Value, json};
use telness_core::class::Place;
use telness_core::emergency::Emergency;
use telness_core::number::{Digits, Number as Read, Region};
use telness_numbers::{DialledIn, NumberFault, read, recognise};

use super::lines::next_line;
use super::{Exit, Failure, Output};

/// The longest line of a batch, in bytes; of a longer one the rest is passed over.
const LINE_BYTES_MAX: usize = 1024;

/// What was dialled, and where.
#[derive(Args, Debug)]
pub(super) struct Number {
    /// The region it was dialled in
    #[arg(long, default_value = "SE")]
    region: Region,
    /// What is dialled there before an outside number
    #[arg(long, value_name = "DIGITS")]
    outside_line_prefix: Option<Digits>,
    /// How many digits an extension has there, such as 3 or 3-4
    #[arg(long, value_name = "FROM-TO", value_parser = from_to)]
    extension_digits: Option<(u8, u8)>,
    /// Reads lines of REGION, tab, DIALLED from standard input and answers each with one line: what it is, or
    /// `invalid`, tab and the reason
    #[arg(long, conflicts_with = "dialled")]
    batch: bool,
    /// What was dialled: 070-174 06 05, 00 46 …, tel:+46…, sip:…;user=phone, urn:service:sos
    #[arg(value_name = "NUMBER", required_unless_present = "batch", allow_hyphen_values = true)]
    dialled: Option<String>,
}

/// What one dialled text came to.
struct Reading {
    emergency: Option<Emergency>,
    read: Result<Read, NumberFault>,
}

impl Number {
    pub(super) fn run(self, out: &mut Output) -> Result<Exit, Failure> {
        match &self.dialled {
            Some(dialled) => self.one(dialled, out),
            None => self.batch(&mut BufReader::with_capacity(1 << 16, std::io::stdin()), out),
        }
    }

    fn read(&self, dialled: &str, region: Region) -> Reading {
        let place = Place { outside_line_prefix: self.outside_line_prefix, ..Place::region(region) };
        // Emergency first, as for a call: nothing that reading could trip over stands before it.
        let emergency = recognise(dialled, &place);
        let read = read(dialled, DialledIn { place: &place, extension_digits: self.extension_digits });
        Reading { emergency, read }
    }

    fn one(&self, dialled: &str, out: &mut Output) -> Result<Exit, Failure> {
        let reading = self.read(dialled, self.region);
        let exit = if reading.is_good() { Exit::Done } else { Exit::No };
        if out.is_json() {
            out.json(&reading.json(dialled, self.region))?;
            return Ok(exit);
        }
        if let Some(emergency) = reading.emergency {
            out.line(format_args!("{}  {}", reading.short(), describe(&emergency)))?;
            return Ok(exit);
        }
        match &reading.read {
            Ok(read) => out.line(format_args!("{read}  {}", kind(read)))?,
            Err(fault) => out.line(format_args!("invalid  {}: in {} {fault}", fault.as_str(), self.region))?,
        }
        Ok(exit)
    }

    /// Answers each line as it comes; the output is handed on whenever no further line is waiting.
    fn batch<R: std::io::Read>(&self, lines: &mut BufReader<R>, out: &mut Output) -> Result<Exit, Failure> {
        let mut line = Vec::new();
        while let Some(fits) = next_line(lines, &mut line, LINE_BYTES_MAX).map_err(Failure::cannot)? {
            self.answer(fits.then_some(line.as_slice()), out)?;
            // A program at the other end may wait for this answer before it asks again.
            if lines.buffer().is_empty() {
                out.flush()?;
            }
        }
        Ok(Exit::Done)
    }

    fn answer(&self, line: Option<&[u8]>, out: &mut Output) -> Result<(), Failure> {
        let asked = line.ok_or("line_too_long").and_then(question);
        match asked {
            Ok((region, dialled)) => {
                let reading = self.read(dialled, region);
                if out.is_json() {
                    return out.json(&reading.json(dialled, region));
                }
                match (&reading.emergency, &reading.read) {
                    (None, Err(fault)) => out.line(format_args!("invalid\t{}", fault.as_str())),
                    _ => out.line(reading.short()),
                }
            }
            Err(why) if out.is_json() => out.json(&json!({ "invalid": why })),
            Err(why) => out.line(format_args!("invalid\t{why}")),
        }
    }
}

/// The kind of a number, in a word for programs.
const fn word(read: &Read) -> &'static str {
    match read {
        Read::E164 { .. } => "e164",
        Read::Short { .. } => "short",
        Read::Extension { .. } => "extension",
        Read::Service { .. } => "service",
    }
}

impl Reading {
    fn is_good(&self) -> bool {
        self.emergency.is_some() || self.read.is_ok()
    }

    /// What it is, in one word.
    fn short(&self) -> String {
        match (&self.read, &self.emergency) {
            (Ok(read), _) => read.to_string(),
            (Err(_), Some(Emergency { digits: Some(digits), .. })) => digits.to_string(),
            (Err(_), Some(emergency)) => emergency.service.urn(emergency.test),
            (Err(_), None) => String::new(),
        }
    }

    fn json(&self, dialled: &str, region: Region) -> Value {
        let mut answer = json!({ "dialled": dialled, "region": region, "emergency": self.emergency });
        if let Some(answer) = answer.as_object_mut() {
            match &self.read {
                Ok(read) => {
                    answer.insert("read".to_owned(), json!({ "kind": word(read), "number": read.to_string() }));
                }
                Err(_) if self.emergency.is_some() => {}
                Err(fault) => {
                    answer.insert("invalid".to_owned(), json!(fault.as_str()));
                    answer.insert("detail".to_owned(), json!(fault.to_string()));
                }
            }
        }
        answer
    }
}

fn describe(emergency: &Emergency) -> String {
    let urn = emergency.service.urn(emergency.test);
    let what = if emergency.test { "a test of an emergency service" } else { "an emergency service" };
    format!("{what} of {} ({urn}), read before all else", emergency.region)
}

fn kind(read: &Read) -> String {
    match read {
        Read::E164 { .. } => "a public number (E.164)".to_owned(),
        Read::Short { region, .. } => format!("a short number of {region}; it has no E.164 form"),
        Read::Extension { .. } => "an extension".to_owned(),
        Read::Service { .. } => "a service asked for by name".to_owned(),
    }
}

/// A line of a batch as what it asks.
fn question(line: &[u8]) -> Result<(Region, &str), &'static str> {
    let line = std::str::from_utf8(line).map_err(|_| "not_utf8")?;
    let (region, dialled) = line.split_once('\t').ok_or("no_tab")?;
    let region = region.trim().parse().map_err(|_| "region_unknown")?;
    Ok((region, dialled))
}

fn from_to(text: &str) -> Result<(u8, u8), String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let range = from.parse().ok().zip(to.parse().ok()).filter(|(from, to)| (1..=*to).contains(from) && *to <= 18);
    range.ok_or_else(|| "write 3 or 3-4, from 1 to 18".to_owned())
}
