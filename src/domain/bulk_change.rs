//! What a bulk job does to each conversation (C-8).

use chrono::{DateTime, Utc};

use super::access::Key;
use super::assignment::Target;
use super::conversations::{Conversation, Priority, Status, StatusChange};
use super::ids::{TagId, TeamId};

/// One change, for many conversations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// To a person, a team's queue, or nobody.
    Assign(Target),
    /// To the people of a team, by their load (H-3).
    Spread(TeamId),
    /// To another team, whoever holds them: theirs is deleted (T-1).
    Move(TeamId),
    /// Opened again, closed, archived, snoozed.
    Status(StatusChange),
    /// Opened again, if it is asleep.
    Wake,
    /// Marked with a word.
    AddTag(TagId),
    /// No longer marked with it.
    RemoveTag(TagId),
    /// More or less urgent.
    Priority(Priority),
}

impl Change {
    /// The kind under which it is stored.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Assign(_) | Self::Spread(_) | Self::Move(_) => "assign",
            Self::Status(_) | Self::Wake => "status",
            Self::AddTag(_) => "add_tag",
            Self::RemoveTag(_) => "remove_tag",
            Self::Priority(_) => "priority",
        }
    }

    /// What it is stored with beside its kind.
    #[must_use]
    pub fn print(self) -> String {
        match self {
            Self::Assign(target) => target.print(),
            Self::Spread(team) => format!("spread:{team}"),
            Self::Move(team) => format!("move:{team}"),
            Self::Status(StatusChange::Snooze(until)) => format!("snoozed:{}", until.timestamp_micros()),
            Self::Status(change) => change.to().as_str().to_owned(),
            Self::Wake => "wake".to_owned(),
            Self::AddTag(tag) | Self::RemoveTag(tag) => tag.to_string(),
            Self::Priority(priority) => priority.as_str().to_owned(),
        }
    }

    /// The change that is stored so; none if everything of a job goes somewhere else.
    #[must_use]
    pub fn parse(kind: &str, text: &str) -> Option<Self> {
        match kind {
            "assign" => match text.split_once(':') {
                Some(("spread", team)) => team.parse().ok().map(Self::Spread),
                Some(("move", team)) => team.parse().ok().map(Self::Move),
                _ => Target::parse(text).map(Self::Assign),
            },
            "status" => match text.split_once(':') {
                Some(("snoozed", micros)) => {
                    let until = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
                    Some(Self::Status(StatusChange::Snooze(until)))
                }
                _ if text == "wake" => Some(Self::Wake),
                _ => match Status::parse(text)? {
                    Status::Open => Some(Self::Status(StatusChange::Open)),
                    Status::Closed => Some(Self::Status(StatusChange::Close)),
                    Status::Archived => Some(Self::Status(StatusChange::Archive)),
                    Status::Snoozed => None,
                },
            },
            "add_tag" => text.parse().ok().map(Self::AddTag),
            "remove_tag" => text.parse().ok().map(Self::RemoveTag),
            "priority" => Priority::parse(text).map(Self::Priority),
            _ => None,
        }
    }

    /// Whether it is about who holds what.
    #[must_use]
    pub const fn moves(self) -> bool {
        matches!(self, Self::Assign(_) | Self::Spread(_) | Self::Move(_))
    }

    /// What somebody must be allowed to do to one conversation, to do it to many.
    #[must_use]
    pub const fn needs(self) -> Option<Key> {
        match self {
            Self::Assign(_) | Self::Spread(_) => None,
            Self::Move(_) => Some(Key::TeamsManage),
            Self::Status(_) | Self::Wake => Some(Key::ConversationsChangeStatus),
            Self::AddTag(_) | Self::RemoveTag(_) | Self::Priority(_) => Some(Key::ConversationsTag),
        }
    }

    /// The status that it leads to, if it is about that.
    #[must_use]
    pub const fn status(self) -> Option<(Status, Option<DateTime<Utc>>)> {
        match self {
            Self::Status(StatusChange::Snooze(until)) => Some((Status::Snoozed, Some(until))),
            Self::Status(change) => Some((change.to(), None)),
            Self::Wake => Some((Status::Open, None)),
            _ => None,
        }
    }

    /// Whether a conversation is so already. Of changes of holders the job itself knows.
    #[must_use]
    pub fn is_so(self, one: &Conversation, tags: &[TagId]) -> bool {
        match self {
            Self::Assign(_) | Self::Spread(_) | Self::Move(_) => false,
            Self::Status(StatusChange::Snooze(until)) => one.snoozed_until == Some(until),
            Self::Status(change) => one.status == change.to(),
            Self::Wake => one.status != Status::Snoozed,
            Self::AddTag(tag) => tags.contains(&tag),
            Self::RemoveTag(tag) => !tags.contains(&tag),
            Self::Priority(priority) => one.priority == priority,
        }
    }

    /// Whether archived conversations are left alone by it: they neither change hands nor come back (C-6).
    #[must_use]
    pub const fn spares_archived(self) -> bool {
        matches!(self, Self::Assign(_) | Self::Spread(_) | Self::Status(_) | Self::Wake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_stored_change_leads_back() {
        let id = Uuid::from_u128(7);
        let until = DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap();
        let changes = [
            Change::Assign(Target::Nobody),
            Change::Assign(Target::Team(TeamId(id))),
            Change::Spread(TeamId(id)),
            Change::Move(TeamId(id)),
            Change::Status(StatusChange::Open),
            Change::Status(StatusChange::Close),
            Change::Status(StatusChange::Archive),
            Change::Status(StatusChange::Snooze(until)),
            Change::Wake,
            Change::AddTag(TagId(id)),
            Change::RemoveTag(TagId(id)),
            Change::Priority(Priority::High),
        ];
        for change in changes {
            assert_eq!(Change::parse(change.kind(), &change.print()), Some(change));
        }
        for (kind, text) in [("assign", ""), ("status", "snoozed"), ("status", "x"), ("add_tag", ""), ("other", "none")]
        {
            assert_eq!(Change::parse(kind, text), None);
        }
    }
}
