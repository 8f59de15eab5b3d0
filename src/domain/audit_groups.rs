//! All recorded events, in groups, with what lists call them.

/// Events that belong together.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// As in the address.
    pub key: &'static str,
    /// The heading.
    pub label: &'static str,
    /// The events and what they are called in a list.
    pub events: &'static [(&'static str, &'static str)],
}

/// All events, in groups, in the order in which people read them.
pub const GROUPS: &[Group] = &[
    Group {
        key: "people",
        label: "People",
        events: &[
            ("user.invited", "Invited"),
            ("invite.resent", "Invite sent again"),
            ("invite.link_copied", "Invite link copied"),
            ("invite.cancelled", "Invite cancelled"),
            ("invite.accepted", "Invite accepted"),
            ("invite.renewal_asked", "New invite asked for"),
            ("user.created", "Account made"),
            ("user.updated", "Profile changed"),
            ("user.roles_changed", "Roles changed"),
            ("user.deactivated", "Deactivated"),
            ("user.reactivated", "Reactivated"),
            ("user.deactivation_planned", "Deactivation planned"),
            ("user.return_planned", "Return planned"),
            ("user.absence_withdrawn", "Plan withdrawn"),
            ("user.deactivation_refused", "Planned deactivation refused"),
            ("user.inactivity_warned", "Warned for inactivity"),
            ("user.removed", "Removed"),
            ("user.restored", "Invited back"),
            ("user.unlinked", "Started fresh"),
            ("user.deleted", "Deleted"),
            ("deletions.announced", "Deletions announced"),
        ],
    },
    Group {
        key: "roles",
        label: "Roles",
        events: &[("role.created", "Role made"), ("role.updated", "Role changed"), ("role.deleted", "Role deleted")],
    },
    Group {
        key: "logins",
        label: "Log-ins",
        events: &[
            ("user.logged_in", "Logged in"),
            ("user.logged_out", "Logged out"),
            ("sessions.ended", "Sessions ended"),
            ("password.reset_asked", "New password asked for"),
            ("password.changed", "Password changed"),
        ],
    },
    Group {
        key: "teams",
        label: "Teams",
        events: &[
            ("team.created", "Team made"),
            ("team.updated", "Team changed"),
            ("team.deleted", "Team deleted"),
            ("team.restored", "Team restored"),
            ("team.member_added", "Member added"),
            ("team.member_removed", "Member removed"),
            ("team.lead_changed", "Lead changed"),
        ],
    },
    Group {
        key: "channels",
        label: "Channels",
        events: &[
            ("channel.created", "Channel made"),
            ("channel.updated", "Channel changed"),
            ("channel.deleted", "Channel deleted"),
            ("channel.member_added", "Member added"),
            ("channel.member_removed", "Member removed"),
        ],
    },
    Group {
        key: "contacts",
        label: "Contacts",
        events: &[
            ("contact.updated", "Contact changed"),
            ("contact.merged", "Two merged"),
            ("contact.merge_undone", "Merge taken back"),
        ],
    },
    Group {
        key: "conversations",
        label: "Conversations",
        events: &[
            ("conversation.created", "Started"),
            ("conversation.assigned", "Assigned"),
            ("conversation.status_changed", "Status changed"),
            ("conversation.woken", "Woken"),
            ("conversation.merged", "Merged into another"),
            ("conversation.absorbed", "Took another in"),
            ("draft.taken_over", "Draft taken over"),
            ("draft.discarded", "Draft discarded"),
            ("conversation.priority_changed", "Priority changed"),
            ("conversation.tagged", "Tag added"),
            ("conversation.untagged", "Tag removed"),
            ("message.sent", "Reply sent"),
            ("message.returned", "Reply not delivered"),
            ("message.retried", "Reply sent once more"),
            ("note.added", "Note added"),
        ],
    },
    Group {
        key: "bulk",
        label: "Bulk changes",
        events: &[("bulk.started", "Started"), ("bulk.finished", "Finished"), ("bulk.undone", "Undone")],
    },
    Group {
        key: "workspace",
        label: "Workspace and record",
        events: &[
            ("workspace.created", "Workspace made"),
            ("workspace.updated", "Settings changed"),
            ("mail.quarantined", "Mail kept aside"),
            ("mail.taken_in", "Mail taken in after all"),
            ("view.saved", "View saved"),
            ("view.updated", "View changed"),
            ("view.deleted", "View deleted"),
            ("audit.exported", "Audit log exported"),
        ],
    },
];
