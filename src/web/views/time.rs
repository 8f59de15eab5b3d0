//! Times as they are written: short and relative, the exact one beside it, in the reader's zone.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, TimeDelta, Timelike as _, Utc};
use chrono_tz::Tz;

/// A time on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeView {
    /// For machines.
    pub iso: String,
    /// For reading.
    pub text: String,
    /// In full, on hover.
    pub exact: String,
}

impl TimeView {
    /// The same within a sentence: "until tomorrow, 09:00".
    #[must_use]
    pub fn inside(self) -> Self {
        let mut letters = self.text.chars();
        let text = letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default();
        Self { text, ..self }
    }
}

/// A clock and a zone to write times by.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    now: DateTime<Utc>,
    zone: Tz,
}

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// "Tuesday, 24 November 2026, 13:25 CET". A page has a hundred times: reading a pattern for each took longer than all else of them.
fn in_full(at: &DateTime<Tz>) -> String {
    let weekday = WEEKDAYS.get(at.weekday().num_days_from_monday() as usize).copied().unwrap_or_default();
    let month = MONTHS.get(at.month0() as usize).copied().unwrap_or_default();
    let (day, year, hour, minute, zone) = (at.day(), at.year(), at.hour(), at.minute(), at.offset());
    let mut text = String::with_capacity(48);
    // Writing to a string does not fail.
    let _ = write!(text, "{weekday}, {day} {month} {year}, {hour:02}:{minute:02} {zone}");
    text
}

/// "2026-11-24T12:25:35Z".
fn for_machines(at: &DateTime<Utc>) -> String {
    let (year, month, day, hour, minute, second) =
        (at.year(), at.month(), at.day(), at.hour(), at.minute(), at.second());
    let mut text = String::with_capacity(20);
    let _ = write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    text
}

impl Times {
    /// Times as seen at `now` in `zone`.
    #[must_use]
    pub const fn new(now: DateTime<Utc>, zone: Tz) -> Self {
        Self { now, zone }
    }

    fn view(&self, at: DateTime<Utc>, text: String) -> TimeView {
        let local = at.with_timezone(&self.zone);
        TimeView { iso: for_machines(&at), text, exact: in_full(&local) }
    }

    /// In a list: "14:07", "20 Nov", "19 Nov 2025".
    #[must_use]
    pub fn short(&self, at: DateTime<Utc>) -> TimeView {
        let (local, today) = (at.with_timezone(&self.zone), self.now.with_timezone(&self.zone));
        let text = if local.date_naive() == today.date_naive() {
            format!("{:02}:{:02}", local.hour(), local.minute())
        } else if local.year() == today.year() {
            local.format("%-d %b").to_string()
        } else {
            local.format("%-d %b %Y").to_string()
        };
        self.view(at, text)
    }

    /// In a text: "Today, 14:07", "20 Nov, 21:40", "19 Nov 2025, 08:00".
    #[must_use]
    pub fn full(&self, at: DateTime<Utc>) -> TimeView {
        let (local, today) = (at.with_timezone(&self.zone), self.now.with_timezone(&self.zone));
        let day = local.date_naive();
        let text = if day == today.date_naive() {
            local.format("Today, %H:%M").to_string()
        } else if Some(day) == today.date_naive().succ_opt() {
            local.format("Tomorrow, %H:%M").to_string()
        } else if local.year() == today.year() {
            local.format("%-d %b, %H:%M").to_string()
        } else {
            local.format("%-d %b %Y, %H:%M").to_string()
        };
        self.view(at, text)
    }

    /// A day: "4 Feb 2023".
    #[must_use]
    pub fn day(&self, at: DateTime<Utc>) -> TimeView {
        let text = at.with_timezone(&self.zone).format("%-d %b %Y").to_string();
        self.view(at, text)
    }

    /// How long ago: "Now", "12 min ago", "3 h ago", "20 Nov".
    #[must_use]
    pub fn ago(&self, at: DateTime<Utc>) -> TimeView {
        let minutes = (self.now - at).num_minutes();
        let text = match minutes {
            ..=1 => "Now".to_owned(),
            2..=59 => format!("{minutes} min ago"),
            60..=1439 => format!("{} h ago", minutes / 60),
            _ => return self.short(at),
        };
        self.view(at, text)
    }

    /// How far ahead: "in 5 days", "in 3 h", "in 20 min".
    #[must_use]
    pub fn ahead(&self, at: DateTime<Utc>) -> TimeView {
        let left = at - self.now;
        let text = match (left.num_days(), left.num_hours(), left.num_minutes()) {
            (2.., ..) => format!("in {} days", left.num_days()),
            (1, ..) => "in 1 day".to_owned(),
            (_, 1.., _) => format!("in {} h", left.num_hours()),
            (_, _, minutes) => format!("in {} min", minutes.max(1)),
        };
        self.view(at, text)
    }

    /// How long something has lasted: "5 h", "6 days".
    #[must_use]
    pub fn lasted(&self, since: DateTime<Utc>) -> String {
        let (days, hours, minutes) = {
            let lasted = (self.now - since).max(TimeDelta::zero());
            (lasted.num_days(), lasted.num_hours(), lasted.num_minutes())
        };
        match (days, hours) {
            (2.., _) => format!("{days} days"),
            (_, 1..) => format!("{hours} h"),
            _ => format!("{minutes} min"),
        }
    }

    /// The present instant.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone as _;

    fn times() -> Times {
        let now = Utc.with_ymd_and_hms(2026, 11, 23, 13, 30, 0).unwrap();
        Times::new(now, chrono_tz::Europe::Berlin)
    }

    #[test]
    fn times_are_written_as_by_their_patterns() {
        let zones =
            [chrono_tz::Europe::Berlin, chrono_tz::America::Sao_Paulo, chrono_tz::Asia::Kathmandu, chrono_tz::UTC];
        for zone in zones {
            for step in 0..400 {
                let at = Utc.with_ymd_and_hms(2024, 2, 27, 22, 59, 58).unwrap() + TimeDelta::hours(step * 31);
                let local = at.with_timezone(&zone);
                assert_eq!(in_full(&local), local.format("%A, %-d %B %Y, %H:%M %Z").to_string());
                assert_eq!(for_machines(&at), at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            }
        }
    }

    #[test]
    fn times_are_written_in_the_readers_zone() {
        let at = |d, h, m| Utc.with_ymd_and_hms(2026, 11, d, h, m, 0).unwrap();
        assert_eq!(times().full(at(23, 13, 7)).text, "Today, 14:07");
        assert_eq!(times().full(at(20, 20, 40)).text, "20 Nov, 21:40");
        assert_eq!(times().short(at(23, 13, 7)).text, "14:07");
        assert_eq!(times().short(at(23, 0, 0)).text, "01:00");
        assert_eq!(times().full(at(24, 8, 0)).text, "Tomorrow, 09:00");
        assert_eq!(times().ago(at(23, 13, 18)).text, "12 min ago");
        assert_eq!(times().ago(at(23, 13, 29)).text, "Now");
        assert_eq!(times().lasted(at(23, 8, 0)), "5 h");
        assert_eq!(times().lasted(at(17, 8, 0)), "6 days");
        assert_eq!(times().ahead(at(28, 13, 31)).text, "in 5 days");
    }
}
