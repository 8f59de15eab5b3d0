//! Channels: where conversations come from, and who may answer there (K-1, K-2).

use super::conversations::ChannelKind;
use super::ids::{ChannelId, TeamId, UserId};

/// Where conversations come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// What it is.
    pub kind: ChannelKind,
    /// Its name.
    pub name: String,
    /// Its address: of mail, a telephone number, an account.
    pub address: String,
    /// The team that its conversations start with.
    pub default_team: Option<TeamId>,
    /// The person that its conversations start with, as long as they are an active member.
    pub default_user: Option<UserId>,
    /// Raised with every change.
    pub version: i64,
}

/// A "no" about a channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelRefusal {
    /// Names are told apart.
    #[error("There is a channel called {0} already.")]
    NameTaken(String),
    /// An address leads to one channel.
    #[error("Another channel has the address {0} already.")]
    AddressTaken(String),
    /// Mail to an address leads to one channel of the whole installation. Which it is, or where, is nobody's business.
    #[error("{0} can’t be used here. Choose another address.")]
    AddressElsewhere(String),
    /// Whoever cannot log in answers nobody.
    #[error("{0} can’t log in, so they can’t become a member of a channel.")]
    MemberInactive(String),
    /// New conversations go to somebody who sees them.
    #[error("{0} is not an active member of this channel. Add them first, or choose somebody else.")]
    DefaultNotMember(String),
    /// K-2: asked for once more before it is done.
    #[error("Nobody could answer {0} any more.")]
    LastMember(String),
    /// A stored password goes to the server that it was typed for.
    #[error("Type the password again: the server or the user is another one now.")]
    SmtpPasswordNeeded,
    /// The same, for fetching.
    #[error("Type the password again: the server or the user is another one now.")]
    ImapPasswordNeeded,
    /// Conversations keep their channel.
    #[error("{0} came in by this channel, so it has to stay.")]
    HasConversations(String),
    /// A mail is taken in once.
    #[error("This channel has the same mail already.")]
    MailKnown,
    /// What cannot be read is no message.
    #[error("This mail can’t be read as a message. Download it to look at it.")]
    MailUnreadable,
    /// Mail belongs to mail channels.
    #[error("Choose a mail channel from the list.")]
    NoMailChannel,
    /// What could not be read is kept until somebody looked at it.
    #[error("{0} came in by this channel and could not be read. See Settings → Outbox; the channel has to stay.")]
    HasQuarantined(String),
}

/// Whether a change of members takes the last one who can answer: there was one before, and none is after.
#[must_use]
pub const fn leaves_nobody(active_before: usize, active_after: usize) -> bool {
    active_before > 0 && active_after == 0
}
