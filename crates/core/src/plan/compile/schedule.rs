//! Schedules: zones out of the bundled database, and hours that make sense.

use super::empty_list;
use crate::plan::document::leaf::quoted;
use crate::plan::document::{self, Document};
use crate::plan::fault::FaultCode;
use crate::plan::faults::Faults;
use crate::plan::nearest::nearest;
use crate::plan::path::Path;
use crate::plan::{Schedule, Window};

pub(super) fn compile(document: &Document, faults: &mut Faults<'_>) -> Box<[Schedule]> {
    let root = Path::ROOT;
    let list = root.field("schedules");
    // The database in the program, not the machine's: every node must read a plan alike.
    let zones = jiff::tz::TimeZoneDatabase::bundled();
    let mut schedules = Vec::new();
    for (at, schedule) in document.schedules.iter() {
        let here = list.item(at);
        let windows = windows(schedule, &here.field("windows"), faults);
        let mut holidays: Vec<_> = schedule.holidays.iter().map(|(_, day)| *day).collect();
        holidays.sort_unstable();
        holidays.dedup();
        let Ok(zone) = zones.get(&schedule.zone) else {
            let message = format!("there is no time zone {}", quoted(&schedule.zone));
            let known: Vec<_> = zones.available().map(|name| name.to_string()).collect();
            let help = match nearest(&schedule.zone, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write a name of the IANA database, such as Europe/Stockholm".to_owned(),
            };
            faults.tell(FaultCode::UnknownZone, &here.field("zone"), message, help);
            continue;
        };
        schedules.push(Schedule {
            name: schedule.name.clone(),
            zone_name: schedule.zone.as_str().into(),
            zone,
            windows,
            holidays: holidays.into(),
        });
    }
    schedules.into()
}

fn windows(schedule: &document::Schedule, list: &Path<'_>, faults: &mut Faults<'_>) -> Box<[Window]> {
    if schedule.windows.is_empty() {
        empty_list(list, faults, "a schedule without hours is never open");
    }
    let mut windows = Vec::new();
    for (at, window) in schedule.windows.iter() {
        let here = list.item(at);
        if window.days.is_empty() {
            empty_list(&here.field("days"), faults, "hours need a day to begin on");
        }
        if window.from == window.to || window.from.0 >= 1440 {
            let message = "the hours begin when they end, which could mean a whole day or nothing".to_owned();
            let help = "write from 00:00 to 24:00 for a whole day, else a beginning before the end";
            faults.tell(FaultCode::WindowInvalid, &here.field("from"), message, help);
        }
        let mut days = [false; 7];
        for (_, some) in window.days.iter() {
            for (day, open) in days.iter_mut().zip(some.0) {
                *day |= open;
            }
        }
        windows.push(Window { days, from_minute: window.from.0, to_minute: window.to.0 });
    }
    windows.into()
}
