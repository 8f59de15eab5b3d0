//! "Why can't this user…?": what gives a person a permission, and what stands in its way.

use super::access::Key;
use super::roles::{Role, Standard};
use super::users::Status;

/// What is known of a person, as far as it decides what they may do.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Where they stand.
    pub status: Status,
    /// The roles that they hold.
    pub held: &'a [&'a Role],
    /// All roles of the workspace.
    pub all: &'a [Role],
    /// How many teams they are in.
    pub teams: usize,
    /// How many channels they are a member of.
    pub channels: usize,
}

/// Something besides their roles that keeps a person from it, or narrows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// They have not accepted their invite.
    Invited,
    /// They are deactivated.
    Deactivated,
    /// They were removed or deleted.
    Gone,
    /// Without one of these permissions they do not get to where it is done.
    Needs(&'static [Key]),
    /// They are in no team, so they see no team's conversations.
    NoTeam,
    /// They are a member of no channel, so they see no unassigned conversations.
    NoChannel,
    /// Guest is their only role, so they see no unassigned conversations.
    OnlyGuest,
    /// They can do it to people only who may do no more than they may themselves.
    NotBeyondThem,
}

impl Obstacle {
    /// Whether it keeps them from it altogether, rather than narrowing it.
    #[must_use]
    pub const fn blocks(self) -> bool {
        matches!(self, Self::Invited | Self::Deactivated | Self::Gone | Self::Needs(_))
    }
}

/// Why a person may do something, or may not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation<'a> {
    /// Whether they can do it as things stand.
    pub can: bool,
    /// Which of their roles give it.
    pub given_by: Vec<&'a Role>,
    /// Which other roles would.
    pub would_give: Vec<&'a Role>,
    /// What stands in the way.
    pub obstacles: Vec<Obstacle>,
}

const SEE: &[Key] = &[Key::ConversationsViewAll, Key::ConversationsViewOwn];

/// What has to be had besides, one of each: it is done on a page that only these open.
const fn needs(key: Key) -> &'static [Key] {
    match key {
        Key::ConversationsReply
        | Key::ConversationsAssign
        | Key::ConversationsChangeStatus
        | Key::ConversationsTag
        | Key::ConversationsBulk
        | Key::NotesWrite
        | Key::NotesMention => SEE,
        Key::TeamsManage => &[Key::TeamsEditMembers],
        Key::UsersInvite
        | Key::UsersEdit
        | Key::UsersDeactivate
        | Key::UsersRemove
        | Key::UsersDelete
        | Key::UsersAssignRoles
        | Key::HandoversRun => &[Key::UsersView],
        Key::ContactsEdit => &[Key::ContactsView],
        Key::CallsHandle | Key::CallsReassign => &[Key::CallsView],
        Key::AuditExport => &[Key::AuditView],
        _ => &[],
    }
}

/// Whether it is about conversations, so that it goes only as far as these are seen.
const fn is_about_conversations(key: Key) -> bool {
    matches!(
        key,
        Key::ConversationsViewOwn
            | Key::ConversationsReply
            | Key::ConversationsAssign
            | Key::ConversationsChangeStatus
            | Key::ConversationsTag
            | Key::ConversationsBulk
            | Key::NotesWrite
            | Key::NotesMention
    )
}

/// Whether it takes people's access or gives it back, so that it goes only as far as one may oneself.
const fn stops_people(key: Key) -> bool {
    matches!(key, Key::UsersDeactivate | Key::UsersRemove | Key::UsersDelete)
}

/// Why a person may do it, or may not.
#[must_use]
pub fn explain<'a>(facts: &Facts<'a>, key: Key) -> Explanation<'a> {
    let has = |key: Key| facts.held.iter().any(|role| role.permissions.has(key));
    let given_by: Vec<&Role> = facts.held.iter().copied().filter(|role| role.permissions.has(key)).collect();
    let would_give =
        facts.all.iter().filter(|role| role.permissions.has(key) && !facts.held.iter().any(|held| held.id == role.id));
    let mut obstacles = Vec::new();
    match facts.status {
        Status::Active => {}
        Status::Invited => obstacles.push(Obstacle::Invited),
        Status::Inactive => obstacles.push(Obstacle::Deactivated),
        Status::Removed | Status::Deleted => obstacles.push(Obstacle::Gone),
    }
    let needed = needs(key);
    if !needed.is_empty() && !needed.iter().any(|key| has(*key)) {
        obstacles.push(Obstacle::Needs(needed));
    }
    if is_about_conversations(key) && has(Key::ConversationsViewOwn) && !has(Key::ConversationsViewAll) {
        if facts.teams == 0 {
            obstacles.push(Obstacle::NoTeam);
        }
        if facts.held.iter().all(|role| role.standard == Some(Standard::Guest)) {
            obstacles.push(Obstacle::OnlyGuest);
        } else if facts.channels == 0 {
            obstacles.push(Obstacle::NoChannel);
        }
    }
    if stops_people(key) && !facts.held.iter().any(|role| role.is_owner()) {
        obstacles.push(Obstacle::NotBeyondThem);
    }
    Explanation {
        can: !given_by.is_empty() && !obstacles.iter().any(|one| one.blocks()),
        given_by,
        would_give: would_give.collect(),
        obstacles,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::PermissionSet;
    use crate::domain::ids::RoleId;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn standard() -> Vec<Role> {
        let role = |(number, one): (u128, Standard)| Role {
            id: RoleId(Uuid::from_u128(number)),
            standard: Some(one),
            name: one.name().to_owned(),
            description: String::new(),
            permissions: one.permissions(),
            version: 1,
        };
        (1_u128..).zip(Standard::ALL).map(role).collect()
    }

    fn asked(
        held: &[Standard],
        status: Status,
        key: Key,
        places: (usize, usize),
    ) -> (bool, Vec<String>, Vec<String>, Vec<Obstacle>) {
        let all = standard();
        let held: Vec<&Role> = all.iter().filter(|role| role.standard.is_some_and(|one| held.contains(&one))).collect();
        let facts = Facts { status, held: &held, all: &all, teams: places.0, channels: places.1 };
        let said = explain(&facts, key);
        let names = |roles: &[&Role]| roles.iter().map(|role| role.name.clone()).collect();
        (said.can, names(&said.given_by), names(&said.would_give), said.obstacles)
    }

    #[test]
    fn roles_that_give_it_and_roles_that_would_are_named() {
        let (can, by, would, obstacles) = asked(&[Standard::Agent], Status::Active, Key::UsersInvite, (1, 1));
        assert_eq!((can, by.len(), would), (false, 0, vec!["Owner".to_owned(), "Admin".to_owned()]));
        assert_eq!(obstacles, [Obstacle::Needs(&[Key::UsersView])]);
        let (can, by, ..) = asked(&[Standard::Agent, Standard::Admin], Status::Active, Key::UsersInvite, (1, 1));
        assert_eq!((can, by), (true, vec!["Admin".to_owned()]));
    }

    #[test]
    fn a_status_stands_in_the_way_of_everything() {
        for (status, obstacle) in [(Status::Inactive, Obstacle::Deactivated), (Status::Invited, Obstacle::Invited)] {
            let (can, by, _, obstacles) = asked(&[Standard::Owner], status, Key::UsersInvite, (0, 0));
            assert_eq!((can, by, obstacles), (false, vec!["Owner".to_owned()], vec![obstacle]));
        }
    }

    #[test]
    fn who_may_do_more_is_out_of_reach() {
        let (can, .., obstacles) = asked(&[Standard::Supervisor], Status::Active, Key::UsersDeactivate, (1, 1));
        assert_eq!((can, obstacles), (true, vec![Obstacle::NotBeyondThem]));
        let (can, .., obstacles) = asked(&[Standard::Owner], Status::Active, Key::UsersRemove, (1, 1));
        assert_eq!((can, obstacles), (true, vec![]));
    }

    #[test]
    fn teams_and_channels_narrow_what_is_seen() {
        let see = Key::ConversationsViewOwn;
        let (can, .., obstacles) = asked(&[Standard::Agent], Status::Active, see, (0, 0));
        assert_eq!((can, obstacles), (true, vec![Obstacle::NoTeam, Obstacle::NoChannel]));
        let (can, .., obstacles) = asked(&[Standard::Guest], Status::Active, Key::ConversationsReply, (1, 4));
        assert_eq!((can, obstacles), (true, vec![Obstacle::OnlyGuest]));
        let (.., obstacles) = asked(&[Standard::Supervisor], Status::Active, see, (0, 0));
        assert!(obstacles.is_empty(), "whoever sees all is narrowed by nothing");
        let (can, .., obstacles) = asked(&[Standard::Reader], Status::Active, Key::ConversationsReply, (0, 0));
        assert_eq!((can, obstacles.len()), (false, 0));
    }

    proptest! {
        #[test]
        fn who_can_has_a_role_for_it_and_nothing_in_the_way(
            keys in proptest::sample::subsequence(Key::ALL.to_vec(), 0..=Key::ALL.len()),
            asked in proptest::sample::select(Key::ALL.to_vec()),
            active: bool,
        ) {
            let custom = Role { permissions: keys.into_iter().collect::<PermissionSet>(), standard: None, ..standard().remove(3) };
            let all = [custom.clone()];
            let status = if active { Status::Active } else { Status::Inactive };
            let held = [&custom];
            let said = explain(&Facts { status, held: &held, all: &all, teams: 0, channels: 0 }, asked);
            prop_assert_eq!(!said.given_by.is_empty(), custom.permissions.has(asked));
            prop_assert!(!said.can || (active && custom.permissions.has(asked)));
            prop_assert!(said.can || !active || !custom.permissions.has(asked) || said.obstacles.iter().any(|one| one.blocks()));
        }
    }
}
