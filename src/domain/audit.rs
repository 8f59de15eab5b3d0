//! Every fact that is recorded: who, what, on whom, from what to what. Ids and plain values only – no names, no
//! addresses, no free text – so that deleting a person needs no rewriting (E-1).

use chrono::{DateTime, Utc};

use super::access::PermissionSet;
pub use super::audit_subject::Subject;
use super::conversations::Status;
use super::ids::{
    ChannelId, ContactId, ConversationId, ConversationNumber, JobId, ReceivedMailId, RoleId, SessionId, TagId, TeamId,
    UserId, ViewId,
};
use super::removal::DeletionReason;
use super::users::Reason;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "each variant says what happened; its fields are the ids and values of it")]
pub enum Event {
    WorkspaceCreated,
    WorkspaceUpdated {
        fields: Vec<&'static str>,
    },
    UserInvited {
        user: UserId,
        roles: Vec<RoleId>,
    },
    InviteResent {
        user: UserId,
    },
    InviteLinkCopied {
        user: UserId,
    },
    InviteCancelled {
        user: UserId,
    },
    InviteAccepted {
        user: UserId,
    },
    InviteRenewalAsked {
        user: UserId,
    },
    UserCreated {
        user: UserId,
        roles: Vec<RoleId>,
    },
    UserUpdated {
        user: UserId,
        fields: Vec<&'static str>,
    },
    UserRolesChanged {
        user: UserId,
        added: Vec<RoleId>,
        removed: Vec<RoleId>,
    },
    UserDeactivated {
        user: UserId,
        reason: Option<Reason>,
        sessions_ended: usize,
    },
    UserReactivated {
        user: UserId,
    },
    UserRemoved {
        user: UserId,
        sessions_ended: usize,
    },
    UserRestored {
        user: UserId,
        roles: Vec<RoleId>,
    },
    UserUnlinked {
        user: UserId,
    },
    UserDeleted {
        user: UserId,
        own: bool,
        reason: Option<DeletionReason>,
        sessions_ended: usize,
    },
    DeletionsAnnounced {
        users: Vec<UserId>,
    },
    UserDeactivationPlanned {
        user: UserId,
        reason: Option<Reason>,
        starts_at: DateTime<Utc>,
        returns_at: Option<DateTime<Utc>>,
    },
    UserDeactivationRefused {
        user: UserId,
    },
    UserReturnPlanned {
        user: UserId,
        returns_at: Option<DateTime<Utc>>,
    },
    UserAbsenceWithdrawn {
        user: UserId,
    },
    UserInactivityWarned {
        user: UserId,
    },
    UserLoggedIn {
        user: UserId,
    },
    UserLoggedOut {
        user: UserId,
    },
    SessionsEnded {
        user: UserId,
        session: Option<SessionId>,
        count: usize,
    },
    PasswordResetAsked {
        user: UserId,
    },
    PasswordChanged {
        user: UserId,
        sessions_ended: usize,
    },
    RoleCreated {
        role: RoleId,
        permissions: PermissionSet,
    },
    RoleUpdated {
        role: RoleId,
        fields: Vec<&'static str>,
        before: PermissionSet,
        after: PermissionSet,
    },
    RoleDeleted {
        role: RoleId,
        permissions: PermissionSet,
    },
    TeamCreated {
        team: TeamId,
    },
    TeamUpdated {
        team: TeamId,
    },
    TeamDeleted {
        team: TeamId,
        to: Option<TeamId>,
        moved: i64,
    },
    TeamRestored {
        team: TeamId,
    },
    TeamMemberAdded {
        team: TeamId,
        user: UserId,
    },
    TeamMemberRemoved {
        team: TeamId,
        user: UserId,
    },
    TeamLeadChanged {
        team: TeamId,
        user: UserId,
        lead: bool,
    },
    ChannelCreated {
        channel: ChannelId,
    },
    ChannelUpdated {
        channel: ChannelId,
        fields: Vec<&'static str>,
    },
    ChannelDeleted {
        channel: ChannelId,
    },
    ChannelMemberAdded {
        channel: ChannelId,
        user: UserId,
    },
    ChannelMemberRemoved {
        channel: ChannelId,
        user: UserId,
    },
    ContactUpdated {
        contact: ContactId,
        fields: Vec<&'static str>,
    },
    ContactsMerged {
        contact: ContactId,
        merged: ContactId,
        conversations: i64,
    },
    ContactMergeUndone {
        contact: ContactId,
        merged: ContactId,
    },
    ConversationCreated {
        conversation: ConversationId,
    },
    ConversationAssigned {
        conversation: ConversationId,
        from: (Option<UserId>, Option<TeamId>),
        to: (Option<UserId>, Option<TeamId>),
    },
    ConversationStatusChanged {
        conversation: ConversationId,
        from: Status,
        to: Status,
        until: Option<DateTime<Utc>>,
    },
    ConversationMerged {
        conversation: ConversationId,
        into: ConversationNumber,
    },
    ConversationAbsorbed {
        conversation: ConversationId,
        from: ConversationNumber,
    },
    ConversationWoken {
        conversation: ConversationId,
    },
    ConversationPriorityChanged {
        conversation: ConversationId,
        from: i32,
        to: i32,
    },
    ConversationTagged {
        conversation: ConversationId,
        tag: TagId,
    },
    ConversationUntagged {
        conversation: ConversationId,
        tag: TagId,
    },
    MessageSent {
        conversation: ConversationId,
    },
    MessageReturned {
        conversation: ConversationId,
    },
    MessageRetried {
        conversation: ConversationId,
    },
    NoteAdded {
        conversation: ConversationId,
    },
    DraftTakenOver {
        conversation: ConversationId,
        from: UserId,
    },
    DraftDiscarded {
        conversation: ConversationId,
        from: UserId,
    },
    MailQuarantined {
        mail: ReceivedMailId,
        problem: &'static str,
    },
    MailTakenIn {
        mail: ReceivedMailId,
        channel: ChannelId,
    },
    BulkStarted {
        job: JobId,
        total: i64,
    },
    BulkFinished {
        job: JobId,
        done: i64,
        skipped: i64,
    },
    BulkUndone {
        job: JobId,
        undone_by: JobId,
    },
    ViewSaved {
        view: ViewId,
        audience: &'static str,
        team: Option<TeamId>,
    },
    ViewUpdated {
        view: ViewId,
        audience: &'static str,
        team: Option<TeamId>,
    },
    ViewDeleted {
        view: ViewId,
    },
    AuditExported {
        format: &'static str,
        filter: String,
    },
}

/// The name of the event that a bulk job writes for each item by SQL.
pub const CONVERSATION_ASSIGNED: &str = "conversation.assigned";

impl Event {
    /// The name: noun and past participle, the same in log, API and permission.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::WorkspaceCreated => "workspace.created",
            Self::WorkspaceUpdated { .. } => "workspace.updated",
            Self::UserInvited { .. } => "user.invited",
            Self::InviteResent { .. } => "invite.resent",
            Self::InviteLinkCopied { .. } => "invite.link_copied",
            Self::InviteCancelled { .. } => "invite.cancelled",
            Self::InviteAccepted { .. } => "invite.accepted",
            Self::InviteRenewalAsked { .. } => "invite.renewal_asked",
            Self::UserCreated { .. } => "user.created",
            Self::UserUpdated { .. } => "user.updated",
            Self::UserRolesChanged { .. } => "user.roles_changed",
            Self::UserDeactivated { .. } => "user.deactivated",
            Self::UserReactivated { .. } => "user.reactivated",
            Self::UserRemoved { .. } => "user.removed",
            Self::UserRestored { .. } => "user.restored",
            Self::UserUnlinked { .. } => "user.unlinked",
            Self::UserDeleted { .. } => "user.deleted",
            Self::DeletionsAnnounced { .. } => "deletions.announced",
            Self::UserDeactivationPlanned { .. } => "user.deactivation_planned",
            Self::UserDeactivationRefused { .. } => "user.deactivation_refused",
            Self::UserReturnPlanned { .. } => "user.return_planned",
            Self::UserAbsenceWithdrawn { .. } => "user.absence_withdrawn",
            Self::UserInactivityWarned { .. } => "user.inactivity_warned",
            Self::UserLoggedIn { .. } => "user.logged_in",
            Self::UserLoggedOut { .. } => "user.logged_out",
            Self::SessionsEnded { .. } => "sessions.ended",
            Self::PasswordResetAsked { .. } => "password.reset_asked",
            Self::PasswordChanged { .. } => "password.changed",
            Self::RoleCreated { .. } => "role.created",
            Self::RoleUpdated { .. } => "role.updated",
            Self::RoleDeleted { .. } => "role.deleted",
            Self::TeamCreated { .. } => "team.created",
            Self::TeamUpdated { .. } => "team.updated",
            Self::TeamDeleted { .. } => "team.deleted",
            Self::TeamRestored { .. } => "team.restored",
            Self::TeamMemberAdded { .. } => "team.member_added",
            Self::TeamMemberRemoved { .. } => "team.member_removed",
            Self::TeamLeadChanged { .. } => "team.lead_changed",
            Self::ChannelCreated { .. } => "channel.created",
            Self::ChannelUpdated { .. } => "channel.updated",
            Self::ChannelDeleted { .. } => "channel.deleted",
            Self::ChannelMemberAdded { .. } => "channel.member_added",
            Self::ChannelMemberRemoved { .. } => "channel.member_removed",
            Self::ContactUpdated { .. } => "contact.updated",
            Self::ContactsMerged { .. } => "contact.merged",
            Self::ContactMergeUndone { .. } => "contact.merge_undone",
            Self::ConversationCreated { .. } => "conversation.created",
            Self::ConversationAssigned { .. } => CONVERSATION_ASSIGNED,
            Self::ConversationStatusChanged { .. } => "conversation.status_changed",
            Self::ConversationMerged { .. } => "conversation.merged",
            Self::ConversationAbsorbed { .. } => "conversation.absorbed",
            Self::ConversationWoken { .. } => "conversation.woken",
            Self::ConversationPriorityChanged { .. } => "conversation.priority_changed",
            Self::ConversationTagged { .. } => "conversation.tagged",
            Self::ConversationUntagged { .. } => "conversation.untagged",
            Self::MessageSent { .. } => "message.sent",
            Self::MessageReturned { .. } => "message.returned",
            Self::MessageRetried { .. } => "message.retried",
            Self::NoteAdded { .. } => "note.added",
            Self::DraftTakenOver { .. } => "draft.taken_over",
            Self::DraftDiscarded { .. } => "draft.discarded",
            Self::MailQuarantined { .. } => "mail.quarantined",
            Self::MailTakenIn { .. } => "mail.taken_in",
            Self::BulkStarted { .. } => "bulk.started",
            Self::BulkFinished { .. } => "bulk.finished",
            Self::BulkUndone { .. } => "bulk.undone",
            Self::ViewSaved { .. } => "view.saved",
            Self::ViewUpdated { .. } => "view.updated",
            Self::ViewDeleted { .. } => "view.deleted",
            Self::AuditExported { .. } => "audit.exported",
        }
    }

    /// What it is about.
    #[must_use]
    pub const fn subject(&self) -> Subject {
        match self {
            Self::WorkspaceCreated
            | Self::WorkspaceUpdated { .. }
            | Self::AuditExported { .. }
            | Self::DeletionsAnnounced { .. } => Subject::Workspace,
            Self::UserInvited { user, .. }
            | Self::InviteResent { user }
            | Self::InviteLinkCopied { user }
            | Self::InviteCancelled { user }
            | Self::InviteAccepted { user }
            | Self::InviteRenewalAsked { user }
            | Self::UserCreated { user, .. }
            | Self::UserUpdated { user, .. }
            | Self::UserRolesChanged { user, .. }
            | Self::UserDeactivated { user, .. }
            | Self::UserReactivated { user }
            | Self::UserRemoved { user, .. }
            | Self::UserRestored { user, .. }
            | Self::UserUnlinked { user }
            | Self::UserDeleted { user, .. }
            | Self::UserDeactivationPlanned { user, .. }
            | Self::UserDeactivationRefused { user }
            | Self::UserReturnPlanned { user, .. }
            | Self::UserAbsenceWithdrawn { user }
            | Self::UserInactivityWarned { user }
            | Self::UserLoggedIn { user }
            | Self::UserLoggedOut { user }
            | Self::SessionsEnded { user, .. }
            | Self::PasswordResetAsked { user }
            | Self::PasswordChanged { user, .. }
            // Membership is told on the person's page; the team is in `to_team`.
            | Self::TeamMemberAdded { user, .. }
            | Self::TeamMemberRemoved { user, .. }
            | Self::TeamLeadChanged { user, .. }
            | Self::ChannelMemberAdded { user, .. }
            | Self::ChannelMemberRemoved { user, .. } => Subject::User(*user),
            Self::RoleCreated { role, .. } | Self::RoleUpdated { role, .. } | Self::RoleDeleted { role, .. } => {
                Subject::Role(*role)
            }
            Self::TeamCreated { team }
            | Self::TeamUpdated { team }
            | Self::TeamDeleted { team, .. }
            | Self::TeamRestored { team } => Subject::Team(*team),
            Self::ChannelCreated { channel }
            | Self::ChannelUpdated { channel, .. }
            | Self::ChannelDeleted { channel } => Subject::Channel(*channel),
            Self::ContactUpdated { contact, .. }
            | Self::ContactsMerged { contact, .. }
            | Self::ContactMergeUndone { contact, .. } => Subject::Contact(*contact),
            Self::ConversationCreated { conversation }
            | Self::ConversationAssigned { conversation, .. }
            | Self::ConversationStatusChanged { conversation, .. }
            | Self::ConversationMerged { conversation, .. }
            | Self::ConversationAbsorbed { conversation, .. }
            | Self::ConversationWoken { conversation }
            | Self::ConversationPriorityChanged { conversation, .. }
            | Self::ConversationTagged { conversation, .. }
            | Self::ConversationUntagged { conversation, .. }
            | Self::MessageSent { conversation }
            | Self::MessageReturned { conversation }
            | Self::MessageRetried { conversation }
            | Self::NoteAdded { conversation }
            | Self::DraftTakenOver { conversation, .. }
            | Self::DraftDiscarded { conversation, .. } => Subject::Conversation(*conversation),
            Self::MailQuarantined { mail, .. } | Self::MailTakenIn { mail, .. } => Subject::Mail(*mail),
            Self::BulkStarted { job, .. } | Self::BulkFinished { job, .. } | Self::BulkUndone { job, .. } => Subject::Job(*job),
            Self::ViewSaved { view, .. } | Self::ViewUpdated { view, .. } | Self::ViewDeleted { view } => Subject::View(*view),
        }
    }

    /// Holder before and after, for what changes hands: `(from user, to user, from team, to team)`.
    #[must_use]
    pub const fn hands(&self) -> (Option<UserId>, Option<UserId>, Option<TeamId>, Option<TeamId>) {
        match self {
            Self::ConversationAssigned { from, to, .. } => (from.0, to.0, from.1, to.1),
            Self::DraftTakenOver { from, .. } | Self::DraftDiscarded { from, .. } => (Some(*from), None, None, None),
            Self::TeamMemberAdded { team, .. } | Self::TeamLeadChanged { team, .. } => (None, None, None, Some(*team)),
            Self::TeamMemberRemoved { team, .. } => (None, None, Some(*team), None),
            Self::TeamDeleted { to, .. } => (None, None, None, *to),
            _ => (None, None, None, None),
        }
    }
}
