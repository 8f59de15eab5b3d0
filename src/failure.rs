//! What a piece of work can answer besides its result. Absence is an `Option`, a product "no" is a [`Refusal`], trouble
//! is the rest of [`Failure`]; each maps to exactly one kind of answer.

use crate::domain::bulk::BulkRefusal;
use crate::domain::channels::ChannelRefusal;
use crate::domain::contacts::ContactRefusal;
use crate::domain::conversations::ConversationRefusal;
use crate::domain::drafts::DraftRefusal;
use crate::domain::invites::InviteRefusal;
use crate::domain::logins::LoginRefusal;
use crate::domain::roles::RoleRefusal;
use crate::domain::saved_views::ViewRefusal;
use crate::domain::teams::TeamRefusal;
use crate::domain::users::UserRefusal;
use crate::domain::workspaces::WorkspaceRefusal;

/// A "no" in words that say what to do. 422 at its form, otherwise 409.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant is the refusal of that noun")]
pub enum Refusal {
    #[error(transparent)]
    User(#[from] UserRefusal),
    #[error(transparent)]
    Invite(#[from] InviteRefusal),
    #[error(transparent)]
    Login(#[from] LoginRefusal),
    #[error(transparent)]
    Team(#[from] TeamRefusal),
    #[error(transparent)]
    Channel(#[from] ChannelRefusal),
    #[error(transparent)]
    Role(#[from] RoleRefusal),
    #[error(transparent)]
    Contact(#[from] ContactRefusal),
    #[error(transparent)]
    Conversation(#[from] ConversationRefusal),
    #[error(transparent)]
    Draft(#[from] DraftRefusal),
    #[error(transparent)]
    Bulk(#[from] BulkRefusal),
    #[error(transparent)]
    View(#[from] ViewRefusal),
    #[error(transparent)]
    Workspace(#[from] WorkspaceRefusal),
}

/// Why a piece of work has no result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no such thing, or it belongs to another workspace: one answer for both.
    #[error("not found")]
    NotFound,
    /// The product says no.
    #[error("{0}")]
    Refused(Refusal),
    /// Somebody changed it since it was read.
    #[error("This was changed by someone else meanwhile. Look at it again, then repeat your change.")]
    Stale,
    /// No connection to the database could be had in time.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The database said no.
    #[error("database: {0}")]
    Database(#[from] diesel::result::Error),
    /// A stored value that no code writes.
    #[error("corrupt value in {0}: {1}")]
    Corrupt(&'static str, String),
    /// Something outside of the database went wrong.
    #[error("{0}: {1}")]
    Io(&'static str, std::io::Error),
    /// A mistake in this program.
    #[error("bug: {0}")]
    Bug(&'static str),
}

impl Failure {
    /// Whether it is the matter of what was worked on – a "no", a value that cannot be read – and says nothing about the
    /// next one.
    #[must_use]
    pub const fn is_of_this_one(&self) -> bool {
        use diesel::result::Error;
        match self {
            Self::NotFound | Self::Refused(_) | Self::Stale | Self::Corrupt(..) | Self::Bug(_) => true,
            Self::Database(error) => matches!(error, Error::DeserializationError(_) | Error::NotFound),
            Self::Unavailable(_) | Self::Io(..) => false,
        }
    }
}

impl<R: Into<Refusal>> From<R> for Failure {
    fn from(refusal: R) -> Self {
        Self::Refused(refusal.into())
    }
}
