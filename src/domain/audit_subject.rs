//! What recorded events are about.

use uuid::Uuid;

use super::ids::{ChannelId, ContactId, ConversationId, JobId, ReceivedMailId, RoleId, TeamId, UserId, ViewId};

/// What an event is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The workspace itself.
    Workspace,
    /// A user.
    User(UserId),
    /// A role.
    Role(RoleId),
    /// A team.
    Team(TeamId),
    /// A channel.
    Channel(ChannelId),
    /// A contact.
    Contact(ContactId),
    /// A conversation.
    Conversation(ConversationId),
    /// A bulk job.
    Job(JobId),
    /// A mail that came in.
    Mail(ReceivedMailId),
    /// A saved view.
    View(ViewId),
}

impl Subject {
    /// The name of the kind, as stored.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::User(_) => "user",
            Self::Role(_) => "role",
            Self::Team(_) => "team",
            Self::Channel(_) => "channel",
            Self::Contact(_) => "contact",
            Self::Conversation(_) => "conversation",
            Self::Job(_) => "job",
            Self::Mail(_) => "mail",
            Self::View(_) => "view",
        }
    }

    /// The id, for all but conversations and the workspace.
    #[must_use]
    pub const fn id(&self) -> Option<Uuid> {
        match self {
            Self::User(id) => Some(id.0),
            Self::Role(id) => Some(id.0),
            Self::Team(id) => Some(id.0),
            Self::Channel(id) => Some(id.0),
            Self::Contact(id) => Some(id.0),
            Self::Job(id) => Some(id.0),
            Self::Mail(id) => Some(id.0),
            Self::View(id) => Some(id.0),
            Self::Workspace | Self::Conversation(_) => None,
        }
    }

    /// The conversation, if it is one.
    #[must_use]
    pub const fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Conversation(id) => Some(*id),
            _ => None,
        }
    }
}
