//! Days, hours and dates as a plan writes them.

use serde_json::{Value as Json, json};

use super::leaf::{Bad, Leaf, Written, quoted};

/// The days of the week by their words, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A day of the week or a run of them, as `mon` or `mon-fri`; a run may go round the end of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days(pub(crate) [bool; 7]);

impl Leaf for Days {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "a day such as mon, or days such as mon-fri";

    fn read(text: &str) -> Result<Self, Bad> {
        let help = "write mon, tue, wed, thu, fri, sat or sun, or a run such as mon-fri";
        let refused = || Bad::value(format!("{} is no day of the week", quoted(text)), help);
        let day = |word: &str| DAYS.iter().position(|day| *day == word).ok_or_else(refused);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let (first, last) = (day(first)?, day(last)?);
        let mut days = [false; 7];
        for (at, open) in days.iter_mut().enumerate() {
            *open = if first <= last { (first..=last).contains(&at) } else { at >= first || at <= last };
        }
        Ok(Self(days))
    }

    fn schema() -> Json {
        let day = DAYS.join("|");
        json!({ "type": "string", "pattern": format!("^({day})(-({day}))?$") })
    }
}

/// Minutes after midnight, as `08:00`; `24:00` is the day's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockTime(pub(crate) u16);

impl Leaf for ClockTime {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "a time such as 08:00";

    fn read(text: &str) -> Result<Self, Bad> {
        let refused = || Bad::value(format!("{} is no time of day", quoted(text)), "write HH:MM from 00:00 to 24:00");
        let two = |part: &str| if part.len() == 2 { part.parse::<u16>().ok() } else { None };
        let (hours, minutes) = text.split_once(':').ok_or_else(refused)?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        let (hours, minutes) = (two(hours).ok_or_else(refused)?, two(minutes).ok_or_else(refused)?);
        let after_midnight = hours.saturating_mul(60).saturating_add(minutes);
        if plain && minutes < 60 && after_midnight <= 1440 { Ok(Self(after_midnight)) } else { Err(refused()) }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$" })
    }
}

impl Leaf for jiff::civil::Date {
    const WRITTEN: Written = Written::Text;
    const WANTED: &'static str = "a date such as 2026-12-24";

    fn read(text: &str) -> Result<Self, Bad> {
        let refused = || Bad::value(format!("{} is no date", quoted(text)), "write YYYY-MM-DD, such as 2026-12-24");
        let shaped = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        text.parse().ok().filter(|_| shaped).ok_or_else(refused)
    }

    fn schema() -> Json {
        json!({ "type": "string", "format": "date" })
    }
}
