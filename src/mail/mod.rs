//! Mail: what goes out, and how incoming messages are read.

pub mod imap;
pub mod incoming;
pub mod lmtp;
pub mod markdown;
pub mod mbox;
pub mod messages;
pub mod transport;

use chrono::{DateTime, Utc};

use crate::domain::ids::{ChannelId, MailId, WorkspaceId};

/// A mail that is to be queued.
#[derive(Clone, Debug)]
pub struct Mail {
    /// What it is for: `invite`, `password`, `reply` …
    pub kind: &'static str,
    /// To whom.
    pub to_name: String,
    /// To which address.
    pub to_address: String,
    /// From whom, as the reader sees it.
    pub from_name: String,
    /// From which address, if not the installation's.
    pub from_address: Option<String>,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// The channel that it goes out by, if it is a reply.
    pub channel: Option<ChannelId>,
    /// About what.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// Its Message-ID without brackets, if an answer to it must find a conversation.
    pub message_id: Option<String>,
    /// The Message-ID that it answers.
    pub in_reply_to: Option<String>,
    /// The Message-IDs before it, oldest first.
    pub references: Vec<String>,
}

/// A mail that was claimed for sending.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of Mail and of its row")]
pub struct Outgoing {
    pub id: MailId,
    pub workspace: WorkspaceId,
    pub to_name: String,
    pub to_address: String,
    pub from_name: String,
    pub from_address: Option<String>,
    pub reply_to: Option<String>,
    pub channel: Option<ChannelId>,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub message_id: String,
    pub in_reply_to: Option<String>,
    pub references: String,
    pub attempts: i32,
    /// Until when it is claimed.
    pub claimed_until: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}
