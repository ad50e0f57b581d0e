//! Whether a schedule is open at a time.

use jiff::civil::Date;

use super::{Schedule, Window};
use crate::time::Timestamp;

impl Schedule {
    /// Whether it is open now, by the clock on the wall of its zone.
    ///
    /// A window that runs past midnight belongs to the day it begins on: that day's name and that day's holiday
    /// count. The hour that summer time leaves out never comes, and the one that it repeats counts both times.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        let wall = self.zone.to_datetime(now.to_jiff());
        let hours = u16::from(wall.hour().unsigned_abs());
        let minute = hours.saturating_mul(60).saturating_add(u16::from(wall.minute().unsigned_abs()));
        let today = wall.date();
        let yesterday = today.yesterday().ok();
        let (opens_today, opened_yesterday) = (self.working(Some(today)), self.working(yesterday));
        self.windows.iter().any(|window| {
            let begun = opens_today.is_some_and(|day| window.begins_on(day) && window.holds_today(minute));
            begun || opened_yesterday.is_some_and(|day| window.begins_on(day) && window.holds_on(minute))
        })
    }

    /// The day of the week from Monday as 0, unless the day is a holiday.
    fn working(&self, day: Option<Date>) -> Option<usize> {
        let day = day.filter(|day| self.holidays.binary_search(day).is_err())?;
        usize::try_from(day.weekday().to_monday_zero_offset()).ok()
    }
}

impl Window {
    fn begins_on(&self, weekday: usize) -> bool {
        self.days.get(weekday).copied().unwrap_or(false)
    }

    const fn past_midnight(&self) -> bool {
        self.to_minute <= self.from_minute
    }

    /// Whether it is open at a minute of the day it began on.
    const fn holds_today(&self, minute: u16) -> bool {
        minute >= self.from_minute && (self.past_midnight() || minute < self.to_minute)
    }

    /// Whether it is still open at a minute of the day after.
    const fn holds_on(&self, minute: u16) -> bool {
        self.past_midnight() && minute < self.to_minute
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A schedule in Stockholm, its windows as days from Monday, from and to.
    fn schedule(windows: &[([u8; 7], u16, u16)], holidays: &[&str]) -> Schedule {
        let window = |(days, from_minute, to_minute): &([u8; 7], u16, u16)| Window {
            days: days.map(|day| day == 1),
            from_minute: *from_minute,
            to_minute: *to_minute,
        };
        Schedule {
            name: "test".parse().unwrap(),
            zone_name: "Europe/Stockholm".into(),
            zone: jiff::tz::TimeZoneDatabase::bundled().get("Europe/Stockholm").unwrap(),
            windows: windows.iter().map(window).collect(),
            holidays: holidays.iter().map(|day| day.parse().unwrap()).collect(),
        }
    }

    fn open(schedule: &Schedule, at: &str) -> bool {
        schedule.is_open(at.parse().unwrap())
    }

    const WEEKDAYS: [u8; 7] = [1, 1, 1, 1, 1, 0, 0];
    const DAILY: [u8; 7] = [1; 7];

    #[test]
    fn opens_at_its_first_minute_and_is_closed_at_its_last() {
        let office = schedule(&[(WEEKDAYS, 8 * 60, 17 * 60)], &[]);
        // Monday 23 November 2026, an hour ahead of UTC.
        assert!(!open(&office, "2026-11-23T06:59:59.999999Z"));
        assert!(open(&office, "2026-11-23T07:00:00Z"));
        assert!(open(&office, "2026-11-23T15:59:59.999999Z"));
        assert!(!open(&office, "2026-11-23T16:00:00Z"));
        // Saturday.
        assert!(!open(&office, "2026-11-28T09:00:00Z"));
        // In summer two hours ahead.
        assert!(open(&office, "2026-07-01T06:00:00Z"));
    }

    #[test]
    fn a_whole_day_is_open_to_its_last_moment() {
        let monday = schedule(&[([1, 0, 0, 0, 0, 0, 0], 0, 1440)], &[]);
        assert!(!open(&monday, "2026-11-22T22:59:59Z"));
        assert!(open(&monday, "2026-11-22T23:00:00Z"));
        assert!(open(&monday, "2026-11-23T22:59:59.999999Z"));
        assert!(!open(&monday, "2026-11-23T23:00:00Z"));
    }

    #[test]
    fn hours_past_midnight_belong_to_the_day_they_begin_on() {
        // Friday from 22 to 03.
        let bar = schedule(&[([0, 0, 0, 0, 1, 0, 0], 22 * 60, 3 * 60)], &[]);
        assert!(!open(&bar, "2026-11-27T00:30:00Z"), "the night before is Thursday's");
        assert!(open(&bar, "2026-11-27T21:00:00Z"));
        assert!(open(&bar, "2026-11-28T01:59:59Z"));
        assert!(!open(&bar, "2026-11-28T02:00:00Z"));
        assert!(!open(&bar, "2026-11-28T21:30:00Z"), "Saturday does not open");
    }

    #[test]
    fn on_a_holiday_nothing_begins_but_the_night_before_ends_in_peace() {
        let bar = schedule(&[(DAILY, 20 * 60, 2 * 60)], &["2026-12-24"]);
        assert!(open(&bar, "2026-12-24T00:30:00Z"), "begun on the 23rd");
        assert!(!open(&bar, "2026-12-24T20:00:00Z"), "the holiday's evening");
        assert!(!open(&bar, "2026-12-25T00:30:00Z"), "and the night that would belong to it");
        assert!(open(&bar, "2026-12-25T19:00:00Z"));
        // The holiday is the civil day in Stockholm, not in UTC.
        let day = schedule(&[(DAILY, 0, 1440)], &["2026-12-24"]);
        assert!(open(&day, "2026-12-23T22:59:59Z"));
        assert!(!open(&day, "2026-12-23T23:00:00Z"));
        assert!(!open(&day, "2026-12-24T22:59:59Z"));
        assert!(open(&day, "2026-12-24T23:00:00Z"));
    }

    #[test]
    fn s6_the_hour_that_summer_time_leaves_out_closes_nothing_else() {
        // Sunday 29 March 2026: 01:59:59 is followed by 03:00:00, at 01:00 UTC.
        let night = schedule(&[(DAILY, 60, 4 * 60)], &[]);
        assert!(open(&night, "2026-03-29T00:59:59Z"));
        assert!(open(&night, "2026-03-29T01:00:00Z"));
        assert!(open(&night, "2026-03-29T01:59:59Z"));
        assert!(!open(&night, "2026-03-29T02:00:00Z"));
        // Hours within the one left out never come that day.
        let within = schedule(&[(DAILY, 2 * 60 + 15, 2 * 60 + 45)], &[]);
        assert!((0..24 * 60).all(|minute| {
            let at = "2026-03-28T23:00:00Z".parse::<Timestamp>().unwrap().as_micros() + minute * 60_000_000;
            !within.is_open(Timestamp::from_micros(at)) || minute >= 23 * 60
        }));
        assert!(open(&within, "2026-03-30T00:30:00Z"), "the day after they do");
    }

    #[test]
    fn s6_the_hour_that_comes_twice_counts_both_times() {
        // Sunday 25 October 2026: 02:59:59 is followed by 02:00:00, at 01:00 UTC.
        let early = schedule(&[(DAILY, 2 * 60, 2 * 60 + 30)], &[]);
        assert!(open(&early, "2026-10-25T00:00:00Z"));
        assert!(!open(&early, "2026-10-25T00:30:00Z"));
        assert!(open(&early, "2026-10-25T01:00:00Z"));
        assert!(!open(&early, "2026-10-25T01:30:00Z"));
        // A night shift that runs over the change closes by the clock on the wall, an hour longer.
        let night = schedule(&[(DAILY, 22 * 60, 6 * 60)], &[]);
        assert!(open(&night, "2026-10-25T04:59:59Z"));
        assert!(!open(&night, "2026-10-25T05:00:00Z"));
    }

    #[test]
    fn s6_the_ends_of_time_are_no_fault() {
        let always = schedule(&[(DAILY, 0, 1440)], &[]);
        assert!(always.is_open(Timestamp::from_micros(i64::MIN)));
        assert!(always.is_open(Timestamp::from_micros(i64::MAX)));
    }
}
