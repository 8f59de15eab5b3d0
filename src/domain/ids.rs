//! One type for each kind of id, so that a team's id cannot stand where a user's is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The zero id. Counters use it for "nobody"; no row has it.
            pub const NIL: Self = Self(Uuid::nil());
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

uuid_ids! {
    /// A tenant.
    WorkspaceId;
    /// A person with a login in one workspace.
    UserId;
    /// A named bundle of permissions.
    RoleId;
    /// A flat group of users.
    TeamId;
    /// Where conversations come from.
    ChannelId;
    /// A list under a name.
    ViewId;
    /// A customer.
    ContactId;
    /// Two contacts that became one.
    MergeId;
    /// A word that conversations are marked with.
    TagId;
    /// One log-in on one device, as people see it; the secret key is another value.
    SessionId;
    /// One recorded change to many conversations.
    JobId;
    /// A mail to be sent.
    MailId;
    /// A file that came with a message.
    AttachmentId;
    /// A mail as it came in.
    ReceivedMailId;
    /// A piece of background work.
    TaskId;
}

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

row_ids! {
    /// A conversation's row in the database; never shown.
    ConversationId;
    /// A conversation's number in its workspace, which is its address.
    ConversationNumber;
    /// A message's row in the database.
    MessageId;
}
