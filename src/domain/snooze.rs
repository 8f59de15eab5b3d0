//! Until when a conversation sleeps: the times that are offered, and what is typed instead (F-4).

use chrono::{DateTime, Datelike as _, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc, Weekday};
use chrono_tz::Tz;

/// A time that is offered by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preset {
    /// In one hour.
    OneHour,
    /// In four hours.
    FourHours,
    /// Tomorrow at nine.
    Tomorrow,
    /// Next Monday at nine.
    NextMonday,
}

impl Preset {
    /// All of them, soonest first on most days.
    pub const ALL: [Self; 4] = [Self::OneHour, Self::FourHours, Self::Tomorrow, Self::NextMonday];

    /// The name in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneHour => "1h",
            Self::FourHours => "4h",
            Self::Tomorrow => "tomorrow",
            Self::NextMonday => "next_monday",
        }
    }

    /// The words that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::OneHour => "1 hour",
            Self::FourHours => "4 hours",
            Self::Tomorrow => "Tomorrow",
            Self::NextMonday => "Next Monday",
        }
    }

    /// The instant that it means at `now` in `zone`.
    #[must_use]
    pub fn at(self, now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let today = now.with_timezone(&zone).date_naive();
        let days = match self {
            Self::OneHour => return now + TimeDelta::hours(1),
            Self::FourHours => return now + TimeDelta::hours(4),
            Self::Tomorrow => 1,
            Self::NextMonday => 7 - u64::from(today.weekday().days_since(Weekday::Mon)),
        };
        let nine = NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default();
        let day = today.checked_add_days(Days::new(days)).unwrap_or(today);
        in_zone(day.and_time(nine), zone).unwrap_or(now + TimeDelta::days(1))
    }
}

/// A wall clock's time in a zone. Of an hour that comes twice the first is meant; one that is skipped begins later.
pub(super) fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let found = zone.from_local_datetime(&local).earliest();
    let found = found.or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest());
    found.map(|at| at.with_timezone(&Utc))
}

/// Reads what a form says: the name of a preset, an instant, or a date and time in the zone.
#[must_use]
pub fn parse(text: &str, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Some(preset) = Preset::ALL.into_iter().find(|preset| preset.as_str() == text) {
        return Some(preset.at(now, zone));
    }
    parse_instant(text, zone)
}

/// Reads an instant, or a date and time in the zone.
pub(super) fn parse_instant(text: &str, zone: Tz) -> Option<DateTime<Utc>> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc));
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
    let local = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    in_zone(local, zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Berlin;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn presets_are_of_the_workspaces_day() {
        // A Monday, already Tuesday in Berlin.
        let now = at("2026-11-23T23:30:00Z");
        assert_eq!(Preset::OneHour.at(now, Berlin), at("2026-11-24T00:30:00Z"));
        assert_eq!(Preset::Tomorrow.at(now, Berlin), at("2026-11-25T08:00:00Z"));
        assert_eq!(Preset::NextMonday.at(now, Berlin), at("2026-11-30T08:00:00Z"));
        // On a Monday, the next one is meant.
        assert_eq!(Preset::NextMonday.at(at("2026-11-23T08:00:00Z"), Berlin), at("2026-11-30T08:00:00Z"));
    }

    #[test]
    fn a_typed_time_is_of_the_zone_and_an_instant_is_not() {
        let now = at("2026-11-23T12:00:00Z");
        assert_eq!(parse("2026-11-24T09:15", now, Berlin), Some(at("2026-11-24T08:15:00Z")));
        assert_eq!(parse("2026-11-24T09:15:00Z", now, Berlin), Some(at("2026-11-24T09:15:00Z")));
        assert_eq!(parse("4h", now, Berlin), Some(at("2026-11-23T16:00:00Z")));
        for bad in ["", "soon", "2026-13-01T00:00", "2026-11-24"] {
            assert_eq!(parse(bad, now, Berlin), None, "{bad}");
        }
    }

    #[test]
    fn an_hour_that_the_clocks_skip_begins_later() {
        let now = at("2027-03-01T12:00:00Z");
        assert_eq!(parse("2027-03-28T02:30", now, Berlin), Some(at("2027-03-28T01:30:00Z")));
    }
}
