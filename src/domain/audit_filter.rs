//! What the audit log shows, page and export alike: its [`Filter`], as it stands in the address (E-2).

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use super::audit_groups::{GROUPS, Group};
use super::ids::{ChannelId, ConversationNumber, JobId, RoleId, TeamId, UserId};
use super::text::one_line;

/// The address of the page, as it was typed. Every field is optional and anything may stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Address {
    /// A conversation's number, or words of a name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub q: String,
    /// `system`, `active`, `inactive`, `removed`, `deleted`, or a user's id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub actor: String,
    /// `user`, `team`, … for all of a kind, or `user:{id}`, `team:{id}`, `channel:{id}`, `role:{id}`, `job:{id}`,
    /// `conversation:{number}`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// A group of events, or the name of one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// `any`, `today`, `week`, `month`; otherwise `from` and `until` count.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
    /// The first day, in the workspace's zone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The last day, in the workspace's zone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub until: String,
    /// Where older entries begin.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// Where newer entries end.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
}

impl Address {
    /// The query string, without the question mark.
    #[must_use]
    pub fn query(&self) -> String {
        serde_html_form::to_string(self).unwrap_or_default()
    }

    /// The same filter from its first page.
    #[must_use]
    pub fn first_page(&self) -> Self {
        Self { after: String::new(), before: String::new(), ..self.clone() }
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Baton itself.
    System,
    /// Anybody who stands so now.
    Standing(&'static str),
    /// This user.
    User(UserId),
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Anything of a kind.
    Kind(&'static str),
    /// A user.
    User(UserId),
    /// A team, and who joined or left it.
    Team(TeamId),
    /// A channel, and who joined or left it.
    Channel(ChannelId),
    /// A role, and who was given it or lost it.
    Role(RoleId),
    /// A bulk job.
    Job(JobId),
    /// A conversation.
    Conversation(ConversationNumber),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// One of a group of events.
    Group(&'static Group),
    /// One event.
    Name(String),
}

/// Kinds of subjects that can be asked for as such, with their headings.
pub const KINDS: &[(&str, &str)] = &[
    ("user", "All users"),
    ("team", "All teams"),
    ("channel", "All channels"),
    ("role", "All roles"),
    ("contact", "All contacts"),
    ("conversation", "All conversations"),
    ("job", "All bulk changes"),
    ("workspace", "The workspace"),
];
/// Statuses of users that can be asked for, with their headings.
pub const STANDINGS: &[(&str, &str)] = &[
    ("active", "Anyone active"),
    ("inactive", "Anyone deactivated"),
    ("removed", "Anyone removed"),
    ("deleted", "Anyone deleted"),
];

/// What the log is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Who did it.
    pub who: Option<Who>,
    /// What it is about.
    pub about: Option<About>,
    /// What happened.
    pub what: Option<What>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub until: Option<DateTime<Utc>>,
    /// Words that somebody's or something's name has; looked up before asking.
    pub words: Option<String>,
    /// What has these words in its name: any of these did it or is what it is about.
    pub named: Option<Vec<Uuid>>,
}

/// Why an address cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It names somebody or something that cannot be.
    Unknown,
    /// A day is none.
    Day(&'static str),
}

impl Filter {
    /// Reads the filter of an address. Days are those of `zone`.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn parse(address: &Address, now: DateTime<Utc>, zone: Tz) -> Result<Self, Unreadable> {
        let words = one_line(&address.q);
        let number = words.strip_prefix('#').unwrap_or(&words).parse().ok().filter(|number: &i64| *number > 0);
        let asked = about(&address.subject)?;
        let about = asked.or_else(|| number.map(|number| About::Conversation(ConversationNumber(number))));
        let (from, until) = range(address, now, zone)?;
        Ok(Self {
            who: who(&address.actor)?,
            about,
            what: what(&address.action)?,
            from,
            until,
            words: (number.is_none() && !words.is_empty()).then_some(words),
            named: None,
        })
    }

    /// The filter as it is put on record: only what was understood, never what was typed. Words may be a name, and are left
    /// out; days are those of `zone`.
    #[must_use]
    pub fn recorded(&self, zone: Tz) -> Address {
        let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive().to_string();
        let mut address = Address {
            from: self.from.map(day).unwrap_or_default(),
            // It ends before this instant, on the day before.
            until: self.until.map(|at| day(at - TimeDelta::microseconds(1))).unwrap_or_default(),
            ..Address::default()
        };
        match &self.who {
            None => {}
            Some(Who::System) => "system".clone_into(&mut address.actor),
            Some(Who::Standing(standing)) => (*standing).clone_into(&mut address.actor),
            Some(Who::User(user)) => address.actor = user.to_string(),
        }
        address.subject = match &self.about {
            None => String::new(),
            Some(About::Kind(kind)) => (*kind).to_owned(),
            Some(About::User(user)) => format!("user:{user}"),
            Some(About::Team(team)) => format!("team:{team}"),
            Some(About::Channel(channel)) => format!("channel:{channel}"),
            Some(About::Role(role)) => format!("role:{role}"),
            Some(About::Job(job)) => format!("job:{job}"),
            Some(About::Conversation(number)) => format!("conversation:{number}"),
        };
        match &self.what {
            None => {}
            Some(What::Group(group)) => group.key.clone_into(&mut address.action),
            Some(What::Name(name)) => address.action.clone_from(name),
        }
        address
    }

    /// Whether everything is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn who(text: &str) -> Result<Option<Who>, Unreadable> {
    if text.is_empty() {
        return Ok(None);
    }
    if text == "system" {
        return Ok(Some(Who::System));
    }
    if let Some((standing, _)) = STANDINGS.iter().find(|(key, _)| *key == text) {
        return Ok(Some(Who::Standing(standing)));
    }
    text.parse().map(|id| Some(Who::User(id))).map_err(|_| Unreadable::Unknown)
}

fn about(text: &str) -> Result<Option<About>, Unreadable> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Some((kind, _)) = KINDS.iter().find(|(key, _)| *key == text) {
        return Ok(Some(About::Kind(kind)));
    }
    let (kind, id) = text.split_once(':').ok_or(Unreadable::Unknown)?;
    let about = match kind {
        "user" => id.parse().ok().map(About::User),
        "team" => id.parse().ok().map(About::Team),
        "channel" => id.parse().ok().map(About::Channel),
        "role" => id.parse().ok().map(About::Role),
        "job" => id.parse().ok().map(About::Job),
        "conversation" => id.parse().ok().map(About::Conversation),
        _ => None,
    };
    about.map(Some).ok_or(Unreadable::Unknown)
}

fn what(text: &str) -> Result<Option<What>, Unreadable> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Some(group) = GROUPS.iter().find(|group| group.key == text) {
        return Ok(Some(What::Group(group)));
    }
    let known = GROUPS.iter().flat_map(|group| group.events).any(|(name, _)| *name == text);
    if known { Ok(Some(What::Name(text.to_owned()))) } else { Err(Unreadable::Unknown) }
}

type Range = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

fn range(address: &Address, now: DateTime<Utc>, zone: Tz) -> Result<Range, Unreadable> {
    let today = now.with_timezone(&zone).date_naive();
    let back = |days| (today.checked_sub_days(Days::new(days)).and_then(|day| midnight(day, zone)), None);
    match address.when.as_str() {
        "today" => return Ok(back(0)),
        "week" => return Ok(back(6)),
        "month" => return Ok(back(29)),
        "any" => return Ok((None, None)),
        _ => {}
    }
    let day = |text: &str, field| -> Result<Option<NaiveDate>, Unreadable> {
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| Unreadable::Day(field)) }
    };
    let from = day(&address.from, "from")?;
    let until = day(&address.until, "until")?.and_then(|day| day.checked_add_days(Days::new(1)));
    Ok((from.and_then(|day| midnight(day, zone)), until.and_then(|day| midnight(day, zone))))
}

/// When a day begins. Where the clocks jump over midnight, it begins after the jump.
fn midnight(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    (0..4_u32).find_map(|hour| {
        let time = NaiveTime::from_hms_opt(hour, 0, 0)?;
        zone.from_local_datetime(&day.and_time(time)).earliest().map(|at| at.with_timezone(&Utc))
    })
}

/// Where a page of the log begins or ends: an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Its row.
    pub id: i64,
}

impl Cursor {
    /// As it stands in an address.
    #[must_use]
    pub fn print(&self) -> String {
        format!("{}.{}", self.at.timestamp_micros(), self.id)
    }

    /// Reads it from an address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        Some(Self { at: DateTime::from_timestamp_micros(at.parse().ok()?)?, id: id.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::Europe::Berlin;

    fn now() -> DateTime<Utc> {
        "2026-03-29T10:00:00Z".parse().unwrap()
    }

    fn parse(address: &Address) -> Result<Filter, Unreadable> {
        Filter::parse(address, now(), ZONE)
    }

    #[test]
    fn each_event_stands_in_one_group() {
        // Read from the source, so that an event that is added cannot be forgotten here.
        let source = include_str!("audit.rs");
        let names = source.split("pub const fn name").nth(1).unwrap().split("pub const fn subject").next().unwrap();
        let mut written: Vec<&str> = names
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|name| name.contains('.'))
            .chain([super::super::audit::CONVERSATION_ASSIGNED])
            .collect();
        let mut listed: Vec<&str> = GROUPS.iter().flat_map(|group| group.events).map(|(name, _)| *name).collect();
        written.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, written, "add the event to GROUPS, and its sentence to web::views");
    }

    #[test]
    fn days_are_those_of_the_workspace() {
        let address = Address { from: "2026-03-29".to_owned(), until: "2026-03-29".to_owned(), ..Address::default() };
        let filter = parse(&address).unwrap(); // The day that is 23 hours long.
        assert_eq!(filter.from.unwrap().to_rfc3339(), "2026-03-28T23:00:00+00:00");
        assert_eq!(filter.until.unwrap().to_rfc3339(), "2026-03-29T22:00:00+00:00");
        let week = parse(&Address { when: "week".to_owned(), ..Address::default() }).unwrap();
        assert_eq!(week.from.unwrap().to_rfc3339(), "2026-03-22T23:00:00+00:00");
        let odd = Address { from: "yesterday".to_owned(), ..Address::default() };
        assert_eq!(parse(&odd), Err(Unreadable::Day("from")));
        for far in ["0000-01-01", "9999-12-31", "262142-12-31"] {
            let _ = parse(&Address { until: far.to_owned(), ..Address::default() });
        }
    }

    #[test]
    fn what_cannot_be_is_unknown() {
        for actor in ["me", "x", "user:1"] {
            assert_eq!(parse(&Address { actor: actor.to_owned(), ..Address::default() }), Err(Unreadable::Unknown));
        }
        for subject in ["x", "user:1", "conversation:x", "mail:1"] {
            assert_eq!(parse(&Address { subject: subject.to_owned(), ..Address::default() }), Err(Unreadable::Unknown));
        }
        assert_eq!(parse(&Address { action: "user.%".to_owned(), ..Address::default() }), Err(Unreadable::Unknown));
        assert!(parse(&Address::default()).unwrap().is_empty());
    }

    #[test]
    fn a_number_is_a_conversation_and_anything_else_a_name() {
        let of = |q: &str| parse(&Address { q: q.to_owned(), ..Address::default() }).unwrap();
        assert_eq!(of(" #12 ").about, Some(About::Conversation(ConversationNumber(12))));
        assert_eq!(of("12").words, None);
        assert_eq!(of("alice  martin").words.as_deref(), Some("alice martin"));
        assert_eq!(of("-1").words.as_deref(), Some("-1"));
    }

    #[test]
    fn cursors_go_there_and_back() {
        let cursor = Cursor { at: now(), id: 7 };
        assert_eq!(Cursor::parse(&cursor.print()), Some(cursor));
        for odd in ["", "1", "x.1", "1.x", "99999999999999999999.1", "9223372036854775807.1"] {
            assert_eq!(Cursor::parse(odd), None, "{odd}");
        }
    }
}
