//! What open pages are told (C-14): that something changed, never what it says. A page that is told so asks again for what
//! it shows, through the same guarded addresses as ever; so nothing can leak here, and nobody is told what they may not see.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use chrono::TimeDelta;
use uuid::Uuid;

use super::audit::{Event, Subject};
use super::ids::{ConversationId, JobId, UserId, WorkspaceId};

/// Something that pages show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Topic {
    /// The lists of conversations and the numbers beside them.
    Inbox,
    /// One conversation.
    Conversation(ConversationId),
    /// Any conversation: there were too many to be named.
    Conversations,
    /// A bulk job.
    Job(JobId),
    /// Whether and as whom a user is logged in: their state, sessions, roles, teams, channels.
    User(UserId),
    /// The same of any user.
    Everybody,
}

/// What somebody does at a conversation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Doing {
    /// They have it open.
    Viewing,
    /// They are writing in it.
    Writing,
    /// They stopped writing.
    Paused,
    /// They left it.
    Away,
}

/// Who is writing says so again every few seconds; who has not for so long is not any more.
pub const WRITING: TimeDelta = TimeDelta::seconds(10);
/// The same for who has a conversation open.
pub const VIEWING: TimeDelta = TimeDelta::seconds(75);

impl Doing {
    /// The name, as forms send it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "viewing" => Some(Self::Viewing),
            "writing" => Some(Self::Writing),
            "paused" => Some(Self::Paused),
            "away" => Some(Self::Away),
            _ => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Viewing => "viewing",
            Self::Writing => "writing",
            Self::Paused => "paused",
            Self::Away => "away",
        }
    }
}

/// What one instance tells the others. Ids only: no names, no texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signal {
    /// This changed in a workspace, in one transaction.
    Changed(WorkspaceId, BTreeSet<Topic>),
    /// Somebody does something at a conversation. Kept nowhere; it fades.
    Presence(WorkspaceId, ConversationId, UserId, Doing),
}

/// PostgreSQL carries less than 8,000 bytes.
const LONGEST: usize = 7_900;

impl Signal {
    /// What changed, short enough to be sent: too many of a kind become "any of them".
    #[must_use]
    pub fn changed(workspace: WorkspaceId, topics: impl IntoIterator<Item = Topic>) -> Self {
        type IsOf = fn(&Topic) -> bool;
        let mut topics: BTreeSet<Topic> = topics.into_iter().collect();
        let kinds: [(Topic, IsOf); 3] = [
            (Topic::Conversations, |topic| matches!(topic, Topic::Conversation(_))),
            (Topic::Everybody, |topic| matches!(topic, Topic::User(_))),
            (Topic::Inbox, |topic| matches!(topic, Topic::Job(_))),
        ];
        for (any, is_of) in kinds {
            if write(workspace, &topics).len() <= LONGEST {
                break;
            }
            topics.retain(|topic| !is_of(topic));
            topics.insert(any);
        }
        Self::Changed(workspace, topics)
    }

    /// The workspace that it is about.
    #[must_use]
    pub const fn workspace(&self) -> WorkspaceId {
        match self {
            Self::Changed(workspace, _) | Self::Presence(workspace, ..) => *workspace,
        }
    }

    /// As it is sent: the workspace, then a word for each topic.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::Changed(workspace, topics) => write(*workspace, topics),
            Self::Presence(workspace, conversation, user, doing) => {
                format!("{} at {conversation} {} {}", workspace.0.simple(), user.0.simple(), doing.as_str())
            }
        }
    }

    /// Reads what was sent; what cannot be read is not for this version.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let workspace = WorkspaceId(words.next()?.parse().ok()?);
        let mut words = words.peekable();
        if words.next_if_eq(&"at").is_some() {
            let conversation = words.next()?.parse().ok()?;
            let user = UserId(words.next()?.parse().ok()?);
            return Some(Self::Presence(workspace, conversation, user, Doing::parse(words.next()?)?));
        }
        Some(Self::Changed(workspace, words.filter_map(read).collect()))
    }
}

fn write(workspace: WorkspaceId, topics: &BTreeSet<Topic>) -> String {
    let mut text = workspace.0.simple().to_string();
    for topic in topics {
        // Writing into a string does not fail.
        let _ = match topic {
            Topic::Inbox => write!(text, " i"),
            Topic::Conversation(id) => write!(text, " c{id}"),
            Topic::Conversations => write!(text, " c*"),
            Topic::Job(id) => write!(text, " j{}", id.0.simple()),
            Topic::User(id) => write!(text, " u{}", id.0.simple()),
            Topic::Everybody => write!(text, " u*"),
        };
    }
    text
}

fn read(word: &str) -> Option<Topic> {
    let (kind, id) = word.split_at_checked(1)?;
    let uuid = || id.parse::<Uuid>().ok();
    match (kind, id) {
        ("i", "") => Some(Topic::Inbox),
        ("c", "*") => Some(Topic::Conversations),
        ("c", id) => id.parse().ok().map(Topic::Conversation),
        ("u", "*") => Some(Topic::Everybody),
        ("u", _) => uuid().map(|id| Topic::User(UserId(id))),
        ("j", _) => uuid().map(|id| Topic::Job(JobId(id))),
        _ => None,
    }
}

/// What is to be looked at again after an event. It goes by what the event is about, so that a new kind of event is told
/// without anybody thinking of it.
pub fn topics_of(event: &Event) -> impl Iterator<Item = Topic> + use<> {
    let topics: [Option<Topic>; 2] = match event.subject() {
        Subject::Conversation(id) => [Some(Topic::Conversation(id)), Some(Topic::Inbox)],
        Subject::Job(id) => [Some(Topic::Job(id)), None],
        // Logging in takes nothing from anybody.
        Subject::User(_) if matches!(event, Event::UserLoggedIn { .. }) => [None, None],
        Subject::User(id) => [Some(Topic::User(id)), shows_in_lists(event).then_some(Topic::Inbox)],
        Subject::Role(_) => [Some(Topic::Everybody), None],
        Subject::Team(_) | Subject::Channel(_) => [Some(Topic::Everybody), Some(Topic::Inbox)],
        Subject::View(_) => [Some(Topic::Inbox), None],
        // Lists and conversations show whom they are with.
        Subject::Contact(_) => [Some(Topic::Inbox), Some(Topic::Conversations)],
        Subject::Workspace | Subject::Mail(_) => [None, None],
    };
    topics.into_iter().flatten()
}

/// The conversation that its author has just written in: they are not writing any more.
#[must_use]
pub const fn written_in(event: &Event) -> Option<ConversationId> {
    match event {
        Event::MessageSent { conversation } | Event::NoteAdded { conversation } => Some(*conversation),
        _ => None,
    }
}

/// Whether lists show a user differently afterwards: by name, or as somebody whose work is to be handed over.
const fn shows_in_lists(event: &Event) -> bool {
    matches!(
        event,
        Event::UserUpdated { .. }
            | Event::UserDeactivated { .. }
            | Event::UserReactivated { .. }
            | Event::UserRemoved { .. }
            | Event::UserRestored { .. }
            | Event::UserUnlinked { .. }
            | Event::UserDeleted { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FERNHILL: WorkspaceId = WorkspaceId(Uuid::from_u128(7));

    fn topic() -> impl Strategy<Value = Topic> {
        prop_oneof![
            Just(Topic::Inbox),
            Just(Topic::Conversations),
            Just(Topic::Everybody),
            any::<i64>().prop_map(|id| Topic::Conversation(ConversationId(id))),
            any::<u128>().prop_map(|id| Topic::Job(JobId(Uuid::from_u128(id)))),
            any::<u128>().prop_map(|id| Topic::User(UserId(Uuid::from_u128(id)))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_read(topics in proptest::collection::btree_set(topic(), 0..60), user: u128, at: i64) {
            let changed = Signal::changed(FERNHILL, topics);
            prop_assert_eq!(Signal::decode(&changed.encode()), Some(changed));
            let user = UserId(Uuid::from_u128(user));
            for doing in [Doing::Viewing, Doing::Writing, Doing::Paused, Doing::Away] {
                let presence = Signal::Presence(FERNHILL, ConversationId(at), user, doing);
                prop_assert_eq!(Signal::decode(&presence.encode()), Some(presence));
            }
        }

        #[test]
        fn however_much_changed_it_fits_and_nobody_is_left_out(topics in proptest::collection::vec(topic(), 0..900)) {
            let sent = Signal::changed(FERNHILL, topics.iter().copied());
            prop_assert!(sent.encode().len() < 8_000);
            let Signal::Changed(_, kept) = sent else { return Ok(()) };
            for topic in topics {
                let any = match topic {
                    Topic::Conversation(_) => Topic::Conversations,
                    Topic::User(_) => Topic::Everybody,
                    Topic::Job(_) => Topic::Inbox,
                    other => other,
                };
                prop_assert!(kept.contains(&topic) || kept.contains(&any));
            }
        }
    }

    #[test]
    fn what_nobody_sent_is_not_read() {
        for text in ["", "x", "no-workspace i", &format!("{} at", FERNHILL.0.simple())] {
            assert_eq!(Signal::decode(text), None, "{text}");
        }
        let later = format!("{} i z9 c1", FERNHILL.0.simple());
        let known = [Topic::Inbox, Topic::Conversation(ConversationId(1))];
        assert_eq!(
            Signal::decode(&later),
            Some(Signal::changed(FERNHILL, known)),
            "words of a later version are left out"
        );
    }

    #[test]
    fn whoever_loses_something_is_told() {
        let user = UserId(Uuid::from_u128(1));
        let told = |event: &Event| topics_of(event).collect::<Vec<_>>();
        assert_eq!(
            told(&Event::UserDeactivated { user, reason: None, sessions_ended: 1 }),
            [Topic::User(user), Topic::Inbox]
        );
        assert_eq!(told(&Event::PasswordChanged { user, sessions_ended: 1 }), [Topic::User(user)]);
        assert_eq!(told(&Event::UserLoggedIn { user }), []);
        assert_eq!(
            told(&Event::NoteAdded { conversation: ConversationId(3) }),
            [Topic::Conversation(ConversationId(3)), Topic::Inbox]
        );
    }
}
