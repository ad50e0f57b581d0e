//! A record as a line of a file: JSON, or CSV.

use serde::Serialize;

use super::{BillingRecord, FILE_VERSION};
use crate::csv_cell;
use crate::time::Timestamp;

/// The columns of CSV, in order. New ones are added at the end, with another version of the file's form.
pub const COLUMNS: [&str; 44] = [
    "line",
    "v",
    "record_id",
    "revision",
    "replaces",
    "replaces_sequence",
    "tenant",
    "charged",
    "charged_number",
    "charged_user",
    "chargeable",
    "call_id",
    "leg",
    "class",
    "test",
    "direction",
    "type",
    "received_at",
    "ringing_at",
    "answered_at",
    "ended_at",
    "state",
    "complete",
    "talk_ms",
    "cause_sip",
    "cause_q850",
    "from_sent",
    "from",
    "to_sent",
    "to",
    "dialled",
    "diversions",
    "trunk",
    "gateway",
    "user",
    "rule",
    "plan_revision",
    "rate_prefix",
    "rate_micros_per_minute",
    "decks_version",
    "node",
    "sip_call_id",
    "sequence",
    "records",
];

/// How many of them a file of each version has, from the first on: a file that was closed keeps the columns it had.
const COUNTS: [usize; FILE_VERSION as usize] = [44];

/// The columns of a file of a version.
pub(super) fn columns(v: u8) -> &'static [&'static str] {
    of_version(&COLUMNS, &COUNTS, v)
}

fn of_version<'c>(all: &'c [&'c str], counts: &[usize], v: u8) -> &'c [&'c str] {
    let count = usize::from(v).checked_sub(1).and_then(|at| counts.get(at));
    count.and_then(|count| all.get(..*count)).unwrap_or(all)
}

#[derive(Serialize)]
struct Line<'a> {
    line: &'static str,
    #[serde(flatten)]
    record: &'a BillingRecord,
}

impl BillingRecord {
    /// The record as a line of JSON, with its end.
    #[must_use]
    pub fn json_line(&self) -> String {
        // What is made of texts and whole numbers is always JSON.
        let mut text = serde_json::to_string(&Line { line: "record", record: self }).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The record as a row of CSV, with its end.
    #[must_use]
    pub fn csv_line(&self) -> String {
        let mut text = String::with_capacity(512);
        row(&mut text, &self.cells());
        text
    }

    fn cells(&self) -> [String; 44] {
        fn shown<T: ToString>(value: Option<&T>) -> String {
            value.map(ToString::to_string).unwrap_or_default()
        }
        let time = |at: Option<&Timestamp>| shown(at);
        [
            "record".to_owned(),
            self.v.to_string(),
            self.record_id.clone(),
            self.revision.revision.to_string(),
            shown(self.revision.replaces.as_ref()),
            shown(self.revision.replaces_sequence.as_ref()),
            self.tenant.clone(),
            word(&self.charged),
            shown(self.charged_number.as_ref()),
            shown(self.charged_user.as_ref()),
            self.chargeable.to_string(),
            self.call_id.clone(),
            self.leg.clone(),
            self.class.clone(),
            self.test.to_string(),
            word(&self.direction),
            self.kind.clone(),
            self.received_at.to_string(),
            time(self.ringing_at.as_ref()),
            time(self.answered_at.as_ref()),
            time(self.ended_at.as_ref()),
            word(&self.state),
            self.complete.to_string(),
            shown(self.talk_ms.as_ref()),
            shown(self.cause_sip.as_ref()),
            shown(self.cause_q850.as_ref()),
            shown(self.from_sent.as_ref()),
            shown(self.from.as_ref()),
            self.to_sent.clone(),
            shown(self.to.as_ref()),
            shown(self.dialled.as_ref()),
            self.diversions.to_string(),
            shown(self.trunk.as_ref()),
            shown(self.gateway.as_ref()),
            shown(self.user.as_ref()),
            shown(self.rule.as_ref()),
            self.plan_revision.to_string(),
            shown(self.rate_prefix.as_ref()),
            shown(self.rate_micros_per_minute.as_ref()),
            self.decks_version.to_string(),
            self.node.clone(),
            shown(self.sip_call_id.as_ref()),
            String::new(),
            String::new(),
        ]
    }
}

/// The word that a value is in JSON.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Writes a row with its end. What stands for the character of value zero is its picture: no database keeps that
/// character in a text, and none of ours has to.
pub(super) fn row(text: &mut String, cells: &[impl AsRef<str>]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        csv_cell::push(text, &cell.as_ref().replace('\0', "\u{2400}"));
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n7_a_file_keeps_the_columns_of_its_version_when_others_are_added() {
        let all = ["line", "v", "added", "later"];
        let rows = [1, 2, 3].map(|v| {
            let mut text = String::new();
            row(&mut text, of_version(&all, &[2, 3, 4], v));
            text
        });
        assert_eq!(rows, ["line,v\r\n", "line,v,added\r\n", "line,v,added,later\r\n"]);
        assert_eq!(COUNTS.last(), Some(&COLUMNS.len()), "whoever adds a column makes another version");
        // What the first version has stays so, whatever is added.
        assert_eq!((COUNTS[0], columns(1).last()), (44, Some(&"records")));
    }
}
