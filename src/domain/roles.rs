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
    /// Raised with every change, so that a stale form is noticed.
    pub version: i64,
}

/// The most characters that a role's description has.
pub const DESCRIPTION: usize = 200;

/// A "no" about a role, in words that say what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoleRefusal {
    ///
    #[error("The role Owner can do everything, always. It can’t be changed or deleted.")]
    OwnerStays,
    ///
    #[error("{0} is a standard role, so it can’t be deleted. You can change what it allows, or take it from everyone.")]
    StandardStays(String),
    ///
    #[error("{0} is a standard role and keeps its name. Copy it to make a role of your own.")]
    StandardName(String),
    ///
    #[error("There is a role called {0} already.")]
    NameTaken(String),
    ///
    #[error("{role} is held by {holders}. Give them another role first.")]
    Held {
        /// The role's name.
        role: String,
        /// How many, in words.
        holders: String,
    },
    ///
    #[error("You can’t add or take “{0}”, because you may not do that yourself.")]
    PermissionBeyondYou(&'static str),
    ///
    #[error("You can’t delete {0}, because it allows more than you may do yourself.")]
    DeleteBeyondYou(String),
    /// A role that allows nothing is a mistake.
    #[error("Choose at least one permission.")]
    NoPermission,
}

/// Whether `actor` may make a role of these permissions.
///
/// # Errors
/// The reason why not.
pub fn may_create(actor: &Actor, permissions: PermissionSet) -> Result<(), RoleRefusal> {
    may_change(actor, PermissionSet::NONE, permissions)
}

/// Whether `actor` may make a role what is wanted. Whatever a person may not do, they neither add to a role
/// nor take from it; so nobody raises themselves or others by editing a role, whether they hold it or not.
///
/// # Errors
/// The reason why not.
pub fn may_update(actor: &Actor, role: &Role, name: &str, permissions: PermissionSet) -> Result<(), RoleRefusal> {
    if role.is_owner() {
        return Err(RoleRefusal::OwnerStays);
    }
    if role.standard.is_some() && role.name != name {
        return Err(RoleRefusal::StandardName(role.name.clone()));
    }
    may_change(actor, role.permissions, permissions)
}

fn may_change(actor: &Actor, before: PermissionSet, after: PermissionSet) -> Result<(), RoleRefusal> {
    if after.is_empty() {
        return Err(RoleRefusal::NoPermission);
    }
    let changed = after.minus(before).union(before.minus(after));
    match changed.minus(actor.permissions()).iter().next() {
        Some(key) => Err(RoleRefusal::PermissionBeyondYou(key.meaning())),
        None => Ok(()),
    }
}

/// Whether `actor` may delete a role that so many users hold, whatever their status.
///
/// # Errors
/// The reason why not.
pub fn may_delete(actor: &Actor, role: &Role, holders: i64) -> Result<(), RoleRefusal> {
    match role.standard {
        Some(Standard::Owner) => return Err(RoleRefusal::OwnerStays),
        Some(_) => return Err(RoleRefusal::StandardStays(role.name.clone())),
        None => {}
    }
    if holders > 0 {
        let holders = super::text::counted(holders, "user", "users");
        return Err(RoleRefusal::Held { role: role.name.clone(), holders });
    }
    if !actor.permissions().contains(role.permissions) {
        return Err(RoleRefusal::DeleteBeyondYou(role.name.clone()));
    }
    Ok(())
}

/// Whether the actor could no longer manage roles once `role`, one of those they hold, allows only `after`. They may
/// do that, but not unnoticed.
#[must_use]
pub fn locks_out(actor: &Actor, held: &[&Role], role: RoleId, after: PermissionSet) -> bool {
    let left = |one: &&Role| if one.id == role { after } else { one.permissions };
    let remaining = held.iter().map(left).fold(PermissionSet::NONE, PermissionSet::union);
    !actor.is_owner() && held.iter().any(|one| one.id == role) && !remaining.has(Key::RolesManage)
}

/// Whether the actor could no longer manage roles if these were all that they hold. They may do that, but not unnoticed.
#[must_use]
pub fn gives_up_roles(actor: &Actor, left: &[&Role]) -> bool {
    actor.permissions().has(Key::RolesManage) && !left.iter().any(|role| role.permissions.has(Key::RolesManage))
}

/// Whether `actor` may do to somebody's account what lets them in as that person: choose the address that links for a
/// new password go to, or see the link of their invite. Otherwise it would be a way to permissions that one lacks.
#[must_use]
pub fn may_stand_in(actor: &Actor, theirs: PermissionSet, are_owner: bool) -> bool {
    (!are_owner || actor.is_owner()) && actor.permissions().contains(theirs)
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
    use crate::domain::access::Person;
    use crate::domain::ids::{SessionId, UserId};
    use crate::domain::users::Name;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;
    use uuid::Uuid;

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

    fn actor(is_owner: bool, permissions: PermissionSet) -> Actor {
        Actor::Person(Arc::new(Person {
            id: UserId::NIL,
            name: Name { full: "Ada".into(), display: "Ada".into() },
            is_owner,
            permissions,
            teams: vec![],
            channels: vec![],
            only_guest: false,
            session: SessionId::NIL,
        }))
    }

    fn role(number: u128, standard: Option<Standard>, permissions: PermissionSet) -> Role {
        Role {
            id: RoleId(Uuid::from_u128(number)),
            standard,
            name: standard.map_or("Weekend lead", Standard::name).into(),
            description: String::new(),
            permissions,
            version: 1,
        }
    }

    #[test]
    fn the_owner_role_stays_as_it_is_whoever_asks() {
        let owner = role(1, Some(Standard::Owner), PermissionSet::ALL);
        for who in [actor(true, PermissionSet::ALL), Actor::System] {
            assert_eq!(may_update(&who, &owner, "Owner", Standard::Agent.permissions()), Err(RoleRefusal::OwnerStays));
            assert_eq!(may_delete(&who, &owner, 0), Err(RoleRefusal::OwnerStays));
        }
    }

    #[test]
    fn giving_up_the_roles_is_noticed() {
        let (admin, agent) = (
            role(1, Some(Standard::Admin), Standard::Admin.permissions()),
            role(2, Some(Standard::Agent), Standard::Agent.permissions()),
        );
        let ada = actor(false, Standard::Admin.permissions());
        assert!(gives_up_roles(&ada, &[&agent]) && gives_up_roles(&ada, &[]));
        assert!(!gives_up_roles(&ada, &[&agent, &admin]));
        assert!(gives_up_roles(&actor(true, PermissionSet::ALL), &[&agent]), "an Owner among others, too");
        assert!(!gives_up_roles(&actor(false, Standard::Agent.permissions()), &[]), "who never could loses nothing");
    }

    #[test]
    fn standard_roles_keep_their_names_and_stay() {
        let agent = role(1, Some(Standard::Agent), Standard::Agent.permissions());
        let olga = actor(true, PermissionSet::ALL);
        assert!(matches!(may_update(&olga, &agent, "Helper", agent.permissions), Err(RoleRefusal::StandardName(_))));
        assert!(matches!(may_delete(&olga, &agent, 0), Err(RoleRefusal::StandardStays(_))));
        assert_eq!(may_update(&olga, &agent, "Agent", Standard::Guest.permissions()), Ok(()));
    }

    #[test]
    fn a_role_that_is_held_stays_and_says_by_how_many() {
        let custom = role(1, None, Standard::Agent.permissions());
        let said = may_delete(&Actor::System, &custom, 3).map_err(|refusal| refusal.to_string());
        assert_eq!(said, Err("Weekend lead is held by 3 users. Give them another role first.".to_owned()));
        assert_eq!(may_delete(&Actor::System, &custom, 0), Ok(()));
    }

    #[test]
    fn what_a_person_lacks_they_neither_add_nor_take() {
        let ada = actor(false, [K::RolesManage, K::UsersView].into_iter().collect());
        let custom = role(1, None, [K::UsersView, K::UsersDelete].into_iter().collect());
        let to = |keys: &[Key]| may_update(&ada, &custom, "Renamed", keys.iter().copied().collect());
        assert_eq!(to(&[K::UsersView, K::UsersDelete, K::RolesManage]), Ok(()));
        assert_eq!(to(&[K::UsersDelete]), Ok(()));
        let beyond = |key: Key| Err(RoleRefusal::PermissionBeyondYou(key.meaning()));
        assert_eq!(to(&[K::UsersView]), beyond(K::UsersDelete));
        assert_eq!(to(&[K::UsersView, K::UsersDelete, K::AuditView]), beyond(K::AuditView));
        assert_eq!(to(&[]), Err(RoleRefusal::NoPermission));
        assert!(matches!(may_delete(&ada, &custom, 0), Err(RoleRefusal::DeleteBeyondYou(_))));
    }

    #[test]
    fn who_takes_the_managing_of_roles_from_themselves_is_told() {
        let (manager, other) = ([K::RolesManage].into_iter().collect(), role(2, None, PermissionSet::NONE));
        let (mine, more) = (role(1, None, manager), role(3, None, manager));
        let ada = actor(false, manager);
        let without = PermissionSet::NONE;
        assert!(locks_out(&ada, &[&mine, &other], mine.id, without));
        assert!(!locks_out(&ada, &[&mine, &more], mine.id, without), "another role of theirs allows it");
        assert!(!locks_out(&ada, &[&mine], other.id, without), "not their role");
        assert!(!locks_out(&actor(true, PermissionSet::ALL), &[&mine], mine.id, without), "an Owner always can");
    }

    /// Who holds what, as far as permissions go.
    #[derive(Clone, Debug)]
    struct Model {
        roles: BTreeMap<u8, Role>,
        people: BTreeMap<u8, BTreeSet<u8>>,
    }

    impl Model {
        fn permissions(&self, who: u8) -> PermissionSet {
            let held = self.people.get(&who).into_iter().flatten().filter_map(|id| self.roles.get(id));
            held.map(|role| role.permissions).fold(PermissionSet::NONE, PermissionSet::union)
        }

        fn is_owner(&self, who: u8) -> bool {
            self.people.get(&who).is_some_and(|held| held.contains(&0))
        }

        fn actor(&self, who: u8) -> Actor {
            actor(self.is_owner(who), self.permissions(who))
        }

        /// What `who` asks for, done if the rules let them.
        fn ask(&mut self, who: u8, step: &Step) {
            let me = self.actor(who);
            let may = |key| me.permissions().has(key);
            match step {
                Step::Give(whom, id) | Step::Take(whom, id) => {
                    let Some(role) = self.roles.get(id) else { return };
                    let reachable = me.is_owner() || !self.is_owner(*whom);
                    if may(K::UsersAssignRoles) && may_grant(&me, role) && reachable {
                        let held = self.people.entry(*whom).or_default();
                        if matches!(step, Step::Give(..)) {
                            held.insert(*id)
                        } else {
                            held.remove(id)
                        };
                    }
                }
                Step::Create(id, wanted) => {
                    if may(K::RolesManage) && !self.roles.contains_key(id) && may_create(&me, *wanted).is_ok() {
                        self.roles.insert(*id, role((*id).into(), None, *wanted));
                    }
                }
                Step::Edit(id, wanted) => {
                    if let Some(role) = self.roles.get_mut(id)
                        && may(K::RolesManage)
                        && may_update(&me, role, &role.name, *wanted).is_ok()
                    {
                        role.permissions = *wanted;
                    }
                }
                Step::Delete(id) => {
                    let holders = self.people.values().filter(|held| held.contains(id)).count();
                    if let Some(role) = self.roles.get(id)
                        && may(K::RolesManage)
                        && may_delete(&me, role, i64::try_from(holders).unwrap()).is_ok()
                    {
                        self.roles.remove(id);
                    }
                }
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Give(u8, u8),
        Take(u8, u8),
        Create(u8, PermissionSet),
        Edit(u8, PermissionSet),
        Delete(u8),
    }

    fn sets() -> impl Strategy<Value = PermissionSet> {
        // The keys that matter for climbing are likely, so that sequences get somewhere.
        let climbing = proptest::sample::subsequence(vec![K::RolesManage, K::UsersAssignRoles, K::UsersView], 0..=3);
        let all = proptest::sample::subsequence(Key::ALL.to_vec(), 0..=Key::ALL.len());
        (climbing, all).prop_map(|(some, more)| some.into_iter().chain(more).collect())
    }

    fn steps() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u8..4, 0_u8..8).prop_map(|(who, role)| Step::Give(who, role)),
            (0_u8..4, 0_u8..8).prop_map(|(who, role)| Step::Take(who, role)),
            (5_u8..8, sets()).prop_map(|(id, keys)| Step::Create(id, keys)),
            (0_u8..8, sets()).prop_map(|(id, keys)| Step::Edit(id, keys)),
            (0_u8..8).prop_map(Step::Delete),
        ]
    }

    proptest! {
        #[test]
        fn whatever_one_person_does_nobody_gets_what_that_person_lacked(
            bundles in proptest::collection::vec(sets(), 4),
            held in proptest::collection::vec(proptest::collection::btree_set(0_u8..5, 0..3), 4),
            does in proptest::collection::vec(steps(), 1..40),
        ) {
            let owner = (0, role(0, Some(Standard::Owner), PermissionSet::ALL));
            let custom = (1_u8..).zip(bundles).map(|(id, keys)| (id, role(id.into(), None, keys)));
            let mut model = Model { roles: std::iter::once(owner).chain(custom).collect(), people: (0..).zip(held).collect() };
            let who = 0;
            let (first, was_owner) = (model.permissions(who), model.is_owner(who));
            for step in &does {
                let before = model.clone();
                model.ask(who, step);
                prop_assert!(first.contains(model.permissions(who)), "{step:?} raised the one who did it");
                for person in 0..4 {
                    let gained = model.permissions(person).minus(before.permissions(person));
                    prop_assert!(first.contains(gained), "{step:?} gave {person} {:?}", gained.iter().collect::<Vec<_>>());
                    prop_assert!(was_owner || model.is_owner(person) == before.is_owner(person));
                }
            }
        }
    }
}
