//! A conversation of the demo workspace before it is a row.

use chrono::{DateTime, Utc};

use super::random::Rng;
use crate::domain::conversations::{MessageKind, Priority, Status};

/// How many conversations there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// To be worked on.
    pub open: usize,
    /// To be worked on later.
    pub snoozed: usize,
    /// Settled.
    pub closed: usize,
    /// Settled for good.
    pub archived: usize,
}

impl Size {
    /// What a workspace with so many open conversations has beside them.
    #[must_use]
    pub const fn with_open(open: usize) -> Self {
        Self { open, snoozed: open * 3 / 20, closed: open.div_ceil(3), archived: open.div_ceil(50) }
    }

    /// All of them.
    #[must_use]
    pub const fn total(self) -> usize {
        self.open + self.snoozed + self.closed + self.archived
    }
}

/// A message or note.
#[derive(Debug)]
pub(super) struct Said {
    /// What it is.
    pub kind: MessageKind,
    /// Which member wrote it, if one did.
    pub author: Option<usize>,
    /// What it says.
    pub text: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A conversation. People and channels are places in the lists of [`super::staff::Staff`].
#[derive(Debug)]
pub(super) struct Draft {
    /// Name and address of the contact.
    pub contact: (String, String),
    /// Where it comes from.
    pub place: usize,
    /// What it is about.
    pub subject: String,
    /// Where it stands.
    pub status: Status,
    /// How urgent it is.
    pub priority: Priority,
    /// Who acts next.
    pub holder: Option<usize>,
    /// Whose work it is.
    pub team: Option<&'static str>,
    /// What it is marked with.
    pub tags: Vec<&'static str>,
    /// What was said, oldest first; at least one message.
    pub said: Vec<Said>,
    /// When it wakes.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// When the holder got it, and from whom; not always on record.
    pub assigned: Option<(DateTime<Utc>, usize)>,
    /// When it was snoozed or closed, and by whom.
    pub settled: Option<(DateTime<Utc>, usize)>,
    /// When it was archived.
    pub archived_at: Option<DateTime<Utc>>,
    /// When those who look at it had read it; `None` if it is unread.
    pub read_at: Option<DateTime<Utc>>,
    /// The first message.
    pub created_at: DateTime<Utc>,
    /// The last message, from either side.
    pub last_activity_at: DateTime<Utc>,
    /// Since when the contact waits for an answer.
    pub waiting_since: Option<DateTime<Utc>>,
}

/// How urgent it is, judged by its tags.
pub(super) fn priority(rng: &mut Rng, tags: &[&str]) -> Priority {
    let (urgent, high) = match tags {
        tags if tags.contains(&"safety") => (40, 60),
        tags if tags.contains(&"vip") => (8, 35),
        _ => (3, 12),
    };
    let roll = rng.below(100);
    match roll {
        _ if roll < urgent => Priority::Urgent,
        _ if roll < urgent + high => Priority::High,
        _ if roll < 88 => Priority::Normal,
        _ => Priority::Low,
    }
}

/// When the contact wrote first after the last reply.
pub(super) fn waiting_since(said: &[Said]) -> Option<DateTime<Utc>> {
    said.iter().fold(None, |waiting, one| match one.kind {
        MessageKind::Incoming => waiting.or(Some(one.at)),
        MessageKind::Reply => None,
        MessageKind::Note => waiting,
    })
}
