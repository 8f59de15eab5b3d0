//! Conversations: their states and what moves them (C-6, F-3).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::{ChannelId, ContactId, ConversationId, ConversationNumber, TeamId, UserId};

/// Where a conversation stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Somebody should act.
    Open,
    /// Comes back at a time, or when the contact writes.
    Snoozed,
    /// Settled; the contact's next message opens it again.
    Closed,
    /// Settled for good; a message starts a new conversation.
    Archived,
}

impl Status {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Open, Self::Snoozed, Self::Closed, Self::Archived];

    /// The name in addresses, forms and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Snoozed => "snoozed",
            Self::Closed => "closed",
            Self::Archived => "archived",
        }
    }

    /// The word that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Snoozed => "Snoozed",
            Self::Closed => "Closed",
            Self::Archived => "Archived",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// How urgent a conversation is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Can wait.
    Low,
    /// As usual.
    Normal,
    /// Before the usual.
    High,
    /// Before everything.
    Urgent,
}

impl Priority {
    /// All of them, highest first.
    pub const ALL: [Self; 4] = [Self::Urgent, Self::High, Self::Normal, Self::Low];

    /// The name in addresses and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// The word that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Normal => "Normal",
            Self::High => "High",
            Self::Urgent => "Urgent",
        }
    }

    /// Its rank: what the database sorts by.
    #[must_use]
    pub const fn rank(self) -> i32 {
        self as i32
    }

    /// The priority of this rank.
    #[must_use]
    pub fn from_rank(rank: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank)
    }

    /// The priority of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == name)
    }
}

/// A conversation, as far as rules need to know it.
#[derive(Clone, Debug)]
pub struct Conversation {
    /// Its row.
    pub id: ConversationId,
    /// Its address.
    pub number: ConversationNumber,
    /// Where it comes from.
    pub channel: ChannelId,
    /// With whom.
    pub contact: ContactId,
    /// What it is about.
    pub subject: String,
    /// Where it stands.
    pub status: Status,
    /// How urgent it is.
    pub priority: Priority,
    /// The person who acts next.
    pub assignee: Option<UserId>,
    /// The team whose work it is.
    pub team: Option<TeamId>,
    /// When it wakes, if it is snoozed.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Since when the contact waits for an answer.
    pub waiting_since: Option<DateTime<Utc>>,
    /// The last message, from either side.
    pub last_activity_at: DateTime<Utc>,
    /// Raised with every change.
    pub version: i64,
    /// The first message.
    pub created_at: DateTime<Utc>,
    /// The one that it is a part of, if it was merged.
    pub merged_into: Option<ConversationId>,
}

/// A "no" about a conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConversationRefusal {
    /// C-6: terminal.
    #[error("This conversation is archived. A new message from the contact starts a new one.")]
    Archived,
    /// Nothing to do.
    #[error("This conversation is already {0}.")]
    Already(&'static str),
    /// F-4.
    #[error("Choose a time in the future.")]
    SnoozeInThePast,
    /// F-4.
    #[error("Choose a time within the next two years.")]
    SnoozeTooFar,
    /// C-16.
    #[error("Choose another conversation than this one.")]
    MergeWithItself,
    /// C-16.
    #[error("Conversations with two contacts can’t be merged. Merge the contacts first if they are one person.")]
    OtherContact,
    /// C-16.
    #[error("One of the two is archived, or was merged meanwhile.")]
    MergeArchived,
    /// C-5.
    #[error("Write a message first.")]
    EmptyMessage,
    /// C-5.
    #[error("A message has at most 100,000 characters.")]
    LongMessage,
    /// Replies go out by mail only, until other channels are connected.
    #[error("This channel can’t send replies. Write an internal note instead.")]
    NoWayToReply,
    /// C-7.
    #[error("{0} can’t log in, so they can’t get conversations.")]
    AssigneeInactive(String),
    /// C-7.
    #[error("{0} may not reply to contacts, so they can’t get conversations.")]
    AssigneeCannotReply(String),
}

/// Whether one conversation may become a part of another (C-16).
///
/// # Errors
/// The reason why not.
pub fn may_merge(from: &Conversation, to: &Conversation) -> Result<(), ConversationRefusal> {
    if from.id == to.id {
        return Err(ConversationRefusal::MergeWithItself);
    }
    if from.contact != to.contact {
        return Err(ConversationRefusal::OtherContact);
    }
    if from.status == Status::Archived || to.status == Status::Archived {
        return Err(ConversationRefusal::MergeArchived);
    }
    Ok(())
}

/// The longest snooze.
pub const LONGEST_SNOOZE_DAYS: i64 = 731;

/// A change of status that the rules allow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusChange {
    /// Back to work.
    Open,
    /// Away until then.
    Snooze(DateTime<Utc>),
    /// Settled.
    Close,
    /// Settled for good.
    Archive,
}

impl StatusChange {
    /// Where the conversation stands after it.
    #[must_use]
    pub const fn to(self) -> Status {
        match self {
            Self::Open => Status::Open,
            Self::Snooze(_) => Status::Snoozed,
            Self::Close => Status::Closed,
            Self::Archive => Status::Archived,
        }
    }
}

impl Conversation {
    /// Whether the change may be made by hand at `now` (C-6).
    ///
    /// # Errors
    /// The reason why not.
    pub fn may_change_status(&self, change: StatusChange, now: DateTime<Utc>) -> Result<(), ConversationRefusal> {
        if self.status == Status::Archived {
            return Err(ConversationRefusal::Archived);
        }
        match change {
            StatusChange::Snooze(until) if until <= now => Err(ConversationRefusal::SnoozeInThePast),
            StatusChange::Snooze(until) if (until - now).num_days() > LONGEST_SNOOZE_DAYS => {
                Err(ConversationRefusal::SnoozeTooFar)
            }
            // A new wake-up time is a change even while it sleeps.
            StatusChange::Snooze(until) if self.snoozed_until != Some(until) => Ok(()),
            _ if change.to() == self.status => Err(ConversationRefusal::Already(self.status.as_str())),
            _ => Ok(()),
        }
    }

    /// Whether a snooze is over at `now` (F-3).
    #[must_use]
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.status == Status::Snoozed && self.snoozed_until.is_some_and(|until| until <= now)
    }
}

/// The text of a message or note as it is kept.
///
/// # Errors
/// If nothing is left of it, or it is too long.
pub fn parse_body(input: &str) -> Result<String, ConversationRefusal> {
    let body = super::text::lines(input);
    if body.is_empty() {
        return Err(ConversationRefusal::EmptyMessage);
    }
    if body.chars().count() > 100_000 {
        return Err(ConversationRefusal::LongMessage);
    }
    Ok(body)
}

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageKind {
    /// From the contact.
    Incoming,
    /// To the contact.
    Reply,
    /// For teammates only.
    Note,
}

impl MessageKind {
    /// The name under which it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Reply => "reply",
            Self::Note => "note",
        }
    }

    /// The kind of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Incoming, Self::Reply, Self::Note].into_iter().find(|kind| kind.as_str() == name)
    }
}

/// The kinds of channels (word list).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ChannelKind {
    /// Mail.
    Email,
    /// A chat on a web page.
    WebChat,
    /// WhatsApp.
    WhatsApp,
    /// Instagram.
    Instagram,
    /// Messenger.
    Messenger,
    /// Telegram.
    Telegram,
    /// Telephone.
    Voice,
}

impl ChannelKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Email, Self::WebChat, Self::WhatsApp, Self::Instagram, Self::Messenger, Self::Telegram, Self::Voice];

    /// The name under which it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::WebChat => "web_chat",
            Self::WhatsApp => "whatsapp",
            Self::Instagram => "instagram",
            Self::Messenger => "messenger",
            Self::Telegram => "telegram",
            Self::Voice => "voice",
        }
    }

    /// The word that people see.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Email => "Email",
            Self::WebChat => "Web chat",
            Self::WhatsApp => "WhatsApp",
            Self::Instagram => "Instagram",
            Self::Messenger => "Messenger",
            Self::Telegram => "Telegram",
            Self::Voice => "Phone",
        }
    }

    /// The kind of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn conversation(status: Status, snoozed_until: Option<DateTime<Utc>>) -> Conversation {
        Conversation {
            id: ConversationId(1),
            number: ConversationNumber(1),
            channel: ChannelId::NIL,
            contact: ContactId::NIL,
            subject: "Tent pole".into(),
            status,
            priority: Priority::Normal,
            assignee: None,
            team: None,
            snoozed_until,
            waiting_since: None,
            last_activity_at: DateTime::UNIX_EPOCH,
            version: 1,
            created_at: DateTime::UNIX_EPOCH,
            merged_into: None,
        }
    }

    #[test]
    fn archived_is_terminal() {
        let now = DateTime::UNIX_EPOCH;
        let archived = conversation(Status::Archived, None);
        for change in [StatusChange::Open, StatusChange::Close, StatusChange::Archive, StatusChange::Snooze(now)] {
            assert_eq!(archived.may_change_status(change, now), Err(ConversationRefusal::Archived));
        }
    }

    #[test]
    fn a_snooze_needs_a_near_future() {
        let now = DateTime::UNIX_EPOCH;
        let open = conversation(Status::Open, None);
        let hour = now + TimeDelta::hours(1);
        assert_eq!(open.may_change_status(StatusChange::Snooze(now), now), Err(ConversationRefusal::SnoozeInThePast));
        assert_eq!(open.may_change_status(StatusChange::Snooze(hour), now), Ok(()));
        let far = now + TimeDelta::days(800);
        assert_eq!(open.may_change_status(StatusChange::Snooze(far), now), Err(ConversationRefusal::SnoozeTooFar));
        let asleep = conversation(Status::Snoozed, Some(hour));
        assert_eq!(
            asleep.may_change_status(StatusChange::Snooze(hour), now),
            Err(ConversationRefusal::Already("snoozed"))
        );
        assert_eq!(asleep.may_change_status(StatusChange::Snooze(hour + TimeDelta::hours(1)), now), Ok(()));
    }

    #[test]
    fn names_lead_back() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        for priority in Priority::ALL {
            assert_eq!(Priority::parse(priority.as_str()), Some(priority));
            assert_eq!(Priority::from_rank(priority.rank()), Some(priority));
        }
        for kind in ChannelKind::ALL {
            assert_eq!(ChannelKind::parse(kind.as_str()), Some(kind));
        }
    }

    proptest! {
        #[test]
        fn only_a_snoozed_conversation_whose_time_has_come_is_due(status in 0_usize..4, until in 0_i64..100, now in 0_i64..100) {
            let time = |s| DateTime::UNIX_EPOCH + TimeDelta::seconds(s);
            let status = Status::ALL.get(status).copied().unwrap_or(Status::Open);
            let due = conversation(status, Some(time(until))).is_due(time(now));
            prop_assert_eq!(due, status == Status::Snoozed && until <= now);
        }
    }
}
