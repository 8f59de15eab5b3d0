//! What the inbox shows: filter, sort and page, as they stand in the address (C-1 … C-3).
//!
//! The same [`Filter`] makes the list, its count and a bulk change over "all matching": what you see is what you change.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::conversations::{Priority, Status};
use super::ids::{ChannelId, ContactId, ConversationId, TagId, TeamId, UserId};
pub use super::inbox_views::View;

/// The address of an inbox page, as it was typed. Every field is optional and anything may stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Address {
    /// A named view, which sets the defaults of the others.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub view: String,
    /// `open`, `snoozed`, `closed`, `archived`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// `me`, `none`, `inactive`, or a user's id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub assignee: String,
    /// A team's id, or `mine`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub team: String,
    /// A channel's id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// A tag's id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tag: String,
    /// `low`, `normal`, `high`, `urgent`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority: String,
    /// `us` or `customer`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub waiting: String,
    /// A contact's id.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub contact: String,
    /// `today`, `week`, `month`, `older`: when something last happened.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub activity: String,
    /// Words in subject, messages, contact.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub q: String,
    /// `newest`, `waiting`, `priority`, `wake`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sort: String,
    /// The id of the saved view that the list was opened by.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub saved: String,
    /// Where the page begins.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
}

impl Address {
    /// The query string, without the question mark.
    #[must_use]
    pub fn query(&self) -> String {
        serde_html_form::to_string(self).unwrap_or_default()
    }

    /// The same list from its start.
    #[must_use]
    pub fn from_start(&self) -> Self {
        Self { after: String::new(), ..self.clone() }
    }

    /// Whether anything narrows the view.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        let plain = Self {
            view: self.view.clone(),
            sort: self.sort.clone(),
            saved: self.saved.clone(),
            after: self.after.clone(),
            ..Self::default()
        };
        *self != plain
    }
}

/// Which statuses a list shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statuses {
    /// One.
    Only(Status),
    /// What somebody still has to act on.
    OpenAndSnoozed,
    /// Any of them.
    Any,
}

/// Whom the listed conversations are assigned to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    /// This user, active or not.
    User(UserId),
    /// Nobody: neither a user nor, unless a team is asked for, a team.
    Nobody,
    /// Anybody who cannot log in.
    Inactive,
}

/// Which teams' conversations are listed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Teams {
    /// This one's.
    One(TeamId),
    /// Any of these.
    Any(Vec<TeamId>),
}

/// Who has to speak next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// The contact waits for us.
    OnUs,
    /// We wait for the contact.
    OnCustomer,
}

/// When something last happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// At or after.
    Since(DateTime<Utc>),
    /// Before.
    Before(DateTime<Utc>),
}

/// Which conversations are meant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Filter {
    /// Where they stand.
    pub statuses: Statuses,
    /// Who holds them.
    pub assignee: Option<Assignee>,
    /// Whose work they are.
    pub teams: Option<Teams>,
    /// Where they come from.
    pub channel: Option<ChannelId>,
    /// How they are marked.
    pub tag: Option<TagId>,
    /// How urgent they are.
    pub priority: Option<Priority>,
    /// Who has to speak next.
    pub waiting: Option<Waiting>,
    /// With whom.
    pub contact: Option<ContactId>,
    /// When something last happened.
    pub activity: Option<Activity>,
    /// In which this user has an unsent answer.
    #[serde(default)]
    pub drafts_of: Option<UserId>,
    /// Words in them, lower case, as typed otherwise.
    pub words: Option<String>,
}

impl Filter {
    /// Everything of one status.
    #[must_use]
    pub const fn of(statuses: Statuses) -> Self {
        Self {
            statuses,
            assignee: None,
            teams: None,
            channel: None,
            tag: None,
            priority: None,
            waiting: None,
            contact: None,
            activity: None,
            drafts_of: None,
            words: None,
        }
    }

    /// Whether the kept counters can say how many there are, so that nothing need be counted.
    #[must_use]
    pub const fn is_kept_by_counters(&self) -> bool {
        self.channel.is_none()
            && self.tag.is_none()
            && self.priority.is_none()
            && self.waiting.is_none()
            && self.contact.is_none()
            && self.activity.is_none()
            && self.drafts_of.is_none()
            && self.words.is_none()
    }
}

/// In which order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    /// Last activity, newest first.
    Newest,
    /// Those who wait for us, longest first.
    Waiting,
    /// Most urgent first, then newest.
    Priority,
    /// Next to wake first.
    Wake,
}

impl Sort {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Newest, Self::Waiting, Self::Priority, Self::Wake];

    /// The name in the address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Waiting => "waiting",
            Self::Priority => "priority",
            Self::Wake => "wake",
        }
    }

    /// The words that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Newest => "Newest first",
            Self::Waiting => "Waiting longest",
            Self::Priority => "Priority",
            Self::Wake => "Next to wake",
        }
    }

    /// The sort of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == name)
    }
}

/// The last row of a page: the next page begins after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// Its priority; counts for that sort only.
    pub rank: i32,
    /// The time that the list is sorted by.
    pub at: DateTime<Utc>,
    /// Its row, which decides between equal times.
    pub id: ConversationId,
}

impl Cursor {
    /// As it stands in the address.
    #[must_use]
    pub fn print(&self) -> String {
        format!("{}-{}-{}", self.rank, self.at.timestamp_micros(), self.id)
    }

    /// From the address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let rank = parts.next()?.parse().ok()?;
        let at = DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
        let id = parts.next()?.parse().ok()?;
        Some(Self { rank, at, id })
    }
}

/// A list that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The view that it started from, if it has a name.
    pub view: Option<View>,
    /// Which conversations.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// From where.
    pub after: Option<Cursor>,
}

/// What cannot be meant: the address names something by an id that is none. Answered like an unknown id.
#[derive(Debug, PartialEq, Eq)]
pub struct Unknown;

fn id<T: std::str::FromStr>(text: &str) -> Result<Option<T>, Unknown> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Unknown)
}

impl Request {
    /// Reads an address. `me` and `my_teams` are those of the person who asks; `now` anchors "today".
    ///
    /// Words that name nothing (an unknown status or sort) are taken as not said, so that old links keep working.
    ///
    /// # Errors
    /// If an id is not one.
    pub fn read(address: &Address, me: UserId, my_teams: &[TeamId], now: DateTime<Utc>) -> Result<Self, Unknown> {
        let bare = !address.is_filtered();
        let view = View::parse(&address.view).or(if bare { Some(View::Open) } else { None });
        let mut filter = view.map_or(Filter::of(Statuses::Only(Status::Open)), |view| view.filter(me, my_teams));
        if let Some(status) = Status::parse(&address.status) {
            filter.statuses = Statuses::Only(status);
        }
        match address.assignee.as_str() {
            "" => {}
            "me" => filter.assignee = Some(Assignee::User(me)),
            "none" => filter.assignee = Some(Assignee::Nobody),
            "inactive" => filter.assignee = Some(Assignee::Inactive),
            user => filter.assignee = id(user)?.map(Assignee::User),
        }
        match address.team.as_str() {
            "" => {}
            "mine" => filter.teams = Some(Teams::Any(my_teams.to_vec())),
            team => filter.teams = id(team)?.map(Teams::One),
        }
        filter.channel = id(&address.channel)?;
        filter.tag = id(&address.tag)?;
        filter.contact = id(&address.contact)?;
        filter.priority = Priority::parse(&address.priority);
        filter.waiting = match address.waiting.as_str() {
            "us" => Some(Waiting::OnUs),
            "customer" => Some(Waiting::OnCustomer),
            _ => None,
        };
        filter.activity = activity(&address.activity, now);
        let words = super::text::shorten(&super::text::key(&address.q), 200);
        filter.words = (!words.is_empty()).then_some(words);
        let asleep = filter.statuses == Statuses::Only(Status::Snoozed);
        let sort = Sort::parse(&address.sort).unwrap_or(if asleep { Sort::Wake } else { Sort::Newest });
        let sort = if sort == Sort::Wake && !asleep { Sort::Newest } else { sort };
        // Only what waits for us can be sorted by how long: the count and a bulk change must mean the same rows.
        let sort = match (sort, filter.waiting) {
            (Sort::Waiting, Some(Waiting::OnCustomer)) => Sort::Newest,
            _ => sort,
        };
        if sort == Sort::Waiting {
            filter.waiting = Some(Waiting::OnUs);
        }
        Ok(Self { view, filter, sort, after: Cursor::parse(&address.after) })
    }
}

fn activity(name: &str, now: DateTime<Utc>) -> Option<Activity> {
    match name {
        "today" => Some(Activity::Since(now - TimeDelta::days(1))),
        "week" => Some(Activity::Since(now - TimeDelta::days(7))),
        "month" => Some(Activity::Since(now - TimeDelta::days(30))),
        "older" => Some(Activity::Before(now - TimeDelta::days(30))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn read(address: &Address) -> Result<Request, Unknown> {
        Request::read(address, UserId(Uuid::from_u128(7)), &[], DateTime::UNIX_EPOCH)
    }

    #[test]
    fn the_bare_address_is_everything_open() {
        let request = read(&Address::default()).unwrap();
        assert_eq!(request.filter, Filter::of(Statuses::Only(Status::Open)));
        assert_eq!(request.sort, Sort::Newest);
        assert_eq!(request.view, Some(View::Open));
    }

    #[test]
    fn snoozed_is_sorted_by_wake_time_and_nothing_else_can_be() {
        let snoozed = read(&Address { status: "snoozed".into(), ..Address::default() }).unwrap();
        assert_eq!(snoozed.sort, Sort::Wake);
        let open = read(&Address { sort: "wake".into(), ..Address::default() }).unwrap();
        assert_eq!(open.sort, Sort::Newest);
    }

    #[test]
    fn what_is_sorted_by_waiting_waits_for_us() {
        let sorted = read(&Address { sort: "waiting".into(), ..Address::default() }).unwrap();
        assert_eq!((sorted.sort, sorted.filter.waiting), (Sort::Waiting, Some(Waiting::OnUs)));
        let customer = Address { sort: "waiting".into(), waiting: "customer".into(), ..Address::default() };
        assert_eq!(read(&customer).unwrap().sort, Sort::Newest);
    }

    #[test]
    fn an_id_that_is_none_is_unknown() {
        assert_eq!(read(&Address { team: "x".into(), ..Address::default() }), Err(Unknown));
        assert_eq!(read(&Address { assignee: "bob".into(), ..Address::default() }), Err(Unknown));
    }

    #[test]
    fn a_view_can_be_narrowed() {
        let request = read(&Address { view: "mine".into(), priority: "high".into(), ..Address::default() }).unwrap();
        assert_eq!(request.filter.assignee, Some(Assignee::User(UserId(Uuid::from_u128(7)))));
        assert_eq!(request.filter.priority, Some(Priority::High));
    }

    proptest! {
        #[test]
        fn cursors_lead_back(rank in 0_i32..4, micros in 0_i64..4_000_000_000_000_000, id in 0_i64..i64::MAX) {
            let cursor = Cursor { rank, at: DateTime::from_timestamp_micros(micros).unwrap(), id: ConversationId(id) };
            prop_assert_eq!(Cursor::parse(&cursor.print()), Some(cursor));
        }

        #[test]
        fn no_address_breaks_reading(text in ".{0,60}") {
            for set in [|a: &mut Address, t: String| a.status = t, |a: &mut Address, t: String| a.assignee = t,
                        |a: &mut Address, t: String| a.q = t, |a: &mut Address, t: String| a.after = t] {
                let mut address = Address::default();
                set(&mut address, text.clone());
                let _ = read(&address);
                let again: Address = serde_html_form::from_str(&address.query()).unwrap();
                prop_assert_eq!(again, address);
            }
        }
    }
}
