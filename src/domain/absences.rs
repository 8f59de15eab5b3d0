//! Time away: from when to when somebody cannot log in (U-8).

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use super::access::Actor;
use super::ids::UserId;
use super::plans::Plan;
use super::snooze;
use super::users::{Reason, Status, User, UserRefusal};

/// What is set about somebody's time away, past or to come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absence {
    /// Why, in somebody's own words.
    pub note: Option<String>,
    /// From when they will not be able to log in; `None` if no deactivation is planned.
    pub starts_at: Option<DateTime<Utc>>,
    /// When the planned deactivation was due and could not be done.
    pub refused_at: Option<DateTime<Utc>>,
    /// When they are reactivated by themselves.
    pub returns_at: Option<DateTime<Utc>>,
    /// What becomes of their work on the planned day.
    pub plan: Plan,
    /// Who set it.
    pub set_by: Option<UserId>,
}

/// The most characters of a note.
pub const NOTE_LENGTH: usize = 500;

/// So far ahead can be planned.
const YEARS_AHEAD: i32 = 10;

/// The first instant of a day in a zone. On most days that is midnight; where the clocks skip it, it is later.
#[must_use]
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    // Zones skip at most a day, in quarters of an hour.
    (0..=104).find_map(|quarters| {
        let local = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(15 * quarters);
        zone.from_local_datetime(&local).earliest().map(|at| at.with_timezone(&Utc))
    })
}

/// The first instant of the day after that of `now`.
#[must_use]
pub fn next_midnight(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let tomorrow = now.with_timezone(&zone).date_naive().checked_add_days(Days::new(1));
    tomorrow.and_then(|day| start_of_day(day, zone)).unwrap_or(now + TimeDelta::days(1))
}

/// A time in words: the day, and the time unless the day begins with it.
#[must_use]
pub fn words(at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    let day = local.format("%A, %-d %B %Y").to_string();
    if start_of_day(local.date_naive(), zone) == Some(at) { day } else { format!("{day}, {}", local.format("%H:%M")) }
}

/// The same time on the wall in another zone: what was set for a day stays on that day.
#[must_use]
pub fn moved(at: DateTime<Utc>, from: Tz, to: Tz) -> DateTime<Utc> {
    let local = at.with_timezone(&from).naive_local();
    let began = start_of_day(local.date(), from) == Some(at);
    let there = if began { start_of_day(local.date(), to) } else { snooze::in_zone(local, to) };
    there.unwrap_or(at)
}

/// Reads a day, a day with a time, or an instant; `time` may stand in a field of its own. Nothing typed is `None`.
///
/// # Errors
/// A sentence for the field.
pub fn parse_when(day: &str, time: &str, zone: Tz) -> Result<Option<DateTime<Utc>>, &'static str> {
    const SENTENCE: &str = "Enter a date like 2027-01-31";
    let (day, time) = (day.trim(), time.trim());
    if day.is_empty() {
        return if time.is_empty() { Ok(None) } else { Err("Enter the day, too") };
    }
    if day.len() > 40 || time.len() > 40 {
        return Err(SENTENCE);
    }
    if let Ok(day) = NaiveDate::parse_from_str(day, "%Y-%m-%d") {
        if time.is_empty() {
            return start_of_day(day, zone).map(Some).ok_or(SENTENCE);
        }
        let time = ["%H:%M", "%H:%M:%S"].iter().find_map(|format| NaiveTime::parse_from_str(time, format).ok());
        let time = time.ok_or("Enter a time like 14:30")?;
        return snooze::in_zone(NaiveDateTime::new(day, time), zone).map(Some).ok_or(SENTENCE);
    }
    // A time that is typed beside a date which has one already says nothing more.
    snooze::parse_instant(day, zone).map(Some).ok_or(SENTENCE)
}

/// When somebody is away: from, and until.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Dates {
    /// From when; `None` is now.
    pub starts_at: Option<DateTime<Utc>>,
    /// Until when, if that is known.
    pub returns_at: Option<DateTime<Utc>>,
}

/// Which date is wrong, and a sentence for it.
pub type WrongDate = (&'static str, &'static str);

/// Dates that make sense at `now`: a start that is today's midnight is now.
///
/// # Errors
/// The fields that are wrong, each with a sentence.
pub fn check(dates: Dates, now: DateTime<Utc>, zone: Tz) -> Result<Dates, Vec<WrongDate>> {
    let mut wrong = Vec::new();
    let today = start_of_day(now.with_timezone(&zone).date_naive(), zone);
    let starts_at = dates.starts_at.filter(|at| Some(*at) != today);
    let latest = now + TimeDelta::days(366 * i64::from(YEARS_AHEAD));
    if let Some(at) = starts_at {
        if at <= now {
            wrong.push(("starts_at", "This is over. Choose a later time, or leave it empty to deactivate now"));
        } else if at > latest {
            wrong.push(("starts_at", "Choose a date within the next ten years"));
        }
    }
    if let Some(back) = dates.returns_at {
        if back <= now {
            wrong.push(("returns_at", "This is over. Choose a later day"));
        } else if starts_at.is_some_and(|start| back <= start) {
            wrong.push(("returns_at", "Choose a day after the one on which they are deactivated"));
        } else if back > latest {
            wrong.push(("returns_at", "Choose a date within the next ten years"));
        }
    }
    if wrong.is_empty() { Ok(Dates { starts_at, returns_at: dates.returns_at }) } else { Err(wrong) }
}

impl User {
    /// Whether a deactivation is planned and still to come.
    #[must_use]
    pub fn is_leaving(&self) -> bool {
        self.status == Status::Active && self.absence.starts_at.is_some()
    }

    /// Whether they come back by themselves.
    #[must_use]
    pub fn is_returning(&self) -> bool {
        self.status == Status::Inactive && self.absence.returns_at.is_some()
    }

    /// Whether what is planned about them may be withdrawn (U-8).
    ///
    /// # Errors
    /// The reason why not.
    pub fn may_lose_dates_by(&self, actor: &Actor) -> Result<(), UserRefusal> {
        self.may_be_stopped_by(actor)?;
        if self.is_leaving() || self.is_returning() {
            Ok(())
        } else {
            Err(UserRefusal::NothingPlanned(self.name.full.clone()))
        }
    }

    /// Whether the dates of their present absence may be changed (U-8).
    ///
    /// # Errors
    /// The reason why not.
    pub fn may_get_return_by(&self, actor: &Actor) -> Result<(), UserRefusal> {
        match self.status {
            Status::Invited => return Err(UserRefusal::StillInvited(self.name.full.clone())),
            Status::Active => return Err(UserRefusal::NotAway(self.name.full.clone())),
            _ => {}
        }
        self.may_be_stopped_by(actor)
    }
}

/// What is typed as a reason: one of those that are offered, the one that is on record already, or nothing.
///
/// # Errors
/// A sentence for the field.
pub fn parse_reason(text: &str, known: Option<Reason>) -> Result<Option<Reason>, &'static str> {
    match text {
        "" => Ok(None),
        text => Reason::parse(text)
            .filter(|reason| Reason::OFFERED.contains(reason) || known == Some(*reason))
            .map(Some)
            .ok_or("Choose one of these reasons"),
    }
}

/// What is typed beside a reason, as it is kept.
///
/// # Errors
/// A sentence for the field.
pub fn parse_note(text: &str) -> Result<Option<String>, &'static str> {
    let note = super::text::lines(text);
    if note.chars().count() > NOTE_LENGTH {
        return Err("Use at most 500 characters");
    }
    Ok((!note.is_empty()).then_some(note))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::America::Santiago;
    use chrono_tz::Asia::Beirut;
    use chrono_tz::Europe::Berlin;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_at_the_zones_midnight_whatever_the_clocks_do() {
        let cases = [
            // The day on which summer time begins, and the next one.
            (Berlin, "2026-03-29", "2026-03-28T23:00:00Z"),
            (Berlin, "2026-03-30", "2026-03-29T22:00:00Z"),
            // The day on which it ends, and the next one.
            (Berlin, "2026-10-25", "2026-10-24T22:00:00Z"),
            (Berlin, "2026-10-26", "2026-10-25T23:00:00Z"),
            // Midnights that do not exist.
            (Santiago, "2026-09-06", "2026-09-06T04:00:00Z"),
            (Beirut, "2026-03-29", "2026-03-28T22:00:00Z"),
            // A midnight that comes twice: the first one.
            (chrono_tz::America::Havana, "2026-11-01", "2026-11-01T04:00:00Z"),
        ];
        for (zone, day, expected) in cases {
            assert_eq!(parse_when(day, "", zone), Ok(Some(at(expected))), "{zone} {day}");
        }
    }

    #[test]
    fn a_time_may_stand_beside_the_day_or_with_it() {
        let noon = Ok(Some(at("2026-12-24T11:30:00Z")));
        assert_eq!(parse_when("2026-12-24", "12:30", Berlin), noon);
        assert_eq!(parse_when("2026-12-24T12:30", "", Berlin), noon);
        assert_eq!(parse_when("2026-12-24T11:30:00Z", "", Berlin), noon);
        // An hour that the clocks skip begins later.
        assert_eq!(parse_when("2026-03-29", "02:30", Berlin), Ok(Some(at("2026-03-29T01:30:00Z"))));
        // Of an hour that comes twice, the first one is meant.
        assert_eq!(parse_when("2026-10-25", "02:30", Berlin), Ok(Some(at("2026-10-25T00:30:00Z"))));
        assert_eq!(parse_when(" ", "", Berlin), Ok(None));
        for (day, time) in [("soon", ""), ("2026-02-30", ""), ("", "12:00"), ("2026-12-24", "noon"), ("4h", "")] {
            assert!(parse_when(day, time, Berlin).is_err(), "{day} {time}");
        }
    }

    #[test]
    fn dates_must_lie_ahead_and_in_order() {
        let now = at("2026-03-02T09:00:00Z");
        let dates = |starts: &str, returns: &str| Dates {
            starts_at: parse_when(starts, "", Berlin).unwrap(),
            returns_at: parse_when(returns, "", Berlin).unwrap(),
        };
        let wrong = |starts, returns| {
            let wrong = check(dates(starts, returns), now, Berlin).unwrap_err();
            wrong.iter().map(|one| one.0).collect::<Vec<_>>()
        };
        // Today is now.
        assert_eq!(check(dates("2026-03-02", ""), now, Berlin), Ok(Dates::default()));
        assert_eq!(check(dates("2026-03-03", "2026-03-04"), now, Berlin), Ok(dates("2026-03-03", "2026-03-04")));
        assert_eq!(wrong("2026-03-01", ""), ["starts_at"]);
        assert_eq!(wrong("2026-03-02T09:00", ""), ["starts_at"]);
        assert_eq!(wrong("2026-03-03", "2026-03-03"), ["returns_at"]);
        assert_eq!(wrong("", "2026-03-02"), ["returns_at"]);
        assert_eq!(wrong("2126-03-02", "2226-03-02"), ["starts_at", "returns_at"]);
    }

    #[test]
    fn what_was_set_for_a_day_stays_on_it_when_the_workspace_moves() {
        let monday = at("2026-11-29T23:00:00Z");
        assert_eq!(moved(monday, Berlin, chrono_tz::America::New_York), at("2026-11-30T05:00:00Z"));
        let nine = at("2026-11-30T08:00:00Z");
        assert_eq!(moved(nine, Berlin, chrono_tz::Asia::Tokyo), at("2026-11-30T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn nothing_of_a_day_comes_before_its_start(zone in 0..chrono_tz::TZ_VARIANTS.len(), day in 0_u64..6_000) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let day = NaiveDate::from_ymd_opt(2021, 1, 1).unwrap() + Days::new(day);
            let start = start_of_day(day, zone).unwrap();
            prop_assert!(start.with_timezone(&zone).date_naive() == day);
            prop_assert!((start - TimeDelta::seconds(1)).with_timezone(&zone).date_naive() < day);
        }

        #[test]
        fn the_next_midnight_is_always_ahead(zone in 0..chrono_tz::TZ_VARIANTS.len(), seconds in 1_600_000_000_i64..2_100_000_000) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            let next = next_midnight(now, zone);
            prop_assert!(next > now && next - now <= TimeDelta::hours(26));
        }

        #[test]
        fn no_input_breaks_parsing(day in ".{0,40}", time in ".{0,40}") {
            let _ = parse_when(&day, &time, Berlin);
            let _ = parse_note(&day);
            let _ = parse_reason(&time, None);
        }
    }
}
