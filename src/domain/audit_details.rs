//! What recorded events say besides who, what and about whom.

use serde_json::{Value, json};

use super::access::PermissionSet;
use super::audit::Event;
use super::removal::DeletionReason;
use super::users::Reason;

/// Permissions under the names by which roles store them.
fn keys(permissions: PermissionSet) -> Vec<&'static str> {
    permissions.iter().map(|key| key.as_str()).collect()
}

impl Event {
    /// Everything else about it, as JSON of ids, numbers and fixed words.
    #[must_use]
    pub fn details(&self) -> Value {
        match self {
            Self::UserInvited { roles, .. } | Self::UserCreated { roles, .. } | Self::UserRestored { roles, .. } => {
                json!({ "roles": roles })
            }
            Self::UserRemoved { sessions_ended, .. } => json!({ "sessions_ended": sessions_ended }),
            Self::UserDeleted { own, reason, sessions_ended, .. } => json!({
                "own": own, "reason": reason.map(DeletionReason::as_str), "sessions_ended": sessions_ended,
            }),
            Self::DeletionsAnnounced { users } => json!({ "users": users }),
            Self::UserUpdated { fields, .. } | Self::WorkspaceUpdated { fields } => json!({ "fields": fields }),
            Self::ChannelUpdated { fields, .. } => json!({ "fields": fields }),
            Self::UserRolesChanged { added, removed, .. } => json!({ "added": added, "removed": removed }),
            Self::UserDeactivated { reason, sessions_ended, .. } => {
                json!({ "reason": reason.map(Reason::as_str), "sessions_ended": sessions_ended })
            }
            Self::UserDeactivationPlanned { reason, starts_at, returns_at, .. } => json!({
                "reason": reason.map(Reason::as_str),
                "starts_at": starts_at.timestamp(),
                "returns_at": returns_at.map(|at| at.timestamp()),
            }),
            Self::UserReturnPlanned { returns_at, .. } => {
                json!({ "returns_at": returns_at.map(|at| at.timestamp()) })
            }
            Self::SessionsEnded { session, count, .. } => json!({ "session": session, "count": count }),
            Self::PasswordChanged { sessions_ended, .. } => json!({ "sessions_ended": sessions_ended }),
            Self::RoleCreated { permissions, .. } | Self::RoleDeleted { permissions, .. } => {
                json!({ "permissions": keys(*permissions) })
            }
            Self::RoleUpdated { fields, before, after, .. } => {
                json!({ "fields": fields, "before": keys(*before), "after": keys(*after) })
            }
            Self::ContactUpdated { fields, .. } => json!({ "fields": fields }),
            Self::ContactsMerged { merged, conversations, .. } => {
                json!({ "merged": merged, "conversations": conversations })
            }
            Self::ContactMergeUndone { merged, .. } => json!({ "merged": merged }),
            Self::TeamDeleted { moved, .. } => json!({ "moved": moved }),
            Self::TeamLeadChanged { lead, .. } => json!({ "lead": lead }),
            Self::ChannelMemberAdded { channel, .. } | Self::ChannelMemberRemoved { channel, .. } => {
                json!({ "channel": channel })
            }
            Self::ConversationStatusChanged { from, to, until, .. } => {
                json!({ "from": from.as_str(), "to": to.as_str(), "until": until.map(|at| at.timestamp()) })
            }
            Self::ConversationMerged { into, .. } => json!({ "into": into }),
            Self::ConversationAbsorbed { from, .. } => json!({ "from": from }),
            Self::ConversationPriorityChanged { from, to, .. } => json!({ "from": from, "to": to }),
            Self::ConversationTagged { tag, .. } | Self::ConversationUntagged { tag, .. } => json!({ "tag": tag }),
            Self::MailQuarantined { problem, .. } => json!({ "problem": problem }),
            Self::MailTakenIn { channel, .. } => json!({ "channel": channel }),
            Self::BulkStarted { total, .. } => json!({ "total": total }),
            Self::BulkFinished { done, skipped, .. } => json!({ "done": done, "skipped": skipped }),
            Self::BulkUndone { undone_by, .. } => json!({ "undone_by": undone_by }),
            Self::ViewSaved { audience, team, .. } | Self::ViewUpdated { audience, team, .. } => {
                json!({ "audience": audience, "team": team })
            }
            Self::AuditExported { format, filter } => json!({ "format": format, "filter": filter }),
            _ => json!({}),
        }
    }
}
