//! Roles: the standard ones, and who may give which.

use super::access::{Actor, Key, PermissionSet};
use super::ids::RoleId;
use Key as K;

/// The roles that every workspace starts with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub enum Standard {
    /// Everything; cannot be edited or deleted.
    Owner,
    /// Everything but Owner matters.
    Admin,
    /// All conversations, bulk, handover, calls, team membership, reports, deactivation of agents.
    Supervisor,
    /// Own, own teams' and their channels' unassigned conversations.
    Agent,
    /// Reads all, changes nothing.
    Reader,
    /// An external helper: only what is assigned to them or their teams.
    Guest,
}

impl Standard {
    /// All of them, highest first.
    pub const ALL: [Self; 6] = [Self::Owner, Self::Admin, Self::Supervisor, Self::Agent, Self::Reader, Self::Guest];

    /// The name under which it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Supervisor => "supervisor",
            Self::Agent => "agent",
            Self::Reader => "reader",
            Self::Guest => "guest",
        }
    }

    /// The standard role of this stored name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The name that people see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::Admin => "Admin",
            Self::Supervisor => "Supervisor",
            Self::Agent => "Agent",
            Self::Reader => "Reader",
            Self::Guest => "Guest",
        }
    }

    /// What it is for, in a line.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Owner => "Everything, including other Owners",
            Self::Admin => "Manages users, teams, channels and rules",
            Self::Supervisor => "Sees all conversations, reassigns work in bulk, pauses agents",
            Self::Agent => "Answers conversations and calls",
            Self::Reader => "Reads everything, changes nothing",
            Self::Guest => "Helps from outside with what is assigned to them",
        }
    }

    /// What it starts with. Owner has everything by rule, not by list.
    #[must_use]
    pub fn permissions(self) -> PermissionSet {
        match self {
            Self::Owner => PermissionSet::ALL,
            Self::Admin => Key::ALL.iter().copied().collect(),
            Self::Supervisor => [
                K::ConversationsViewAll,
                K::ConversationsViewOwn,
                K::ConversationsReply,
                K::ConversationsAssign,
                K::ConversationsChangeStatus,
                K::ConversationsTag,
                K::ConversationsBulk,
                K::NotesWrite,
                K::NotesMention,
                K::ContactsView,
                K::ContactsEdit,
                K::CallsView,
                K::CallsHandle,
                K::CallsReassign,
                K::TeamsEditMembers,
                K::UsersView,
                K::UsersDeactivate,
                K::HandoversRun,
                K::ReportsView,
            ]
            .into_iter()
            .collect(),
            Self::Agent => [
                K::ConversationsViewOwn,
                K::ConversationsReply,
                K::ConversationsAssign,
                K::ConversationsChangeStatus,
                K::ConversationsTag,
                K::NotesWrite,
                K::NotesMention,
                K::ContactsView,
                K::CallsView,
                K::CallsHandle,
            ]
            .into_iter()
            .collect(),
            Self::Reader => {
                [K::ConversationsViewAll, K::ContactsView, K::CallsView, K::ReportsView].into_iter().collect()
            }
            Self::Guest => [K::ConversationsViewOwn, K::ConversationsReply, K::NotesWrite].into_iter().collect(),
        }
    }
}

/// A role of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Which standard role it is, if it is one.
    pub standard: Option<Standard>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it lets people do.
    pub permissions: PermissionSet,
}

impl Role {
    /// Whether it is the Owner role.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.standard == Some(Standard::Owner)
    }
}

/// Whether `actor` may give or take `role`: nobody gives what they lack, and only Owners make Owners.
#[must_use]
pub fn may_grant(actor: &Actor, role: &Role) -> bool {
    if role.is_owner() {
        return actor.is_owner();
    }
    actor.permissions().contains(role.permissions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_standard_role_up_to_agent_can_do_what_the_next_one_can() {
        let [owner, admin, supervisor, agent, ..] = Standard::ALL;
        for (higher, lower) in [(owner, admin), (admin, supervisor), (supervisor, agent)] {
            assert!(higher.permissions().contains(lower.permissions()), "{higher:?} {lower:?}");
        }
    }

    #[test]
    fn a_reader_changes_nothing() {
        let changing = Standard::Reader.permissions().iter().filter(|key| !key.as_str().contains(".view")).count();
        assert_eq!(changing, 0);
    }
}
