//! Who is asking and what they may do.
//!
//! A permission is a type; holding a [`Can<P>`] proves that the actor has it. Handlers take one as an argument and
//! verbs demand it, so that a forgotten check does not compile.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::ids::{ChannelId, JobId, SessionId, TeamId, UserId, WorkspaceId};
use super::users::Name;

/// A permission at compile time.
pub trait Permission {
    /// The same permission as a value.
    const KEY: Key;
}

macro_rules! permissions {
    ($($category:literal $module:ident { $($name:ident $variant:ident = $key:literal, $meaning:literal;)* })*) => {
        /// A permission as a value: what roles hold.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
        pub enum Key { $($(#[doc = $meaning] $variant,)*)* }

        impl Key {
            /// Every permission, in the order in which people read them.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)*)*];

            /// The name under which roles store it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$variant => $key,)*)* }
            }

            /// What it lets a person do, in words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $($(Self::$variant => $meaning,)*)* }
            }

            /// The heading that it stands under.
            #[must_use]
            pub const fn category(self) -> &'static str {
                match self { $($(Self::$variant => $category,)*)* }
            }

            /// The permission of this name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($($key => Some(Self::$variant),)*)* _ => None }
            }
        }

        $(
            #[doc = concat!("Permissions about ", $category, ".")]
            pub mod $module {
                $(
                    #[doc = $meaning]
                    pub struct $name;
                    impl super::Permission for $name {
                        const KEY: super::Key = super::Key::$variant;
                    }
                )*
            }
        )*
    };
}

permissions! {
    "Conversations" conversations {
        ViewAll ConversationsViewAll = "conversations.view_all", "See all conversations";
        ViewOwn ConversationsViewOwn = "conversations.view_own", "See their own, their teams’ and their channels’ unassigned conversations";
        Reply ConversationsReply = "conversations.reply", "Reply to contacts";
        Assign ConversationsAssign = "conversations.assign", "Assign conversations";
        ChangeStatus ConversationsChangeStatus = "conversations.change_status", "Close, reopen and snooze conversations";
        Tag ConversationsTag = "conversations.tag", "Set tags and priority";
        Bulk ConversationsBulk = "conversations.bulk", "Change many conversations at once";
    }
    "Notes" notes {
        Write NotesWrite = "notes.write", "Write internal notes";
        Mention NotesMention = "notes.mention", "Mention teammates";
    }
    "Contacts" contacts {
        View ContactsView = "contacts.view", "See contacts";
        Edit ContactsEdit = "contacts.edit", "Edit contacts";
    }
    "Calls" calls {
        View CallsView = "calls.view", "See calls";
        Handle CallsHandle = "calls.handle", "Answer calls";
        Reassign CallsReassign = "calls.reassign", "Reassign calls";
    }
    "Teams" teams {
        Manage TeamsManage = "teams.manage", "Create, rename and delete teams";
        EditMembers TeamsEditMembers = "teams.edit_members", "Add and remove team members";
    }
    "Users" users {
        View UsersView = "users.view", "See users and their profiles";
        Invite UsersInvite = "users.invite", "Invite users";
        Edit UsersEdit = "users.edit", "Edit users’ names and addresses";
        Deactivate UsersDeactivate = "users.deactivate", "Deactivate and reactivate users";
        Remove UsersRemove = "users.remove", "Remove users";
        Delete UsersDelete = "users.delete", "Delete users for good";
        AssignRoles UsersAssignRoles = "users.assign_roles", "Give and take roles";
    }
    "Work" handovers {
        Run HandoversRun = "handovers.run", "Hand over a person’s work";
    }
    "Channels" channels {
        Manage ChannelsManage = "channels.manage", "Manage channels and their members";
    }
    "Rules" rules {
        Routing RoutingManage = "routing.manage", "Manage routing";
        Automations AutomationsManage = "automations.manage", "Manage automations";
    }
    "Reports" reports {
        View ReportsView = "reports.view", "See reports";
    }
    "Administration" administration {
        Settings SettingsManage = "settings.manage", "Change workspace settings";
        Roles RolesManage = "roles.manage", "Manage roles";
        ViewAudit AuditView = "audit.view", "See the audit log";
        ExportAudit AuditExport = "audit.export", "Export the audit log";
        ApiKeys ApiKeysManage = "api_keys.manage", "Manage API keys";
    }
}

impl Key {
    /// Every permission, under its headings.
    #[must_use]
    pub fn by_category() -> Vec<(&'static str, Vec<Self>)> {
        let mut groups: Vec<(&'static str, Vec<Self>)> = Vec::new();
        for key in Self::ALL.iter().copied() {
            match groups.last_mut() {
                Some((name, keys)) if *name == key.category() => keys.push(key),
                _ => groups.push((key.category(), vec![key])),
            }
        }
        groups
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What somebody may do: the union over their roles.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Everything, now and when permissions are added: what Owners and the system have.
    pub const ALL: Self = Self(u64::MAX);

    /// Whether the permission is in the set.
    #[must_use]
    pub fn has(self, key: Key) -> bool {
        self.0 & Self::bit(key) != 0
    }

    /// Adds a permission.
    pub fn insert(&mut self, key: Key) {
        self.0 |= Self::bit(key);
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is here and not in `other`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// How many permissions there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether everything in `other` is here too.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        Key::ALL.iter().all(|key| self.has(*key) || !other.has(*key))
    }

    /// The permissions in the set, in reading order.
    pub fn iter(self) -> impl Iterator<Item = Key> {
        Key::ALL.iter().copied().filter(move |key| self.has(*key))
    }

    const fn bit(key: Key) -> u64 {
        1 << (key as u64)
    }
}

impl FromIterator<Key> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        let mut set = Self::NONE;
        for key in keys {
            set.insert(key);
        }
        set
    }
}

/// The logged-in person behind a request, as it was when the request came in.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who it is.
    pub id: UserId,
    /// Their names.
    pub name: Name,
    /// Whether one of their roles is Owner.
    pub is_owner: bool,
    /// What they may do.
    pub permissions: PermissionSet,
    /// The teams that they are in.
    pub teams: Vec<TeamId>,
    /// The channels that they are members of.
    pub channels: Vec<ChannelId>,
    /// Whether Guest is their only role: guests see nothing that is unassigned.
    pub only_guest: bool,
    /// The session of the request.
    pub session: SessionId,
}

/// Who does something.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Somebody who is logged in.
    Person(Arc<Person>),
    /// Baton itself: a timer, a command on the machine, incoming mail.
    System,
    /// Baton itself, going on with what this user started.
    OnBehalf(UserId),
}

impl Actor {
    /// The user behind it, if it is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::Person(person) => Some(person.id),
            Self::OnBehalf(user) => Some(*user),
            Self::System => None,
        }
    }

    /// What it may do.
    #[must_use]
    pub fn permissions(&self) -> PermissionSet {
        match self {
            Self::Person(person) => person.permissions,
            Self::System | Self::OnBehalf(_) => PermissionSet::ALL,
        }
    }

    /// Whether it may do what only Owners may.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        match self {
            Self::Person(person) => person.is_owner,
            Self::System | Self::OnBehalf(_) => true,
        }
    }
}

/// Why something happened, beside who did it. Shown in histories ("by bulk change …").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A command on the machine.
    Command,
    /// A time that was set came.
    Timer,
    /// The end of the years for which former users are kept.
    Retention,
    /// A rule of the workspace.
    Automatic,
    /// A message from a contact.
    IncomingMail,
    /// A bulk job.
    Job(JobId),
}

impl Cause {
    /// The name under which it is stored.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Timer => "timer",
            Self::Retention => "retention",
            Self::Automatic => "automatic",
            Self::IncomingMail => "incoming_mail",
            Self::Job(_) => "job",
        }
    }

    /// The job, if it was one.
    #[must_use]
    pub const fn job(&self) -> Option<JobId> {
        match self {
            Self::Job(id) => Some(*id),
            _ => None,
        }
    }
}

/// Where and as whom a piece of work is done. Everything that reads or writes is bound to one.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The workspace. Nothing outside of it can be reached.
    pub workspace: WorkspaceId,
    /// Who acts.
    pub actor: Actor,
    /// Why, if it is not simply the actor's own doing.
    pub cause: Option<Cause>,
    /// The network address that the request came from.
    pub address: Option<String>,
    /// The request, as the log names it.
    pub request_id: Option<String>,
}

impl Scope {
    /// Baton itself, acting in a workspace.
    #[must_use]
    pub fn system(workspace: WorkspaceId, cause: Option<Cause>) -> Self {
        Self { workspace, actor: Actor::System, cause, address: None, request_id: None }
    }
}

impl Scope {
    /// Baton going on with what a user started, whatever became of them since.
    #[must_use]
    pub fn on_behalf(workspace: WorkspaceId, user: UserId) -> Self {
        Self { actor: Actor::OnBehalf(user), ..Self::system(workspace, None) }
    }
}

/// Proof that the actor of a scope has a permission.
pub struct Can<P> {
    scope: Scope,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Can<P> {
    /// The proof, if the actor of `scope` has the permission.
    #[must_use]
    pub fn check(scope: &Scope) -> Option<Self> {
        scope.actor.permissions().has(P::KEY).then(|| Self { scope: scope.clone(), permission: PhantomData })
    }

    /// The proof for Baton's own work, which may do everything in its workspace.
    #[must_use]
    pub fn for_system(workspace: WorkspaceId, cause: Cause) -> Self {
        Self { scope: Scope::system(workspace, Some(cause)), permission: PhantomData }
    }

    /// The scope that was checked.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// Which conversations somebody may see: the one rule behind lists, counts, addresses and bulk changes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sees {
    /// All of the workspace.
    All,
    /// Those assigned to them or their teams, and the unassigned ones of their channels.
    Own {
        /// The person.
        user: UserId,
        /// Their teams.
        teams: Vec<TeamId>,
        /// Their channels.
        channels: Vec<ChannelId>,
        /// Whether unassigned conversations count: guests see only what is assigned to them or their teams.
        unassigned: bool,
    },
    /// None.
    Nothing,
}

impl Sees {
    /// What the actor may see.
    #[must_use]
    pub fn of(actor: &Actor) -> Self {
        match actor {
            Actor::System | Actor::OnBehalf(_) => Self::All,
            Actor::Person(person) if person.permissions.has(Key::ConversationsViewAll) => Self::All,
            Actor::Person(person) if person.permissions.has(Key::ConversationsViewOwn) => Self::Own {
                user: person.id,
                teams: person.teams.clone(),
                channels: person.channels.clone(),
                unassigned: !person.only_guest,
            },
            Actor::Person(_) => Self::Nothing,
        }
    }

    /// Whether a conversation that stands so is seen. The SQL condition of the store says the same.
    #[must_use]
    pub fn covers(&self, assignee: Option<UserId>, team: Option<TeamId>, channel: ChannelId) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Own { user, teams, channels, unassigned } => {
                assignee == Some(*user)
                    || team.is_some_and(|team| teams.contains(&team))
                    || (*unassigned && assignee.is_none() && team.is_none() && channels.contains(&channel))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_a_bit_and_a_name_of_its_own() {
        assert!(Key::ALL.len() < 64);
        for key in Key::ALL {
            assert_eq!(Key::parse(key.as_str()), Some(*key));
            let only = PermissionSet::from_iter([*key]);
            assert_eq!(only.iter().collect::<Vec<_>>(), [*key]);
        }
    }

    #[test]
    fn everything_contains_everything_and_nothing_contains_only_itself() {
        assert!(PermissionSet::ALL.contains(PermissionSet::from_iter(Key::ALL.iter().copied())));
        assert!(PermissionSet::NONE.contains(PermissionSet::NONE));
        assert!(!PermissionSet::NONE.contains(PermissionSet::from_iter([Key::UsersView])));
    }
}
